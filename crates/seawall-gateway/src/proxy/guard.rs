//! A call that cannot leak: dropped at any point, it gives back what it holds and is recorded.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use seawall_core::call::{Action, Call, CallState, Context, Replay, Verdict};
use seawall_core::rng::Stream;
use seawall_core::time::Instant;

use super::record::Record;
use crate::body::Upload;
use crate::live::Route;
use crate::upstreams::{CallSide, Ledger, SharedUpstream};
use crate::worker::Worker;

/// A call in progress, with everything it needs to take a step.
#[derive(Debug)]
pub(crate) struct Guarded {
    pub(super) call: Call,
    pub(super) worker: Rc<Worker>,
    pub(super) route: Arc<Route>,
    pub(super) record: Record,
    /// The body of the request, unless it has none.
    pub(super) upload: Option<Rc<RefCell<Upload>>>,
    /// The time of the latest step.
    pub(super) now: Instant,
    side: CallSide,
}

type Ctx<'a, 'b> = Context<'a, Stream, Ledger<'b>>;

impl Guarded {
    /// Begins a call on `route`.
    pub(super) fn start(
        (worker, route): (Rc<Worker>, Arc<Route>),
        record: Record,
        upload: Option<Rc<RefCell<Upload>>>,
        begin: impl FnOnce(&mut Ctx<'_, '_>) -> (Call, Action),
    ) -> (Box<Self>, Action) {
        let now = worker.clock.now();
        let mut side = CallSide::new(now);
        let mut started = None;
        let action = worker.step_call(&route.upstream, &mut side, now, |ctx| {
            let (call, action) = begin(ctx);
            started = Some(call);
            action
        });
        #[expect(clippy::expect_used, reason = "the closure runs exactly once")]
        let call = started.expect("a step of the machine has run");
        let mut guarded = Box::new(Self { call, worker, route, record, upload, now, side });
        if let Action::Finish(verdict) = &action {
            guarded.finish(*verdict);
        }
        (guarded, action)
    }

    /// One step of the call.
    pub(super) fn step(
        &mut self,
        act: impl FnOnce(&mut Call, &mut Ctx<'_, '_>) -> Action,
    ) -> Action {
        self.now = self.worker.clock.now();
        let (call, side) = (&mut self.call, &mut self.side);
        let upstream = &self.route.upstream;
        let action = self.worker.step_call(upstream, side, self.now, |ctx| act(call, ctx));
        if let Action::Finish(verdict) = &action {
            self.finish(*verdict);
        }
        action
    }

    /// Tells the machine how much of the attempt's time the caller took for its body: that is not
    /// the service's to answer for.
    pub(super) fn charge_caller(&mut self, replay: Replay) {
        let Some(upload) = &self.upload else { return };
        if let Some(since) = upload.borrow().callers_time(self.worker.clock.now()) {
            self.call.uploading(since, replay);
        }
    }

    /// The upstream of the call.
    pub(super) fn upstream(&self) -> &Arc<SharedUpstream> {
        &self.route.upstream
    }

    /// Completes when the bulkhead may have granted a permit.
    pub(super) async fn granted(&self) {
        self.side.place.granted().await;
    }

    /// Writes down what the call came to, once.
    pub(super) fn finish(&mut self, verdict: Verdict) {
        let trail = self.side.trail.take().unwrap_or_default();
        let ended = (&self.call, trail, self.now);
        self.record.finish(ended, verdict, &self.route, &self.worker);
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if self.call.state() == CallState::Finished {
            return;
        }
        self.charge_caller(Replay::Possible);
        let _settled: Action = self.step(|call, ctx| {
            call.cancelled(ctx);
            Action::Wait
        });
        debug_assert_eq!(self.call.state(), CallState::Finished, "a cancelled call is over");
        self.finish(Verdict::Cancelled);
    }
}
