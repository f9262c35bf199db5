//! The attempts of one call that run at this moment.
//!
//! The first runs in place, within the task of its call. Those beside it, which only hedging makes,
//! are boxed; the list takes no memory until there is one, and the core bounds its length. What an
//! attempt does is in `attempt.rs`; who starts and ends one is the machine.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Running attempts, each with its number.
#[derive(Debug)]
pub(super) struct Flight<'a, F> {
    first: Pin<&'a mut Option<F>>,
    /// The number of the first, while it runs.
    number: u32,
    beside: Vec<(u32, Pin<Box<F>>)>,
}

impl<'a, F: Future> Flight<'a, F> {
    /// No attempts; `place` is where the first of them will be.
    pub(super) const fn new(place: Pin<&'a mut Option<F>>) -> Self {
        Self { first: place, number: 0, beside: Vec::new() }
    }

    /// Whether no attempt runs.
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none() && self.beside.is_empty()
    }

    /// Keeps a new attempt, beside those that run. It makes no step before it is waited for.
    pub(super) fn begin(&mut self, number: u32, attempt: F) {
        if self.first.is_none() {
            self.first.set(Some(attempt));
            self.number = number;
        } else {
            self.beside.push((number, Box::pin(attempt)));
        }
    }

    /// Waits for the first result, older attempts first; that attempt is over then. Without
    /// attempts it waits for ever.
    pub(super) async fn next(&mut self) -> (u32, F::Output) {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Waits for the result of one attempt, and for nothing else; none if it does not run.
    pub(super) async fn result_of(&mut self, number: u32) -> Option<F::Output> {
        poll_fn(|cx| self.poll_one(number, cx)).await
    }

    /// Drops whatever runs.
    pub(super) fn clear(&mut self) {
        self.first.set(None);
        self.beside.clear();
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<(u32, F::Output)> {
        if let Some(attempt) = self.first.as_mut().as_pin_mut()
            && let Poll::Ready(result) = attempt.poll(cx)
        {
            self.first.set(None);
            return Poll::Ready((self.number, result));
        }
        for place in 0..self.beside.len() {
            let Some((number, attempt)) = self.beside.get_mut(place) else { break };
            if let Poll::Ready(result) = attempt.as_mut().poll(cx) {
                let number = *number;
                drop(self.beside.swap_remove(place));
                return Poll::Ready((number, result));
            }
        }
        Poll::Pending
    }

    fn poll_one(&mut self, number: u32, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        if self.number == number
            && let Some(attempt) = self.first.as_mut().as_pin_mut()
        {
            let result = attempt.poll(cx);
            if result.is_ready() {
                self.first.set(None);
            }
            return result.map(Some);
        }
        let place = self.beside.iter().position(|(known, _)| *known == number);
        let Some(place) = place else { return Poll::Ready(None) };
        let Some((_, attempt)) = self.beside.get_mut(place) else { return Poll::Ready(None) };
        let result = attempt.as_mut().poll(cx);
        if result.is_ready() {
            drop(self.beside.swap_remove(place));
        }
        result.map(Some)
    }
}

/// Which attempt the machine has given up, for that attempt to notice.
///
/// It is asked and not merely dropped, since only it can say how much of its request was sent.
#[derive(Debug, Default)]
pub(super) struct Recall(Cell<u32>);

impl Recall {
    /// Calls attempt `number` back. Attempts count from 1.
    pub(super) fn call_back(&self, number: u32) {
        self.0.set(number);
    }

    /// Does `work` for attempt `number`; none once that is called back. Nothing is done from then
    /// on, and what `work` holds is let go of.
    pub(super) fn unless_called<T>(
        &self,
        number: u32,
        mut work: Pin<&mut impl Future<Output = T>>,
    ) -> impl Future<Output = Option<T>> {
        poll_fn(move |cx| match self.0.get() == number {
            true => Poll::Ready(None),
            false => work.as_mut().poll(cx).map(Some),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::pin::pin;
    use std::rc::Rc;
    use std::task::Waker;

    use super::*;

    type Attempt = Pin<Box<dyn Future<Output = &'static str>>>;

    fn never() -> Attempt {
        Box::pin(pending())
    }

    fn poll<T>(future: impl Future<Output = T>) -> Poll<T> {
        pin!(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn the_first_result_ends_its_attempt_and_no_other() {
        let place = pin!(None);
        let mut flight = Flight::new(place);
        flight.begin(1, never());
        flight.begin(2, Box::pin(ready("two")));
        flight.begin(3, Box::pin(ready("three")));
        assert_eq!(poll(flight.next()), Poll::Ready((2, "two")));
        assert_eq!(poll(flight.next()), Poll::Ready((3, "three")));
        assert!(poll(flight.next()).is_pending() && !flight.is_empty());
    }

    #[test]
    fn an_attempt_takes_the_place_of_the_first_when_that_is_over() {
        let place = pin!(None);
        let mut flight = Flight::new(place);
        flight.begin(1, Box::pin(ready("one")) as Attempt);
        assert_eq!(poll(flight.next()), Poll::Ready((1, "one")));
        flight.begin(2, Box::pin(ready("two")));
        assert!(flight.beside.is_empty(), "a retry takes no memory");
        assert_eq!(poll(flight.result_of(1)), Poll::Ready(None), "its number is gone with it");
        assert_eq!(poll(flight.result_of(2)), Poll::Ready(Some("two")));
        assert!(flight.is_empty());
    }

    #[test]
    fn one_attempt_can_be_waited_for_while_others_run() {
        let place = pin!(None);
        let mut flight = Flight::new(place);
        flight.begin(1, Box::pin(ready("one")) as Attempt);
        flight.begin(2, never());
        flight.begin(3, Box::pin(ready("three")));
        assert!(poll(flight.result_of(2)).is_pending());
        assert_eq!(poll(flight.result_of(3)), Poll::Ready(Some("three")));
        assert_eq!(poll(flight.next()), Poll::Ready((1, "one")));
    }

    #[test]
    fn clearing_drops_all_of_them() {
        let held = Rc::new(());
        let holds = |held: &Rc<()>| -> Attempt {
            let held = Rc::clone(held);
            Box::pin(async move {
                let _held = held;
                pending().await
            })
        };
        let place = pin!(None);
        let mut flight = Flight::new(place);
        flight.begin(1, holds(&held));
        flight.begin(2, holds(&held));
        assert_eq!(Rc::strong_count(&held), 3);
        flight.clear();
        assert!(flight.is_empty());
        assert_eq!(Rc::strong_count(&held), 1);
    }

    #[test]
    fn an_attempt_that_is_called_back_works_no_more_and_says_so() {
        let recall = Recall::default();
        let steps = Cell::new(0);
        let work = poll_fn(|_| {
            steps.set(steps.get() + 1);
            Poll::<()>::Pending
        });
        let mut work = pin!(work);
        let mut work = pin!(recall.unless_called(2, work.as_mut()));
        let cx = &mut Context::from_waker(Waker::noop());
        recall.call_back(1);
        assert!(work.as_mut().poll(cx).is_pending(), "that was another one");
        recall.call_back(2);
        assert_eq!(work.as_mut().poll(cx), Poll::Ready(None));
        assert_eq!(steps.get(), 1);
    }
}
