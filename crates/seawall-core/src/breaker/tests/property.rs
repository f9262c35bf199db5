//! Random operations on the breaker and on the naive one of `model.rs`: events, answers and
//! snapshots must agree after each.

use super::model::Model;
use super::*;
use crate::Mode;
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Operation {
    Wait(u64),
    /// One admission at an earlier instant than the latest.
    Back(u64),
    Admit(Probing, u64),
    Settle(usize, Class, u64, u64),
    /// A whole call, so that windows fill.
    Call(Class, u64),
    Force(Manual),
    Switch(Mode),
    Timer,
    /// All calls in flight at once, as a caller that is torn down drops them.
    AbandonAll,
}

fn class() -> impl Strategy<Value = Class> {
    prop_oneof![
        4 => Just(Class::Success),
        4 => Just(Class::Failure),
        1 => Just(Class::Ignored),
        2 => Just(Class::Abandoned),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let probing = prop_oneof![3 => Just(Probing::Allowed), 1 => Just(Probing::Forbidden)];
    let wait = prop_oneof![0_u64..300, Just(100), Just(1_000), 0_u64..9_000];
    let manual = prop_oneof![
        4 => Just(Manual::Auto),
        1 => Just(Manual::ForcedOpen),
        1 => Just(Manual::ForcedClosed),
        1 => Just(Manual::Disabled),
    ];
    let mode = prop_oneof![
        6 => Just(Mode::Enforce),
        2 => Just(Mode::Shadow),
        1 => Just(Mode::Off),
    ];
    prop_oneof![
        6 => wait.prop_map(Operation::Wait),
        1 => (0_u64..500).prop_map(Operation::Back),
        10 => (probing, any::<u64>()).prop_map(|(probing, draw)| Operation::Admit(probing, draw)),
        8 => (any::<usize>(), class(), 0_u64..80, any::<u64>())
            .prop_map(|(at, class, elapsed, draw)| Operation::Settle(at, class, elapsed, draw)),
        8 => (class(), 0_u64..80).prop_map(|(class, elapsed)| Operation::Call(class, elapsed)),
        1 => manual.prop_map(Operation::Force),
        1 => mode.prop_map(Operation::Switch),
        1 => Just(Operation::Timer),
        1 => Just(Operation::AbandonAll),
    ]
}

fn settings() -> impl Strategy<Value = BreakerSettings> {
    let window = prop_oneof![
        prop_oneof![Just(1_u32), Just(2), 3_u32..9, 60_u32..70].prop_map(WindowKind::Calls),
        prop_oneof![Just(10_u64), 10_u64..4_000]
            .prop_map(|nanos| WindowKind::Time(Duration::from_nanos(nanos))),
    ];
    let rate = || (1_u32..=100).prop_map(Ratio::from_percent);
    let slow = (1_u64..60, rate())
        .prop_map(|(limit, rate)| SlowCalls { limit: Duration::from_nanos(limit), rate });
    let abandoned = prop_oneof![
        Just(AbandonedPolicy::Ignore),
        Just(AbandonedPolicy::Slow),
        Just(AbandonedPolicy::All),
        Just(AbandonedPolicy::Failure),
    ];
    let trips = (
        prop::option::of(1_u32..6),
        prop::option::of(rate()),
        prop::option::of(slow),
        window,
        1_u32..8,
    );
    let recovery = (1_u32..4, 1_u32..4, prop::option::of(0_u64..3_000), 0_u64..4_000, abandoned);
    (trips, recovery).prop_map(|(trips, recovery)| {
        let (consecutive, failure_rate, slow_calls, window, min_calls) = trips;
        let (max_probes, success_threshold, ramp, half_open, abandoned) = recovery;
        BreakerSettings {
            consecutive,
            failure_rate,
            slow_calls,
            window,
            min_calls,
            cool_down: CoolDown {
                base: Duration::from_nanos(500),
                growth: Ratio::from_percent(200),
                max: Duration::from_nanos(6_000),
            },
            max_probes,
            success_threshold,
            max_half_open: Duration::from_nanos(half_open),
            ramp: ramp.map(Duration::from_nanos),
            abandoned,
            attempt_timeout: Duration::from_nanos(60),
            mode: Mode::Enforce,
        }
    })
}

/// The breaker and the model, fed alike. Time is in nanoseconds, which keeps numbers small.
struct Pair {
    bench: Bench,
    model: Model,
    tickets: Vec<Ticket>,
}

impl Pair {
    fn new(settings: BreakerSettings, origin: Instant) -> Self {
        let mut bench = Bench::new(settings);
        bench.breaker = Breaker::new(settings, origin);
        Self { bench, model: Model::new(settings, origin), tickets: Vec::new() }
    }

    fn admit(&mut self, now: u64, probing: Probing, draw: Draw) -> bool {
        let expected = self.model.admit(now, probing, draw);
        let now = Instant::from_nanos(now);
        let answer = self.bench.breaker.admit(now, probing, draw, &mut self.bench.events);
        let seen = answer.as_ref().map(Ticket::is_probe).map_err(|refused| refused.until);
        assert_eq!(seen, expected);
        self.tickets.extend(answer);
        seen.is_ok()
    }

    fn settle(&mut self, index: usize, ended: Ended, draw: Draw) {
        let now = self.bench.now;
        self.model.settle(index, ended, now.as_nanos(), draw);
        let ticket = self.tickets.remove(index);
        self.bench.breaker.settle(ticket, ended, (now, draw), &mut self.bench.events);
    }

    fn apply(&mut self, operation: Operation) {
        let now = self.bench.now.as_nanos();
        let ended = |class, elapsed| Ended { class, elapsed: Duration::from_nanos(elapsed) };
        match operation {
            Operation::Wait(nanos) => self.bench.wait(Duration::from_nanos(nanos)),
            Operation::Back(by) => {
                self.admit(now.saturating_sub(by), Probing::Allowed, Draw::HALF);
            }
            Operation::Admit(probing, draw) => {
                self.admit(now, probing, Draw::from_bits(draw));
            }
            Operation::Settle(index, class, elapsed, draw) if !self.tickets.is_empty() => {
                let index = index % self.tickets.len();
                self.settle(index, ended(class, elapsed), Draw::from_bits(draw));
            }
            Operation::Settle(..) => {}
            Operation::Call(class, elapsed) => {
                if self.admit(now, Probing::Allowed, Draw::ZERO) {
                    self.settle(self.tickets.len() - 1, ended(class, elapsed), Draw::HALF);
                }
            }
            Operation::Force(manual) => {
                self.model.force(manual, now);
                self.bench.force(manual);
            }
            Operation::Switch(mode) => {
                self.model.switch(mode, now);
                let settings = BreakerSettings { mode, ..self.model.settings };
                self.bench.breaker.reconfigure(settings, self.bench.now);
            }
            Operation::Timer => {
                self.model.at(now);
                self.bench.breaker.on_timer(self.bench.now, &mut self.bench.events);
            }
            Operation::AbandonAll => {
                while !self.tickets.is_empty() {
                    self.settle(0, ended(Class::Abandoned, 0), Draw::HALF);
                }
            }
        }
    }

    /// Both say the same. Whatever time alone has changed is caught up in both first.
    fn compare(&mut self) {
        let now = self.bench.now;
        self.model.at(now.as_nanos());
        let (read, phase) = (self.bench.snapshot(), self.bench.phase());
        self.bench.breaker.on_timer(now, &mut self.bench.events);
        self.bench.breaker.invariants();
        let snapshot = self.bench.snapshot();
        assert_eq!(snapshot, self.model.snapshot());
        assert_eq!(BreakerSnapshot { generation: snapshot.generation, ..read }, snapshot);
        assert!(snapshot.mode != Mode::Enforce || phase == snapshot.phase);
        assert_eq!(self.bench.events, self.model.events);
        assert!(self.bench.breaker.next_deadline().is_none_or(|at| at > now));
    }

    /// With every call settled, no place is taken any more.
    fn finish(&mut self) {
        while !self.tickets.is_empty() {
            let ended = Ended { class: Class::Ignored, elapsed: Duration::ZERO };
            self.settle(0, ended, Draw::HALF);
        }
        self.compare();
        assert_eq!(self.bench.snapshot().probes, 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn agrees_with_a_naive_breaker(
        settings in settings(),
        origin in 0_u64..10_000,
        operations in prop::collection::vec(operation(), 1..200),
    ) {
        let mut pair = Pair::new(settings, Instant::from_nanos(origin));
        let mut generation = 0;
        for operation in operations {
            pair.apply(operation);
            // Unread after a wait, so that the next operation has to catch up by itself.
            if !matches!(operation, Operation::Wait(_)) {
                pair.compare();
            }
            let now = pair.bench.snapshot().generation;
            prop_assert!(now >= generation, "the generation went back");
            generation = now;
        }
        pair.finish();
    }

    #[test]
    fn any_reload_keeps_the_invariants(
        from in settings(),
        to in settings(),
        back in settings(),
        before in prop::collection::vec(operation(), 1..100),
        after in prop::collection::vec(operation(), 1..100),
    ) {
        let mut pair = Pair::new(from, Instant::EPOCH);
        before.into_iter().for_each(|operation| pair.apply(operation));
        let Pair { mut bench, mut tickets, .. } = pair;
        for settings in [to, back, from] {
            let (old, phase) = (bench.snapshot(), bench.phase());
            bench.breaker.reconfigure(settings, bench.now);
            let new = bench.snapshot();
            prop_assert_eq!((new.manual, new.cause, new.until), (old.manual, old.cause, old.until));
            prop_assert!(old.mode != Mode::Enforce || new.phase == phase);
            prop_assert!(new.failures <= new.calls && new.slow <= new.calls);
        }
        for operation in after {
            match operation {
                Operation::Wait(nanos) => bench.wait(Duration::from_nanos(nanos)),
                Operation::Admit(probing, _) => tickets.extend(bench.admit(probing)),
                Operation::Call(class, _) if !tickets.is_empty() => {
                    bench.end(tickets.remove(0), class);
                }
                Operation::Back(_)
                | Operation::Settle(..)
                | Operation::Call(..)
                | Operation::Force(_)
                | Operation::Switch(_)
                | Operation::Timer
                | Operation::AbandonAll => {}
            }
            bench.breaker.invariants();
        }
    }
}
