//! Sets of breakers: state that outlives calls, keys that fail apart, and bounded memory.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

const DRAW: Draw = Draw::ALMOST_ONE;

fn set(keys_max: u32) -> KeyedBreakers {
    let settings = KeyedSettings { keys_max, ..KeyedSettings::new(touchy()) };
    KeyedBreakers::new(settings, Instant::EPOCH)
}

fn call(
    set: &mut KeyedBreakers,
    key: u64,
    class: Class,
    seconds: u64,
) -> (KeyClass, Vec<KeyedEvent>) {
    let now = Instant::from_millis(seconds * 1_000);
    let mut events = Vec::new();
    let Ok(ticket) = set.admit(key, (now, DRAW), Probing::Allowed, &mut events) else {
        return (set.phase(key, now).0, events);
    };
    let of = ticket.class();
    set.settle(ticket, Ended { class, elapsed: Duration::ZERO }, (now, DRAW), &mut events);
    set.invariants();
    (of, events)
}

fn is_open(set: &KeyedBreakers, key: u64, seconds: u64) -> bool {
    set.phase(key, Instant::from_millis(seconds * 1_000)).1 != Phase::Closed
}

#[test]
fn t24_state_lives_in_the_set_and_not_in_the_call() {
    let settings = KeyedSettings::new(BreakerSettings::for_endpoint());
    let mut set = KeyedBreakers::new(settings, Instant::EPOCH);
    for _ in 0..4 {
        call(&mut set, 7, Class::Failure, 1);
        assert!(!is_open(&set, 7, 1));
    }
    call(&mut set, 7, Class::Failure, 1);
    assert!(is_open(&set, 7, 1), "five calls, five failures in a row, one breaker");
}

#[test]
fn t35_tenants_that_fail_apart_open_apart() {
    let mut set = set(8);
    call(&mut set, 1, Class::Failure, 1);
    let at = (Instant::from_millis(1_000), DRAW);
    let ticket = set.admit(2, at, Probing::Allowed, &mut Vec::new()).unwrap();
    assert!(ticket.class() == KeyClass::Own && !ticket.is_probe());
    assert!(is_open(&set, 1, 1) && !is_open(&set, 2, 1));
}

#[test]
fn t25_keys_beyond_the_bound_share_one_breaker() {
    let mut set = set(4);
    for key in 0..10_000 {
        call(&mut set, key, Class::Success, 1);
    }
    let snapshot = set.snapshot(Instant::from_millis(1_000));
    assert_eq!((snapshot.keys, snapshot.overflowed), (4, 9_996));
    assert_eq!(snapshot.overflow.calls, 9_996);
    assert_eq!(call(&mut set, 10_001, Class::Failure, 1).0, KeyClass::Overflow);
    assert!(is_open(&set, 10_002, 1), "the verdict on all of them");
    assert!(!is_open(&set, 3, 1), "who came first is not touched");
}

#[test]
fn t25_events_carry_the_class_and_never_the_key() {
    let mut set = set(1);
    let (_, own) = call(&mut set, 1, Class::Failure, 1);
    let opened = |event: &KeyedEvent, expected| {
        matches!(event, KeyedEvent::Breaker { class, event: BreakerEvent::Opened { .. } }
            if *class == expected)
    };
    assert!(own.iter().any(|event| opened(event, KeyClass::Own)), "{own:?}");
    let (_, shared) = call(&mut set, 2, Class::Failure, 1);
    assert!(shared.iter().any(|event| opened(event, KeyClass::Overflow)), "{shared:?}");
    assert!(shared.contains(&KeyedEvent::Full { keys: 1 }));
}

#[test]
fn the_idle_that_know_nothing_go_first() {
    let mut set = set(3);
    call(&mut set, 1, Class::Failure, 0);
    call(&mut set, 2, Class::Success, 0);
    call(&mut set, 3, Class::Success, 50);
    // At 70 s the first is open and idle, the second closed and idle, the third in use.
    assert_eq!(call(&mut set, 4, Class::Success, 70).0, KeyClass::Own);
    let now = Instant::from_millis(70_000);
    assert!(set.of_key(1, now).is_some() && set.of_key(3, now).is_some());
    assert!(set.of_key(2, now).is_none());
    assert_eq!(set.snapshot(now).evicted, 1);
}

#[test]
fn an_open_breaker_goes_last_and_only_after_long() {
    let mut set = set(1);
    call(&mut set, 1, Class::Failure, 0);
    assert_eq!(call(&mut set, 2, Class::Success, 500).0, KeyClass::Overflow);
    assert_eq!(call(&mut set, 2, Class::Success, 700).0, KeyClass::Own);
}

#[test]
fn making_room_is_tried_ten_times_in_an_idle_time() {
    let mut set = set(1);
    call(&mut set, 1, Class::Failure, 0);
    let full = |set: &mut KeyedBreakers, seconds| {
        let (_, events) = call(set, 2, Class::Success, seconds);
        events.iter().filter(|event| matches!(event, KeyedEvent::Full { .. })).count()
    };
    let sweeps: usize = (0..60).map(|second| full(&mut set, second)).sum();
    assert_eq!(sweeps, 10);
}

#[test]
fn an_outcome_for_a_key_that_lost_its_breaker_is_stale() {
    let mut set = set(1);
    let mut events = Vec::new();
    let ticket = set.admit(1, (Instant::EPOCH, DRAW), Probing::Allowed, &mut events).unwrap();
    assert_eq!(call(&mut set, 2, Class::Success, 100).0, KeyClass::Own);
    let at = (Instant::from_millis(100_000), DRAW);
    let failed = Ended { class: Class::Failure, elapsed: Duration::ZERO };
    set.settle(ticket, failed, at, &mut events);
    let stale = |event: &KeyedEvent| {
        matches!(event, KeyedEvent::Breaker { event: BreakerEvent::StaleOutcome { .. }, .. })
    };
    assert!(events.iter().any(stale), "{events:?}");
    assert!(!is_open(&set, 2, 100), "the failure of another key");
}

#[test]
fn fewer_places_keep_those_used_last_and_what_they_know() {
    let mut set = set(4);
    for key in 1..=4 {
        call(&mut set, key, Class::Failure, key);
    }
    let settings = KeyedSettings { keys_max: 2, ..KeyedSettings::new(touchy()) };
    set.reconfigure(settings, Instant::from_millis(5_000));
    assert!(is_open(&set, 3, 5) && is_open(&set, 4, 5));
    assert_eq!(set.snapshot(Instant::from_millis(5_000)).keys, 2);
}

/// What a key may have learned that outlives an idle minute.
fn lasting() -> [BreakerSettings; 3] {
    let counted = WindowKind::Calls(20);
    let cool_down = CoolDown { max: SECOND * 600, ..touchy().cool_down };
    [
        BreakerSettings { window: counted, ..BreakerSettings::for_upstream() },
        BreakerSettings::for_endpoint(),
        BreakerSettings { cool_down, ..touchy() },
    ]
}

#[test]
fn one_that_knows_anything_outlasts_one_that_knows_nothing() {
    let taught: [&[(Class, u64)]; 3] = [
        &[(Class::Success, 0)],
        &[(Class::Failure, 0)],
        &[(Class::Failure, 0), (Class::Success, 5)],
    ];
    for (settings, lessons) in lasting().into_iter().zip(taught) {
        let settings = KeyedSettings { keys_max: 3, ..KeyedSettings::new(settings) };
        let mut set = KeyedBreakers::new(settings, Instant::EPOCH);
        for (class, seconds) in lessons {
            call(&mut set, 1, *class, *seconds);
        }
        // Both were used later, and were told nothing.
        call(&mut set, 2, Class::Ignored, 6);
        call(&mut set, 3, Class::Ignored, 7);
        assert_eq!(call(&mut set, 4, Class::Success, 100).0, KeyClass::Own);
        let now = Instant::from_millis(100_000);
        assert!(set.of_key(1, now).is_some(), "{lessons:?}");
        assert_eq!(set.snapshot(now).evicted, 2, "who knows nothing goes at once: {lessons:?}");
    }
}

#[test]
fn a_key_is_idle_from_the_very_instant_on() {
    for (class, idle) in [(Class::Success, 60_000), (Class::Failure, 600_000)] {
        for (millis, of) in [(idle - 1, KeyClass::Overflow), (idle, KeyClass::Own)] {
            let mut set = set(1);
            call(&mut set, 1, class, 0);
            let at = (Instant::from_millis(millis), DRAW);
            let ticket = set.admit(2, at, Probing::Allowed, &mut Vec::new()).unwrap();
            assert_eq!(ticket.class(), of, "{class:?} after {millis} ms");
        }
    }
}

#[test]
fn an_unknown_key_meets_the_shared_breaker_only_when_there_is_no_place() {
    let mut set = set(2);
    let now = Instant::from_millis(1_000);
    call(&mut set, 1, Class::Failure, 1);
    assert_eq!(set.phase(9, now), (KeyClass::Own, Phase::Closed));
    assert_eq!(set.snapshot(now).not_closed, 1);
    call(&mut set, 2, Class::Success, 1);
    assert_eq!(set.phase(9, now), (KeyClass::Overflow, Phase::Closed));
    assert_eq!(set.snapshot(now).not_closed, 1);
    call(&mut set, 9, Class::Failure, 1);
    assert!(is_open(&set, 9, 1));
}

#[test]
fn undecided_probes_are_told_in_time_without_a_call() {
    let mut set = set(1);
    let mut events = Vec::new();
    for key in [1, 2] {
        call(&mut set, key, Class::Failure, 0);
    }
    for key in [1, 2] {
        let at = (Instant::from_millis(5_000), DRAW);
        let probe = set.admit(key, at, Probing::Allowed, &mut events).unwrap();
        assert!(probe.is_probe());
    }
    events.clear();
    set.on_timer(Instant::from_millis(34_999), &mut events);
    assert_eq!(events, []);
    set.on_timer(Instant::from_millis(35_000), &mut events);
    let opened = |event: &KeyedEvent| match event {
        KeyedEvent::Breaker { class, event: BreakerEvent::Opened { cause, .. } } => {
            Some((*class, *cause))
        }
        KeyedEvent::Breaker { .. } | KeyedEvent::Full { .. } => None,
    };
    let told: Vec<_> = events.iter().filter_map(opened).collect();
    let undecided = Cause::ProbesUndecided;
    assert_eq!(told, [(KeyClass::Own, undecided), (KeyClass::Overflow, undecided)]);
}

/// Whether the breaker of a key is not closed.
fn has_verdict(set: &KeyedBreakers, key: u64, now: Instant) -> bool {
    set.of_key(key, now).is_some_and(|breaker| breaker.until.is_some())
}

proptest! {
    #[test]
    fn the_bound_holds_and_no_recent_verdict_is_lost(
        calls in prop::collection::vec((0_u64..12, any::<bool>(), 0_u64..40), 1..300),
        keys_max in 1_u32..6,
    ) {
        let mut set = set(keys_max);
        let mut seconds = 0;
        let mut seen = BTreeSet::new();
        for (key, good, wait) in calls {
            seconds += wait;
            let now = Instant::from_millis(seconds * 1_000);
            let before: Vec<u64> =
                (0..12).filter(|key| has_verdict(&set, *key, now)).collect();
            let used = seen.insert(key);
            let class = if good { Class::Success } else { Class::Failure };
            let (of, _) = call(&mut set, key, class, seconds);
            prop_assert!(set.snapshot(now).keys <= keys_max);
            if used && seen.len() <= keys_max as usize {
                prop_assert_eq!(of, KeyClass::Own, "there was room");
            }
            let lost = before.iter().filter(|key| set.of_key(**key, now).is_none());
            prop_assert!(lost.count() <= 1, "one new key took several verdicts");
        }
    }
}
