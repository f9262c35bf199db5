//! T177: the happy path allocates nothing, counted by a global allocator (this file has a process
//! of its own for that).

use std::hint::black_box;

use seawall_core::Mode;
use seawall_core::balance::Algorithm;
use seawall_core::budget::{Budget, BudgetSettings, Purpose};
use seawall_core::call::{Action, Call, CallSettings, Context, Facts, Replay, Safety, Verdict};
use seawall_core::endpoint::{EndpointId, Slot};
use seawall_core::event::Discard;
use seawall_core::hedge::{Conditions, HedgeSettings, Hedging, Load, Race, Response};
use seawall_core::histogram::RotatingHistogram;
use seawall_core::outcome::Observation;
use seawall_core::rng::Stream;
use seawall_core::time::{Duration, Instant};
use seawall_core::timeout::{AdaptiveSettings, AdaptiveTimeout, Sample};
use seawall_core::upstream::{EndpointName, Upstream, UpstreamSettings};

const OK: Observation = Observation::Status { code: 200, retry_after: None, exhausted: false };
const BAD: Observation = Observation::Status { code: 503, retry_after: None, exhausted: false };
const FACTS: Facts = Facts::of(Safety::Idempotent);

struct World {
    upstream: Upstream,
    rng: Stream,
    now: Instant,
    sink: Discard,
}

impl World {
    /// Every mechanism is on, at its defaults, but for what the test sets.
    fn new(settings: UpstreamSettings) -> Self {
        let mut rng = Stream::new(1, "allocation");
        let now = Instant::from_millis(1_000);
        let mut upstream = Upstream::new(settings, now, &mut rng);
        let names: Vec<_> = ["a", "b", "c"].into_iter().map(EndpointName::from).collect();
        assert_eq!(upstream.set_endpoints(&names, now, &mut rng).len(), 3);
        Self { upstream, rng, now, sink: Discard }
    }

    fn ctx(&mut self) -> Context<'_, Stream, Discard> {
        let Self { upstream, rng, now, sink } = self;
        Context { now: *now, upstream, rng, sink }
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
    }

    /// A call that is accepted at its first try.
    fn accepted(&mut self) {
        let (mut call, action) = Call::start(CallSettings::default(), FACTS, &mut self.ctx());
        assert!(matches!(action, Action::Attempt(_)));
        self.pass(Duration::from_millis(5));
        let action = call.head(1, OK, Replay::Possible, &mut self.ctx());
        assert_eq!(action, Action::Deliver(1));
        self.pass(Duration::from_millis(1));
        let action = call.ended(1, Observation::Completed, Replay::Possible, &mut self.ctx());
        assert_eq!(action, Action::Finish(Verdict::Answered { attempt: 1 }));
    }

    /// A call that is accepted at its second try.
    fn retried(&mut self) {
        let (mut call, _) = Call::start(CallSettings::default(), FACTS, &mut self.ctx());
        assert_eq!(call.head(1, BAD, Replay::Possible, &mut self.ctx()), Action::Wait);
        self.now = call.next_deadline().unwrap_or_default();
        assert!(matches!(call.timer(Replay::Possible, &mut self.ctx()), Action::Attempt(_)));
        let action = call.head(2, OK, Replay::Possible, &mut self.ctx());
        assert_eq!(action, Action::Deliver(2));
        let action = call.ended(2, Observation::Completed, Replay::Possible, &mut self.ctx());
        assert_eq!(action, Action::Finish(Verdict::Answered { attempt: 2 }));
    }

    /// A call that waits for the only permit, and is cancelled when it has it.
    fn queued(&mut self) {
        let (mut holder, _) = Call::start(CallSettings::default(), FACTS, &mut self.ctx());
        let (mut waiting, action) = Call::start(CallSettings::default(), FACTS, &mut self.ctx());
        assert!(matches!(action, Action::Enqueue(_)));
        holder.cancelled(&mut self.ctx());
        assert!(self.upstream.next_grant(self.now, &mut self.sink).is_some());
        assert!(matches!(waiting.granted(&mut self.ctx()), Action::Attempt(_)));
        waiting.cancelled(&mut self.ctx());
        self.pass(Duration::from_millis(1));
    }
}

/// Allocations of ten thousand runs after a hundred, over more than a minute of virtual time, so
/// that every window turns several times.
fn allocations(world: &mut World, run: fn(&mut World)) -> u64 {
    for _ in 0..100 {
        run(world);
    }
    let counted = allocation_counter::measure(|| {
        for _ in 0..10_000 {
            run(world);
        }
    });
    counted.count_total
}

#[test]
fn the_counter_counts() {
    let counted = allocation_counter::measure(|| drop(black_box(Box::new(1_u64))));
    assert_eq!(counted.count_total, 1);
}

#[test]
fn t177_an_accepted_call_allocates_nothing() {
    for algorithm in [
        Algorithm::PeakEwma,
        Algorithm::RoundRobin,
        Algorithm::SmoothWeighted,
        Algorithm::Random,
        Algorithm::PowerOfTwo,
        Algorithm::RING,
        Algorithm::MAGLEV,
        Algorithm::Rendezvous,
    ] {
        let mut settings = UpstreamSettings::default();
        settings.balance.algorithm = algorithm;
        let mut world = World::new(settings);
        assert_eq!(allocations(&mut world, World::accepted), 0, "{algorithm:?}");
    }
}

#[test]
fn t177_a_retry_allocates_nothing() {
    let mut settings = UpstreamSettings::default();
    // Half of all attempts fail here, which must not end in an open breaker or an ejection.
    settings.budget.floor_per_second = 1_000_000;
    settings.endpoint_breaker.consecutive = None;
    settings.endpoint_breaker.failure_rate = None;
    settings.outlier.consecutive = None;
    let mut world = World::new(settings);
    assert_eq!(allocations(&mut world, World::retried), 0);
}

#[test]
fn t177_a_wait_for_a_permit_allocates_nothing() {
    let mut settings = UpstreamSettings::default();
    settings.bulkhead.permits = 1;
    settings.bulkhead.queue = 4;
    let mut world = World::new(settings);
    assert_eq!(allocations(&mut world, World::queued), 0);
}

#[test]
fn t177_timeouts_hedges_and_budgets_allocate_nothing() {
    let start = Instant::EPOCH;
    let mut latencies = RotatingHistogram::new(Duration::from_secs(60), start);
    let adaptive = AdaptiveSettings { mode: Mode::Enforce, ..AdaptiveSettings::default() };
    let mut timeout = AdaptiveTimeout::new(adaptive, start);
    let settings = HedgeSettings { mode: Mode::Enforce, ..HedgeSettings::default() };
    let mut hedging = Hedging::new(settings, start);
    let mut budget = Budget::new(BudgetSettings::default(), start);
    let endpoint = EndpointId { slot: Slot::new(0), generation: 0 };
    let conditions = Conditions {
        safety: Safety::Idempotent,
        response: Response::None,
        fired: 0,
        left: None,
        useful: Duration::from_millis(1),
        untried: 1,
        load: Load::Normal,
    };
    let counted = allocation_counter::measure(|| {
        for call in 0..10_000 {
            let now = Instant::from_millis(call * 10);
            budget.deposit(now);
            hedging.deposit(now);
            let limit = timeout.attempt_timeout(now, &mut latencies, &mut Discard);
            black_box(hedging.delay(now, &mut latencies, limit));
            if let Ok(hedge) = hedging.may_fire(now, &conditions, &mut Discard) {
                hedging.fired(&hedge, limit, endpoint, &mut Discard);
                hedging.settle(hedge, Race::Lost, &mut Discard);
            }
            if let Ok(reservation) = budget.reserve_for(Purpose::Hedge, now, &mut Discard) {
                budget.refund(reservation, now);
            }
            Sample::Answered(Duration::from_millis(call % 50)).record(now, &mut latencies);
        }
    });
    assert_eq!(counted.count_total, 0);
    assert!(timeout.snapshot().tightened > 0, "it has done something");
}
