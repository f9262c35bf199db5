//! Tests of single-flight refreshes.

use super::*;
use crate::rng::Draw;
use proptest::prelude::*;
use std::collections::BTreeMap;

const KEY: u64 = 5;

fn flights(flights_max: usize) -> Flights {
    Flights::new(FlightSettings { flights_max, ..Default::default() }).unwrap()
}

fn join(flights: &mut Flights, stock: Stock, now: Instant) -> Joined {
    flights.join(KEY, stock, now, &mut Vec::new())
}

fn lead(flights: &mut Flights, now: Instant) -> Flight {
    let joined = join(flights, Stock::Nothing, now);
    let Joined::Lead(flight) = joined else { panic!("{joined:?}") };
    flight
}

fn follow(flights: &mut Flights, now: Instant) -> Follower {
    let joined = join(flights, Stock::Nothing, now);
    let Joined::Follow(follower) = joined else { panic!("{joined:?}") };
    follower
}

fn poll(flights: &mut Flights, follower: Follower, now: Instant) -> Polled {
    flights.poll(follower, now, &mut Vec::new())
}

fn fail(flights: &mut Flights, flight: Flight, now: Instant) -> Landing {
    flights.failed(flight, (now, Draw::ZERO), &mut Vec::new())
}

#[test]
fn fb_2_t163_a_thousand_misses_are_one_call() {
    let mut flights = flights(8);
    let flight = lead(&mut flights, at(0));
    let followers: Vec<_> = (1..1_000).map(|_| follow(&mut flights, at(0))).collect();
    assert!(followers.iter().all(|one| one.until() == Instant::from_millis(100)));
    let waiting = |flights: &mut Flights, told| {
        followers.iter().filter(|one| poll(flights, **one, at(0)) == told).count()
    };
    let until = Instant::from_millis(100);
    assert_eq!(waiting(&mut flights, Polled::Waiting { until }), 999);
    assert_eq!(flights.landed(flight), Landing::Current);
    assert_eq!(waiting(&mut flights, Polled::Landed), 999);
    assert_eq!(flights.snapshot(), FlightsSnapshot { flying: 0, resting: 0 });
}

#[test]
fn who_has_a_stale_value_serves_it_and_waits_for_nobody() {
    let mut flights = flights(8);
    let flight = lead(&mut flights, at(0));
    assert_eq!(join(&mut flights, Stock::Stale, at(0)), Joined::ServeStale);
    fail(&mut flights, flight, at(0));
    assert_eq!(join(&mut flights, Stock::Stale, at(0)), Joined::ServeStale);
}

#[test]
fn t162_when_the_leader_is_cancelled_one_waiter_leads_on() {
    let (mut flights, mut events) = (flights(8), Vec::new());
    let first = lead(&mut flights, at(0));
    let (one, two) = (follow(&mut flights, at(0)), follow(&mut flights, at(0)));
    assert_eq!(flights.cancelled(first), Landing::Current);
    let Polled::Lead(second) = flights.poll(one, at(0), &mut events) else { panic!() };
    assert_eq!(events, [FlightEvent::Promoted { key: KEY }]);
    let until = two.until();
    assert_eq!(poll(&mut flights, two, at(0)), Polled::Waiting { until });
    assert_eq!(flights.landed(second), Landing::Current);
    assert_eq!(poll(&mut flights, two, at(0)), Polled::Landed);
}

#[test]
fn t162_a_leader_that_vanishes_loses_the_lead_and_lands_late() {
    let mut flights = flights(8);
    let first = lead(&mut flights, at(0));
    let waiter = follow(&mut flights, Instant::from_millis(9_950));
    let Polled::Lead(second) = poll(&mut flights, waiter, at(10)) else { panic!() };
    assert_eq!(fail(&mut flights, first, at(11)), Landing::Late);
    assert_eq!(flights.snapshot(), FlightsSnapshot { flying: 1, resting: 0 });
    assert_eq!(flights.landed(second), Landing::Current);
}

#[test]
fn a_follower_waits_no_longer_than_allowed() {
    let mut flights = flights(8);
    let _flight = lead(&mut flights, at(0));
    let waiter = follow(&mut flights, at(0));
    let until = waiter.until();
    assert_eq!(poll(&mut flights, waiter, Instant::from_millis(99)), Polled::Waiting { until });
    assert_eq!(poll(&mut flights, waiter, Instant::from_millis(100)), Polled::GiveUp);
}

#[test]
fn t162_a_follower_is_told_when_the_lease_ends_and_leads_on_then() {
    let wait = Duration::from_secs(60);
    let patient = FlightSettings { wait, ..Default::default() };
    let mut flights = Flights::new(patient).unwrap();
    let _vanished = lead(&mut flights, at(0));
    let waiter = follow(&mut flights, at(0));
    assert_eq!(waiter.until(), at(60));
    assert_eq!(poll(&mut flights, waiter, at(0)), Polled::Waiting { until: at(10) });
    assert!(matches!(poll(&mut flights, waiter, at(10)), Polled::Lead(_)));
}

#[test]
fn t162_followers_of_a_flight_that_made_room_have_been_told_to_look_by_then() {
    let wait = Duration::from_secs(60);
    let mut flights =
        Flights::new(FlightSettings { wait, flights_max: 1, ..Default::default() }).unwrap();
    let _vanished = lead(&mut flights, at(0));
    let waiter = follow(&mut flights, at(0));
    let Polled::Waiting { until } = poll(&mut flights, waiter, at(0)) else { panic!() };
    let other = |flights: &mut Flights, now| flights.join(6, Stock::Nothing, now, &mut Vec::new());
    assert_eq!(other(&mut flights, Instant::from_millis(9_999)), Joined::Alone);
    assert!(matches!(other(&mut flights, until), Joined::Lead(_)), "it makes room now");
    assert_eq!(poll(&mut flights, waiter, until), Polled::Landed);
}

#[test]
fn t163_a_failed_refresh_rests_longer_each_time_until_one_lands() {
    let mut flights = flights(8);
    let mut now = at(0);
    for rest in [25, 50, 100, 200] {
        let flight = lead(&mut flights, now);
        let waiter = follow(&mut flights, now);
        assert_eq!(fail(&mut flights, flight, now), Landing::Current);
        let until = now.after(Duration::from_millis(rest));
        assert_eq!(poll(&mut flights, waiter, now), Polled::Resting { until });
        assert_eq!(join(&mut flights, Stock::Nothing, now), Joined::Resting { until });
        now = until;
    }
    let flight = lead(&mut flights, now);
    assert_eq!(flights.landed(flight), Landing::Current);
    let flight = lead(&mut flights, now);
    fail(&mut flights, flight, now);
    let until = now.after(Duration::from_millis(25));
    assert_eq!(join(&mut flights, Stock::Nothing, now), Joined::Resting { until });
}

#[test]
fn beyond_the_bound_nobody_waits_and_only_a_rest_that_is_over_makes_room() {
    let (mut flights, mut events) = (flights(1), Vec::new());
    let flight = lead(&mut flights, at(0));
    let other = flights.join(6, Stock::Nothing, at(0), &mut events);
    assert_eq!(other, Joined::Alone);
    assert_eq!(flights.join(6, Stock::Stale, at(0), &mut events), Joined::ServeStale);
    assert_eq!(events, [FlightEvent::Full, FlightEvent::Full]);
    fail(&mut flights, flight, at(0));
    assert_eq!(flights.join(6, Stock::Nothing, at(0), &mut events), Joined::Alone);
    let other = flights.join(6, Stock::Nothing, at(1), &mut events);
    assert!(matches!(other, Joined::Lead(_)));
    assert_eq!(flights.snapshot(), FlightsSnapshot { flying: 1, resting: 0 });
}

#[test]
fn abandoned_flights_make_room_for_other_keys() {
    let (mut flights, mut events) = (flights(2), Vec::new());
    let cancelled = lead(&mut flights, at(0));
    let Joined::Lead(vanishes) = flights.join(6, Stock::Nothing, at(0), &mut events) else {
        panic!("a place is free");
    };
    let waiter = follow(&mut flights, at(0));
    assert_eq!(flights.cancelled(cancelled), Landing::Current);
    let Joined::Lead(first) = flights.join(7, Stock::Nothing, at(0), &mut events) else {
        panic!("nobody leads the first key");
    };
    assert_eq!(poll(&mut flights, waiter, at(0)), Polled::Landed, "so it joins again");
    assert_eq!(join(&mut flights, Stock::Nothing, at(9)), Joined::Alone, "both lead");
    assert_eq!(flights.landed(first), Landing::Current);
    let _one = lead(&mut flights, at(9));
    let other = flights.join(8, Stock::Nothing, at(10), &mut events);
    assert!(matches!(other, Joined::Lead(_)), "a lease is over: {other:?}");
    assert_eq!(flights.landed(vanishes), Landing::Late);
    assert_eq!(flights.snapshot(), FlightsSnapshot { flying: 2, resting: 0 });
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let good = FlightSettings::default();
    let mut rest = good.rest;
    rest.cap = Duration::ZERO;
    for (settings, field) in [
        (FlightSettings { flights_max: 0, ..good }, "flights_max"),
        (FlightSettings { lease: Duration::ZERO, ..good }, "lease"),
        (FlightSettings { rest, ..good }, "rest.cap"),
    ] {
        assert_eq!(settings.validate().unwrap_err().field(), field);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever happens, a key has one leader within a lease, and the bound holds.
    #[test]
    fn a_key_has_one_leader(
        steps in prop::collection::vec((0..6_u8, 0..4_u64, 0..4_000_u64), 1..150),
    ) {
        let (mut flights, mut now) = (flights(2), at(0));
        let mut leads: BTreeMap<u64, Vec<(Flight, Instant)>> = BTreeMap::new();
        for (step, key, millis) in steps {
            let held = leads.entry(key).or_default();
            match step {
                0 => now = now.after(Duration::from_millis(millis)),
                1 | 2 => {
                    let joined = flights.join(key, Stock::Nothing, now, &mut Vec::new());
                    if let Joined::Lead(flight) = joined {
                        let lapsed = held.iter().all(|(_, lease)| now >= *lease);
                        prop_assert!(lapsed, "two leaders of {key}");
                        held.push((flight, now.after(SECOND * 10)));
                    }
                }
                _ => if let Some((flight, lease)) = held.pop() {
                    let (at, sink) = ((now, Draw::HALF), &mut Vec::new());
                    let landing = match step {
                        3 => flights.landed(flight),
                        4 => flights.failed(flight, at, sink),
                        _ => flights.cancelled(flight),
                    };
                    // Once the lease is over, another key may have taken the place.
                    prop_assert!(landing == Landing::Current || now >= lease);
                    for (late, _) in held.drain(..) {
                        prop_assert_eq!(flights.landed(late), Landing::Late);
                    }
                },
            }
            let FlightsSnapshot { flying, resting } = flights.snapshot();
            prop_assert!(flying + resting <= 2);
        }
    }
}
