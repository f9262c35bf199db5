//! Random operations on a bulkhead and on a naive one: a list that is searched from the front.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Operation {
    Wait(u64),
    /// An arrival whose permit is of use for so many milliseconds.
    Acquire(u64),
    /// Asks for one waiter to wake, as a driver that is interrupted.
    Grant,
    /// Asks until there is none.
    Drain,
    /// By any waiter there ever was.
    Claim(usize),
    Leave(usize),
    Release(usize, u64),
    Reconfigure(BulkheadSettings),
}

#[derive(Clone, Copy)]
struct Waiting {
    waiter: Waiter,
    until: Instant,
    granted: bool,
}

struct Pair {
    bulkhead: Bulkhead,
    settings: BulkheadSettings,
    now: Instant,
    /// By arrival.
    line: Vec<Waiting>,
    permits: Vec<Permit>,
    /// Every waiter there ever was.
    issued: Vec<Waiter>,
    rejected: Rejections,
    expired: u64,
    /// What a lowered limit has yet to drain.
    excess: usize,
}

impl Pair {
    fn new(settings: BulkheadSettings) -> Self {
        Self {
            bulkhead: Bulkhead::new(settings),
            settings,
            now: at(0),
            line: Vec::new(),
            permits: Vec::new(),
            issued: Vec::new(),
            rejected: Rejections::default(),
            expired: 0,
            excess: 0,
        }
    }

    fn in_use(&self) -> usize {
        self.permits.len() + self.line.iter().filter(|waiting| waiting.granted).count()
    }

    fn queued(&self) -> usize {
        self.line.iter().filter(|waiting| !waiting.granted).count()
    }

    fn limit(&self) -> usize {
        self.settings.permits as usize
    }

    /// The place in the line of the one to serve next.
    fn next(&self) -> Option<usize> {
        let mut waiting = (0..self.line.len()).filter(|index| !self.line[*index].granted);
        match self.settings.order {
            QueueOrder::Fifo | QueueOrder::CoDel | QueueOrder::Priority => waiting.next(),
            QueueOrder::Lifo => waiting.next_back(),
        }
    }

    fn drop_dead(&mut self, index: usize) {
        self.line.remove(index);
        self.expired += 1;
    }

    fn drop_oldest_dead(&mut self) {
        while let Some(index) = self.line.iter().position(|waiting| !waiting.granted)
            && self.line[index].until < self.now
        {
            self.drop_dead(index);
        }
    }

    /// position · S / L, rounded up.
    fn estimate(&self) -> Option<Duration> {
        let position = match self.settings.order {
            QueueOrder::Fifo | QueueOrder::CoDel | QueueOrder::Priority => self.queued() as u64 + 1,
            QueueOrder::Lifo => 1,
        };
        // The average that is shown is rounded down, hence this is at most that much too short.
        let service = self.bulkhead.snapshot().service_time?.as_nanos();
        let wait = (service * u128::from(position)).div_ceil(self.limit() as u128);
        Some(Duration::from_nanos(u64::try_from(wait).unwrap()))
    }

    fn acquire(&mut self, useful: u64) {
        self.drop_oldest_dead();
        let useful_until = self.now.after(millis(useful));
        let limit = self.settings.max_wait.min(millis(useful));
        let estimate = self.estimate();
        let free = self.in_use() < self.limit() && self.queued() == 0;
        match self.bulkhead.acquire(self.now, useful_until) {
            Acquired::Permit(permit) => {
                assert!(free, "a permit beyond the limit, or past those who wait");
                self.permits.push(permit);
            }
            Acquired::Queued { waiter, until } => {
                assert!(!free && self.queued() < self.settings.queue as usize);
                assert!(!limit.is_zero() && estimate.is_none_or(|wait| wait <= limit));
                assert_eq!(until, self.now.after(limit));
                assert!(!self.issued.contains(&waiter), "a name given twice");
                self.issued.push(waiter);
                self.line.push(Waiting { waiter, until, granted: false });
            }
            Acquired::Refused { reason, retry_at } => {
                assert!(!free);
                assert_eq!(reason, self.refusal(limit, estimate));
                assert!(retry_at >= self.now);
            }
        }
    }

    fn refusal(&mut self, limit: Duration, estimate: Option<Duration>) -> Reason {
        if self.settings.queue == 0 {
            self.rejected.full += 1;
            Reason::BulkheadFull
        } else if self.queued() >= self.settings.queue as usize {
            self.rejected.queue_full += 1;
            Reason::QueueFull
        } else {
            // The estimate is made from the average before it is rounded: at most a nanosecond more
            // for each place in the line.
            let slack = Duration::from_nanos(self.queued() as u64 + 1);
            let late = estimate.is_some_and(|wait| wait + slack > limit);
            assert!(limit.is_zero() || late, "refused without reason");
            self.rejected.queue_wait += 1;
            Reason::QueueWait
        }
    }

    fn grant(&mut self) -> bool {
        let expected = self.expect_grant();
        let granted = self.bulkhead.next_grant(self.now);
        assert_eq!(granted, expected);
        granted.is_some()
    }

    fn expect_grant(&mut self) -> Option<Waiter> {
        while self.in_use() < self.limit() {
            let index = self.next()?;
            if self.line[index].until >= self.now {
                self.line[index].granted = true;
                return Some(self.line[index].waiter);
            }
            self.drop_dead(index);
        }
        None
    }

    fn position(&self, waiter: Waiter) -> Option<usize> {
        self.line.iter().position(|waiting| waiting.waiter == waiter)
    }

    fn claim(&mut self, waiter: Waiter) {
        let index = self.position(waiter);
        let granted = index.map(|index| self.line[index].granted);
        match self.bulkhead.claim(waiter, self.now) {
            Claimed::Permit(permit) => {
                assert_eq!(granted, Some(true));
                self.permits.push(permit);
                self.line.remove(index.unwrap());
            }
            Claimed::StillWaiting => assert_eq!(granted, Some(false)),
            Claimed::Gone => assert_eq!(granted, None),
        }
    }

    fn leave(&mut self, waiter: Waiter) {
        if let Some(index) = self.position(waiter) {
            let waiting = self.line.remove(index);
            self.expired += u64::from(!waiting.granted && waiting.until <= self.now);
        }
        self.bulkhead.leave(waiter, self.now);
    }

    fn apply(&mut self, operation: Operation) {
        let pick = |issued: &[Waiter], index: usize| {
            // Mostly recent ones, which may still be there.
            let recent = &issued[issued.len().saturating_sub(12)..];
            (!recent.is_empty()).then(|| recent[index % recent.len()])
        };
        match operation {
            Operation::Wait(time) => self.now = self.now.after(millis(time)),
            Operation::Acquire(useful) => self.acquire(useful),
            Operation::Grant => _ = self.grant(),
            Operation::Drain => while self.grant() {},
            Operation::Claim(index) => {
                pick(&self.issued, index).into_iter().for_each(|waiter| self.claim(waiter));
            }
            Operation::Leave(index) => {
                pick(&self.issued, index).into_iter().for_each(|waiter| self.leave(waiter));
            }
            Operation::Release(index, held) => {
                if !self.permits.is_empty() {
                    let permit = self.permits.swap_remove(index % self.permits.len());
                    self.bulkhead.release(permit, millis(held), self.now);
                }
            }
            Operation::Reconfigure(settings) => {
                self.settings = settings;
                self.bulkhead.reconfigure(settings);
                self.excess = self.in_use().saturating_sub(self.limit());
            }
        }
    }

    fn check(&mut self) {
        self.bulkhead.invariants();
        let snapshot = self.bulkhead.snapshot();
        let counts = (snapshot.in_use as usize, snapshot.queued as usize, snapshot.expired);
        assert_eq!(counts, (self.in_use(), self.queued(), self.expired));
        assert_eq!(snapshot.rejected, self.rejected);
        let over = self.in_use().saturating_sub(self.limit());
        assert!(over <= self.excess, "in use beyond the limit, and not by lowering it");
        self.excess = over;
    }

    /// Serves until nobody waits: everyone left gets a permit or has expired, and all come back.
    fn run_dry(mut self) {
        let bound = self.line.len() + self.permits.len() + 1;
        for _ in 0..bound {
            while self.grant() {}
            let granted = self.line.iter().filter(|waiting| waiting.granted);
            let granted: Vec<_> = granted.map(|waiting| waiting.waiter).collect();
            granted.into_iter().for_each(|waiter| self.claim(waiter));
            while !self.permits.is_empty() {
                self.apply(Operation::Release(0, 1));
            }
            self.check();
        }
        assert!(self.line.is_empty(), "somebody still waits beside free permits");
        assert_eq!(self.bulkhead.snapshot().in_use, 0, "a permit leaked");
    }
}

fn any_settings() -> impl Strategy<Value = BulkheadSettings> {
    let order = prop::sample::select(&[QueueOrder::Fifo, QueueOrder::Lifo][..]);
    let max_wait = prop_oneof![1 => Just(0_u64), 8 => 1_u64..200];
    (1_u32..6, 0_u32..6, max_wait, order).prop_map(|(permits, queue, max_wait, order)| {
        BulkheadSettings { permits, queue, max_wait: millis(max_wait), order }
    })
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        3 => (0_u64..60).prop_map(Operation::Wait),
        10 => prop_oneof![Just(0_u64), 1_u64..200, Just(10_000)].prop_map(Operation::Acquire),
        2 => Just(Operation::Grant),
        4 => Just(Operation::Drain),
        6 => any::<usize>().prop_map(Operation::Claim),
        3 => any::<usize>().prop_map(Operation::Leave),
        7 => (any::<usize>(), 0_u64..60).prop_map(|(index, held)| Operation::Release(index, held)),
        1 => any_settings().prop_map(Operation::Reconfigure),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn agrees_with_a_naive_list(
        settings in any_settings(), operations in prop::collection::vec(operation(), 1..150),
    ) {
        let mut pair = Pair::new(settings);
        for operation in operations {
            pair.apply(operation);
            pair.check();
        }
        pair.run_dry();
    }
}
