//! The worked examples and traps of timeouts, and an hour of a service that slows down.

use super::*;
use crate::Mode;
use crate::histogram::{Histogram, RotatingHistogram};
use crate::invalid::Invalid;
use crate::ratio::Ratio;
use crate::rng::{Rng, Stream};
use crate::time::{Duration, Instant};
use proptest::prelude::*;
use std::vec::Vec;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn enforced(ceiling: Duration) -> AdaptiveSettings {
    AdaptiveSettings { mode: Mode::Enforce, ceiling, ..AdaptiveSettings::default() }
}

/// What the world records of attempts that timed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bias {
    /// What the rule says.
    None,
    /// Nothing: only answers that made it are samples.
    Survivors,
}

/// One upstream with one attempt in flight after the other, for the sake of virtual time evenly
/// spread.
struct World {
    timeout: AdaptiveTimeout,
    latencies: RotatingHistogram,
    bias: Bias,
    now: Instant,
    events: Vec<TimeoutAdapted>,
}

impl World {
    fn new(settings: AdaptiveSettings) -> Self {
        Self {
            timeout: AdaptiveTimeout::new(settings, Instant::EPOCH),
            latencies: RotatingHistogram::new(Duration::from_secs(60), Instant::EPOCH),
            bias: Bias::None,
            now: Instant::EPOCH,
            events: Vec::new(),
        }
    }

    /// An attempt that the service would answer after `latency`; whether it did in time.
    fn attempt(&mut self, latency: Duration) -> bool {
        let Self { timeout, latencies, events, now, .. } = self;
        let limit = timeout.attempt_timeout(*now, latencies, events);
        timeout.invariants();
        let answered = latency <= limit;
        if answered {
            Sample::Answered(latency).record(*now, latencies);
        } else if self.bias == Bias::None {
            Sample::TimedOut(limit).record(*now, latencies);
        }
        answered
    }

    /// So many attempts in the next seconds; how many were answered.
    fn seconds(&mut self, seconds: u64, rate: u64, mut latency: impl FnMut() -> Duration) -> u64 {
        let step = Duration::from_nanos(1_000_000_000 / rate);
        let mut answered = 0;
        for _ in 0..seconds * rate {
            self.now = self.now.after(step);
            answered += u64::from(self.attempt(latency()));
        }
        answered
    }

    fn learnt(&self) -> Duration {
        self.timeout.snapshot().learnt
    }
}

/// The histogram reports up to 5 % too much, and so does what follows from it.
fn assert_near(ours: Duration, exact: Duration) {
    assert!(ours >= exact && ours <= exact + exact / 20, "{ours:?} is not near {exact:?}");
}

/// 1 ms to 100 ms, over and over.
fn to_a_hundred() -> impl FnMut() -> Duration {
    let mut turns = (1..=100).cycle();
    move || millis(turns.next().unwrap())
}

#[test]
fn to_1_a_quiet_service_tightens_the_timeout_in_thirteen_updates() {
    let mut world = World::new(enforced(millis(3_000)));
    world.seconds(64, 40, to_a_hundred());
    assert_eq!(world.events.len(), 12);
    assert_near(world.learnt(), millis(206) + Duration::from_micros(158));
    world.seconds(16, 40, to_a_hundred());
    let last = *world.events.last().unwrap();
    assert_eq!(world.events.len(), 13, "it has arrived");
    assert_near(last.p99, millis(99));
    assert_eq!(last.new, last.p99 * 2);
    assert!(world.events.windows(2).all(|pair| pair[0].new == pair[1].old));
    assert!(world.events.iter().all(|event| event.new >= event.old * 8 / 10));
    let snapshot = world.timeout.snapshot();
    assert_eq!((snapshot.opened, snapshot.tightened), (0, 13));
    assert_eq!(snapshot.in_force, last.new);
}

/// A timeout that has come down to about 200 ms under a ceiling of 1 s.
fn at_200_ms() -> World {
    let mut world = World::new(enforced(millis(1_000)));
    world.seconds(120, 20, || millis(100));
    assert_near(world.learnt(), millis(200));
    world.events.clear();
    world
}

#[test]
fn to_2_t72_a_service_that_slows_down_is_followed_up_to_the_ceiling_and_no_further() {
    let mut world = at_200_ms();
    world.seconds(5, 20, || millis(500));
    assert_near(world.learnt(), millis(400));
    world.seconds(5, 20, || millis(500));
    assert_near(world.learnt(), millis(800));
    world.seconds(5, 20, || millis(500));
    assert_eq!(world.learnt(), millis(1_000));
    assert_eq!(world.seconds(300, 20, || millis(500)), 6_000, "all are answered from now on");
    assert_eq!(world.learnt(), millis(1_000));
    assert_eq!(world.events.len(), 3);
    assert_eq!(world.timeout.snapshot().opened, 3);
}

#[test]
fn t72_learning_from_survivors_alone_times_everything_out_for_ever() {
    let mut world = at_200_ms();
    world.bias = Bias::Survivors;
    assert_eq!(world.seconds(600, 20, || millis(500)), 0, "what the guard is there for");
    let mut world = at_200_ms();
    assert!(world.seconds(600, 20, || millis(500)) >= 11_700, "at most 15 s are lost");
}

#[test]
fn t72_on_a_trickle_of_traffic_it_still_opens() {
    let mut world = at_200_ms();
    // Until the samples of busier times have left.
    world.seconds(70, 1, || millis(90));
    assert!(world.latencies.count(world.now) < 100);
    let before = world.learnt();
    assert_eq!(world.seconds(60, 1, || millis(90)), 60);
    assert_eq!(world.learnt(), before, "too few to tighten");
    let answered = world.seconds(60, 1, || millis(700));
    assert!(answered >= 44, "{answered} of 60 answered");
}

#[test]
fn t72_a_general_slowdown_never_makes_everything_time_out_for_an_hour() {
    const RATE: u64 = 20;
    let mut world = World::new(enforced(millis(3_000)));
    let mut stream = Stream::new(72, "slowdowns");
    let (mut answered, mut silent) = (0, 0_u64);
    // Sixty minutes, each with a typical latency of its own, from 10 ms to 2 s.
    for _ in 0..60 {
        let typical = 10 << stream.below(8);
        let latency = |stream: &mut Stream| millis(typical + stream.below(typical / 2 + 1));
        for _ in 0..60 {
            let in_time = world.seconds(1, RATE, || latency(&mut stream));
            silent = if in_time == 0 { silent + 1 } else { 0 };
            answered += in_time;
            // Six doublings lie between the floor and the ceiling, one each 5 s.
            assert!(silent <= 30, "nothing was answered for {silent} s");
        }
    }
    let all = 3_600 * RATE;
    assert!(answered * 100 >= all * 95, "{answered} of {all} answered");
    assert!(world.timeout.snapshot().tightened > 0, "it has adapted at all");
    world.latencies.invariants();
}

#[test]
fn an_update_takes_five_seconds_and_tightening_a_hundred_samples() {
    for (samples, tightened) in [(99, 0), (100, 1)] {
        let mut world = World::new(enforced(millis(1_000)));
        world.now = Instant::from_millis(10);
        (0..samples - 1).for_each(|_| assert!(world.attempt(millis(90))));
        world.now = Instant::from_millis(4_999);
        world.attempt(millis(90));
        world.attempt(millis(90));
        assert_eq!(world.timeout.snapshot().tightened, 0, "too early");
        let mut world = World::new(enforced(millis(1_000)));
        (0..samples).for_each(|_| assert!(world.attempt(millis(90))));
        world.now = Instant::from_millis(5_000);
        world.attempt(millis(90));
        assert_eq!(world.timeout.snapshot().tightened, tightened, "{samples} samples");
    }
}

#[test]
fn shadow_reports_what_it_would_do_and_attempts_keep_the_fixed_timeout() {
    let fixed = millis(1_000);
    let mut world = World::new(AdaptiveSettings { mode: Mode::Shadow, ..enforced(fixed) });
    assert_eq!(world.seconds(60, 20, || millis(500)), 1_200);
    world.seconds(60, 20, || millis(20));
    world.seconds(60, 20, || millis(20));
    let snapshot = world.timeout.snapshot();
    assert_eq!(snapshot.in_force, fixed);
    assert!(snapshot.learnt < millis(200));
    assert!(world.events.iter().all(|event| event.mode == Mode::Shadow));
    assert!(world.events.len() as u64 == snapshot.opened + snapshot.tightened);
}

#[test]
fn off_it_is_the_fixed_timeout_and_learns_nothing() {
    let mut world = World::new(AdaptiveSettings::default());
    world.seconds(120, 20, || millis(20));
    assert_eq!(world.learnt(), millis(3_000));
    assert_eq!(world.events, []);
}

#[test]
fn it_never_tightens_below_the_floor() {
    let mut world = World::new(enforced(millis(1_000)));
    world.seconds(300, 20, || millis(1));
    assert_eq!(world.learnt(), millis(50));
}

#[test]
fn no_samples_change_nothing() {
    let mut world = at_200_ms();
    let before = world.learnt();
    world.now = world.now.after(Duration::from_secs(3_600));
    world.attempt(millis(1));
    assert_eq!(world.learnt(), before);
}

#[test]
fn a_clock_that_steps_back_brings_no_update() {
    let mut world = at_200_ms();
    world.now = Instant::from_millis(3);
    world.seconds(100, 20, || millis(90));
    assert_eq!(world.events, []);
}

#[test]
fn a_reload_keeps_what_was_learnt_within_the_new_bounds() {
    let mut world = at_200_ms();
    let before = world.learnt();
    world.timeout.reconfigure(enforced(millis(5_000)));
    assert_eq!(world.learnt(), before);
    world.timeout.reconfigure(AdaptiveSettings { floor: millis(250), ..enforced(millis(5_000)) });
    assert_eq!(world.learnt(), millis(250));
    world.timeout.reconfigure(enforced(millis(100)));
    assert_eq!(world.learnt(), millis(100));
    world.timeout.reconfigure(AdaptiveSettings::default());
    world.timeout.reconfigure(enforced(millis(700)));
    assert_eq!(world.learnt(), millis(700), "what was off begins anew");
}

#[test]
fn every_setting_changes_what_is_learnt() {
    let usual = enforced(millis(1_000));
    let learnt = |settings: AdaptiveSettings| {
        let mut world = World::new(settings);
        world.seconds(20, 10, to_a_hundred());
        world.learnt()
    };
    let changed = [
        usual,
        AdaptiveSettings {
            quantile: Ratio::from_percent(50),
            tighten: Ratio::from_ppm(1),
            ..usual
        },
        AdaptiveSettings { factor: Ratio::from_percent(850), ..usual },
        AdaptiveSettings { floor: millis(900), ..usual },
        AdaptiveSettings { tighten: Ratio::from_percent(60), ..usual },
        AdaptiveSettings { refresh: millis(11_000), ..usual },
        AdaptiveSettings { samples_min: 100_000, ..usual },
        enforced(millis(2_000)),
    ];
    let mut seen: Vec<Duration> = changed.into_iter().map(learnt).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), changed.len(), "{seen:?}");
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let usual = AdaptiveSettings::default();
    assert_eq!(usual.validate(), Ok(()));
    let wrong = [
        ("quantile", AdaptiveSettings { quantile: Ratio::ZERO, ..usual }),
        ("quantile", AdaptiveSettings { quantile: Ratio::from_ppm(1_000_001), ..usual }),
        ("factor", AdaptiveSettings { factor: Ratio::ONE, ..usual }),
        ("tighten", AdaptiveSettings { tighten: Ratio::ONE, ..usual }),
        ("tighten", AdaptiveSettings { tighten: Ratio::ZERO, ..usual }),
        ("floor", AdaptiveSettings { floor: Duration::ZERO, ..usual }),
        ("ceiling", AdaptiveSettings { ceiling: millis(49), ..usual }),
        ("refresh", AdaptiveSettings { refresh: Duration::ZERO, ..usual }),
        ("samples_min", AdaptiveSettings { samples_min: 0, ..usual }),
    ];
    for (field, settings) in wrong {
        let invalid = settings.validate().unwrap_err();
        assert_eq!(Invalid::field(&invalid), field);
    }
    assert_eq!(AdaptiveSettings { ceiling: millis(50), ..usual }.validate(), Ok(()));
}

#[test]
fn presets_by_kind_are_the_documented_ones() {
    let seconds = OperationKind::ALL.map(|kind| {
        let preset = kind.preset();
        (kind.name(), preset.attempt.as_millis(), preset.total.as_millis(), preset.attempts)
    });
    let expected = [
        ("cache", 50, 50, 1),
        ("query", 3_000, 10_000, 3),
        ("internal", 3_000, 10_000, 3),
        ("external", 15_000, 50_000, 3),
        ("upload", 60_000, 60_000, 1),
        ("report", 10_000, 25_000, 2),
        ("health", 1_000, 1_000, 1),
    ];
    assert_eq!(seconds, expected);
}

#[test]
fn classes_have_the_documented_limits() {
    let columns = OperationClass::ALL.map(|class| {
        let Limits { total, attempt, body_idle, retries, hedges } = class.limits();
        let total = total.map(|total| total.as_millis());
        (class.name(), total, attempt.as_millis(), body_idle.as_secs(), retries, hedges)
    });
    let expected = [
        ("interactive", Some(2_000), 600, 2, Retries::WhenSafe, Hedges::WhenSafe),
        ("standard", Some(10_000), 3_000, 10, Retries::WhenSafe, Hedges::OptIn),
        ("batch", Some(60_000), 18_000, 30, Retries::WhenSafe, Hedges::Never),
        ("stream", None, 5_000, 60, Retries::UntilCommitted, Hedges::Never),
    ];
    assert_eq!(columns, expected);
    assert_eq!(OperationClass::default(), OperationClass::Standard);
}

/// The rule over a log of every sample with its time in milliseconds.
struct Model {
    settings: AdaptiveSettings,
    log: Vec<(u64, Duration)>,
    timeout: Duration,
    updated: u64,
}

impl Model {
    fn attempt(&mut self, now: u64, latency: Duration) -> Duration {
        if now - self.updated >= 5_000 {
            self.updated = now;
            self.update(now);
        }
        self.log.push((now, latency.min(self.timeout)));
        self.timeout
    }

    /// Six slots of ten seconds, the present one among them.
    fn update(&mut self, now: u64) {
        let mut live = Histogram::new();
        let recent = self.log.iter().filter(|(at, _)| at / 10_000 + 6 > now / 10_000);
        recent.for_each(|(_, latency)| live.record(*latency));
        let Some(p99) = live.quantile(Ratio::from_percent(99)) else { return };
        let target = (p99 * 2).clamp(self.settings.floor, self.settings.ceiling);
        if target >= self.timeout {
            self.timeout = target;
        } else if live.count() >= 100 {
            self.timeout = target.max(self.timeout * 8 / 10);
        }
    }
}

proptest! {
    #[test]
    fn the_timeout_agrees_with_a_full_log(
        steps in prop::collection::vec((0_u64..900, 0_u32..9, 1_u64..20), 1..600),
    ) {
        let settings = AdaptiveSettings { mode: Mode::Enforce, ..AdaptiveSettings::default() };
        let mut world = World::new(settings);
        let timeout = settings.ceiling;
        let mut model = Model { settings, log: Vec::new(), timeout, updated: 0 };
        let mut now = 0;
        for (wait, power, part) in steps {
            now += wait;
            world.now = Instant::from_millis(now);
            let latency = millis(part << power);
            let answered = world.attempt(latency);
            let expected = model.attempt(now, latency);
            prop_assert!(world.learnt().abs_diff(expected) <= Duration::from_nanos(20));
            prop_assert_eq!(answered, latency <= expected);
        }
    }
}

#[test]
fn a_timeout_that_has_learnt_nothing_is_at_its_ceiling_also_when_that_is_raised() {
    let mut world = World::new(enforced(millis(1_000)));
    for ceiling in [10_000, 500, 2_000] {
        world.timeout.reconfigure(enforced(millis(ceiling)));
        assert_eq!(world.timeout.snapshot().in_force, millis(ceiling));
    }
}
