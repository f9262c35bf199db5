//! Controlled delay (RFC 8289): when a server drops what has waited, so that its queue does not
//! stand.
//!
//! The form that gateways have for their own queues is in the core; this is a habit of servers.

use seawall_core::time::{Duration, Instant};

/// A pause of so many intervals makes a new standing queue a matter of its own (section 5.4 of the
/// RFC).
const MEMORY: u32 = 16;

/// What a queue remembers of its waits.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CoDel {
    /// When the queue will have stood for an interval, if it stands.
    stands_at: Option<Instant>,
    dropping: bool,
    next: Instant,
    count: u32,
    last_count: u32,
}

impl CoDel {
    /// A job has its turn: whether it is dropped. `stands` says that it waited longer than the
    /// target, and is not the last.
    pub(super) fn drops(&mut self, stands: bool, interval: Duration, now: Instant) -> bool {
        let ripe = self.is_ripe(stands, interval, now);
        if !self.dropping {
            if ripe {
                self.begin(interval, now);
            }
            return ripe;
        }
        self.dropping = ripe;
        let drops = ripe && now >= self.next;
        if drops {
            self.count = self.count.saturating_add(1);
            self.next = self.next.after(self.gap(interval));
        }
        drops
    }

    /// Whether every wait of a whole interval was long.
    fn is_ripe(&mut self, stands: bool, interval: Duration, now: Instant) -> bool {
        if !stands {
            self.stands_at = None;
            return false;
        }
        now >= *self.stands_at.get_or_insert_with(|| now.after(interval))
    }

    fn begin(&mut self, interval: Duration, now: Instant) {
        let delta = self.count.saturating_sub(self.last_count);
        let recent = now < self.next.after(interval.saturating_mul(MEMORY));
        self.count = if delta > 1 && recent { delta } else { 1 };
        self.last_count = self.count;
        self.dropping = true;
        self.next = now.after(self.gap(interval));
    }

    /// The control law: drops come closer with the square root of their number.
    fn gap(&self, interval: Duration) -> Duration {
        interval.div_f64(libm::sqrt(f64::from(self.count.max(1))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(100);

    /// When jobs are dropped of those that have their turn every 10 ms and waited long.
    fn drops(codel: &mut CoDel, from: u64, to: u64) -> Vec<u64> {
        let turns = (from..to).step_by(10);
        turns.filter(|at| codel.drops(true, INTERVAL, Instant::from_millis(*at))).collect()
    }

    #[test]
    fn drops_begin_after_an_interval_and_come_closer() {
        let mut codel = CoDel::default();
        // 100, then 100 + 100, + 100/√2 = 270.7, + 100/√3 = 328.5, + 50 = 378.5
        assert_eq!(drops(&mut codel, 0, 400), [100, 200, 280, 330, 380]);
    }

    #[test]
    fn one_short_wait_ends_it_and_a_relapse_goes_on_where_it_was() {
        let mut codel = CoDel::default();
        drops(&mut codel, 0, 400);
        assert!(!codel.drops(false, INTERVAL, Instant::from_millis(400)));
        assert_eq!(codel.count, 5);
        // Again an interval, then at the pace of four drops: 50 ms, 45 ms, …
        assert_eq!(drops(&mut codel, 410, 620), [510, 560, 610]);
    }
}
