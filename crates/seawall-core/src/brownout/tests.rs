//! The worked examples, the table of moves, the edges, and a naive model.

use super::*;
use crate::Mode;
use crate::ratio::Ratio;
use crate::time::{Duration, Instant};
use proptest::prelude::*;
use std::format;
use std::string::ToString;
use std::vec::Vec;

struct Bench {
    brownout: Brownout,
    second: u64,
    events: Vec<BrownoutEvent>,
}

impl Bench {
    fn new(settings: BrownoutSettings) -> Self {
        settings.validate().unwrap();
        let brownout = Brownout::new(settings, Instant::EPOCH);
        Self { brownout, second: 0, events: Vec::new() }
    }

    /// So many seconds under so many percent.
    fn press(&mut self, percent: u32, seconds: u64) -> Level {
        for _ in 0..seconds {
            self.brownout.note(Signal::Cpu, Some(Ratio::from_percent(percent)));
            self.second += 1;
            self.brownout.tick(Instant::from_millis(self.second * 1_000), &mut self.events);
        }
        self.brownout.snapshot().level
    }

    fn now(&self) -> Instant {
        Instant::from_millis(self.second * 1_000)
    }
}

fn bench() -> Bench {
    Bench::new(BrownoutSettings::default())
}

#[test]
fn dg_1_up_a_level_each_three_seconds_and_down_each_fifteen() {
    let mut bench = bench();
    let up = [2, 1, 2, 1, 2, 1].map(|seconds| bench.press(120, seconds).number());
    assert_eq!(up, [0, 1, 1, 2, 2, 3]);
    let down = [14, 1, 14, 1, 14, 1].map(|seconds| bench.press(50, seconds).number());
    assert_eq!(down, [3, 2, 2, 1, 1, 0]);
    let moves: Vec<_> = bench.events.iter().map(|event| (event.from, event.to)).collect();
    assert_eq!(moves.len(), 6, "one step at a time");
    assert_eq!(bench.events[0].cause, Cause::Pressure(Signal::Cpu));
    assert_eq!(bench.events[5].cause, Cause::Relief(Signal::Cpu));
}

#[test]
fn dg_2_pressure_that_comes_and_goes_each_second_never_raises() {
    let mut bench = bench();
    for _ in 0..1_000 {
        bench.press(110, 1);
        assert_eq!(bench.press(90, 1), Level::Normal);
    }
    assert_eq!(bench.events, []);
}

#[test]
fn t135_what_relieves_the_pressure_does_not_make_the_level_flap() {
    let mut bench = bench();
    // Each level takes 40 points off a load of 160 %.
    let mut level = Level::Normal;
    for _ in 0..3_600 {
        level = bench.press(160 - 40 * u32::from(level.number()), 1);
    }
    assert_eq!(level, Level::Reduced, "80 % is too little to rise and too much to fall");
    assert_eq!(bench.events.len(), 2);
}

#[test]
fn t135_the_level_moves_one_step_at_a_time() {
    let mut bench = bench();
    bench.press(4_000, 100);
    assert!(bench.events.iter().all(|event| event.to.number() == event.from.number() + 1));
    assert_eq!(bench.brownout.level(), Level::Static);
}

/// State by event, as text.
#[test]
fn the_table_of_moves_is_the_reviewed_one() {
    let mut table = std::string::String::new();
    for level in Level::ALL {
        let cell = |percent: u32, ticks| {
            let mut bench = bench();
            bench.brownout.pin(Some(level), bench.now(), &mut Vec::new());
            bench.brownout.pin(None, bench.now(), &mut Vec::new());
            bench.press(percent, ticks).number().to_string()
        };
        let row =
            [cell(100, 2), cell(100, 3), cell(99, 30), cell(71, 30), cell(70, 14), cell(70, 15)];
        table.push_str(&format!("{}: {}\n", level.number(), row.join(" ")));
    }
    let reviewed = "\
        0: 0 1 0 0 0 0\n\
        1: 1 2 1 1 1 0\n\
        2: 2 3 2 2 2 1\n\
        3: 3 4 3 3 3 2\n\
        4: 4 4 4 4 4 3\n";
    assert_eq!(table, reviewed);
}

#[test]
fn the_largest_signal_decides_and_a_missing_one_is_none() {
    let mut bench = bench();
    assert_eq!(bench.press(20, 1), Level::Normal);
    bench.brownout.note(Signal::Memory, Some(Ratio::from_percent(130)));
    assert_eq!(bench.press(120, 3), Level::Lean);
    assert_eq!(bench.events[0].cause, Cause::Pressure(Signal::Memory));
    assert_eq!(bench.events[0].pressure, Ratio::from_percent(130));
    bench.brownout.note(Signal::Memory, None);
    assert_eq!(bench.press(0, 15), Level::Normal);
}

#[test]
fn a_pinned_level_stays_and_the_rule_goes_on_from_it() {
    let mut bench = bench();
    bench.brownout.pin(Some(Level::Essential), bench.now(), &mut bench.events);
    assert_eq!((bench.press(0, 100), bench.press(500, 100)), (Level::Essential, Level::Essential));
    assert!(bench.brownout.snapshot().is_pinned);
    bench.brownout.pin(None, bench.now(), &mut bench.events);
    assert_eq!(bench.press(0, 14), Level::Essential, "streaks begin anew");
    assert_eq!(bench.press(0, 1), Level::Reduced);
    let causes: Vec<_> = bench.events.iter().map(|event| event.cause).collect();
    assert_eq!(causes, [Cause::Pinned, Cause::Relief(Signal::QueueWait)]);
}

#[test]
fn a_level_that_a_reload_skips_is_left_downwards() {
    let mut bench = bench();
    bench.press(200, 6);
    let skipped = LevelSet::NONE.with(Level::Reduced);
    let settings = BrownoutSettings { skipped, ..BrownoutSettings::default() };
    bench.brownout.reconfigure(settings, bench.now(), &mut bench.events);
    assert_eq!(bench.brownout.level(), Level::Lean);
    assert_eq!(bench.events[2].cause, Cause::Reconfigured);
    assert_eq!(bench.press(200, 3), Level::Essential, "and passed over");
    assert_eq!(bench.press(10, 15), Level::Lean);
}

#[test]
fn a_reload_keeps_the_level_and_the_streak() {
    let mut bench = bench();
    bench.press(200, 5);
    bench.brownout.reconfigure(BrownoutSettings::default(), bench.now(), &mut bench.events);
    assert_eq!(bench.press(200, 1), Level::Reduced);
}

#[test]
fn ticks_come_once_a_second_however_often_they_are_called() {
    let mut bench = bench();
    bench.brownout.note(Signal::Cpu, Some(Ratio::from_percent(200)));
    for millis in 0..3_000 {
        bench.brownout.tick(Instant::from_millis(millis), &mut bench.events);
    }
    assert_eq!(bench.brownout.level(), Level::Normal);
    assert_eq!(bench.brownout.next_deadline(), Instant::from_millis(3_000));
    bench.brownout.tick(Instant::from_millis(3_000), &mut bench.events);
    assert_eq!(bench.brownout.level(), Level::Lean);
    bench.brownout.tick(Instant::from_millis(1), &mut bench.events);
    assert_eq!(bench.brownout.next_deadline(), Instant::from_millis(4_000), "stood still");
}

#[test]
fn a_driver_that_was_away_starts_its_streaks_anew() {
    let mut bench = bench();
    bench.press(200, 2);
    bench.second += 3;
    assert_eq!(bench.press(200, 2), Level::Normal);
    assert_eq!(bench.press(200, 1), Level::Lean);
}

#[test]
fn shadow_moves_and_reports_and_switches_nothing_off() {
    let mut bench = Bench::new(BrownoutSettings { mode: Mode::Shadow, ..Default::default() });
    bench.press(200, 3);
    assert_eq!(bench.brownout.level(), Level::Normal);
    assert_eq!(bench.brownout.snapshot().level, Level::Lean);
    assert_eq!(bench.events[0].mode, Mode::Shadow);
}

#[test]
fn off_judges_nothing() {
    let mut bench = Bench::new(BrownoutSettings { mode: Mode::Off, ..Default::default() });
    assert_eq!(bench.press(200, 30), Level::Normal);
    assert_eq!(bench.events, []);
}

#[test]
fn switched_off_is_normal_and_pinned_by_nobody() {
    let mut bench = bench();
    bench.brownout.pin(Some(Level::Static), bench.now(), &mut bench.events);
    let off = BrownoutSettings { mode: Mode::Off, ..Default::default() };
    bench.brownout.reconfigure(off, bench.now(), &mut bench.events);
    bench.brownout.reconfigure(BrownoutSettings::default(), bench.now(), &mut bench.events);
    assert_eq!(bench.brownout.level(), Level::Normal);
    assert_eq!(bench.press(200, 3), Level::Lean);
}

#[test]
fn features_run_up_to_their_level() {
    let mut features = Features::new();
    let hedges = features.register("hedges", Level::Normal).unwrap();
    let search = features.register("search", Level::Reduced).unwrap();
    let at = |level| (features.runs(hedges, level), features.runs(search, level));
    assert_eq!(at(Level::Normal), (true, true));
    assert_eq!(at(Level::Lean), (false, true));
    assert_eq!(at(Level::Reduced), (false, true));
    assert_eq!(at(Level::Essential), (false, false));
    assert_eq!(features.find("search"), Some(search));
    assert_eq!(features.find("unknown"), None);
    assert_eq!(features.register("search", Level::Static), Ok(search));
    assert!(features.runs(search, Level::Static));
    let listed: Vec<_> = features.iter().collect();
    assert_eq!(listed, [("hedges", Level::Normal), ("search", Level::Static)]);
}

#[test]
fn features_are_bounded() {
    let mut features = Features::new();
    for index in 0..FEATURES_MAX {
        features.register(&format!("f{index}"), Level::Lean).unwrap();
    }
    assert_eq!(features.register("one more", Level::Lean), Err(Refused::Full));
    assert!(features.register("f7", Level::Static).is_ok(), "it is there already");
    assert_eq!(features.register("", Level::Lean), Err(Refused::Name));
    let longest = "x".repeat(NAME_MAX);
    assert_eq!(Features::new().register(&format!("{longest}x"), Level::Lean), Err(Refused::Name));
    assert!(Features::new().register(&longest, Level::Lean).is_ok());
}

#[test]
fn settings_that_cannot_work_are_named() {
    let field = |settings: BrownoutSettings| settings.validate().unwrap_err().field();
    let good = BrownoutSettings::default();
    assert_eq!(field(BrownoutSettings { fall_at: Ratio::ONE, ..good }), "rise_at");
    assert_eq!(field(BrownoutSettings { rise_ticks: 0, ..good }), "rise_ticks");
    assert_eq!(field(BrownoutSettings { fall_ticks: 2, ..good }), "fall_ticks");
    assert_eq!(field(BrownoutSettings { tick: Duration::ZERO, ..good }), "tick");
    let skipped = LevelSet::NONE.with(Level::Normal);
    assert_eq!(field(BrownoutSettings { skipped, ..good }), "skipped");
}

#[test]
fn levels_have_their_numbers() {
    for level in Level::ALL {
        assert_eq!(Level::from_number(level.number()), Some(level));
    }
    assert_eq!(Level::from_number(5), None);
}

proptest! {
    /// The whole history of pressures, searched backwards at each tick.
    #[test]
    fn agrees_with_the_whole_history(history in prop::collection::vec(0_usize..4, 1..400)) {
        let percents = [120_u32, 100, 85, 40];
        // Relief is rare enough otherwise never to last fifteen ticks.
        let calm = history.iter().flat_map(|kind| [*kind; 6]);
        let (mut bench, mut expected, mut since) = (bench(), 0_u8, 0);
        let mut log = Vec::new();
        for kind in calm {
            log.push(percents[kind]);
            let streak = |wanted: fn(u32) -> bool| {
                log[since..].iter().rev().take_while(|percent| wanted(**percent)).count()
            };
            if streak(|percent| percent >= 100) == 3 {
                (expected, since) = ((expected + 1).min(4), log.len());
            } else if streak(|percent| percent <= 70) == 15 {
                (expected, since) = (expected.saturating_sub(1), log.len());
            }
            prop_assert_eq!(bench.press(percents[kind], 1).number(), expected);
        }
    }
}
