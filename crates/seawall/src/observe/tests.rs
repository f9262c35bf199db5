//! T173: every documented signal fires. T174: labels are bounded.

use std::collections::BTreeSet;
use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use seawall_core::breaker::{KeyClass, KeyedEvent};
use seawall_core::brownout::{BrownoutEvent, Level};
use seawall_core::budget::BudgetEvent;
use seawall_core::bulkhead::BlockingEvent;
use seawall_core::detect::{Beat, DetectEvent};
use seawall_core::outlier::{Ejection, Finding, OutlierEvent};
use tracing::field::{Field, Visit};

use super::labels::{Label, OVERFLOW};
use super::{DECISIONS, Kind, SIGNALS, page};
use crate::event::Listeners;
use crate::mechanism::{Brownout, BrownoutSettings, RateLimiter, Setup};
use crate::test::ManualClock;
use crate::{
    BreakerEvent, BreakerSettings, Class, Decision, Endpoint, Event, HedgeEvent, Manual, Mode,
    Observation, Policy, Ratio, Reason, Role, StepKind, What,
};

/// What was heard: the name of each signal, with its fields or labels.
type Heard = BTreeSet<(String, BTreeSet<String>)>;

/// A subscriber of `tracing` that keeps names and fields.
#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Heard>>);

impl Visit for Signal {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "event" => value.clone_into(&mut self.0.0),
            name => _ = self.0.1.insert(name.to_owned()),
        }
    }
    fn record_debug(&mut self, field: &Field, _: &dyn std::fmt::Debug) {
        self.0.1.insert(field.name().to_owned());
    }
}

#[derive(Default)]
struct Signal((String, BTreeSet<String>));

impl tracing::Subscriber for Ear {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "seawall"
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut signal = Signal::default();
        event.record(&mut signal);
        self.0.lock().unwrap().insert(signal.0);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// Runs `act`; returns what was traced and what was measured, each metric with its labels.
fn hear(act: impl FnOnce()) -> (Heard, Heard) {
    let ear = Ear::default();
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        tracing::subscriber::with_default(ear.clone(), act);
    });
    (std::mem::take(&mut ear.0.lock().unwrap()), measured(&snapshotter))
}

fn measured(snapshotter: &Snapshotter) -> Heard {
    let metrics = snapshotter.snapshot().into_vec().into_iter();
    let heard = metrics.map(|(key, _, _, _)| {
        let labels = key.key().labels().map(|label| label.key().to_owned());
        (key.key().name().to_owned(), labels.collect())
    });
    heard.collect()
}

fn documented(traces: bool) -> Heard {
    let signals = SIGNALS.iter().filter(|signal| (signal.kind == Kind::Trace) == traces);
    let named = signals.map(|signal| {
        let labels = signal.labels.iter().chain(&["policy"]);
        (signal.name.to_owned(), labels.map(|label| (*label).to_owned()).collect())
    });
    named.collect()
}

/// One of each thing that can happen. The compiler holds that `name_of` and the exporters know
/// every variant; here each is made.
fn everything() -> Vec<What> {
    let (at, slot) = (seawall_core::time::Instant::EPOCH, seawall_core::endpoint::Slot::new(0));
    let (calls, openings, rate) = (3, 1, Ratio::ONE);
    let cause = seawall_core::breaker::Cause::FailureRate;
    let (finding, mode) = (Finding::FailedProbe, Mode::Enforce);
    let endpoint = seawall_core::endpoint::EndpointId { slot, generation: 0 };
    let reason = seawall_core::hedge::Suppressed::BudgetEmpty;
    let (zero, purpose) = (Duration::ZERO, seawall_core::budget::Purpose::Retry);
    let throttled = seawall_core::throttle::Throttled { p: rate, requests: 1, accepts: 0 };
    vec![
        What::Breaker(BreakerEvent::Opened { cause, rate, calls, openings, until: at }),
        What::Breaker(BreakerEvent::HalfOpened),
        What::Breaker(BreakerEvent::Closed { after: Duration::ZERO }),
        What::Breaker(BreakerEvent::StaleOutcome { ticket: 1, current: 2 }),
        What::Breaker(BreakerEvent::Forced { mode: Manual::ForcedOpen }),
        What::Breaker(BreakerEvent::ProbeAbandoned),
        What::Breaker(BreakerEvent::WouldReject { until: at }),
        What::Hedge(HedgeEvent::Fired { delay: Duration::ZERO, endpoint }),
        What::Hedge(HedgeEvent::Won),
        What::Hedge(HedgeEvent::Lost),
        What::Hedge(HedgeEvent::Suppressed { reason }),
        What::Hold(seawall_core::hold::HoldEvent::OutageBegan { endpoints: 1, mode }),
        What::Hold(seawall_core::hold::HoldEvent::OutageEnded { after: zero, held: 1, mode }),
        What::Hold(seawall_core::hold::HoldEvent::Full { held: 1, bytes: 0 }),
        What::Hold(seawall_core::hold::HoldEvent::Released { after: zero }),
        What::Outlier(OutlierEvent::Ejected {
            slot,
            ejection: Ejection { finding, streak: 1, at, until: at },
            mode,
        }),
        What::Outlier(OutlierEvent::Capped { slot, finding, out: 1, mode }),
        What::Outlier(OutlierEvent::Suppressed { slot, finding, failing: 2, judged: 2, mode }),
        What::Outlier(OutlierEvent::Returned { slot, streak: 1, mode }),
        What::Outlier(OutlierEvent::NotEnforced { slot, finding, share: rate, mode }),
        What::Rate(seawall_core::rate::RateEvent::OverflowKeys { keys: 1 }),
        What::Shed(seawall_core::shed::ShedEvent::OverloadEntered { wait: zero }),
        What::Throttle(seawall_core::throttle::ThrottleEvent::Throttled { mode, why: throttled }),
        What::Limit(seawall_core::concurrency::LimitEvent::Dip { resume: 1, base: zero }),
        What::Bulkhead(seawall_core::bulkhead::BulkheadRejected {
            cause: seawall_core::bulkhead::RejectCause::QueueFull,
            waiter: None,
            waited: zero,
            in_use: 1,
            limit: 1,
            queued: 0,
        }),
        What::Budget(BudgetEvent::Spent { purpose, first: 1, extra: 1 }),
        What::Budget(BudgetEvent::Denied { purpose, first: 1, extra: 1, vain: 1, ratio: rate }),
        What::Timeout(seawall_core::timeout::TimeoutAdapted {
            old: zero,
            new: zero,
            p99: zero,
            samples: 1,
            mode,
        }),
        What::Spillover(seawall_core::balance::Loads::default()),
        What::SlowStart,
        What::PanicEntered,
        What::PanicLeft,
    ]
}

/// One of each thing that can happen to mechanisms that stand alone.
fn everything_alone() -> Vec<What> {
    let (at, zero) = (seawall_core::time::Instant::EPOCH, Duration::ZERO);
    let beat = Beat { incarnation: 0, sequence: 0 };
    let (rate, mode) = (Ratio::ONE, Mode::Enforce);
    vec![
        What::Keyed(KeyedEvent::Breaker { class: KeyClass::Own, event: BreakerEvent::HalfOpened }),
        What::Keyed(KeyedEvent::Full { keys: 1 }),
        What::Blocking(BlockingEvent::Abandoned { after: zero, zombies: 1 }),
        What::Blocking(BlockingEvent::ZombieReturned { after: zero, zombies: 0 }),
        What::Brownout(BrownoutEvent {
            from: Level::Normal,
            to: Level::Lean,
            cause: seawall_core::brownout::Cause::Pinned,
            pressure: rate,
            mode,
        }),
        What::Detector(DetectEvent::Suspected { phi: None, since: at }),
        What::Detector(DetectEvent::Recovered { silence: zero }),
        What::Detector(DetectEvent::Restarted { incarnation: 1 }),
        What::Detector(DetectEvent::LateBeat { beat, last: beat }),
    ]
}

/// One of each decision for a call.
fn every_decision() -> Vec<StepKind> {
    let slot = seawall_core::endpoint::Slot::new(0);
    let endpoint = seawall_core::endpoint::EndpointId { slot, generation: 0 };
    let (number, candidates) = (1, 2);
    let reason = seawall_core::upstream::ChoiceReason::Balanced;
    let (seen, class) = (Observation::Completed, Class::Success);
    vec![
        StepKind::Deadline(Some(Duration::from_secs(1))),
        StepKind::Queued,
        StepKind::Granted,
        StepKind::Held { until: seawall_core::time::Instant::EPOCH },
        StepKind::Released,
        StepKind::Attempt { number, role: Role::First, endpoint, reason, candidates },
        StepKind::Saw { number, seen, class },
        StepKind::Abandoned { number },
        StepKind::HedgeSuppressed(seawall_core::hedge::Suppressed::BudgetEmpty),
        StepKind::Retry { after: Duration::ZERO },
        StepKind::RetryDenied(Reason::BudgetEmpty),
        StepKind::Delivered { number },
        StepKind::FellBack { rung: 0, why: Reason::BreakerOpen },
        StepKind::Refused(Reason::BreakerOpen),
        StepKind::Cancelled,
    ]
}

/// Tells the listeners of a policy of a decision, as its machine would.
fn decide(listeners: &Listeners, what: StepKind) {
    let endpoint = Some(Endpoint { name: "a".into(), index: 0 });
    let (policy, at) = (Some("users".into()), ManualClock::new().epoch());
    listeners.decisions.publish(&Decision { policy, call: 1, at, endpoint, what });
}

fn listeners_of(builder: crate::PolicyBuilder) -> Policy {
    builder.build().unwrap()
}

/// Tells the listeners of a policy of an event, as its machine would.
fn publish(listeners: &Listeners, sequence: u64, what: What) {
    let endpoint = Some(Endpoint { name: "a".into(), index: 0 });
    let at = ManualClock::new().epoch();
    listeners.events.publish(&Event { policy: Some("users".into()), sequence, at, endpoint, what });
}

async fn call(policy: &Policy, result: Result<(), &'static str>) {
    let _ended = policy.call(|_| ready(result)).await;
}

#[test]
fn t173_every_documented_signal_fires_and_no_other_does() {
    let clock = ManualClock::new();
    let (traced, measured) = hear(|| {
        let builder = Policy::builder().name("users").clock(&clock);
        let builder = builder.breaker(BreakerSettings::for_upstream());
        let builder = builder.tracing().metrics().trace_decisions().count_decisions();
        let policy = listeners_of(builder);
        for (sequence, what) in (1..).zip(everything().into_iter().chain(everything_alone())) {
            publish(&policy.shared.listeners, sequence, what);
        }
        for what in every_decision() {
            decide(&policy.shared.listeners, what);
        }
        // Forced open, a call has a reason; `None` is not recorded as a field.
        policy.force_breaker(Manual::ForcedOpen);
        clock.run(call(&policy, Ok(())));
        policy.publish_gauges();
    });
    let fields = |heard: &Heard, name: &str| -> BTreeSet<String> {
        heard.iter().filter(|(known, _)| known == name).flat_map(|(_, f)| f.clone()).collect()
    };
    let names = |heard: &Heard| heard.iter().map(|(name, _)| name.clone()).collect::<BTreeSet<_>>();
    for (heard, documented) in [(traced, documented(true)), (measured, documented(false))] {
        assert_eq!(names(&heard), names(&documented));
        for (name, expected) in documented {
            assert_eq!(fields(&heard, &name), expected, "{name}");
        }
    }
}

/// The values that a label of a counter had.
fn values(snapshotter: &Snapshotter, counter: &str, label: &str) -> BTreeSet<String> {
    let all = snapshotter.snapshot().into_vec().into_iter();
    let of_counter = all.filter(|(key, ..)| key.key().name() == counter);
    let labels = of_counter.flat_map(|(key, ..)| {
        key.key()
            .labels()
            .map(|one| (one.key().to_owned(), one.value().to_owned()))
            .collect::<Vec<_>>()
    });
    labels.filter(|(key, _)| key == label).map(|(_, value)| value).collect()
}

#[test]
fn t173_every_decision_has_its_name_and_a_why_from_a_fixed_list() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        let policy = listeners_of(Policy::builder().name("users").count_decisions());
        every_decision().into_iter().for_each(|what| decide(&policy.shared.listeners, what));
    });
    let documented: BTreeSet<_> = DECISIONS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(values(&snapshotter, "seawall_decisions_total", "decision"), documented);
}

#[test]
fn the_decisions_for_a_call_are_counted_by_what_and_why() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        let clock = ManualClock::new();
        let builder = Policy::builder().name("decided").clock(&clock).count_decisions();
        clock.run(call(&listeners_of(builder), Err("down")));
    });
    let whys = values(&snapshotter, "seawall_decisions_total", "why");
    let expected = ["", "failure", "first", "not_idempotent"].map(str::to_owned);
    assert_eq!(whys, expected.into());
}

/// What a mechanism that stands alone reports reaches both exporters under its name.
#[test]
fn t173_single_mechanisms_are_seen_and_counted() {
    let quota = crate::Quota { rate: crate::Rate::per_second(1), burst: 1 };
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let ear = Ear::default();
    metrics::with_local_recorder(&recorder, || {
        tracing::subscriber::with_default(ear.clone(), || {
            let setup = Setup::named("api").tracing().metrics();
            let limiter = RateLimiter::with(quota, setup).unwrap();
            limiter.try_acquire().unwrap();
            limiter.try_acquire().unwrap_err();
            let setup = Setup::named("leveled").tracing().metrics();
            let brownout = Brownout::with(BrownoutSettings::default(), setup).unwrap();
            brownout.pin(Some(Level::Lean));
        });
    });
    let names: BTreeSet<_> = ear.0.lock().unwrap().iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names, ["brownout_level", "rate_limit"].map(str::to_owned).into());
    let snapshot = values(&snapshotter, "seawall_events_total", "policy");
    assert_eq!(snapshot, ["api", "leveled"].map(str::to_owned).into());
}

#[test]
fn a_policy_that_trips_and_recovers_is_seen_to() {
    let clock = ManualClock::new();
    let settings = BreakerSettings {
        consecutive: Some(2),
        failure_rate: None,
        ..BreakerSettings::for_endpoint()
    };
    let (traced, measured) = hear(|| {
        let builder = Policy::builder().name("seen").clock(&clock).breaker(settings);
        let policy = listeners_of(builder.tracing().metrics());
        for _ in 0..3 {
            clock.run(call(&policy, Err("down")));
        }
        for _ in 0..10 {
            clock.advance(Duration::from_secs(60));
            clock.run(call(&policy, Ok(())));
        }
        drop(policy.call(|_| ready(Ok::<_, String>(()))));
    });
    let names: BTreeSet<_> = traced.iter().map(|(name, _)| name.as_str()).collect();
    let expected = ["breaker_closed", "breaker_half_opened", "breaker_opened", "call_ended"];
    assert_eq!(names, expected.into());
    assert!(measured.iter().any(|(name, _)| name == "seawall_breaker_state"), "{measured:?}");
}

#[test]
fn numbers_are_those_of_the_calls() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        let clock = ManualClock::new();
        let policy = listeners_of(Policy::builder().name("counted").clock(&clock).metrics());
        for _ in 0..3 {
            clock.run(call(&policy, Ok(())));
        }
        clock.run(call(&policy, Err("down")));
    });
    let mut total = 0;
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        if key.key().name() == "seawall_calls_total" {
            let DebugValue::Counter(count) = value else { panic!("{value:?}") };
            total += count;
        }
    }
    assert_eq!(total, 4);
}

#[test]
fn t173_nothing_is_shown_unless_asked_for() {
    let clock = ManualClock::new();
    let (traced, measured) = hear(|| {
        let policy = Policy::builder().clock(&clock).build().unwrap();
        policy.force_breaker(Manual::ForcedOpen);
        clock.run(call(&policy, Ok(())));
    });
    assert!(traced.is_empty() && measured.is_empty(), "{traced:?} {measured:?}");
}

#[test]
fn t174_values_of_labels_are_bounded() {
    let label = Label::new(2);
    let values = ["a", "b", "c", "a", "d"].map(|value| label.bounded(&value.into()));
    assert_eq!(values.each_ref().map(|value| &**value), ["a", "b", OVERFLOW, "a", OVERFLOW]);
}

#[test]
fn a_listener_that_panics_harms_no_call() {
    let clock = ManualClock::new();
    let builder = Policy::builder().clock(&clock).on_call(|_| panic!("in a listener"));
    let policy = listeners_of(builder);
    assert_eq!(clock.run(policy.call(|_| ready(Ok::<_, String>(7)))), Ok(7));
}

#[test]
fn the_page_of_the_documentation_is_that_of_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/library-signals.md");
    if std::env::var_os("SEAWALL_BLESS").is_some() {
        std::fs::write(path, page()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(written, page(), "run with SEAWALL_BLESS=1 to write it anew");
}
