//! A call that cannot leak: dropped at any point, it gives back what it holds and is recorded.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use seawall_core::call::{Action, Call, CallState, Context, Replay, Verdict};
use seawall_core::rng::Stream;

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
        let mut side = CallSide::default();
        let upstream = Arc::clone(&route.upstream);
        let mut started = None;
        let action = worker.step_call(&upstream, &mut side, |ctx| {
            let (call, action) = begin(ctx);
            started = Some(call);
            action
        });
        #[expect(clippy::expect_used, reason = "the closure runs exactly once")]
        let call = started.expect("a step of the machine has run");
        let mut guarded = Box::new(Self { call, worker, route, record, upload, side });
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
        let (call, side) = (&mut self.call, &mut self.side);
        let action = self.worker.step_call(&self.route.upstream, side, |ctx| act(call, ctx));
        if let Action::Finish(verdict) = &action {
            self.finish(*verdict);
        }
        action
    }

    /// Tells the machine how much of the attempt's time the caller took for its body: that is not
    /// the service's to answer for.
    pub(super) fn charge_caller(&mut self, replay: Replay) {
        let now = self.worker.clock.now();
        if let Some(since) = self.upload.as_ref().and_then(|u| u.borrow().callers_time(now)) {
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

    /// Notes the latency of the call: the head of its answer is there.
    pub(super) fn note_head(&self) {
        let now = self.worker.clock.now();
        self.upstream().lock().latency.record(now, now.since(self.call.started()));
    }

    /// Writes down what the call came to, once.
    pub(super) fn finish(&mut self, verdict: Verdict) {
        let trail = self.side.trail.take().unwrap_or_default();
        self.record.finish((&self.call, trail), verdict, &self.route, &self.worker);
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
