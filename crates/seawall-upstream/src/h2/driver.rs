//! The task of one connection: reads, writes, minds the peer's limit and its silence.
//!
//! It ends with the connection, or when the peer answers no ping. When it asks is said in `watch`.

use std::{
    future::Future,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll},
};

use ::h2::{Error, Ping, PingPong};
use tokio::time::{Sleep, sleep_until};

use super::{
    conn::{State, Wire},
    settings::StreamSettings,
    watch::{Step, Watch},
};
use crate::clock;

/// What drives a connection.
pub(super) struct Driver<L> {
    wire: Wire,
    pings: Option<PingPong>,
    state: Rc<State>,
    watch: Watch,
    on_limit: L,
}

impl<L: Fn()> Driver<L> {
    /// Drives `wire`; `on_limit` is told when the peer allows another number of streams.
    pub(super) fn new(
        mut wire: Wire,
        state: Rc<State>,
        settings: &StreamSettings,
        on_limit: L,
    ) -> Self {
        let watch = Watch::new(settings.quiet, settings.answer, clock::now());
        Self { pings: wire.ping_pong(), wire, state, watch, on_limit }
    }

    /// Drives it to its end.
    ///
    /// # Errors
    /// Why it failed, where the wire says so.
    pub(super) async fn run(mut self) -> Result<(), Error> {
        let mut timer = pin!(sleep_until(clock::now()));
        std::future::poll_fn(|cx| self.poll(timer.as_mut(), cx)).await
    }

    fn poll(
        &mut self,
        mut timer: Pin<&mut Sleep>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        self.state.attend(cx.waker());
        loop {
            if let Poll::Ready(ended) = Pin::new(&mut self.wire).poll(cx) {
                return Poll::Ready(ended);
            }
            self.listen(cx);
            self.mind_limit(timer.as_mut());
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            match self.watch.step(self.state.busy_since(), clock::now()) {
                Step::Wait(until) => timer.as_mut().reset(until),
                Step::Ping(until) => {
                    self.ask();
                    timer.as_mut().reset(until);
                }
                Step::Dead => {
                    self.state.is_unanswered.set(true);
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }

    /// Tells of another number of streams: because the peer says so, or because a refusal is so
    /// long ago that it counts no more.
    fn mind_limit(&self, timer: Pin<&mut Sleep>) {
        let mut is_news = self.state.set_peer_limit(self.wire.max_concurrent_send_streams());
        if let Some(until) = self.state.believed_until() {
            if clock::now() >= until {
                self.state.trust();
                is_news = true;
            } else if until < timer.deadline() {
                timer.reset(until);
            }
        }
        if is_news {
            (self.on_limit)();
        }
    }

    /// Takes note of what the peer sent.
    fn listen(&mut self, cx: &mut Context<'_>) {
        let received = self.state.meter.received();
        if !self.watch.is_news(received) {
            return;
        }
        self.state.on_heard();
        // Taken also where nobody asks any more, or no further ping could be sent.
        let ponged = self.pings.as_mut().is_some_and(|pings| pings.poll_pong(cx).is_ready());
        match ponged && self.watch.asks() {
            true => self.watch.on_answered(received, clock::now()),
            false => self.watch.on_heard(received, clock::now()),
        }
    }

    fn ask(&mut self) {
        if let Some(pings) = &mut self.pings {
            // It fails only on a connection that has ended, or while an answer is still to come
            // to a ping whose attempt left: either is seen by what follows.
            drop(pings.send_ping(Ping::opaque()));
        }
    }
}
