//! The machine around the algorithms: bounds, modes, reload, clocks, and a naive model.

use super::traps::all;
use super::*;
use proptest::prelude::*;

#[test]
fn settings_that_cannot_work_are_named() {
    let field = |settings: LimitSettings| settings.validate().unwrap_err().field();
    let good = LimitSettings::default();
    assert_eq!(field(LimitSettings { min: 0, ..good }), "min");
    assert_eq!(field(LimitSettings { max: 3, ..good }), "max");
    assert_eq!(field(LimitSettings { max: LIMIT_MAX + 1, ..good }), "max");
    assert_eq!(field(LimitSettings { initial: 3, ..good }), "initial");
    assert_eq!(field(LimitSettings { initial: 1_001, ..good }), "initial");
    let steady = |percent| Algorithm::Steady { tolerance: Ratio::from_percent(percent) };
    assert_eq!(field(LimitSettings { algorithm: steady(99), ..good }), "tolerance");
    assert_eq!(field(LimitSettings { algorithm: steady(1_001), ..good }), "tolerance");
    let aimd = |percent, timeout| {
        let backoff = Ratio::from_percent(percent);
        LimitSettings { algorithm: Algorithm::Aimd { backoff, timeout }, ..good }
    };
    assert_eq!(field(aimd(49, millis(1))), "backoff");
    assert_eq!(field(aimd(100, millis(1))), "backoff");
    assert_eq!(field(aimd(90, Duration::ZERO)), "timeout");
    assert!(all().iter().all(|settings| settings.validate().is_ok()));
}

#[test]
fn settings_out_of_range_count_as_the_nearest_within() {
    let absurd = LimitSettings { initial: 0, min: 0, max: 0, ..LimitSettings::default() };
    assert_eq!(Limit::new(absurd, Instant::EPOCH).limit(), 1);
}

#[test]
fn admission_is_exact() {
    let mut bench = Bench::new(LimitSettings::default());
    assert!(bench.limit.admit(19, &mut bench.events).is_ok());
    assert!(bench.limit.admit(20, &mut bench.events).is_err());
}

#[test]
fn shadow_learns_and_reports_and_refuses_nobody() {
    let settings = LimitSettings { mode: Mode::Shadow, ..LimitSettings::default() };
    let mut bench = Bench::new(settings);
    bench.round(dropped(millis(10), 20));
    assert_eq!((bench.limit.limit(), bench.limit.in_force()), (19, None));
    assert!(bench.limit.admit(19, &mut bench.events).is_ok());
    assert_eq!(bench.limit.snapshot().rejected, 1, "what would have been refused");
}

#[test]
fn off_learns_nothing_and_refuses_nobody() {
    let mut bench = Bench::new(LimitSettings { mode: Mode::Off, ..LimitSettings::default() });
    bench.round(dropped(millis(10), 20));
    assert!(bench.limit.admit(u32::MAX, &mut bench.events).is_ok());
    assert_eq!((bench.limit.in_force(), bench.limit.snapshot().drops), (None, 0));
    assert_eq!(bench.events, []);
}

#[test]
fn an_update_waits_for_time_and_evidence() {
    let mut bench = Bench::new(LimitSettings::default());
    (0..1_000).for_each(|_| _ = bench.finish(sample(millis(10), 20)));
    assert_eq!(bench.limit.limit(), 20, "a clock that stands still updates nothing");
    bench.wait(millis(249)).finish(sample(millis(10), 20));
    assert_eq!(bench.limit.limit(), 20);
    bench.wait(millis(1)).finish(sample(millis(10), 20));
    assert_eq!(bench.limit.limit(), 40);
    (0..9).for_each(|_| _ = bench.wait(Duration::from_secs(30)).finish(sample(millis(10), 40)));
    assert_eq!(bench.limit.limit(), 40, "nine are too few whatever the time");
    bench.wait(Duration::from_secs(30)).finish(sample(millis(10), 40));
    assert_eq!(bench.limit.limit(), 80);
}

#[test]
fn a_clock_that_steps_back_stood_still() {
    let mut bench = Bench::new(LimitSettings::default());
    bench.now = at(100_000);
    (0..30).for_each(|_| _ = bench.finish(sample(millis(10), 20)));
    bench.now = at(10);
    (0..30).for_each(|_| _ = bench.finish(sample(millis(10), 20)));
    assert_eq!(bench.limit.limit(), 20);
}

#[test]
fn total_loss_halves_the_limit_within_ten_seconds() {
    let mut bench = Bench::started_at(1_000, LimitSettings::default());
    // 0.98 to the power of 35 is 0.49.
    (0..35).for_each(|_| _ = bench.round(dropped(Duration::from_secs(5), 1_000)));
    let limit = bench.limit.limit();
    assert!((480..500).contains(&limit), "{limit}");
    (0..1_000).for_each(|_| _ = bench.round(dropped(Duration::from_secs(5), 1_000)));
    assert_eq!(bench.limit.limit(), 4, "but not to nothing");
}

#[test]
fn only_quiet_slots_move_the_base() {
    let mut bench = Bench::started_at(20, LimitSettings::default());
    let base = |bench: &Bench| bench.limit.snapshot().base.unwrap().as_millis();
    let feed = |bench: &mut Bench, latency, in_flight| {
        (0..50).for_each(|_| _ = bench.round(sample(millis(latency), in_flight)));
    };
    feed(&mut bench, 10, 8);
    assert_eq!(base(&bench), 10);
    let busy = bench.limit.limit();
    feed(&mut bench, 40, busy);
    assert_eq!(base(&bench), 10, "a busy slot says nothing");
    for _ in 0..8 {
        let quiet = bench.limit.limit() / 2;
        feed(&mut bench, 30, quiet);
    }
    assert_eq!(base(&bench), 30, "what is slow without load is not overloaded");
}

#[test]
fn a_quiet_slot_keeps_the_base_also_over_a_long_pause() {
    let mut bench = Bench::new(LimitSettings::default());
    (0..4).for_each(|_| _ = bench.round(sample(millis(10), 5)));
    let base = bench.limit.snapshot().base;
    bench.wait(Duration::from_mins(5)).finish(sample(millis(40), 20));
    assert_eq!(bench.limit.snapshot().base, base);
}

/// What is slow even at half of the limit is not slow because of it.
#[test]
fn only_a_dip_makes_lasting_slowness_the_base() {
    let mut bench = Bench::started_at(100, LimitSettings::default());
    bench.round(sample(millis(10), 60));
    let start = bench.limit.limit();
    let dipped = |event: &LimitEvent| matches!(event, LimitEvent::Dip { .. });
    while !bench.events.iter().any(dipped) {
        let limit = bench.limit.limit();
        assert!(bench.round(sample(millis(20), limit)) < start, "no drift");
    }
    let near = |bench: &Bench, millis| {
        let base = bench.limit.snapshot().base.unwrap().as_millis();
        (millis..=millis + 1).contains(&base)
    };
    assert!(bench.now >= at(600_000) && near(&bench, 10));
    assert_eq!(bench.limit.limit(), 4, "it has fallen as far as it may, and stayed");
    (0..2).for_each(|_| _ = bench.round(sample(millis(20), 2)));
    assert!(near(&bench, 20));
}

#[test]
fn every_change_is_reported_with_what_decided_it() {
    let mut bench = Bench::new(LimitSettings::default());
    bench.round(sample(millis(10), 20));
    bench.round(sample(millis(20), 40));
    assert_eq!(bench.changes(), [(20, 40, Cause::Doubling), (40, 38, Cause::Congestion)]);
    let LimitEvent::Changed { base, short, gradient, .. } = bench.events[1] else { panic!() };
    let near = |latency: Option<Duration>, true_millis: u128| {
        let micros = latency.unwrap().as_micros();
        (true_millis * 1_000..=true_millis * 1_050).contains(&micros)
    };
    assert!(near(base, 10) && near(short, 20), "{base:?} {short:?}");
    let gradient = gradient.unwrap().ppm();
    assert!((714_000..788_000).contains(&gradient), "{gradient}");
}

#[test]
fn a_reload_keeps_the_limit_and_the_base() {
    for before in all() {
        for after in all() {
            let mut bench = Bench::new(before);
            (0..12).for_each(|_| _ = bench.round(sample(millis(10), bench.limit.limit())));
            let (limit, base) = (bench.limit.limit(), bench.limit.snapshot().base);
            bench.limit.reconfigure(after, bench.now, &mut bench.events);
            let reloaded = bench.limit.snapshot();
            assert_eq!(reloaded.limit, limit.clamp(after.min, after.max));
            if !matches!(after.algorithm, Algorithm::Aimd { .. }) {
                assert_eq!(reloaded.base, base, "{before:?} to {after:?}");
            }
        }
    }
}

#[test]
fn a_reload_ends_a_dip_and_a_pin() {
    let mut bench = Bench::new(LimitSettings::default());
    while bench.limit.cause() != Cause::Dip {
        bench.round(sample(millis(10), bench.limit.limit()));
    }
    let dipped = bench.limit.limit();
    bench.limit.reconfigure(LimitSettings::default(), bench.now, &mut bench.events);
    assert_eq!(bench.limit.limit(), dipped * 2);

    let mut bench = Bench::started_at(100, LimitSettings::envoy());
    assert_eq!(bench.finish(sample(millis(10), 1)), 3, "Envoy pins first");
    bench.limit.reconfigure(LimitSettings::envoy(), bench.now, &mut bench.events);
    assert_eq!(bench.limit.limit(), 100);
}

#[test]
fn a_dip_that_nothing_answers_ends_by_time() {
    let mut bench = Bench::new(LimitSettings::default());
    while bench.limit.cause() != Cause::Dip {
        bench.round(sample(millis(10), bench.limit.limit()));
    }
    let base = bench.limit.snapshot().base;
    bench.wait(Duration::from_secs(11)).finish(dropped(millis(10), 500));
    assert_eq!(bench.limit.cause(), Cause::Resumed);
    assert_eq!((bench.limit.limit(), bench.limit.snapshot().base), (1_000, base));
}

#[test]
fn envoy_pins_for_fifty_once_a_minute() {
    let mut bench = Bench::started_at(100, LimitSettings::envoy());
    let mut pinned = 0;
    for _ in 0..13_000 {
        let in_flight = bench.limit.limit();
        pinned += u32::from(in_flight == 3);
        bench.wait(millis(10)).finish(sample(millis(10), in_flight));
    }
    let pins = bench.changes().iter().filter(|(_, _, cause)| *cause == Cause::Pin).count();
    assert_eq!(pins, 3, "at the start and after each minute of two");
    assert!((150..156).contains(&pinned), "{pinned}");
}

#[derive(Clone, Copy, Debug)]
struct Step {
    wait: u64,
    latency: u64,
    in_flight: u32,
    evidence: Evidence,
}

fn step() -> impl Strategy<Value = Step> {
    let evidence = prop_oneof![
        8 => Just(Evidence::Sample), 1 => Just(Evidence::Drop), 1 => Just(Evidence::None),
    ];
    let wait = prop_oneof![20 => 0_u64..60, 1 => 5_000_u64..700_000];
    (wait, 0_u64..100, 0_u32..1_200, evidence).prop_map(|(wait, latency, in_flight, evidence)| {
        Step { wait, latency, in_flight, evidence }
    })
}

/// Everything that was ever finished, searched anew for each question.
struct Log(Vec<(Instant, Step)>);

impl Log {
    /// The most that may be in force now, by what was in use: buckets of six seconds.
    fn cap(&self, now: Instant) -> u32 {
        let bucket = |at: Instant| at.as_nanos() / 6_000_000_000;
        let recent = self.0.iter().filter(|(at, _)| bucket(*at) + 10 > bucket(now));
        recent.map(|(_, step)| step.in_flight).max().unwrap_or(0).saturating_mul(4).max(4)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_limit_leaves_its_bounds_and_every_change_is_told(
        which in 0_usize..5, steps in prop::collection::vec(step(), 1..600),
    ) {
        let settings = all()[which];
        let mut bench = Bench::new(settings);
        let (mut log, mut told) = (Log(Vec::new()), settings.initial);
        for step in steps {
            bench.wait(millis(step.wait));
            let Step { latency, in_flight, evidence, .. } = step;
            log.0.push((bench.now, step));
            let before = bench.limit.limit();
            let reported = bench.events.len();
            bench.finish(Finished { latency: millis(latency), in_flight, evidence });
            let limit = bench.limit.limit();
            prop_assert!((settings.min..=settings.max).contains(&limit));
            for event in &bench.events[reported..] {
                if let LimitEvent::Changed { old, new, .. } = event {
                    prop_assert_eq!(*old, told);
                    told = *new;
                }
            }
            prop_assert_eq!(told, limit);
            if which == 0 && limit > before && bench.limit.cause() != Cause::Resumed {
                prop_assert!(limit <= log.cap(bench.now), "beyond what is in use");
            }
        }
    }
}
