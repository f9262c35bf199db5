//! T173: every documented signal fires. T174: labels are bounded.

use std::collections::BTreeSet;
use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use seawall_core::budget::BudgetEvent;
use seawall_core::outlier::{Ejection, Finding, OutlierEvent};
use tracing::field::{Field, Visit};

use super::labels::{Label, OVERFLOW};
use super::{Kind, SIGNALS, page};
use crate::event::Listeners;
use crate::test::ManualClock;
use crate::{
    BreakerEvent, BreakerSettings, Endpoint, Event, HedgeEvent, Manual, Mode, Policy, Ratio, What,
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
        What::Budget(BudgetEvent::Denied { purpose, first: 1, extra: 1, ratio: rate }),
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

fn listeners_of(builder: crate::PolicyBuilder) -> Policy {
    builder.build().unwrap()
}

/// Tells the listeners of a policy of an event, as its machine would.
fn publish(listeners: &Listeners, sequence: u64, what: What) {
    let endpoint = Some(Endpoint { name: "a".into(), index: 0 });
    let at = ManualClock::new().epoch();
    listeners.publish(&Event { policy: Some("users".into()), sequence, at, endpoint, what });
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
        let policy = listeners_of(builder.tracing().metrics());
        for (sequence, what) in (1..).zip(everything()) {
            publish(&policy.shared.listeners, sequence, what);
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
