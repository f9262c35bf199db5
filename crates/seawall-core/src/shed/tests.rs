//! The worked example, the traps, the edges, and a naive model.

use super::*;
use crate::Mode;
use crate::event::Discard;
use crate::ratio::Ratio;
use crate::time::{Duration, Instant};
use proptest::prelude::*;
use std::string::ToString;
use std::vec::Vec;

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// One window: so many calls of each class, spread over its sub-levels, and their wait. The
/// cursor that follows from it.
fn window(shedder: &mut Shedder, second: u64, calls: [u64; 4], wait: u64) -> Cursor {
    let now = at(second * 1_000);
    for (class, count) in Class::ALL.into_iter().zip(calls) {
        for call in 0..count {
            let sub = u8::try_from(call * 128 / count).unwrap();
            if shedder.admit(Priority::new(class, sub), now, &mut Discard).is_ok() {
                shedder.on_queue_wait(millis(wait), now, &mut Discard);
            }
        }
    }
    shedder.advance(at((second + 1) * 1_000), &mut Discard);
    shedder.invariants();
    shedder.cursor()
}

fn first_shed(cursor: Cursor) -> (Class, u8) {
    let priority = cursor.first_shed().unwrap();
    (priority.class(), priority.sub())
}

#[test]
fn ls_1_the_target_shrinks_by_a_twentieth_and_grows_by_a_hundredth() {
    let mut shedder = Shedder::new(ShedSettings::default(), at(0));
    let calls = [100, 200, 300, 400];
    assert_eq!(first_shed(window(&mut shedder, 0, calls, 20)), (Class::Low, 112), "950");
    assert_eq!(first_shed(window(&mut shedder, 1, calls, 20)), (Class::Low, 96), "902");
    assert_eq!(first_shed(window(&mut shedder, 2, calls, 19)), (Class::Low, 99), "910");
}

#[test]
fn t130_a_total_overload_leaves_a_twentieth_and_recovery_opens() {
    let mut shedder = Shedder::new(ShedSettings::default(), at(0));
    let calls = [200, 200, 300, 300];
    (0..200).for_each(|second| _ = window(&mut shedder, second, calls, 1_000));
    let before = shedder.snapshot().shed.iter().sum::<u64>();
    window(&mut shedder, 200, calls, 0);
    let shed = shedder.snapshot().shed.iter().sum::<u64>() - before;
    assert!((950..960).contains(&shed), "{shed} of 1000");
    (201..310).for_each(|second| _ = window(&mut shedder, second, calls, 0));
    assert_eq!(shedder.cursor(), Cursor::OPEN);
}

#[test]
fn t131_what_was_shed_is_no_signal() {
    let mut shedder = Shedder::new(ShedSettings::default(), at(0));
    window(&mut shedder, 0, [100, 0, 0, 900], 20);
    let shut = shedder.cursor();
    let low = Priority::new(Class::Low, 127);
    for call in 0..1_000 {
        assert!(shedder.admit(low, at(1_000 + call / 2), &mut Discard).is_err());
    }
    assert_eq!(shedder.snapshot().admitted, 0);
    assert!(shedder.cursor() == shut && shedder.snapshot().wait == Some(millis(20)));
}

#[test]
fn t132_only_waits_in_own_queues_are_the_signal() {
    let mut shedder = Shedder::new(ShedSettings::default(), at(0));
    (0..50).for_each(|second| _ = window(&mut shedder, second, [250; 4], 0));
    assert_eq!(shedder.cursor(), Cursor::OPEN, "however slow the answers were");
}

#[test]
fn t133_a_principal_has_one_sub_level_everywhere_for_an_hour() {
    let of = |principal, hour| Priority::of(Class::Normal, principal, hour);
    assert_eq!(of(42, 500_000), of(42, 500_000));
    let moved = (0..1_000).filter(|hour| of(42, *hour).sub() != of(42, hour + 1).sub()).count();
    assert!(moved > 980, "{moved}");
    // The values are part of what hops of different versions agree on.
    let golden = [(0, 0), (1, 0), (42, 500_000), (u64::MAX, 1)].map(|(p, h)| of(p, h).sub());
    assert_eq!(golden, GOLDEN);
    let mut counts = [0_u32; 128];
    (0..128_000).for_each(|principal| counts[usize::from(of(principal, 7).sub())] += 1);
    assert!(counts.iter().all(|count| (850..1_150).contains(count)), "{counts:?}");
}

const GOLDEN: [u8; 4] = [83, 4, 102, 82];

#[test]
fn t133_shedding_by_principal_wastes_no_work_of_calls_that_need_four() {
    let cursor = Cursor::new(2 * SUB_LEVELS + SUB_LEVELS / 2);
    let whole = (0..10_000_u64)
        .filter(|user| (0..4).all(|_| cursor.admits(Priority::of(Class::Normal, *user, 1))));
    let whole = whole.count();
    assert!((4_800..5_200).contains(&whole), "{whole} of 10000 whole, not 625");
}

#[test]
fn t134_classes_come_from_trusted_headers_and_routes() {
    use {Class::*, Trust::*};
    let of = |u, trust, route| Class::of(u, trust, route);
    let by_urgency = [Critical, High, High, Normal, Normal, Low, Low, Low];
    for (u, class) in (0..).zip(by_urgency) {
        assert_eq!(of(Some(u), Trusted, Low), class);
        assert_eq!(of(Some(u), Untrusted, High), class.max(High), "the route is the ceiling");
    }
    assert_eq!(of(None, Trusted, High), High);
    assert_eq!(of(None, Untrusted, Critical), Critical);
}

#[test]
fn urgency_is_read_as_rfc_9218_says() {
    let read = [
        ("u=0", Some(0)),
        ("u=7, i", Some(7)),
        ("i, u=2", Some(2)),
        (" u=5;x=1", Some(5)),
        ("u=1, u=4", Some(4)),
        ("u=8", None),
        ("u=-1", None),
        ("u=+1", None),
        ("u=1.5", None),
        ("u", None),
        ("U=1", None),
        ("urgency=1", None),
        ("", None),
        ("u=1, u=9", None),
    ];
    for (header, expected) in read {
        assert_eq!(urgency(header), expected, "{header:?}");
    }
}

#[test]
fn a_window_ends_after_two_thousand_calls_too() {
    let mut shedder = Shedder::new(ShedSettings::default(), at(0));
    for call in 0..2_000_u32 {
        let sub = u8::try_from(call % 128).unwrap();
        shedder.admit(Priority::new(Class::Normal, sub), at(0), &mut Discard).unwrap();
        shedder.on_queue_wait(millis(20), at(0), &mut Discard);
    }
    assert!(shedder.admit(Priority::new(Class::Normal, 127), at(0), &mut Discard).is_err());
    assert_eq!(shedder.snapshot().arrivals, 1, "another window");
}

#[test]
fn empty_windows_let_the_cursor_drift_open() {
    let mut shedder = Shedder::new(ShedSettings::default(), at(0));
    (0..40).for_each(|second| _ = window(&mut shedder, second, [250; 4], 100));
    let shut = shedder.cursor().levels();
    shedder.advance(at(51_000), &mut Discard);
    assert_eq!(shedder.cursor().levels(), shut + 11 * 6, "a hundredth for each of eleven");
    shedder.advance(at(1_000_000_000), &mut Discard);
    assert_eq!(shedder.cursor(), Cursor::OPEN);
}

#[test]
fn one_principal_with_all_the_calls_is_not_shut_out() {
    let mut shedder = Shedder::new(ShedSettings::default(), at(0));
    let only = Priority::new(Class::Normal, 5);
    let mut second = |now: u64, wait| {
        let admitted = (0..1_000).filter(|_| {
            let admitted = shedder.admit(only, at(now * 1_000), &mut Discard).is_ok();
            if admitted {
                shedder.on_queue_wait(millis(wait), at(now * 1_000), &mut Discard);
            }
            admitted
        });
        admitted.count()
    };
    assert_eq!([second(0, 20), second(1, 20), second(2, 0), second(3, 0)], [1_000, 950, 902, 912]);
    (4..200).for_each(|now| _ = second(now, 20));
    assert_eq!(second(200, 0), 50, "a twentieth");
    assert_eq!(second(201, 0), 60);
}

#[test]
fn overload_is_reported_when_it_begins_and_when_it_ends() {
    let mut shedder = Shedder::new(ShedSettings::default(), at(0));
    let mut events = Vec::new();
    let call = Priority::new(Class::Low, 127);
    for second in 0..6 {
        let now = at(second * 1_000);
        let admitted = shedder.admit(call, now, &mut events).is_ok();
        let wait = if (1..3).contains(&second) && admitted { 30 } else { 0 };
        shedder.on_queue_wait(millis(wait), now, &mut events);
    }
    let told: Vec<_> =
        events.iter().filter(|event| !matches!(event, ShedEvent::Shed { .. })).collect();
    let entered = ShedEvent::OverloadEntered { wait: millis(30) };
    assert_eq!(told[0], &entered);
    assert!(matches!(told[1], ShedEvent::OverloadLeft { .. }));
    assert_eq!(told.len(), 2);
}

#[test]
fn shadow_sheds_nobody_and_says_whom_it_would() {
    let settings = ShedSettings { mode: Mode::Shadow, ..ShedSettings::default() };
    let (mut shedder, mut events) = (Shedder::new(settings, at(0)), Vec::new());
    (0..20).for_each(|second| _ = window(&mut shedder, second, [250; 4], 100));
    assert_eq!(shedder.cursor(), Cursor::OPEN);
    assert!(shedder.snapshot().cursor < Cursor::OPEN);
    shedder.admit(Priority::new(Class::Low, 127), at(20_000), &mut events).unwrap();
    assert!(matches!(events[..], [ShedEvent::Shed { mode: Mode::Shadow, .. }]));
}

#[test]
fn off_counts_nothing() {
    let settings = ShedSettings { mode: Mode::Off, ..ShedSettings::default() };
    let mut shedder = Shedder::new(settings, at(0));
    (0..20).for_each(|second| _ = window(&mut shedder, second, [250; 4], 100));
    assert_eq!((shedder.snapshot().arrivals, shedder.cursor()), (0, Cursor::OPEN));
}

#[test]
fn switched_off_forgets_the_cursor() {
    let mut shedder = Shedder::new(ShedSettings::default(), at(0));
    assert!(window(&mut shedder, 0, [250; 4], 100) < Cursor::OPEN);
    shedder.reconfigure(ShedSettings { mode: Mode::Off, ..ShedSettings::default() });
    shedder.reconfigure(ShedSettings::default());
    assert_eq!(shedder.cursor(), Cursor::OPEN);
}

#[test]
fn a_reload_keeps_the_cursor() {
    let mut shedder = Shedder::new(ShedSettings::default(), at(0));
    let cursor = window(&mut shedder, 0, [250; 4], 100);
    let settings = ShedSettings { queue_wait: millis(50), ..ShedSettings::default() };
    shedder.reconfigure(settings);
    assert_eq!(shedder.cursor(), cursor);
    assert!(window(&mut shedder, 1, [250; 4], 40) > cursor, "40 ms are fine now");
}

#[test]
fn settings_that_cannot_work_are_named() {
    let field = |settings: ShedSettings| settings.validate().unwrap_err().field().to_string();
    let good = ShedSettings::default();
    assert!(good.validate().is_ok());
    assert_eq!(field(ShedSettings { queue_wait: Duration::ZERO, ..good }), "queue_wait");
    assert_eq!(field(ShedSettings { window: Duration::ZERO, ..good }), "window");
    assert_eq!(field(ShedSettings { window_calls: 0, ..good }), "window_calls");
    assert_eq!(field(ShedSettings { shrink: Ratio::ZERO, ..good }), "shrink");
    assert_eq!(field(ShedSettings { shrink: Ratio::ONE, ..good }), "shrink");
    assert_eq!(field(ShedSettings { growth: Ratio::ZERO, ..good }), "growth");
    assert_eq!(field(ShedSettings { floor: Ratio::from_percent(101), ..good }), "floor");
}

#[test]
fn priorities_and_cursors_stay_within_the_levels() {
    assert_eq!(Priority::new(Class::Low, 255).level(), LEVELS - 1);
    assert_eq!(Cursor::new(u16::MAX), Cursor::OPEN);
    assert!(Cursor::OPEN.admits(Priority::new(Class::Low, 127)));
    assert!(!Cursor::SHUT.admits(Priority::new(Class::Critical, 0)));
    assert_eq!(Cursor::OPEN.first_shed(), None);
}

proptest! {
    /// Recounts a log of arrivals for the cursor that each window must end with.
    #[test]
    fn agrees_with_a_recount(
        windows in prop::collection::vec(
            (prop::collection::vec(0_u16..512, 0..300), 0_u64..40), 1..30,
        ),
    ) {
        let mut shedder = Shedder::new(ShedSettings::default(), at(0));
        for (second, (levels, wait)) in (0..).zip(windows) {
            let now = at(second * 1_000);
            let open = shedder.cursor();
            let mut log = levels.clone();
            log.sort_unstable();
            let mut admitted = 0;
            for level in &levels {
                let sub = u8::try_from(level % 128).unwrap();
                let priority = Priority::new(Class::ALL[usize::from(level / 128)], sub);
                let passed = shedder.admit(priority, now, &mut Discard).is_ok();
                prop_assert!(passed || *level >= open.levels(), "below the cursor and shed");
                prop_assert!(!passed || *level <= open.levels(), "far above the cursor");
                admitted += usize::from(passed);
                shedder.on_queue_wait(millis(wait), now, &mut Discard);
            }
            shedder.invariants();
            let overloaded = wait >= 20;
            shedder.advance(at((second + 1) * 1_000), &mut Discard);
            if levels.is_empty() {
                continue;
            }
            let step = (levels.len() / 100).max(1);
            let target = if overloaded { admitted * 95 / 100 } else { admitted + step };
            let target = target.max(levels.len() / 20).max(1);
            let fits = (0..=512).rev().find(|cursor| {
                log.iter().filter(|level| **level < *cursor).count() <= target
            });
            prop_assert_eq!(Some(shedder.cursor().levels()), fits);
        }
    }
}
