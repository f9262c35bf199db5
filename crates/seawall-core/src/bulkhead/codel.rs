//! Controlled delay: when a queue that has become a habit is cut short.
//!
//! The request form of `CoDel` (Nichols and Jacobson, "Controlling Queue Delay", 2012; Maurer,
//! "Fail at Scale", 2015). A burst fills a queue and drains; if even the least wait of an interval
//! was long, the queue stands, and whoever has waited long is dropped so that the others are in
//! time. Who is next in line is decided in `machine.rs`.

use crate::time::{Duration, Instant};

/// So long is judged at once: longer than bursts of a healthy service take to drain.
const INTERVAL: Duration = Duration::from_millis(100);

/// A least wait above this is a standing queue.
const TARGET: Duration = Duration::from_millis(5);

/// While the queue stands, a longer wait is not served: twice the target.
const PATIENCE: Duration = Duration::from_millis(10);

/// What is to become of a waiter whose turn has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Served,
    Shed,
}

#[derive(Clone, Copy, Debug)]
struct Interval {
    ends: Instant,
    least: Duration,
}

/// The waits of the present interval, and the verdict on the last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CoDel {
    interval: Option<Interval>,
    /// Whether the queue stood in the last interval.
    stood: bool,
}

impl CoDel {
    /// Takes in the wait of one whose turn has come, zero for whoever did not need to wait.
    ///
    /// The first of an interval begins it, and is always served: one is not evidence enough, and
    /// something must be served for the delay to be known. An interval decides the next one only:
    /// what nobody has waited for since has drained.
    pub(super) fn judge(&mut self, waited: Duration, now: Instant) -> Fate {
        match &mut self.interval {
            Some(interval) if now < interval.ends => {
                interval.least = interval.least.min(waited);
                if self.stood && waited > PATIENCE { Fate::Shed } else { Fate::Served }
            }
            last => {
                let is_recent = |ends: Instant| now < ends.after(INTERVAL);
                self.stood = last
                    .is_some_and(|interval| interval.least > TARGET && is_recent(interval.ends));
                *last = Some(Interval { ends: now.after(INTERVAL), least: waited });
                Fate::Served
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(codel: &mut CoDel, now: u64, waited: u64) -> Fate {
        codel.judge(Duration::from_millis(waited), Instant::from_millis(now))
    }

    #[test]
    fn bh_3_a_standing_queue_is_cut_until_its_least_wait_is_short() {
        let mut codel = CoDel::default();
        assert_eq!([judge(&mut codel, 0, 7), judge(&mut codel, 50, 12)], [Fate::Served; 2]);
        assert_eq!(judge(&mut codel, 100, 9), Fate::Served, "interval 2");
        assert_eq!(judge(&mut codel, 110, 9), Fate::Served);
        assert_eq!(judge(&mut codel, 120, 12), Fate::Shed);
        assert_eq!(judge(&mut codel, 130, 4), Fate::Served);
        assert_eq!(judge(&mut codel, 199, 12), Fate::Shed, "until the interval ends");
        assert_eq!(judge(&mut codel, 200, 12), Fate::Served, "interval 3");
        assert_eq!(judge(&mut codel, 210, 12), Fate::Served, "it has ended");
    }

    #[test]
    fn the_first_of_an_interval_is_never_shed() {
        let mut codel = CoDel::default();
        for interval in 0..10 {
            assert_eq!(judge(&mut codel, interval * 100, 90), Fate::Served);
        }
        assert_eq!(judge(&mut codel, 901, 90), Fate::Shed);
    }

    #[test]
    fn an_interval_that_ended_long_ago_decides_nothing() {
        for (again, fate) in [(199, Fate::Shed), (200, Fate::Served), (3_600_000, Fate::Served)] {
            let mut codel = CoDel::default();
            judge(&mut codel, 0, 90);
            judge(&mut codel, again, 0);
            assert_eq!(judge(&mut codel, again + 1, 90), fate, "{again}");
        }
    }

    #[test]
    fn waits_at_the_target_and_at_the_patience_are_fine() {
        let mut codel = CoDel::default();
        judge(&mut codel, 0, 5);
        judge(&mut codel, 100, 6);
        assert_eq!(judge(&mut codel, 101, 50), Fate::Served, "a least wait of 5 ms");
        judge(&mut codel, 200, 6);
        assert_eq!(
            [judge(&mut codel, 201, 10), judge(&mut codel, 202, 11)],
            [Fate::Served, Fate::Shed,]
        );
    }

    #[test]
    fn one_who_did_not_need_to_wait_ends_it() {
        let mut codel = CoDel::default();
        judge(&mut codel, 0, 50);
        judge(&mut codel, 100, 0);
        assert_eq!(judge(&mut codel, 101, 50), Fate::Shed);
        judge(&mut codel, 200, 50);
        assert_eq!(judge(&mut codel, 201, 50), Fate::Served);
    }
}
