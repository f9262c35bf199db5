//! The knee: one endpoint that works on so many at once, in calm and in a flood.

use super::service::Service;
use super::*;
use crate::event::Discard;

const WORK: Duration = Duration::from_millis(20);

/// An endpoint with four workers of 20 ms, known from ten seconds at half of its capacity.
fn known() -> Service {
    let mut service = Service::new(LimitSettings::knee(), WORK, 4);
    service.run(Duration::from_secs(10), millis(10));
    assert_eq!(service.refused, 0);
    service
}

/// A limit whose base of 20 ms is known, of which some four in flight have been proven harmless.
fn learnt() -> Bench {
    let mut bench = Bench::new(LimitSettings::knee());
    for _ in 0..128 {
        bench.wait(millis(10)).finish(sample(WORK, 4));
    }
    assert_eq!((bench.limit.limit(), bench.limit.snapshot().base), (8, Some(WORK)));
    bench
}

/// Two full epochs, so that one of them is of nothing else.
fn feed(bench: &mut Bench, finished: Finished) -> u32 {
    for _ in 0..128 {
        bench.wait(millis(5)).finish(finished);
    }
    bench.limit.limit()
}

/// Two full epochs of a service that works on `workers` at once, of which as many as the limit lets
/// in are asked for up to `most`.
fn crowd(bench: &mut Bench, workers: u32, most: u32) -> u32 {
    for _ in 0..128 {
        let beside = bench.limit.limit().min(most);
        bench.wait(millis(20)).finish(sample(WORK * beside.max(workers) / workers, beside));
    }
    bench.limit.limit()
}

/// The same of one that takes as long however many are in flight.
fn slow_crowd(bench: &mut Bench, latency: Duration, most: u32) -> u32 {
    for _ in 0..128 {
        let beside = bench.limit.limit().min(most);
        bench.wait(millis(20)).finish(sample(latency, beside));
    }
    bench.limit.limit()
}

#[test]
fn nothing_is_limited_before_a_base_is_known() {
    let mut bench = Bench::new(LimitSettings::knee());
    for _ in 0..31 {
        bench.wait(millis(10)).finish(sample(WORK, 4));
    }
    assert_eq!(bench.limit.limit(), LIMIT_MAX);
    assert!(
        !bench.limit.press((Urgency::Late, Duration::ZERO), bench.now, &mut Discard),
        "no limit to raise"
    );
}

#[test]
fn a_flood_is_cut_to_the_knee_within_a_quarter_of_a_second() {
    let mut service = known();
    service.run(millis(250), micros(1_667));
    let limit = service.limit();
    // Four at work and half as many waiting: a latency of 150 % of the base.
    assert!((4..=7).contains(&limit), "{limit}");
    let (before, served) = (service.log.len(), service.served);
    service.run(Duration::from_secs(10), micros(1_667));
    let later: Vec<u32> = service.log.get(before..).unwrap().iter().map(|(_, l)| *l).collect();
    assert!(later.iter().all(|limit| (4..=8).contains(limit)), "{later:?}");
    assert!(service.served - served >= 1_990, "two hundred a second: {}", service.served - served);
}

#[test]
fn once_a_flood_is_over_nothing_is_refused() {
    let mut service = known();
    service.run(Duration::from_secs(30), micros(1_667));
    service.run(millis(100), millis(10));
    let refused = service.refused;
    service.run(Duration::from_secs(30), millis(10));
    assert_eq!(service.refused, refused);
}

#[test]
fn ac_6_latency_that_stays_up_for_an_hour_lifts_no_limit() {
    let mut service = known();
    service.run(Duration::from_mins(10), micros(2_500));
    let settled = service.log.iter().filter(|(since, _)| *since > at(20_000));
    // Once in twenty seconds the limit is doubled for a moment.
    let most = settled.map(|(_, limit)| *limit).max();
    assert!(most.is_some_and(|most| most <= 16), "{most:?}");
}

#[test]
fn a_service_that_is_slow_however_few_are_in_flight_is_not_limited() {
    let mut bench = learnt();
    let before = bench.limit.limit();
    let limit = feed(&mut bench, sample(WORK * 10, 3));
    assert!(limit >= before && !bench.limit.is_congested(), "{limit}");
    assert!(bench.limit.snapshot().base > Some(WORK), "that is what it takes now");
}

#[test]
fn a_crowd_that_fewer_in_flight_makes_faster_is_overload() {
    let mut bench = learnt();
    assert_eq!(crowd(&mut bench, 4, 8), 7, "four at work, half as many waiting, a little proven");
    assert!(bench.limit.is_congested());
    let causes = causes(&bench);
    assert_eq!(causes.get(1..3), Some(&[Cause::Trial, Cause::Congestion][..]), "{causes:?}");
}

#[test]
fn latency_that_fewer_in_flight_does_not_lower_is_no_overload() {
    let mut bench = learnt();
    let limit = slow_crowd(&mut bench, WORK * 2, 8);
    assert!(limit >= 8 && !bench.limit.is_congested(), "{limit}");
    assert_eq!(bench.limit.snapshot().base, Some(WORK * 2));
    assert!(causes(&bench).contains(&Cause::Trial), "{:?}", causes(&bench));
}

#[test]
fn latency_that_many_more_in_flight_do_not_raise_ends_a_trial() {
    let mut bench = learnt();
    for _ in 0..8 {
        bench.wait(millis(1)).finish(sample(WORK * 2, 6));
    }
    assert_eq!(bench.limit.cause(), Cause::Trial);
    // Let in before the trial began, hence not held to its limit.
    for _ in 0..16 {
        bench.wait(millis(1)).finish(sample(WORK * 2, 12));
    }
    assert_eq!((bench.limit.is_congested(), bench.limit.limit() >= 8), (false, true));
    assert_eq!(bench.limit.snapshot().base, Some(WORK * 2));
}

#[test]
fn a_trial_of_which_nothing_comes_back_ends() {
    let mut bench = learnt();
    for _ in 0..8 {
        bench.wait(millis(1)).finish(sample(WORK * 2, 6));
    }
    let press = |bench: &mut Bench| {
        bench.limit.press((Urgency::Late, Duration::ZERO), bench.now, &mut Discard)
    };
    bench.wait(Duration::from_secs(1));
    assert!(!press(&mut bench), "it may still be told");
    bench.wait(millis(1));
    assert!(press(&mut bench), "the limit before holds again");
    assert_eq!((bench.limit.limit(), bench.limit.is_congested()), (8, false));
    assert_eq!(bench.limit.snapshot().base, Some(WORK));
}

#[test]
fn few_samples_far_slower_than_what_is_in_flight_explains_are_no_overload() {
    let mut bench = learnt();
    for _ in 0..8 {
        bench.wait(millis(1)).finish(sample(WORK * 11, 5));
    }
    assert_eq!((bench.limit.is_congested(), bench.limit.snapshot().base), (false, Some(WORK * 11)));
    assert_eq!(bench.limit.limit(), 44, "as much in a second takes eleven times as many");
}

#[test]
fn what_was_proven_while_slow_proves_little_once_it_is_fast_again() {
    let mut bench = learnt();
    slow_crowd(&mut bench, WORK * 10, 40);
    for _ in 0..16 {
        bench.wait(millis(10)).finish(sample(WORK, 4));
    }
    assert_eq!(bench.limit.snapshot().base, Some(WORK), "sixteen are enough");
    feed(&mut bench, sample(WORK, 4));
    assert!(bench.limit.limit() <= 10, "{}", bench.limit.limit());
}

#[test]
fn a_limit_that_holds_is_lifted_when_more_in_flight_are_no_slower() {
    let mut bench = learnt();
    crowd(&mut bench, 4, 8);
    assert!(bench.limit.is_congested());
    bench.wait(Duration::from_secs(20));
    slow_crowd(&mut bench, WORK * 7 / 4, 100);
    slow_crowd(&mut bench, WORK * 7 / 4, 100);
    assert!(!bench.limit.is_congested(), "{:?}", causes(&bench));
}

#[test]
fn t106_timeouts_and_answers_that_ask_for_less_move_no_knee() {
    let mut bench = learnt();
    let before = bench.limit.limit();
    for _ in 0..1_000 {
        bench.wait(millis(5)).finish(dropped(Duration::from_secs(5), 8));
    }
    assert_eq!(bench.limit.limit(), before);
}

#[test]
fn a_limit_gives_way_to_those_who_wait_until_latency_speaks_against_it() {
    let mut bench = learnt();
    let before = bench.limit.limit();
    let press = |bench: &mut Bench, urgency, owed| {
        bench.limit.press((urgency, owed), bench.now, &mut bench.events)
    };
    assert!(!press(&mut bench, Urgency::Patient, Duration::ZERO), "not at once");
    bench.wait(millis(40));
    assert!(press(&mut bench, Urgency::Patient, Duration::ZERO), "two base latencies later");
    assert_eq!(bench.limit.limit(), before * 2);
    assert!(press(&mut bench, Urgency::Late, Duration::ZERO), "at once where many come late");
    bench.wait(millis(99));
    assert!(!press(&mut bench, Urgency::Patient, millis(101)), "slowly where it is silent");
    bench.wait(millis(1));
    assert!(press(&mut bench, Urgency::Patient, millis(102)));
    assert!(press(&mut bench, Urgency::Late, millis(102)), "which the late do not care about");
    crowd(&mut bench, 4, 100);
    assert!(bench.limit.is_congested());
    assert!(!press(&mut bench, Urgency::Late, Duration::ZERO));
}

/// It holds at 20 ms of base latency, four at once.
fn holding() -> Bench {
    let mut bench = learnt();
    crowd(&mut bench, 4, 100);
    assert!(bench.limit.is_congested());
    bench
}

#[test]
fn a_limit_that_holds_ends_where_few_call_and_none_is_slow() {
    let mut bench = holding();
    for _ in 0..3 {
        bench.wait(Duration::from_secs(1)).finish(sample(millis(20), 1));
    }
    assert!(!bench.limit.is_congested(), "three answers, and none that waited");
}

#[test]
fn a_limit_that_holds_ends_in_a_bounded_time_where_no_epoch_is_full() {
    let mut bench = holding();
    for _ in 0..18 {
        bench.wait(Duration::from_secs(1)).finish(sample(millis(28), 2));
    }
    assert!(bench.limit.is_congested(), "latency has been above the base all along");
    for _ in 0..3 {
        bench.wait(Duration::from_secs(1)).finish(sample(millis(28), 2));
    }
    assert!(!bench.limit.is_congested(), "but no epoch has been full for twenty seconds");
}

#[test]
fn a_limit_that_holds_ends_for_those_who_wait_where_nothing_comes_at_all() {
    let mut bench = holding();
    bench.wait(Duration::from_secs(3));
    let wanted = (Urgency::Late, Duration::ZERO);
    assert!(bench.limit.press(wanted, bench.now, &mut bench.events));
}

#[test]
fn a_reload_keeps_what_the_knee_has_learnt() {
    let mut bench = learnt();
    crowd(&mut bench, 4, 8);
    let before = bench.limit.limit();
    let settings = LimitSettings { max: 500, initial: 500, ..LimitSettings::knee() };
    bench.limit.reconfigure(settings, bench.now, &mut bench.events);
    assert_eq!((bench.limit.limit(), bench.limit.is_congested()), (before, true));
}

#[test]
fn few_samples_of_long_ago_are_forgotten() {
    let mut bench = learnt();
    for _ in 0..200 {
        bench.wait(Duration::from_secs(3)).finish(sample(WORK * 10, 3));
    }
    assert_eq!(bench.limit.snapshot().base, Some(WORK));
}

/// Why the limit changed, oldest first.
fn causes(bench: &Bench) -> Vec<Cause> {
    bench.changes().into_iter().map(|(_, _, cause)| cause).collect()
}

fn cell(mut bench: Bench, act: fn(&mut Bench, u32)) -> std::string::String {
    let before = bench.limit.limit();
    act(&mut bench, before);
    let way = match bench.limit.limit().cmp(&before) {
        core::cmp::Ordering::Less => "down",
        core::cmp::Ordering::Equal => "same",
        core::cmp::Ordering::Greater => "up",
    };
    let held = if bench.limit.is_congested() { "held" } else { "free" };
    std::format!("{way}, {held}")
}

#[test]
fn the_table_of_the_knee_is_the_reviewed_one() {
    type Act = fn(&mut Bench, u32);
    let unknown = || Bench::new(LimitSettings::knee());
    let held = || {
        let mut bench = learnt();
        crowd(&mut bench, 4, 8);
        bench
    };
    let acts: [(&str, Act); 10] = [
        ("few, fast", |bench, _| _ = feed(bench, sample(WORK, 2))),
        ("limit in use, fast", |bench, limit| _ = feed(bench, sample(WORK, limit.min(20)))),
        ("limit in use, slow", |bench, limit| _ = feed(bench, sample(WORK * 2, limit.min(20)))),
        ("a crowd", |bench, _| _ = crowd(bench, 4, 20)),
        ("a slow crowd", |bench, _| _ = slow_crowd(bench, WORK * 3, 20)),
        ("few, slow", |bench, _| _ = feed(bench, sample(WORK * 3, 2))),
        ("timeouts", |bench, limit| _ = feed(bench, dropped(WORK * 50, limit.min(20)))),
        ("nothing said", |bench, limit| _ = feed(bench, said_nothing(limit.min(20)))),
        ("callers wait", |bench, _| {
            bench.limit.press((Urgency::Patient, Duration::ZERO), bench.now, &mut Discard);
            bench.wait(millis(80));
            bench.limit.press((Urgency::Patient, Duration::ZERO), bench.now, &mut Discard);
        }),
        ("many come late", |bench, _| {
            bench.limit.press((Urgency::Late, Duration::ZERO), bench.now, &mut Discard);
        }),
    ];
    let mut table = std::string::String::new();
    for (name, act) in acts {
        let cells = [cell(unknown(), act), cell(learnt(), act), cell(held(), act)];
        table.push_str(&std::format!("{name} | {}\n", cells.join(" | ")));
    }
    assert_eq!(table, include_str!("knee.txt"), "{table}");
}
