//! Known bugs of others, each as a test.

use super::service::Service;
use super::*;
use crate::outcome::{Connection, Observation, Outcome, RetryOn500, Sent, classify};

fn seen(observation: Observation) -> Evidence {
    Evidence::of(&classify(observation, RetryOn500::Never))
}

#[test]
fn t106_cancelled_and_fast_failed_attempts_are_no_samples_and_drops_count() {
    assert_eq!(seen(Observation::Completed), Evidence::Sample);
    assert_eq!(seen(Observation::CallerGone), Evidence::None);
    assert_eq!(Evidence::of(&Outcome::abandoned()), Evidence::None);
    let lost = Observation::Lost { connection: Connection::Fresh, sent: Sent::Maybe };
    assert_eq!(seen(lost), Evidence::None);
    assert_eq!(seen(Observation::TimedOut { sent: Sent::Yes }), Evidence::Drop);
    let status = |code| Observation::Status { code, retry_after: None, exhausted: false };
    assert_eq!(seen(status(500)), Evidence::None);
    assert_eq!(seen(status(429)), Evidence::Drop);
}

#[test]
fn t106_whatever_says_nothing_moves_no_limit() {
    for settings in all() {
        let mut bench = Bench::started_at(50.clamp(settings.min, settings.max), settings);
        let before = bench.limit.limit();
        (0..1_000).for_each(|_| _ = bench.wait(millis(10)).finish(said_nothing(before)));
        assert_eq!(bench.limit.limit(), before, "{:?}", settings.algorithm);
        let snapshot = bench.limit.snapshot();
        assert_eq!((snapshot.samples, snapshot.drops, snapshot.base), (0, 0, None));
    }
}

#[test]
fn t34_what_is_refused_here_is_no_evidence() {
    let exhausted = Observation::ConnectFailed(crate::outcome::ConnectFailure::Exhausted);
    assert_eq!(seen(exhausted), Evidence::None);
}

/// Twelve arrivals for ten that the service does, for an hour.
#[test]
fn t107_mild_overload_for_an_hour_lifts_no_limit() {
    let mut ours = Service::new(LimitSettings::default(), millis(100), 20);
    ours.run(Duration::from_hours(1), micros(4_166));
    let settled: Vec<_> = ours.log.iter().filter(|(since, _)| *since > at(60_000)).collect();
    assert!(settled.iter().all(|(_, limit)| *limit <= 36), "{:?}", settled.iter().max());
    assert!(ours.served > 3_600 * 200 * 98 / 100, "only {} served", ours.served);

    let theirs = LimitSettings { max: 1_000, ..LimitSettings::gradient2() };
    let mut theirs = Service::new(theirs, millis(100), 20);
    theirs.run(Duration::from_mins(10), micros(4_166));
    assert!(theirs.limit() > 500, "Gradient2 has no end: {}", theirs.limit());
}

#[test]
fn t108_the_limit_doubles_until_the_first_congestion() {
    let mut bench = Bench::new(LimitSettings::default());
    let mut limits = [0; 7].map(|_| bench.round(sample(millis(10), bench.limit.limit())));
    assert_eq!(limits, [40, 80, 160, 320, 640, 1_000, 1_000]);
    let mut bench = Bench::new(LimitSettings::default());
    let latencies = [10, 10, 20, 10, 10];
    for (limit, latency) in limits.iter_mut().zip(latencies) {
        *limit = bench.round(sample(millis(latency), bench.limit.limit()));
    }
    assert_eq!(limits[..5], [40, 80, 76, 77, 79], "and creeps from then on");
}

#[test]
fn t109_an_idle_service_does_not_inflate_its_limit() {
    for settings in all() {
        let mut bench = Bench::started_at(100, settings);
        // The algorithm of Envoy grows also unused; that is why it is not ours.
        let bound = if settings.algorithm == Algorithm::Envoy { 1_000 } else { 100 };
        (0..200).for_each(|_| assert!(bench.round(sample(millis(10), 2)) <= bound));
    }
    let mut ours = Bench::started_at(100, LimitSettings::default());
    (0..100).for_each(|_| _ = ours.round(sample(millis(10), 12)));
    assert_eq!(ours.limit.limit(), 48, "within four times what is in use");
    assert_eq!(ours.limit.cause(), Cause::Unused);
}

#[test]
fn t110_learning_the_base_costs_half_of_the_limit_for_less_than_a_second() {
    let mut ours = Service::new(LimitSettings::default(), millis(100), 20);
    ours.run(Duration::from_hours(1), micros(4_166));
    let dips = ours.events().iter().filter(|event| matches!(event, LimitEvent::Dip { .. }));
    assert!((4..=6).contains(&dips.count()), "every ten minutes");
    let dips = ours.log.windows(3).filter(|three| three[1].1 * 2 <= three[0].1 + 1);
    let mut seen = 0;
    for dip in dips {
        seen += 1;
        assert!(dip[2].0.since(dip[1].0) < Duration::from_secs(1), "{dip:?}");
        // The update that begins a dip may move the limit as well.
        assert!(dip[2].1.abs_diff(dip[0].1) <= 1, "what was learned holds again: {dip:?}");
    }
    assert!(seen >= 4, "{seen}");
    let lowest = ours.log.iter().map(|(_, limit)| *limit).min().unwrap();
    assert!(lowest >= 12, "never pinned: {lowest}");
}

#[test]
fn t110_a_rejection_says_the_limit_and_why_it_is_that() {
    let mut bench = Bench::new(LimitSettings::default());
    bench.round(dropped(millis(10), 20));
    assert!(bench.limit.admit(18, &mut bench.events).is_ok());
    let refused = bench.limit.admit(19, &mut bench.events).unwrap_err();
    assert_eq!(refused, LimitRefused { limit: 19, cause: Cause::Drop });
    let event =
        LimitEvent::Rejected { in_flight: 19, limit: 19, cause: Cause::Drop, mode: Mode::Enforce };
    assert_eq!(bench.events.last(), Some(&event));
    assert_eq!(bench.limit.snapshot().rejected, 1);
}

pub(super) fn all() -> [LimitSettings; 5] {
    [
        LimitSettings::default(),
        LimitSettings::aimd(),
        LimitSettings::vegas(),
        LimitSettings::gradient2(),
        LimitSettings::envoy(),
    ]
}
