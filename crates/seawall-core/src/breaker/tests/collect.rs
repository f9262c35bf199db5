//! Successes that a driver counts beside the machine, held against a breaker that is told of each.

use proptest::prelude::*;
use std::vec::Vec;

use crate::Mode;
use crate::breaker::{
    Breaker, BreakerEvent, BreakerSettings, Collect, CoolDown, Ended, Manual, Probing, SlowCalls,
    Tallied, Ticket, WindowKind,
};
use crate::outcome::Class;
use crate::ratio::Ratio;
use crate::rng::Draw;
use crate::time::{Duration, Instant};

const MS: Duration = Duration::from_millis(1);
const SLOW: Duration = Duration::from_millis(5);

fn settings(window: WindowKind) -> BreakerSettings {
    let cool_down = CoolDown {
        base: MS * 20,
        growth: Ratio::from_percent(200),
        max: Duration::from_millis(80),
    };
    BreakerSettings {
        consecutive: Some(4),
        failure_rate: Some(Ratio::from_percent(50)),
        slow_calls: Some(SlowCalls { limit: SLOW, rate: Ratio::from_percent(60) }),
        window,
        min_calls: 3,
        cool_down,
        max_half_open: MS * 50,
        ..BreakerSettings::for_endpoint()
    }
}

/// A breaker, and words beside it as a driver keeps them: one for each of two threads.
struct Spared {
    breaker: Breaker,
    open: Option<Collect>,
    words: [u64; 2],
    collected: u32,
}

impl Spared {
    fn new(settings: BreakerSettings) -> Self {
        let breaker = Breaker::new(settings, Instant::EPOCH);
        Self { breaker, open: None, words: [Tallied::CLOSED; 2], collected: 0 }
    }

    fn take_back(&mut self, lanes: &[usize]) {
        for lane in lanes {
            let word = core::mem::replace(&mut self.words[*lane], Tallied::CLOSED);
            if let Some(tallied) = Tallied::from_word(word) {
                self.breaker.hand_in(tallied);
            }
        }
    }

    fn settle(
        &mut self,
        lane: usize,
        (ticket, ended): (Ticket, Ended),
        at: (Instant, Draw),
        sink: &mut Vec<BreakerEvent>,
    ) {
        let taken = self.open.is_some_and(|open| open.takes(&ticket, ended, at.0));
        if let Some(word) = Tallied::with_one(self.words[lane], &ticket).filter(|_| taken) {
            self.words[lane] = word;
            self.collected += 1;
            return;
        }
        let plain = self.breaker.collects(at.0).is_some_and(|c| c.takes(&ticket, ended, at.0));
        self.take_back(if plain { core::slice::from_ref(&lane) } else { &[0, 1] });
        self.breaker.settle(ticket, ended, at, sink);
        self.open = self.breaker.collects(at.0);
        self.words[lane] = self.open.map_or(Tallied::CLOSED, Collect::word);
    }
}

#[derive(Clone, Debug)]
enum Operation {
    Admit { draw: u64 },
    Settle { lane: usize, pick: usize, class: Class, slow: bool, draw: u64 },
    Force(Manual),
    Reload { mode: Mode, window: WindowKind, min_calls: u32, percent: u32 },
    Look,
}

fn window() -> impl Strategy<Value = WindowKind> {
    prop_oneof![
        (1_u32..70).prop_map(WindowKind::Calls),
        (20_u64..400).prop_map(|millis| WindowKind::Time(Duration::from_millis(millis))),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    use Class::{Abandoned, Failure, Ignored, Success};
    let class = [Success, Success, Success, Success, Success, Success, Failure, Abandoned, Ignored];
    let class = prop::sample::select(Vec::from(class));
    let manual = [Manual::Auto, Manual::ForcedOpen, Manual::ForcedClosed, Manual::Disabled];
    let mode = prop::sample::select(&[Mode::Enforce, Mode::Shadow, Mode::Off][..]);
    let settle = (0_usize..2, any::<usize>(), class, prop::bool::weighted(0.05), any::<u64>());
    prop_oneof![
        40 => any::<u64>().prop_map(|draw| Operation::Admit { draw }),
        40 => settle.prop_map(|(lane, pick, class, slow, draw)| {
            Operation::Settle { lane, pick, class, slow, draw }
        }),
        1 => prop::sample::select(Vec::from(manual)).prop_map(Operation::Force),
        1 => (mode, window(), 1_u32..9, 1_u32..100).prop_map(|(mode, window, min_calls, percent)| {
            Operation::Reload { mode, window, min_calls, percent }
        }),
        4 => Just(Operation::Look),
    ]
}

proptest! {
    /// Whatever is asked, the answers are those of a breaker that was told of every success.
    #[test]
    fn successes_that_are_handed_in_later_change_nothing(
        kind in window(),
        steps in prop::collection::vec((0_u64..12, operation()), 1..400),
    ) {
        let mut asked = Breaker::new(settings(kind), Instant::EPOCH);
        let mut spared = Spared::new(settings(kind));
        let (mut told, mut heard) = (Vec::new(), Vec::new());
        let mut running: Vec<(Ticket, Ticket)> = Vec::new();
        let mut now = Instant::EPOCH;
        for (step, operation) in steps {
            now = now.after(MS * u32::try_from(step / 2).expect("a few"));
            match operation {
                Operation::Admit { draw } => {
                    let draw = Draw::from_bits(draw);
                    let one = asked.admit(now, Probing::Allowed, draw, &mut told).ok();
                    spared.take_back(&[0, 1]);
                    let machine = &mut spared.breaker;
                    let two = machine.admit(now, Probing::Allowed, draw, &mut heard).ok();
                    prop_assert_eq!(one.is_some(), two.is_some());
                    running.extend(one.zip(two));
                }
                Operation::Settle { lane, pick, class, slow, draw } if !running.is_empty() => {
                    let (one, two) = running.swap_remove(pick % running.len());
                    let ended = Ended { class, elapsed: if slow { SLOW } else { MS } };
                    let at = (now, Draw::from_bits(draw));
                    asked.settle(one, ended, at, &mut told);
                    spared.settle(lane, (two, ended), at, &mut heard);
                }
                Operation::Settle { .. } => {}
                Operation::Force(manual) => {
                    asked.force(manual, now, &mut told);
                    spared.take_back(&[0, 1]);
                    spared.breaker.force(manual, now, &mut heard);
                }
                Operation::Reload { mode, window, min_calls, percent } => {
                    let rate = Some(Ratio::from_percent(percent));
                    let settings =
                        BreakerSettings { mode, min_calls, failure_rate: rate, ..settings(window) };
                    asked.reconfigure(settings, now);
                    spared.take_back(&[0, 1]);
                    spared.breaker.reconfigure(settings, now);
                }
                Operation::Look => {
                    spared.take_back(&[0, 1]);
                    prop_assert_eq!(asked.snapshot(now), spared.breaker.snapshot(now));
                }
            }
            prop_assert_eq!(&told, &heard);
        }
        spared.take_back(&[0, 1]);
        prop_assert_eq!(asked.snapshot(now), spared.breaker.snapshot(now));
    }
}

fn admitted(breaker: &mut Breaker, now: Instant) -> Ticket {
    breaker.admit(now, Probing::Allowed, Draw::ZERO, &mut Vec::new()).unwrap()
}

const fn ended(class: Class) -> Ended {
    Ended { class, elapsed: MS }
}

fn settled(spared: &mut Spared, class: Class, now: Instant) {
    let ticket = spared.breaker.free_flow(now).unwrap().ticket();
    spared.settle(0, (ticket, ended(class)), (now, Draw::ZERO), &mut Vec::new());
}

#[test]
fn once_enough_calls_are_judged_successes_stay_beside_the_machine_until_a_failure() {
    let now = Instant::from_millis(1);
    let mut spared = Spared::new(settings(WindowKind::Calls(10)));
    for _ in 0..3 {
        settled(&mut spared, Class::Success, now);
    }
    assert_eq!(spared.collected, 0, "the third completes the calls that a rate needs");
    for _ in 0..5 {
        settled(&mut spared, Class::Success, now);
    }
    assert_eq!((spared.collected, spared.breaker.snapshot(now).calls), (5, 3));
    settled(&mut spared, Class::Failure, now);
    assert_eq!(spared.breaker.snapshot(now).calls, 9);
}

#[test]
fn a_bucket_of_time_takes_no_success_that_ends_after_it() {
    let mut breaker = Breaker::new(settings(WindowKind::Time(MS * 100)), Instant::EPOCH);
    let now = Instant::from_millis(12);
    for _ in 0..3 {
        let ticket = admitted(&mut breaker, now);
        breaker.settle(ticket, ended(Class::Success), (now, Draw::ZERO), &mut Vec::new());
    }
    let open = breaker.collects(now).unwrap();
    assert_eq!(open.until, Instant::from_millis(20));
    let ticket = admitted(&mut breaker, now);
    let last = Instant::from_nanos(open.until.as_nanos() - 1);
    assert!(open.takes(&ticket, ended(Class::Success), last));
    assert!(!open.takes(&ticket, ended(Class::Success), open.until));
    assert!(breaker.collects(open.until).is_none());
}

#[test]
fn a_reload_that_the_window_would_trip_under_waits_for_an_outcome_that_is_told() {
    let now = Instant::from_millis(1);
    let mut spared = Spared::new(settings(WindowKind::Calls(10)));
    for class in [Class::Success, Class::Success, Class::Success, Class::Failure] {
        settled(&mut spared, class, now);
    }
    assert!(spared.breaker.collects(now).is_some());
    let strict = Some(Ratio::from_percent(10));
    let settings = BreakerSettings { failure_rate: strict, ..settings(WindowKind::Calls(10)) };
    spared.breaker.reconfigure(settings, now);
    assert!(spared.breaker.collects(now).is_none());
}

#[test]
fn a_full_word_takes_no_more_and_none_of_another_state() {
    let now = Instant::from_millis(1);
    let unrated =
        BreakerSettings { failure_rate: None, slow_calls: None, ..settings(WindowKind::Calls(4)) };
    let mut breaker = Breaker::new(unrated, Instant::EPOCH);
    let ticket = admitted(&mut breaker, now);
    let mut word = breaker.collects(now).unwrap().word();
    let mut count = 0;
    while let Some(more) = Tallied::with_one(word, &ticket) {
        (word, count) = (more, count + 1);
    }
    assert_eq!(count, 1_023);
    breaker.hand_in(Tallied::from_word(word).unwrap());
    assert_eq!(breaker.snapshot(now).calls, 4, "as many as the window holds");
    assert_eq!(Tallied::from_word(Tallied::CLOSED), None);
    assert_eq!(Tallied::with_one(Tallied::CLOSED, &ticket), None);
    breaker.force(Manual::ForcedClosed, now, &mut Vec::new());
    let other = breaker.collects(now).unwrap().word();
    assert_eq!(Tallied::with_one(other, &ticket), None, "a ticket of an older state");
}
