//! The future of one call: does what the call machine says, and decides nothing.
//!
//! The attempts that run are in `attempts.rs`, the steps of the machine and the guard that settles
//! a dropped call in `guard.rs`, the ladder in `fallback.rs` and `ladder.rs`, and what a verdict
//! means to the caller in `verdict.rs`.

mod attempts;
mod fallback;
mod guard;
mod handle;
mod ladder;
mod operation;
mod options;
mod verdict;

pub use fallback::{Answer, Provenance, Why};
pub use handle::Handle;
pub use ladder::{Asked, Below, Fallback, FallbackWith, Ladder, Lengthen, NoFallback};
pub use operation::Operation;
#[cfg(feature = "tower")]
pub(crate) use operation::sealed;
pub(crate) use options::Options;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;

use seawall_core::call::Rung;
use seawall_core::outcome::{Observation, Sent};
use seawall_core::reason::Reason;

use crate::classify::Classify;
use crate::step::{Input, Next};
use crate::timer::Timer;
use crate::{Attempt, Error};
use attempts::{Attempts, Brought};
use guard::Guard;

pin_project! {
    /// A call of a [`Policy`](crate::Policy): a future of `Result<T, Error<E>>`, or with a
    /// [fallback](Call::fallback) of `Result<Answer<T>, Error<E>>`.
    ///
    /// It starts when it is first polled, and allocates nothing while attempts succeed. `Send` if
    /// the operation and its futures are. When it is dropped before its end, the running attempt
    /// is dropped first and then counted as abandoned, and permits, places and reservations come
    /// back. A result that is ready wins over a deadline that has passed, also on a late poll.
    #[must_use = "a call does nothing until it is awaited"]
    #[derive(Debug)]
    #[project = Parts]
    pub struct Call<P, Op, Fut, L = NoFallback>
    where
        P: Handle,
        Fut: Future,
    {
        // Declared, and hence dropped, before the guard: the machine hears of the end of an
        // attempt only when it has ended.
        #[pin]
        attempts: Attempts<Fut>,
        #[pin]
        timer: Timer,
        // The latest result: handed on when no attempt brings a better one.
        kept: Option<Fut::Output>,
        // The wait that the dependency asked for with that result.
        hint: Option<Duration>,
        guard: Guard<P>,
        operation: Op,
        options: Options,
        ladder: L,
    }
}

impl<P: Handle, Op, Fut: Future> Call<P, Op, Fut> {
    pub(crate) fn new(policy: P, operation: Op) -> Self {
        Self::with_ladder(policy, operation, NoFallback::new())
    }
}

impl<P: Handle, Op, Fut: Future, L: Lengthen> Call<P, Op, Fut, L> {
    /// Answers by `substitute` when no attempt brings a good result, in time for the deadline: the
    /// attempts end 50 ms or a twentieth of the total earlier, whichever is more. It is told
    /// [`Why`] and may decline with `None`. The value comes as an [`Answer`], which tells a
    /// substitute from the real thing. Of several fallbacks the next is asked when one declines.
    ///
    /// Not asked when the call had no time left at its start, when it was kept out by the rate
    /// limit or by shedding, nor for results that say nothing against the dependency.
    ///
    /// ```
    /// # use seawall::Policy;
    /// # async fn fetch() -> Result<u32, std::io::Error> { Ok(7) }
    /// # async fn rate(policy: &Policy) -> Result<(), seawall::Error<std::io::Error>> {
    /// let rate = policy.call(|_| fetch()).fallback(|_why| Some(100)).await?;
    /// if rate.is_substitute() {
    ///     // Say so to whoever reads it.
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn fallback<F, T, E>(self, substitute: F) -> Call<P, Op, Fut, L::With<Fallback<F>>>
    where
        F: FnOnce(Why<'_, E>) -> Option<T>,
        Fut: Future<Output = Result<T, E>>,
    {
        self.with_rung(Fallback::new(substitute))
    }

    /// The same for a substitute that takes time: the closure is told [`Why`], and the future that
    /// it returns has until the deadline of the call, at which it is dropped. It may itself be a
    /// call of another policy. It costs one allocation when it is needed.
    ///
    /// ```
    /// # use seawall::Policy;
    /// # async fn fetch(_from: &str) -> Result<u32, std::io::Error> { Ok(7) }
    /// # async fn rate(near: &Policy, far: &Policy) -> Result<(), seawall::Error<std::io::Error>> {
    /// let rate = near
    ///     .call(|_| fetch("near"))
    ///     .fallback_with(|why| {
    ///         let left = why.remaining().unwrap_or_default();
    ///         async move { far.call(|_| fetch("far")).within(left).await.ok() }
    ///     })
    ///     .fallback(|_why| Some(100))
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn fallback_with<F, R, T, E>(
        self,
        substitute: F,
    ) -> Call<P, Op, Fut, L::With<FallbackWith<F, R>>>
    where
        F: FnOnce(Why<'_, E>) -> R,
        R: Future<Output = Option<T>>,
        Fut: Future<Output = Result<T, E>>,
    {
        self.with_rung(FallbackWith::new(substitute))
    }

    fn with_rung<R>(self, rung: R) -> Call<P, Op, Fut, L::With<R>> {
        let Self { attempts, timer, kept, hint, guard, operation, options, ladder } = self;
        let ladder = ladder.with(rung);
        Call { attempts, timer, kept, hint, guard, operation, options, ladder }
    }
}

impl<P: Handle, Op, Fut: Future, L> Call<P, Op, Fut, L> {
    pub(crate) fn with_ladder(policy: P, operation: Op, ladder: L) -> Self {
        Self {
            attempts: Attempts::default(),
            timer: Timer::default(),
            kept: None,
            hint: None,
            guard: Guard::new(policy),
            operation,
            options: Options::unsaid(),
            ladder,
        }
    }
}

impl<P, Op, Fut, L, T, E> Future for Call<P, Op, Fut, L>
where
    P: Handle,
    P::Classifier: Classify<T, E>,
    Op: Operation<Fut>,
    Fut: Future<Output = Result<T, E>>,
    L: Ladder<T, E>,
{
    type Output = Result<L::Answer, Error<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let mut next = match this.guard.is_started() {
            true => Next::Wait,
            false => this.guard.start(this.options, L::RUNGS),
        };
        loop {
            next = match next {
                Next::Attempt(number) => this.begin(number),
                Next::Wait => ready!(this.wait(cx)),
                Next::Abandon(number) => this.give_up(number),
                Next::FallBack { rung, why } => this.fall_back(rung, why),
                Next::Answer(provenance) => return Poll::Ready(this.answer(provenance)),
                Next::Reject(why) => return Poll::Ready(Err(this.reject(why))),
                Next::Fail(why) => return Poll::Ready(Err(this.fail(why))),
            };
        }
    }
}

impl<P, Op, Fut, L, T, E> Parts<'_, P, Op, Fut, L>
where
    P: Handle,
    P::Classifier: Classify<T, E>,
    Op: Operation<Fut>,
    Fut: Future<Output = Result<T, E>>,
    L: Ladder<T, E>,
{
    /// Makes the attempt that the machine planned. It is polled with the others.
    fn begin(&mut self, number: u32) -> Next {
        let attempt = Attempt {
            number,
            deadline: self.guard.deadline(),
            last: self.guard.is_last(),
            clock: self.guard.clock().clone(),
            endpoint: self.guard.endpoint(),
            idempotency_key: self.options.key.clone(),
        };
        let future = self.operation.begin(attempt);
        self.attempts.as_mut().begin(number, future);
        Next::Wait
    }

    /// Waits for whatever comes first: a result, a permit, or the time that the machine named.
    /// Results are looked at first, so one that is ready wins over a deadline.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        if self.ladder.is_running() {
            return self.wait_for_rung(cx);
        }
        if let Poll::Ready(brought) = self.attempts.as_mut().poll_any(cx) {
            return Poll::Ready(self.report(brought));
        }
        if let Some(next) = self.guard.ask_for_permit(cx.waker()) {
            return Poll::Ready(next);
        }
        let Some(deadline) = self.guard.next_deadline() else { return Poll::Pending };
        if deadline > self.guard.now() {
            let clock = self.guard.clock();
            ready!(self.timer.as_mut().poll_until(clock.runtime(deadline), clock, cx));
        }
        let replay = self.operation.replay();
        Poll::Ready(self.guard.step(&Input::Timer(replay)))
    }

    /// Tells the machine what an attempt brought.
    fn report(&mut self, brought: Brought<Result<T, E>>) -> Next {
        let Brought { number, result } = brought;
        let outcome = self.guard.classifier().classify(result.as_ref());
        *self.hint = outcome.hint();
        // What the earlier result holds, say a connection, is let go of before the lock is taken.
        *self.kept = Some(result);
        let seen = outcome.observation();
        let replay = self.operation.replay();
        self.guard.step(&Input::Result { number, seen, replay })
    }

    /// The time of an attempt is over: it is dropped, here and now, and only then reported.
    fn give_up(&mut self, number: u32) -> Next {
        self.attempts.as_mut().drop_one(number);
        // What runs in a future of a user may have sent anything.
        let seen = Observation::TimedOut { sent: Sent::Maybe };
        let replay = self.operation.replay();
        self.guard.step(&Input::Ended { number, seen, replay })
    }

    /// Asks a rung of the ladder.
    fn fall_back(&mut self, rung: u8, reason: Reason) -> Next {
        self.attempts.as_mut().drop_all();
        let error = self.kept.as_ref().and_then(|kept| kept.as_ref().err());
        let why = Why::new(reason, error, self.guard.attempts(), self.guard.remaining());
        match self.ladder.ask(rung, why) {
            Asked::Answered(answer) => self.rung_done(answer),
            Asked::Running => Next::Wait,
        }
    }

    /// Waits for the rung that runs, until the deadline of the call.
    fn wait_for_rung(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        if let Poll::Ready(answer) = self.ladder.poll_rung(cx) {
            return Poll::Ready(self.rung_done(answer));
        }
        let (clock, deadline) = (self.guard.clock(), self.guard.total_end());
        ready!(self.timer.as_mut().poll_until(clock.runtime(deadline), clock, cx));
        self.ladder.let_go();
        Poll::Ready(self.rung_done(None))
    }

    fn rung_done(&mut self, answer: Option<T>) -> Next {
        let rung = match answer {
            Some(value) => {
                *self.kept = Some(Ok(value));
                Rung::Served
            }
            None => Rung::Failed,
        };
        self.guard.step(&Input::RungDone(rung))
    }
}
