//! The rungs of a fallback ladder: none, a closure, a future, or one below another.
//!
//! What they are told and what the caller gets is in `fallback.rs`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::fallback::{Answer, Provenance, Why};

/// What stands below the dependency. Implemented for [`NoFallback`], [`Fallback`],
/// [`FallbackWith`] and [`Below`] only.
pub trait Ladder<T, E>: sealed::Sealed {
    /// What the caller gets.
    type Answer;

    /// How many rungs there are.
    const RUNGS: u8;

    /// Asks this rung, counted from 0.
    fn ask(&mut self, rung: u8, why: Why<'_, E>) -> Asked<T>;

    /// Whether a rung has been asked and has not answered yet.
    fn is_running(&self) -> bool;

    /// The answer of the rung that runs, once it is there.
    fn poll_rung(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>>;

    /// Drops what runs.
    fn let_go(&mut self);

    /// A value as the caller gets it.
    fn answer(value: T, provenance: Provenance) -> Self::Answer;
}

/// What a rung says at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked<T> {
    /// Its answer, or that it has none.
    Answered(Option<T>),
    /// It needs time.
    Running,
}

/// How a ladder becomes longer. Implemented for every [`Ladder`].
pub trait Lengthen: sealed::Sealed {
    /// The ladder with one rung more.
    type With<R>;

    /// Puts a rung below the others.
    fn with<R>(self, rung: R) -> Self::With<R>;
}

/// Nothing stands in.
#[derive(Clone, Copy, Debug)]
pub struct NoFallback(());

impl NoFallback {
    pub(crate) const fn new() -> Self {
        Self(())
    }
}

impl<T, E> Ladder<T, E> for NoFallback {
    type Answer = T;

    const RUNGS: u8 = 0;

    fn ask(&mut self, _: u8, _: Why<'_, E>) -> Asked<T> {
        Asked::Answered(None)
    }

    fn is_running(&self) -> bool {
        false
    }

    fn poll_rung(&mut self, _: &mut Context<'_>) -> Poll<Option<T>> {
        Poll::Ready(None)
    }

    fn let_go(&mut self) {}

    fn answer(value: T, _: Provenance) -> T {
        value
    }
}

impl Lengthen for NoFallback {
    type With<R> = R;

    fn with<R>(self, rung: R) -> R {
        rung
    }
}

/// A closure stands in.
#[derive(Clone, Copy, Debug)]
pub struct Fallback<F> {
    substitute: Option<F>,
}

impl<F> Fallback<F> {
    pub(crate) const fn new(substitute: F) -> Self {
        Self { substitute: Some(substitute) }
    }
}

impl<T, E, F: FnOnce(Why<'_, E>) -> Option<T>> Ladder<T, E> for Fallback<F> {
    type Answer = Answer<T>;

    const RUNGS: u8 = 1;

    fn ask(&mut self, _: u8, why: Why<'_, E>) -> Asked<T> {
        Asked::Answered(self.substitute.take().and_then(|substitute| substitute(why)))
    }

    fn is_running(&self) -> bool {
        false
    }

    fn poll_rung(&mut self, _: &mut Context<'_>) -> Poll<Option<T>> {
        Poll::Ready(None)
    }

    fn let_go(&mut self) {}

    fn answer(value: T, provenance: Provenance) -> Answer<T> {
        Answer { value, provenance }
    }
}

impl<F> Lengthen for Fallback<F> {
    type With<R> = Below<Self, R>;

    fn with<R>(self, rung: R) -> Below<Self, R> {
        Below::new(self, rung)
    }
}

/// A future stands in. It is boxed once it is needed, not before.
pub struct FallbackWith<F, Fut> {
    substitute: Option<F>,
    running: Option<Pin<Box<Fut>>>,
}

impl<F, Fut> FallbackWith<F, Fut> {
    pub(super) const fn new(substitute: F) -> Self {
        Self { substitute: Some(substitute), running: None }
    }
}

impl<F, Fut> fmt::Debug for FallbackWith<F, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FallbackWith").field("running", &self.running.is_some()).finish()
    }
}

impl<T, E, F, Fut> Ladder<T, E> for FallbackWith<F, Fut>
where
    F: FnOnce(Why<'_, E>) -> Fut,
    Fut: Future<Output = Option<T>>,
{
    type Answer = Answer<T>;

    const RUNGS: u8 = 1;

    fn ask(&mut self, _: u8, why: Why<'_, E>) -> Asked<T> {
        let Some(substitute) = self.substitute.take() else { return Asked::Answered(None) };
        self.running = Some(Box::pin(substitute(why)));
        Asked::Running
    }

    fn is_running(&self) -> bool {
        self.running.is_some()
    }

    fn poll_rung(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let Some(running) = &mut self.running else { return Poll::Ready(None) };
        let polled = running.as_mut().poll(cx);
        if polled.is_ready() {
            self.running = None;
        }
        polled
    }

    fn let_go(&mut self) {
        self.running = None;
    }

    fn answer(value: T, provenance: Provenance) -> Answer<T> {
        Answer { value, provenance }
    }
}

impl<F, Fut> Lengthen for FallbackWith<F, Fut> {
    type With<R> = Below<Self, R>;

    fn with<R>(self, rung: R) -> Below<Self, R> {
        Below::new(self, rung)
    }
}

/// A rung below a ladder.
#[derive(Debug)]
pub struct Below<U, R> {
    upper: U,
    rung: R,
}

impl<U, R> Below<U, R> {
    const fn new(upper: U, rung: R) -> Self {
        Self { upper, rung }
    }
}

impl<T, E, U: Ladder<T, E>, R: Ladder<T, E>> Ladder<T, E> for Below<U, R> {
    type Answer = Answer<T>;

    const RUNGS: u8 = U::RUNGS.saturating_add(R::RUNGS);

    fn ask(&mut self, rung: u8, why: Why<'_, E>) -> Asked<T> {
        match rung.checked_sub(U::RUNGS) {
            None => self.upper.ask(rung, why),
            Some(below) => self.rung.ask(below, why),
        }
    }

    fn is_running(&self) -> bool {
        self.upper.is_running() || self.rung.is_running()
    }

    fn poll_rung(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        match self.upper.is_running() {
            true => self.upper.poll_rung(cx),
            false => self.rung.poll_rung(cx),
        }
    }

    fn let_go(&mut self) {
        self.upper.let_go();
        self.rung.let_go();
    }

    fn answer(value: T, provenance: Provenance) -> Answer<T> {
        Answer { value, provenance }
    }
}

impl<U, L> Lengthen for Below<U, L> {
    type With<R> = Below<Self, R>;

    fn with<R>(self, rung: R) -> Below<Self, R> {
        Below::new(self, rung)
    }
}

mod sealed {
    #[expect(unnameable_types, reason = "what cannot be named cannot be implemented elsewhere")]
    pub trait Sealed {}
    impl Sealed for super::NoFallback {}
    impl<F> Sealed for super::Fallback<F> {}
    impl<F, Fut> Sealed for super::FallbackWith<F, Fut> {}
    impl<U, R> Sealed for super::Below<U, R> {}
}
