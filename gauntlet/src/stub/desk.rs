//! The capacity of a replica: so many workers, and a bounded line of requests that wait for one,
//! first come first served. How long work takes is in `work`.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use crate::stamp::Stamp;

/// A worker that ends later than planned by less than this hands over at the planned time, so that
/// late timers cost no capacity. Later than this the process was stopped, and did no work
/// meanwhile. Nanoseconds.
const LATE_MAX: u64 = 5_000_000;

/// Workers and the line before them.
#[derive(Debug)]
pub(super) struct Desk {
    workers: u32,
    queue: u32,
    working: u32,
    line: VecDeque<oneshot::Sender<Stamp>>,
}

/// What becomes of a request that comes to the desk.
#[derive(Debug)]
pub(super) enum Place {
    /// A worker is free.
    Free,
    /// It waits and is told when its work begins.
    Waits(oneshot::Receiver<Stamp>),
    /// There is no room.
    Full,
}

impl Desk {
    pub(super) const fn new(workers: u32, queue: u32) -> Self {
        Self { workers, queue, working: 0, line: VecDeque::new() }
    }

    /// A request comes. Whoever is given a worker, at once or later, has to call
    /// [`leave`](Self::leave).
    pub(super) fn come(&mut self) -> Place {
        if self.working < self.workers {
            self.working += 1;
            return Place::Free;
        }
        if self.waiting() >= u64::from(self.queue) {
            return Place::Full;
        }
        let (call, called) = oneshot::channel();
        self.line.push_back(call);
        Place::Waits(called)
    }

    /// A worker is done at `now`, as planned for `planned`; the next in line begins.
    pub(super) fn leave(&mut self, planned: Stamp, now: Stamp) {
        debug_assert!(self.working > 0, "whoever leaves has come");
        let begins = if now.since(planned) < LATE_MAX { planned } else { now };
        while let Some(next) = self.line.pop_front() {
            if next.send(begins).is_ok() {
                return;
            }
        }
        self.working = self.working.saturating_sub(1);
    }

    /// Requests that have a worker.
    pub(super) fn working(&self) -> u64 {
        u64::from(self.working)
    }

    /// Requests that wait for one.
    pub(super) fn waiting(&self) -> u64 {
        u64::try_from(self.line.len()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_then_the_line_then_refusal() {
        let mut desk = Desk::new(2, 1);
        assert!(matches!(desk.come(), Place::Free));
        assert!(matches!(desk.come(), Place::Free));
        let Place::Waits(_waiting) = desk.come() else { panic!("the line has one place") };
        assert!(matches!(desk.come(), Place::Full));
        assert_eq!((desk.working(), desk.waiting()), (2, 1));
    }

    #[test]
    fn the_next_in_line_begins_when_the_work_before_was_planned_to_end() {
        let mut desk = Desk::new(1, 2);
        desk.come();
        let Place::Waits(mut first) = desk.come() else { panic!("a place in line") };
        let Place::Waits(mut second) = desk.come() else { panic!("a place in line") };
        desk.leave(Stamp(100), Stamp(190));
        assert_eq!(first.try_recv(), Ok(Stamp(100)));
        // A process that was stopped worked nothing in the meantime.
        desk.leave(Stamp(200), Stamp(200 + LATE_MAX));
        assert_eq!(second.try_recv(), Ok(Stamp(200 + LATE_MAX)));
        desk.leave(Stamp(300), Stamp(300));
        assert_eq!((desk.working(), desk.waiting()), (0, 0));
    }

    #[test]
    fn without_a_line_there_is_only_refusal() {
        let mut desk = Desk::new(0, 0);
        assert!(matches!(desk.come(), Place::Full));
    }
}
