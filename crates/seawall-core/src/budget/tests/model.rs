//! Random operations on a budget and on a full log of everything that ever happened.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Operation {
    Wait(u64),
    Deposit(u8),
    Reserve,
    Spend(usize),
    Refund(usize),
    Help(usize),
    Lose,
    Tune(u32, u32, u32),
}

#[derive(Clone, Copy, PartialEq)]
enum Entry {
    First,
    Vain,
    Helped,
    /// A call that was helped, by when it was.
    Saved,
    Lost,
}

/// Remembers each attempt with the number of its bucket and recounts for every question.
struct Log {
    settings: BudgetSettings,
    origin: i128,
    entries: Vec<(i128, Entry)>,
}

impl Log {
    fn width(&self) -> i128 {
        i128::try_from(self.settings.window.as_nanos() / 10).unwrap()
    }

    fn bucket(&self, now: Instant) -> i128 {
        (i128::from(now.as_nanos()) - self.origin).div_euclid(self.width())
    }

    fn count(&self, entry: Entry, oldest: i128) -> i128 {
        let live = self.entries.iter().filter(|(at, kind)| *at >= oldest && *kind == entry);
        i128::try_from(live.count()).unwrap()
    }

    /// Extra attempts since a bucket, whatever they brought.
    fn extra(&self, oldest: i128) -> i128 {
        self.count(Entry::Vain, oldest) + self.count(Entry::Helped, oldest)
    }

    /// First, extra and vain attempts in the window.
    fn counts(&self, now: Instant) -> (i128, i128, i128) {
        let oldest = self.bucket(now) - 9;
        (self.count(Entry::First, oldest), self.extra(oldest), self.count(Entry::Vain, oldest))
    }

    /// The rule, in whole numbers without division. A bucket takes another attempt while it has
    /// taken less than its share.
    fn would_grant(&self, now: Instant) -> bool {
        let (first, extra, vain) = self.counts(now);
        let current = self.extra(self.bucket(now));
        let ratio = i128::from(self.settings.ratio.ppm());
        let ceiling = i128::from(self.settings.ceiling.ppm()).max(ratio);
        let floor = i128::from(self.settings.floor_per_second);
        let window = i128::try_from(self.settings.window.as_nanos()).unwrap();
        let by_floor = (extra + 1) * 1_000_000_000 <= floor * window
            && current * 1_000_000_000 < floor * self.width();
        let oldest = self.bucket(now) - 9;
        let (saved, lost) = (self.count(Entry::Saved, oldest), self.count(Entry::Lost, oldest));
        let charged = match saved >= 10 && lost * 100 <= 5 * (saved + lost) {
            true => vain,
            false => extra,
        };
        let by_ratio = (charged + 1) * 1_000_000 <= ratio * first
            && (extra + 1) * 1_000_000 <= ceiling * first;
        by_ratio || by_floor
    }

    /// The bounds that hold at every grant, the new attempt included.
    fn is_within_bounds(&self, now: Instant) -> bool {
        let (first, extra, vain) = self.counts(now);
        let floor = i128::from(self.settings.floor_per_second)
            * i128::try_from(self.settings.window.as_nanos()).unwrap()
            / 1_000_000_000;
        let of_first = |share: Ratio| i128::from(share.ppm()) * first / 1_000_000;
        extra <= of_first(self.settings.most()).max(floor)
            && vain <= of_first(self.settings.ratio).max(floor)
    }

    fn refund(&mut self, at: Instant, now: Instant) {
        let bucket = self.bucket(at);
        if bucket >= self.bucket(now) - 9 {
            let index = self.entries.iter().position(|entry| *entry == (bucket, Entry::Vain));
            self.entries.swap_remove(index.expect("an open reservation is in the log"));
        }
    }

    fn help(&mut self, at: Instant, now: Instant) {
        self.entries.push((self.bucket(now), Entry::Saved));
        let vain = (self.bucket(at), Entry::Vain);
        let index = self.entries.iter().position(|entry| *entry == vain);
        self.entries[index.expect("an attempt that was spent is in the log")].1 = Entry::Helped;
    }
}

struct Pair {
    budget: Budget,
    log: Log,
    open: Vec<(Reservation, Instant)>,
    spent: Vec<(Spent, Instant)>,
    now: Instant,
}

impl Pair {
    fn new(settings: BudgetSettings, origin: u64) -> Self {
        let budget = Budget::new(settings, Instant::from_nanos(origin));
        let log = Log { settings, origin: i128::from(origin), entries: Vec::new() };
        Self { budget, log, open: Vec::new(), spent: Vec::new(), now: Instant::EPOCH }
    }

    fn apply(&mut self, operation: Operation) {
        match operation {
            Operation::Wait(millis) => self.now = self.now.after(Duration::from_millis(millis)),
            Operation::Deposit(calls) => (0..calls).for_each(|_| self.deposit()),
            Operation::Reserve => self.reserve(),
            Operation::Spend(index) => self.take(index, |pair, reservation, at| {
                pair.spent.push((reservation.spend(), at));
            }),
            Operation::Help(index) => self.help(index),
            Operation::Lose => {
                self.log.entries.push((self.log.bucket(self.now), Entry::Lost));
                self.budget.lost(self.now);
            }
            Operation::Refund(index) => self.take(index, |pair, reservation, at| {
                pair.log.refund(at, pair.now);
                pair.budget.refund(reservation, pair.now);
            }),
            Operation::Tune(ratio, ceiling, floor) => self.tune((ratio, ceiling), floor),
        }
    }

    fn deposit(&mut self) {
        self.log.entries.push((self.log.bucket(self.now), Entry::First));
        self.budget.deposit(self.now);
    }

    fn reserve(&mut self) {
        let expected = self.log.would_grant(self.now);
        let (first, extra, vain) = self.log.counts(self.now);
        match self.budget.reserve(self.now) {
            Ok(reservation) => {
                assert!(expected, "granted beside {first} first and {extra} extra attempts");
                self.log.entries.push((self.log.bucket(self.now), Entry::Vain));
                self.open.push((reservation, self.now));
                assert!(self.log.is_within_bounds(self.now), "a bound is broken");
            }
            Err(denied) => {
                assert!(!expected, "denied beside {first} first and {extra} extra attempts");
                assert_eq!([denied.first, denied.extra].map(i128::from), [first, extra]);
                assert_eq!(i128::from(denied.vain), vain);
            }
        }
    }

    fn take(&mut self, index: usize, end: impl FnOnce(&mut Self, Reservation, Instant)) {
        if !self.open.is_empty() {
            let (reservation, at) = self.open.swap_remove(index % self.open.len());
            end(self, reservation, at);
        }
    }

    fn help(&mut self, index: usize) {
        if !self.spent.is_empty() {
            let (spent, at) = self.spent.swap_remove(index % self.spent.len());
            self.log.help(at, self.now);
            self.budget.helped(spent, self.now);
        }
    }

    fn tune(&mut self, (ratio, ceiling): (u32, u32), floor_per_second: u32) {
        let (ratio, ceiling) = (Ratio::from_ppm(ratio), Ratio::from_ppm(ceiling));
        self.log.settings =
            BudgetSettings { ratio, ceiling, floor_per_second, ..self.log.settings };
        self.budget.reconfigure(self.log.settings, self.now);
    }

    fn check(&self) {
        self.budget.invariants();
        let snapshot = self.budget.snapshot(self.now);
        let (first, extra, vain) = self.log.counts(self.now);
        assert_eq!([snapshot.first, snapshot.extra].map(i128::from), [first, extra]);
        assert_eq!(i128::from(snapshot.vain), vain);
        assert_eq!(snapshot.left > 0, self.log.would_grant(self.now));
    }
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => prop_oneof![0_u64..400, 0_u64..4_000, Just(30_000)].prop_map(Operation::Wait),
        4 => (1_u8..30).prop_map(Operation::Deposit),
        12 => Just(Operation::Reserve),
        4 => any::<usize>().prop_map(Operation::Spend),
        4 => any::<usize>().prop_map(Operation::Help),
        1 => Just(Operation::Lose),
        4 => any::<usize>().prop_map(Operation::Refund),
        1 => (0_u32..1_500_000, 0_u32..1_500_000, 0_u32..8)
            .prop_map(|(ratio, ceiling, floor)| Operation::Tune(ratio, ceiling, floor)),
    ]
}

fn settings() -> impl Strategy<Value = BudgetSettings> {
    let ratio = prop_oneof![Just(0_u32), 0_u32..400_000, 900_000_u32..3_000_000];
    let window = prop_oneof![Just(10_000_000_000_u64), 500_000_000_u64..20_000_000_000];
    let ceiling = prop_oneof![Just(0_u32), 0_u32..1_500_000];
    (ratio, ceiling, 0_u32..12, window).prop_map(|(ratio, ceiling, floor_per_second, window)| {
        BudgetSettings {
            ratio: Ratio::from_ppm(ratio),
            ceiling: Ratio::from_ppm(ceiling),
            floor_per_second,
            window: Duration::from_nanos(window),
        }
    })
}

proptest! {
    #[test]
    fn agrees_with_a_full_log(
        settings in settings(),
        origin in 0_u64..20_000_000_000,
        operations in prop::collection::vec(operation(), 1..120),
    ) {
        let mut pair = Pair::new(settings, origin);
        for operation in operations {
            pair.apply(operation);
            pair.check();
        }
    }

    #[test]
    fn left_is_exactly_what_is_granted(
        settings in settings(), calls in 0_u64..300, before in 0_u64..50,
    ) {
        let mut budget = budget(settings);
        deposit(&mut budget, calls, 0);
        grants(&mut budget, before, 0);
        let left = budget.snapshot(at(0)).left;
        prop_assert_eq!(grants(&mut budget, left + 10, 0), left);
    }

    #[test]
    fn t60_no_ratio_is_rounded(ppm in 0_u32..3_000_000, calls in 0_u64..500) {
        let ratio = Ratio::from_ppm(ppm);
        let mut budget =
            budget(BudgetSettings { ratio, floor_per_second: 0, ..Default::default() });
        deposit(&mut budget, calls, 0);
        prop_assert_eq!(grants(&mut budget, 2_000, 0), calls * u64::from(ppm) / 1_000_000);
    }
}
