//! What is run for each attempt: as a rule a closure of a user, and a request of a Tower service.

use seawall_core::call::Replay;

use crate::Attempt;

/// What makes the attempts of a call, each a future. Every closure `FnMut(Attempt) -> Fut` is one;
/// beside them there are the requests of a Tower service (feature `tower`), and nothing else.
pub trait Operation<Fut>: sealed::Sealed<Fut> {
    /// Makes an attempt. It begins when it is polled.
    fn begin(&mut self, attempt: Attempt) -> Fut;

    /// Whether it could make another from the start.
    #[doc(hidden)]
    fn replay(&self) -> Replay {
        Replay::Possible
    }
}

impl<Fut, F: FnMut(Attempt) -> Fut> Operation<Fut> for F {
    fn begin(&mut self, attempt: Attempt) -> Fut {
        self(attempt)
    }
}

pub(crate) mod sealed {
    use crate::Attempt;

    #[expect(unnameable_types, reason = "what cannot be named cannot be implemented elsewhere")]
    pub trait Sealed<Fut> {}
    impl<Fut, F: FnMut(Attempt) -> Fut> Sealed<Fut> for F {}
}
