//! The rules, one by one.

use std::vec::Vec;

use crate::Mode;
use crate::endpoint::Slot;
use crate::hold::{
    Away, Back, Counts, Door, Hold, HoldEvent, HoldSettings, HoldState, Look, NotHeld, PATIENCE,
    PROBE_MAX, PROBE_MIN, Patience, Place, Wish,
};
use crate::outcome::Reach;
use crate::time::{Duration, Instant};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

struct Bench {
    hold: Hold,
    now: Instant,
    events: Vec<HoldEvent>,
}

fn enforced() -> HoldSettings {
    HoldSettings { mode: Mode::Enforce, ..HoldSettings::default() }
}

impl Bench {
    fn new(settings: HoldSettings, endpoints: u32) -> Self {
        let (now, events) = (Instant::from_millis(1_000), Vec::new());
        let mut bench = Self { hold: Hold::new(settings), now, events };
        bench.set_members(endpoints);
        bench
    }

    /// Of an upstream whose endpoints have just been found gone.
    fn out(settings: HoldSettings, endpoints: u32) -> Self {
        let mut bench = Self::new(settings, endpoints);
        for slot in 0..endpoints {
            bench.met(slot, Reach::Nobody);
        }
        bench
    }

    fn set_members(&mut self, endpoints: u32) {
        let members = (0..endpoints).map(Slot::new);
        self.hold.set_members(members, self.now, &mut self.events);
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
    }

    fn met(&mut self, slot: u32, reach: Reach) -> Counts {
        self.met_since(slot, reach, self.now)
    }

    fn met_since(&mut self, slot: u32, reach: Reach, began: Instant) -> Counts {
        self.hold.note((Slot::new(slot), reach), (began, None), self.now, &mut self.events)
    }

    fn probed(&mut self, door: Door, reach: Reach) -> Counts {
        let Door::Probe(slot, number) = door else { panic!("no probe, but {door:?}") };
        let began = (self.now, Some(number));
        self.hold.note((slot, reach), began, self.now, &mut self.events)
    }

    fn door(&mut self) -> Door {
        self.hold.door(self.now)
    }

    fn enter(&mut self, until: Duration) -> Result<(Place, Instant), NotHeld> {
        self.enter_with(until, 0)
    }

    fn enter_with(&mut self, until: Duration, body: u64) -> Result<(Place, Instant), NotHeld> {
        let wish =
            Wish { until: self.now.after(until), since: None, body, patience: Patience::Told };
        self.hold.enter(wish, None, self.now, &mut self.events)
    }

    fn look(&mut self, place: Place) -> Look {
        self.hold.look(place, self.now, &mut self.events)
    }

    fn go(&mut self, place: Place) -> Away {
        let look = self.look(place);
        let Look::Go(away) = look else { panic!("it does not go, but {look:?}") };
        away
    }

    fn back(&mut self, away: Away, back: Back) {
        self.hold.back(away, back, self.now, &mut self.events);
    }

    fn woken(&mut self) -> Vec<Place> {
        core::iter::from_fn(|| self.hold.next_wake()).collect()
    }

    fn state(&self) -> HoldState {
        self.hold.snapshot().state
    }

    fn is_out(&self) -> bool {
        matches!(self.state(), HoldState::Outage { .. })
    }
}

const ANSWERED: Back = Back::Answered { usual: MS };

#[test]
fn an_outage_begins_when_the_last_endpoint_is_found_gone() {
    let mut bench = Bench::new(enforced(), 3);
    assert_eq!(bench.met(0, Reach::Nobody), Counts::Yes);
    assert_eq!(bench.met(1, Reach::Nobody), Counts::Yes);
    assert_eq!(bench.state(), HoldState::Reachable);
    assert_eq!(bench.met(2, Reach::Nobody), Counts::Yes, "it is the one that tells");
    assert_eq!(bench.state(), HoldState::Outage { since: bench.now });
    assert_eq!(bench.met(2, Reach::Nobody), Counts::No, "known already");
    let began = HoldEvent::OutageBegan { endpoints: 3, mode: Mode::Enforce };
    assert_eq!(bench.events, [began]);
}

#[test]
fn errors_and_slowness_are_no_outage() {
    let mut bench = Bench::new(enforced(), 2);
    for _ in 0..100 {
        for (slot, reach) in [(0, Reach::Answered), (1, Reach::Taken), (1, Reach::Unknown)] {
            assert_eq!(bench.met(slot, reach), Counts::Yes);
            bench.pass(MS);
        }
        bench.met(0, Reach::Nobody);
    }
    assert_eq!(bench.state(), HoldState::Reachable);
    assert_eq!(bench.enter(SECOND), Err(NotHeld::NoTime), "nothing to wait for");
}

#[test]
fn one_endpoint_that_has_not_been_tried_may_serve() {
    let mut bench = Bench::out(enforced(), 2);
    assert!(bench.is_out());
    bench.set_members(3);
    assert_eq!(bench.state(), HoldState::Reachable);
    bench.met(2, Reach::Nobody);
    assert!(bench.is_out());
    bench.set_members(0);
    assert_eq!(bench.state(), HoldState::Reachable, "nobody to wait for");
}

#[test]
fn an_upstream_is_out_once_only_the_gone_are_left() {
    let mut bench = Bench::new(enforced(), 3);
    bench.met(0, Reach::Nobody);
    bench.met(1, Reach::Nobody);
    bench.set_members(2);
    assert!(bench.is_out());
}

#[test]
fn who_took_a_request_before_it_was_lost_proves_nothing() {
    let mut bench = Bench::new(enforced(), 1);
    let before = bench.now;
    bench.pass(MS);
    bench.met(0, Reach::Nobody);
    bench.pass(MS);
    bench.met_since(0, Reach::Taken, before);
    assert!(bench.is_out(), "killed in the middle of an answer");
    let since = bench.now;
    bench.met_since(0, Reach::Taken, since);
    assert_eq!(bench.state(), HoldState::Reachable, "it takes requests again");
}

#[test]
fn an_answer_to_an_older_attempt_ends_the_outage_all_the_same() {
    let mut bench = Bench::out(enforced(), 1);
    bench.met_since(0, Reach::Answered, Instant::EPOCH);
    assert_eq!(bench.state(), HoldState::Reachable);
}

#[test]
fn probes_go_round_at_a_twentieth_of_the_age_within_their_bounds() {
    let mut bench = Bench::out(enforced(), 2);
    assert_eq!(bench.door(), Door::Closed, "both were asked just now");
    for (age, every) in [(0, PROBE_MIN), (3_000, MS * 150), (60_000, PROBE_MAX)] {
        let mut bench = Bench::out(enforced(), 2);
        bench.pass(MS * age + every);
        let (mut asked, begin) = (Vec::new(), bench.now);
        while asked.len() < 20 {
            match bench.door() {
                Door::Probe(slot, number) => {
                    asked.push(slot.index());
                    bench.probed(Door::Probe(slot, number), Reach::Nobody);
                }
                Door::Closed => {}
                Door::Open => panic!("not in an outage"),
            }
            bench.pass(MS);
        }
        assert!(asked.windows(2).all(|two| two[0] != two[1]), "in turn: {asked:?}");
        // Nineteen gaps of half an interval each, which grows a little meanwhile.
        let took = bench.now.since(begin);
        assert!(took >= every / 2 * 19 && took <= every * 14, "{took:?} at {age} ms");
    }
}

#[test]
fn one_probe_at_a_time_at_each_endpoint() {
    let mut bench = Bench::out(enforced(), 1);
    bench.pass(SECOND);
    let door = bench.door();
    assert_eq!(door, Door::Probe(Slot::new(0), 1));
    bench.pass(SECOND * 9);
    assert_eq!(bench.door(), Door::Closed, "the first has not ended");
    assert_eq!(bench.probed(door, Reach::Unknown), Counts::Yes);
    assert_eq!(bench.door(), Door::Probe(Slot::new(0), 2));
}

#[test]
fn the_probe_of_an_endpoint_that_left_frees_nobodys_place() {
    let mut bench = Bench::out(enforced(), 1);
    bench.pass(SECOND);
    let old = bench.door();
    bench.hold.forget(Slot::new(0));
    bench.set_members(1);
    bench.met(0, Reach::Nobody);
    bench.pass(SECOND);
    let new = bench.door();
    assert_eq!(new, Door::Probe(Slot::new(0), 2));
    bench.probed(old, Reach::Unknown);
    bench.pass(SECOND);
    assert_eq!(bench.door(), Door::Closed);
}

#[test]
fn a_thousand_endpoints_are_probed_at_a_bounded_rate() {
    let mut bench = Bench::out(enforced(), 1_000);
    bench.pass(SECOND);
    let mut probes = 0;
    for _ in 0..1_000 {
        let door = bench.door();
        if door != Door::Closed {
            bench.probed(door, Reach::Nobody);
            probes += 1;
        }
        bench.pass(MS);
    }
    assert_eq!(probes, 200, "one in 5 ms");
}

#[test]
fn an_endpoint_whose_news_is_old_is_probed_at_once() {
    let mut bench = Bench::new(enforced(), 2);
    bench.met(0, Reach::Nobody);
    bench.pass(SECOND * 60);
    bench.met(1, Reach::Nobody);
    let door = bench.door();
    assert_eq!(door, Door::Probe(Slot::new(0), 1));
    bench.probed(door, Reach::Answered);
    assert_eq!(bench.state(), HoldState::Reachable);
}

#[test]
fn a_check_that_passes_brings_the_next_probe_forward() {
    let mut bench = Bench::out(enforced(), 2);
    let (place, look_at) = bench.enter(SECOND).unwrap();
    bench.pass(MS * 10);
    assert!(bench.now < look_at);
    bench.hold.hasten(Slot::new(1));
    assert_eq!(bench.woken(), [place]);
    let away = bench.go(place);
    assert_eq!(bench.door(), Door::Probe(Slot::new(1), 1));
    bench.back(away, Back::Failed);
}

#[test]
fn one_of_the_line_looks_when_a_probe_is_due_and_hands_the_task_on() {
    let mut bench = Bench::out(enforced(), 1);
    let (first, look_at) = bench.enter(SECOND).unwrap();
    assert_eq!(look_at, bench.now.after(PROBE_MIN), "nobody else looks");
    let (second, look_at) = bench.enter(SECOND * 2).unwrap();
    assert_eq!(look_at, second.until(), "somebody else looks");
    bench.pass(PROBE_MIN);
    let away = bench.go(first);
    assert_eq!(bench.woken(), [second], "its turn to look");
    let door = bench.door();
    assert!(matches!(bench.look(second), Look::Held { look_at } if look_at > bench.now));
    bench.probed(door, Reach::Nobody);
    let wish =
        Wish { until: first.until(), since: Some(bench.now), body: 0, patience: Patience::Told };
    let again = bench.hold.enter(wish, Some(away), bench.now, &mut bench.events);
    assert!(again.is_ok_and(|(place, look_at)| look_at == place.until()));
    assert_eq!(bench.hold.snapshot().held, 2);
    assert_eq!(bench.hold.snapshot().held_total, 2, "counted once each");
}

#[test]
fn the_task_of_who_leaves_is_handed_on() {
    let mut bench = Bench::out(enforced(), 1);
    let (first, _) = bench.enter(SECOND).unwrap();
    let (second, _) = bench.enter(SECOND).unwrap();
    bench.hold.leave(first, bench.now, &mut bench.events);
    assert_eq!(bench.woken(), [second]);
    assert_eq!(bench.look(first), Look::Over, "it has no place any more");
    bench.hold.leave(first, bench.now, &mut bench.events);
    assert_eq!(bench.hold.snapshot().held, 1);
}

#[test]
fn calls_and_their_bodies_are_bounded_and_the_rest_is_refused_at_once() {
    let mut bench = Bench::out(HoldSettings { calls: 2, bytes: 100, ..enforced() }, 1);
    let (first, _) = bench.enter_with(SECOND, 100).unwrap();
    assert_eq!(bench.enter_with(SECOND, 1), Err(NotHeld::Full), "no memory for it");
    let _second = bench.enter(SECOND).unwrap();
    assert_eq!(bench.enter(SECOND), Err(NotHeld::Full), "two are held");
    assert_eq!(bench.events[1..], [HoldEvent::Full { held: 1, bytes: 100 }], "told once");
    bench.hold.leave(first, bench.now, &mut bench.events);
    assert!(bench.enter_with(SECOND, 100).is_ok());
    let seen = bench.hold.snapshot();
    assert_eq!((seen.held, seen.bytes, seen.full_total), (2, 100, 2));
}

#[test]
fn who_probes_keeps_its_place_in_a_full_line() {
    let mut bench = Bench::out(HoldSettings { calls: 1, ..enforced() }, 1);
    let (place, _) = bench.enter(SECOND).unwrap();
    bench.pass(PROBE_MIN);
    let away = bench.go(place);
    assert_eq!(bench.enter(SECOND), Err(NotHeld::Full));
    let wish = Wish { until: place.until(), since: None, body: 0, patience: Patience::Told };
    assert!(bench.hold.enter(wish, Some(away), bench.now, &mut bench.events).is_ok());
}

#[test]
fn nobody_is_held_for_longer_than_allowed_nor_through_a_long_outage() {
    let settings = HoldSettings { longest: SECOND * 2, outage: SECOND * 3, ..enforced() };
    let mut bench = Bench::out(settings, 1);
    let since = bench.now;
    let (place, _) = bench.enter(SECOND * 10).unwrap();
    assert_eq!(place.until(), since.after(SECOND * 2));
    bench.pass(SECOND * 2);
    assert_eq!(bench.look(place), Look::Over);
    let (late, _) = bench.enter(SECOND * 10).unwrap();
    assert_eq!(late.until(), since.after(SECOND * 3));
    let again =
        Wish { until: Instant::NEVER, since: Some(since), body: 0, patience: Patience::Told };
    let held = bench.hold.enter(again, None, bench.now, &mut bench.events);
    assert_eq!(held, Err(NotHeld::NoTime), "it has been held for as long as allowed");
    bench.pass(SECOND);
    assert_eq!(bench.enter(SECOND * 10), Err(NotHeld::NoTime), "it is no short outage");
    assert!(matches!(bench.door(), Door::Probe(..)), "but it is still looked for its end");
}

#[test]
fn the_line_is_released_in_order_of_deadlines_doubling_with_every_round() {
    let mut bench = Bench::out(enforced(), 1);
    for n in (1..=100_u32).rev() {
        let _place = bench.enter(SECOND + MS * n).unwrap();
    }
    let _looks = bench.woken();
    bench.met(0, Reach::Answered);
    let mut rounds = Vec::new();
    let mut latest = Instant::EPOCH;
    loop {
        let released = bench.woken();
        if released.is_empty() {
            break;
        }
        rounds.push(released.len());
        let sent: Vec<_> = released.into_iter().map(|place| (place, bench.go(place))).collect();
        bench.pass(MS * 20);
        for (place, away) in sent {
            assert!(place.until() > latest, "who has less time goes first");
            latest = place.until();
            bench.back(away, ANSWERED);
        }
    }
    assert_eq!(rounds, [8, 16, 32, 44]);
    assert_eq!(bench.state(), HoldState::Reachable);
    assert_eq!(bench.events.last(), Some(&HoldEvent::Released { after: MS * 60 }));
}

#[test]
fn a_service_that_is_slow_or_fails_is_sent_no_more_than_before() {
    for back in [ANSWERED, Back::Failed] {
        let mut bench = Bench::out(enforced(), 1);
        for _ in 0..100 {
            let _place = bench.enter(SECOND * 5).unwrap();
        }
        let _looks = bench.woken();
        bench.met(0, Reach::Answered);
        for _ in 0..5 {
            let released = bench.woken();
            assert_eq!(released.len(), 8);
            let sent: Vec<_> = released.into_iter().map(|place| bench.go(place)).collect();
            bench.pass(MS * 101);
            sent.into_iter().for_each(|away| bench.back(away, back));
        }
    }
}

#[test]
fn no_more_are_under_way_than_there_are_permits() {
    let mut bench = Bench::out(enforced(), 1);
    bench.hold.set_window_max(3);
    for _ in 0..20 {
        let _place = bench.enter(SECOND).unwrap();
    }
    let _looks = bench.woken();
    bench.met(0, Reach::Answered);
    for _ in 0..3 {
        let released = bench.woken();
        assert_eq!(released.len(), 3);
        let sent: Vec<_> = released.into_iter().map(|place| bench.go(place)).collect();
        sent.into_iter().for_each(|away| bench.back(away, ANSWERED));
    }
}

#[test]
fn who_was_released_into_another_outage_is_held_on() {
    let mut bench = Bench::out(enforced(), 1);
    let places: Vec<_> = (0..20).map(|_| bench.enter(SECOND).unwrap().0).collect();
    let _looks = bench.woken();
    bench.met(0, Reach::Answered);
    let released = bench.woken();
    let away = bench.go(released[0]);
    bench.met(0, Reach::Nobody);
    assert!(bench.is_out());
    let held = Look::Held { look_at: released[1].until() };
    assert_eq!(bench.look(released[1]), held, "called back");
    bench.back(away, ANSWERED);
    assert_eq!(bench.hold.snapshot().held, 19);
    bench.met(0, Reach::Answered);
    assert_eq!(bench.woken().iter().filter(|place| places.contains(place)).count(), 9);
    let HoldState::Releasing { window, .. } = bench.state() else { panic!("a line is left") };
    assert_eq!(window, 8, "it begins anew");
}

#[test]
fn a_shadow_says_so_and_holds_nobody() {
    let mut bench = Bench::out(HoldSettings { mode: Mode::Shadow, ..enforced() }, 1);
    assert!(bench.is_out());
    assert_eq!(bench.door(), Door::Open);
    assert_eq!(bench.met(0, Reach::Nobody), Counts::Yes, "others are told as ever");
    assert_eq!(bench.enter(SECOND), Err(NotHeld::NoTime));
    bench.met(0, Reach::Answered);
    let modes = |event: &HoldEvent| match event {
        HoldEvent::OutageBegan { mode, .. } | HoldEvent::OutageEnded { mode, .. } => Some(*mode),
        HoldEvent::Full { .. } | HoldEvent::Released { .. } => None,
    };
    let modes: Vec<_> = bench.events.iter().filter_map(modes).collect();
    assert_eq!(modes, [Mode::Shadow; 2]);
}

#[test]
fn nothing_is_minded_while_it_is_off() {
    let bench = Bench::new(HoldSettings::default(), 1);
    assert!(!bench.hold.is_concerned(Reach::Nobody));
    assert!(!Bench::new(enforced(), 1).hold.is_concerned(Reach::Answered), "nobody is lost");
    assert!(Bench::new(enforced(), 1).hold.is_concerned(Reach::Nobody));
}

#[test]
fn switching_it_off_lets_everybody_go_and_a_probe_that_was_under_way_is_forgotten() {
    for mode in [Mode::Off, Mode::Shadow] {
        let mut bench = Bench::out(enforced(), 1);
        let places: Vec<_> = (0..20).map(|_| bench.enter(SECOND).unwrap().0).collect();
        let _looks = bench.woken();
        bench.pass(SECOND / 2);
        let _probe = bench.door();
        let settings = HoldSettings { mode, ..enforced() };
        bench.hold.reconfigure(settings, bench.now, &mut bench.events);
        assert_eq!(bench.woken(), places, "{mode:?}");
        for place in places {
            let away = bench.go(place);
            bench.back(away, Back::Failed);
        }
        assert_eq!((bench.hold.snapshot().held, bench.hold.snapshot().bytes), (0, 0));
    }
}

#[test]
fn new_bounds_hold_for_who_comes_and_keep_who_is_there() {
    let mut bench = Bench::out(enforced(), 1);
    let places: Vec<_> = (0..3).map(|_| bench.enter(SECOND).unwrap().0).collect();
    let settings = HoldSettings { calls: 1, ..enforced() };
    bench.hold.reconfigure(settings, bench.now, &mut bench.events);
    assert!(bench.is_out(), "what was learned stays");
    assert_eq!(bench.hold.snapshot().held, 3);
    assert_eq!(bench.enter(SECOND), Err(NotHeld::Full));
    assert!(places.iter().all(|place| matches!(bench.look(*place), Look::Held { .. })));
}

#[test]
fn a_clock_that_steps_back_stood_still() {
    let mut bench = Bench::out(enforced(), 1);
    let (place, _) = bench.enter(SECOND).unwrap();
    bench.now = Instant::from_millis(1);
    assert!(
        matches!(bench.look(place), Look::Held { look_at } if look_at > Instant::from_millis(1_000))
    );
    assert_eq!(bench.door(), Door::Closed);
}

#[test]
fn settings_that_contradict_themselves_are_refused() {
    let wrong = |settings: HoldSettings| settings.validate().unwrap_err().field();
    assert_eq!(HoldSettings::default().validate(), Ok(()));
    assert_eq!(wrong(HoldSettings { calls: 0, ..enforced() }), "calls");
    assert_eq!(wrong(HoldSettings { calls: 1_000_001, ..enforced() }), "calls");
    assert_eq!(wrong(HoldSettings { longest: Duration::ZERO, ..enforced() }), "longest");
    assert_eq!(wrong(HoldSettings { outage: SECOND * 9, ..enforced() }), "outage");
}

/// Enters a call that says nothing of how long it will be waited for.
fn unsaid(bench: &mut Bench) -> Place {
    let (until, patience) = (bench.now.after(SECOND * 10), Patience::Unknown);
    let wish = Wish { until, since: None, body: 0, patience };
    bench.hold.enter(wish, None, bench.now, &mut bench.events).expect("there is room").0
}

/// Ends the outage, and lets each released call answer after `takes`. Gives the order of release.
fn released(bench: &mut Bench, takes: Duration) -> Vec<Place> {
    bench.met(0, Reach::Answered);
    let (mut order, mut under_way) = (Vec::new(), Vec::new());
    loop {
        let next = bench.woken();
        order.extend(&next);
        under_way.extend(next.into_iter().map(|place| bench.go(place)));
        if under_way.is_empty() {
            return order;
        }
        bench.pass(takes);
        under_way.drain(..).for_each(|away| bench.back(away, ANSWERED));
    }
}

#[test]
fn who_is_likely_to_be_there_still_goes_before_who_has_waited_for_too_long() {
    let mut bench = Bench::out(enforced(), 1);
    let waiting: Vec<_> = (0..60)
        .map(|_| {
            bench.pass(MS * 50);
            unsaid(&mut bench)
        })
        .collect();
    // The first twenty have waited for more than two seconds, and the last one not at all.
    let order = released(&mut bench, Duration::ZERO);
    let (gone, there) = waiting.split_at(19);
    let stale = gone.iter().rev();
    let expected: Vec<_> = there.iter().chain(stale).copied().collect();
    assert_eq!(order, expected, "then the others, the latest first: all are answered");
}

#[test]
fn a_stated_deadline_is_believed_and_any_other_call_is_awaited_for_two_seconds() {
    let mut bench = Bench::out(enforced(), 1);
    let unknown = unsaid(&mut bench);
    let (longer, _) = bench.enter(SECOND * 5).unwrap();
    bench.pass(PATIENCE / 2);
    let (sooner, _) = bench.enter(PATIENCE / 4).unwrap();
    assert_eq!(released(&mut bench, MS), [sooner, unknown, longer]);
    bench.met(0, Reach::Nobody);
    let unknown = unsaid(&mut bench);
    let (longer, _) = bench.enter(SECOND * 5).unwrap();
    bench.pass(PATIENCE + MS);
    assert_eq!(released(&mut bench, MS), [longer, unknown]);
}

#[test]
fn no_work_is_done_for_who_cannot_be_answered_while_somebody_can() {
    let mut bench = Bench::out(enforced(), 1);
    let many: Vec<_> = (0..20)
        .map(|_| {
            bench.pass(MS);
            unsaid(&mut bench)
        })
        .collect();
    bench.pass(PATIENCE - MS * 12);
    // An answer takes ten: who has less when the first round is over is passed over.
    let order = released(&mut bench, MS * 10);
    let mut by_age = many.clone();
    by_age.truncate(20);
    let first_in_time = many.iter().position(|place| *place == order[0]);
    assert_eq!(first_in_time, Some(7), "seven were over, and nothing was known of answers");
    assert_eq!(order[8], many[19], "none of the rest can be answered in time: the latest first");
    assert_eq!(order.len(), 20, "nobody is forgotten");
}
