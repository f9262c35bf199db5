//! Keys: the flood of RL-5, the traps of maps, tiers, and a model that never forgets.

use super::*;
use crate::Mode;
use crate::event::Discard;
use crate::rng::{Rng, Stream};
use proptest::prelude::*;
use std::collections::BTreeMap;

const fn caller(key: u64) -> Caller {
    Caller { key, tier: 0 }
}

fn keyed(capacity: Capacity, quota: Quota) -> Keyed {
    Keyed::new(KeyedSettings { capacity, ..Default::default() }, &[quota])
}

/// Calls of cost 1 that pass for a key at that instant.
fn passes(keyed: &mut Keyed, key: u64, now: Instant) -> usize {
    (0..1_000).take_while(|_| keyed.decide(caller(key), now, 1, &mut Discard).is_ok()).count()
}

#[test]
fn rl_5_t116_t118_t120_a_flood_of_keys_neither_grows_the_table_nor_forgives_anybody() {
    let mut rng = Stream::new(5, "keys");
    let mut keyed = keyed(Capacity::Keys(1_000), quota(Rate::per_hour(1), 3));
    let bytes = keyed.snapshot(at(0)).bytes;
    let limited: Vec<u64> = (0..100).map(|_| rng.next_u64()).collect();
    for key in &limited {
        assert_eq!(passes(&mut keyed, *key, at(0)), 3);
    }
    for step in 0..10_000_000_u64 {
        let now = ns(step * 1_000);
        _ = keyed.decide(caller(rng.next_u64()), now, 1, &mut Discard).is_ok();
    }
    let later = at(10_000);
    let snapshot = keyed.snapshot(later);
    assert_eq!(snapshot.bytes, bytes);
    assert!(snapshot.owing <= snapshot.places && snapshot.places == 2_000);
    assert!(snapshot.overflowed > 10_000, "the flood did overflow: {snapshot:?}");
    for key in limited {
        assert_eq!(passes(&mut keyed, key, later), 0, "an evicted key returns with its debt");
    }
    keyed.invariants();
}

#[test]
fn t25_t116_a_million_keys_fit_64_mib_and_default_tables_are_small() {
    let bytes = |capacity| keyed(capacity, quota(Rate::per_second(1), 1)).snapshot(at(0)).bytes;
    assert!(bytes(Capacity::Keys(1_000_000)) < 64 << 20);
    assert!(bytes(KeyedSettings::default().capacity) < 5 << 20);
    let cap = 10 << 20;
    assert!(bytes(Capacity::Bytes(cap)) <= cap && bytes(Capacity::Bytes(cap)) > cap - 192);
}

#[test]
fn t116_t117_idle_keys_make_room_without_any_upkeep() {
    let mut keyed = keyed(Capacity::Keys(100), quota(Rate::per_second(10), 1));
    let mut rng = Stream::new(7, "keys");
    // Ten keys owe something at any time, of a thousand that ever came.
    for step in 0..1_000 {
        let key = rng.next_u64();
        assert_eq!(passes(&mut keyed, key, at(step * 10)), 1);
        assert_eq!(passes(&mut keyed, key, at(step * 10)), 0);
    }
    let snapshot = keyed.snapshot(at(9_990));
    assert_eq!((snapshot.owing, snapshot.overflowed), (10, 0));
    assert_eq!(keyed.snapshot(at(20_000)).owing, 0);
}

#[test]
fn t118_a_stranger_waits_at_most_as_long_as_the_evicted_key() {
    let mut keyed = keyed(Capacity::Bytes(65_728), quota(Rate::per_second(1), 2));
    assert_eq!(keyed.snapshot(at(0)).places, 8);
    // All keys share one set and one cell.
    let key = |number: u64| number << 12;
    for number in 1..=8 {
        assert_eq!(passes(&mut keyed, key(number), at(number)), 2);
    }
    assert_eq!(passes(&mut keyed, key(9), at(10)), 2, "the first eviction makes room");
    let refused = keyed.decide(caller(key(1)), at(10), 1, &mut Discard).unwrap_err();
    assert_eq!(refused, Refused::Limited { retry_at: at(1_001), remaining: 0 }, "the evicted one");
    let stranger = keyed.decide(caller(key(10)), at(10), 1, &mut Discard).unwrap_err();
    assert_eq!(stranger, refused);
    assert_eq!(passes(&mut keyed, key(10), at(1_001)), 1);
    assert_eq!(keyed.snapshot(at(1_001)).overflow_cells, 1);
}

#[test]
fn t119_shadow_obeys_every_bound() {
    let mode = Mode::Shadow;
    let settings = KeyedSettings { capacity: Capacity::Keys(4), mode };
    let mut keyed = Keyed::new(settings, &[quota(Rate::per_hour(1), 1)]);
    let mut rng = Stream::new(9, "keys");
    let bytes = keyed.snapshot(at(0)).bytes;
    let mut events = Vec::new();
    for step in 0..5_000 {
        let key = rng.next_u64();
        for _ in 0..2 {
            assert!(keyed.decide(caller(key), at(step), 1, &mut events).is_ok());
        }
    }
    let snapshot = keyed.snapshot(at(5_000));
    assert_eq!((snapshot.bytes, snapshot.owing), (bytes, 8));
    let limited =
        |event: &&RateEvent| matches!(event, RateEvent::Limited { mode: Mode::Shadow, .. });
    assert!(events.iter().filter(limited).count() >= 5_000, "the second of each");
    let overflow: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            RateEvent::OverflowKeys { keys } => Some(*keys),
            RateEvent::Limited { .. }
            | RateEvent::Impossible { .. }
            | RateEvent::Queued { .. }
            | RateEvent::Adapted { .. } => None,
        })
        .collect();
    assert_eq!(overflow.len(), 5, "once a second: {overflow:?}");
}

#[test]
fn tiers_have_quotas_of_their_own_and_a_key_that_changes_keeps_its_debt() {
    let tiers = [quota(Rate::per_second(1), 4), quota(Rate::per_second(333), 8)];
    let mut keyed = Keyed::new(KeyedSettings::default(), &tiers);
    let (free, paid) = (Caller { key: 1, tier: 0 }, Caller { key: 1, tier: 1 });
    keyed.decide(free, at(0), 4, &mut Discard).unwrap();
    assert_eq!(keyed.snapshot_of(paid, at(0)).remaining, 4, "four of eight are spent");
    keyed.decide(paid, at(0), 4, &mut Discard).unwrap();
    assert_eq!(keyed.snapshot_of(Caller { key: 1, tier: 99 }, at(0)).remaining, 0, "the last");
    assert_eq!(keyed.snapshot_of(Caller { key: 2, tier: 0 }, at(0)).remaining, 4);
    keyed.decide(Caller { key: 3, tier: 99 }, at(0), 1, &mut Discard).unwrap();
    keyed.invariants();
}

#[test]
fn with_fewer_tiers_the_keys_of_the_others_have_the_last() {
    let tiers = [quota(Rate::per_second(1), 4), quota(Rate::per_second(333), 8)];
    let mut keyed = Keyed::new(KeyedSettings::default(), &tiers);
    keyed.decide(Caller { key: 1, tier: 1 }, at(0), 3, &mut Discard).unwrap();
    keyed.reconfigure(KeyedSettings::default(), &tiers[..1], at(0));
    assert_eq!(keyed.snapshot_of(Caller { key: 1, tier: 1 }, at(0)).remaining, 1);
}

#[test]
fn key_zero_is_a_key_like_any_other() {
    let mut keyed = keyed(Capacity::Keys(100), quota(Rate::per_second(1), 2));
    assert_eq!(passes(&mut keyed, 0, at(0)), 2);
    assert_eq!(passes(&mut keyed, 1, at(0)), 2);
    keyed.invariants();
}

#[test]
fn a_charge_is_settled_in_its_own_tier_and_under_the_settings_that_made_it() {
    let tiers = [quota(Rate::per_second(1), 8), quota(Rate::per_second(1), 8)];
    let charged = |tier| {
        let mut keyed = Keyed::new(KeyedSettings::default(), &tiers);
        let charge = keyed.charge(Caller { key: 1, tier }, at(0), 4).unwrap();
        (keyed, charge)
    };
    let left = |keyed: &Keyed| keyed.snapshot_of(caller(1), at(0)).remaining;
    let (mut reloaded, charge) = charged(0);
    reloaded.reconfigure(KeyedSettings::default(), &tiers, at(0));
    reloaded.settle(charge, 0, at(0));
    assert_eq!(left(&reloaded), 4, "from before the reload");
    let (mut moved, charge) = charged(0);
    moved.decide(Caller { key: 1, tier: 1 }, at(0), 1, &mut Discard).unwrap();
    moved.settle(charge, 0, at(0));
    assert_eq!(left(&moved), 3, "the key has another tier now");
    let (mut beyond, charge) = charged(99);
    beyond.settle(charge, 0, at(0));
    assert_eq!(left(&beyond), 8, "a tier that does not exist is the last, here too");
}

#[test]
fn what_was_given_back_to_one_charge_is_not_given_to_another() {
    let mut keyed = keyed(Capacity::Keys(10), quota(Rate::per_second(10), 5));
    let first = keyed.charge(caller(1), at(0), 1).unwrap();
    let second = keyed.charge(caller(1), at(0), 4).unwrap();
    keyed.settle(first, 0, at(0));
    // By now the four of the second are emitted, and all five are spent anew.
    keyed.decide(caller(1), at(400), 5, &mut Discard).unwrap();
    keyed.settle(second, 0, at(400));
    assert!(keyed.decide(caller(1), at(400), 1, &mut Discard).is_err(), "six at once");
}

#[test]
fn overflowing_is_told_once_a_second_and_no_key_twice() {
    let mut keyed = keyed(Capacity::Bytes(65_728), quota(Rate::per_hour(1), 1));
    let mut told = |number: u64, millis| {
        let mut events = Vec::new();
        keyed.decide(caller(number << 12 | number), at(millis), 1, &mut events).unwrap();
        events
    };
    for number in 1..=8 {
        assert_eq!(told(number, 0), []);
    }
    assert_eq!(told(9, 0), [RateEvent::OverflowKeys { keys: 1 }]);
    assert_eq!(told(10, 999), []);
    assert_eq!(told(11, 1_000), [RateEvent::OverflowKeys { keys: 2 }]);
    assert_eq!(keyed.snapshot(at(1_000)).overflowed, 3);
}

#[test]
fn a_cell_is_free_at_the_very_instant_until_which_it_owed() {
    let mut keyed = keyed(Capacity::Bytes(65_728), quota(Rate::per_second(1), 1));
    for number in 1..=9 {
        assert_eq!(passes(&mut keyed, number << 12, at(0)), 1);
    }
    assert_eq!(keyed.snapshot(at(999)).overflow_cells, 1);
    assert_eq!(keyed.snapshot(at(1_000)).overflow_cells, 0);
}

#[test]
fn admitting_a_key_decides_as_asking_what_remains_does() {
    for mode in [Mode::Enforce, Mode::Shadow, Mode::Off] {
        let settings = KeyedSettings { mode, ..KeyedSettings::default() };
        let fresh = || Keyed::new(settings, &[quota(Rate::per_second(1), 2)]);
        let (mut asked, mut admitted) = (fresh(), fresh());
        let (mut told, mut heard) = (Vec::new(), Vec::new());
        for (millis, cost) in [(0, 1), (0, 1), (0, 1), (0, 9), (1_000, 1), (1_000, 1)] {
            let decision = asked.decide(caller(1), at(millis), cost, &mut told);
            let admission = admitted.admit(caller(1), at(millis), cost, &mut heard);
            assert_eq!(admission, decision.map(|_| ()), "{mode:?}: {cost} at {millis} ms");
        }
        assert_eq!(told, heard);
        assert_eq!(told.is_empty(), mode == Mode::Off);
    }
}

#[test]
fn a_pause_forgives_no_key() {
    let mut keyed = keyed(Capacity::Keys(10), quota(Rate::per_second(1), 2));
    assert_eq!(passes(&mut keyed, 1, at(0)), 2);
    let paused = [Quota { rate: Rate::ZERO, burst: 2 }];
    keyed.reconfigure(KeyedSettings::default(), &paused, at(0));
    keyed.reconfigure(KeyedSettings::default(), &[quota(Rate::per_second(1), 2)], at(0));
    assert_eq!(retry_at(keyed.decide(caller(1), at(0), 1, &mut Discard)), at(1_000));
}

#[test]
fn t128_changed_tiers_keep_the_debt_of_every_key() {
    let mut keyed = keyed(Capacity::Keys(100), quota(Rate::per_second(10), 5));
    (1..=9).for_each(|key| assert_eq!(passes(&mut keyed, key << 60, at(0)), 5));
    let settings = KeyedSettings::default();
    keyed.reconfigure(settings, &[quota(Rate::per_second(1), 5)], at(0));
    for key in 1..=9 {
        let refused = keyed.decide(caller(key << 60), at(0), 1, &mut Discard);
        assert_eq!(retry_at(refused), at(1_000));
    }
    keyed.reconfigure(settings, &[Quota { rate: Rate::ZERO, burst: 5 }], at(0));
    let blocked = keyed.decide(caller(1 << 60), at(0), 1, &mut Discard);
    assert_eq!(retry_at(blocked), Instant::NEVER);
    keyed.reconfigure(settings, &[], at(0));
    assert!(keyed.decide(caller(1), at(0), 1, &mut Discard).is_err(), "no tier, no call");
}

#[test]
fn a_key_can_be_a_layer() {
    let mut table = keyed(Capacity::Keys(10), quota(Rate::per_second(1), 5));
    let mut global = Gcra::new(quota(Rate::per_second(1), 2));
    for passed in 0..3 {
        let mut key = table.layer(caller(3));
        let decision = decide_all(&mut [&mut key, &mut global], at(0), 1);
        assert_eq!(decision.is_ok(), passed < 2);
    }
    assert_eq!(table.snapshot_of(caller(3), at(0)).remaining, 3, "the third was charged nowhere");
}

#[test]
fn a_key_settles_its_cost() {
    let mut keyed = keyed(Capacity::Keys(10), quota(Rate::per_second(10), 5));
    let charge = keyed.charge(caller(3), at(0), 4).unwrap();
    keyed.settle(charge, 1, at(0));
    assert_eq!(keyed.snapshot_of(caller(3), at(0)).remaining, 4);
    let charge = keyed.charge(caller(3), at(0), 1).unwrap();
    keyed.settle(charge, 1_000, at(0));
    let refused = keyed.decide(caller(3), at(0), 1, &mut Discard);
    assert_eq!(retry_at(refused), at(600), "a debt of one burst, and no more");
}

#[test]
fn t128_changed_tiers_keep_the_debt_of_an_evicted_key() {
    let (fast, slow) = (quota(Rate::per_second(10), 2), quota(Rate::per_second(1), 2));
    let settings = KeyedSettings { capacity: Capacity::Bytes(65_728), ..KeyedSettings::default() };
    let key = |number: u64| number << 12;
    let flooded = |tiers: &[Quota]| {
        let mut keyed = Keyed::new(settings, tiers);
        for number in 1..=9 {
            assert_eq!(passes(&mut keyed, key(number), at(0)), 2);
        }
        keyed
    };
    let waits = |keyed: &mut Keyed| retry_at(keyed.decide(caller(key(1)), at(0), 1, &mut Discard));
    let mut keyed = flooded(&[fast]);
    assert_eq!(waits(&mut keyed), at(100));
    keyed.reconfigure(settings, &[slow], at(0));
    assert_eq!(waits(&mut keyed), at(1_000));
    keyed.reconfigure(settings, &[slow], at(0));
    assert_eq!(waits(&mut keyed), at(1_000), "a reload of the same changes nothing");
    keyed.reconfigure(settings, &[fast], at(0));
    assert_eq!(waits(&mut keyed), at(100));
    let mut keyed = flooded(&[fast, slow]);
    keyed.reconfigure(settings, &[fast, quota(Rate::per_second(1), 3)], at(0));
    assert_eq!(waits(&mut keyed), at(100), "no more than the tier that owes most");
    keyed.reconfigure(settings, &[slow], at(0));
    assert_eq!(waits(&mut keyed), at(1_000));
}

#[test]
fn a_charge_of_a_limit_that_is_off_settles_to_nothing() {
    let settings = |mode| KeyedSettings { mode, ..KeyedSettings::default() };
    let quotas = [quota(Rate::per_hour(1), 2)];
    let mut keyed = Keyed::new(settings(Mode::Off), &quotas);
    let more = keyed.charge(caller(1), at(0), 1).unwrap();
    let less = keyed.charge(caller(1), at(0), 50).unwrap();
    keyed.reconfigure(settings(Mode::Enforce), &quotas, at(0));
    keyed.settle(more, 9, at(0));
    assert_eq!(keyed.snapshot(at(0)).owing, 0);
    let charge = keyed.charge(caller(1), at(0), 2).unwrap();
    keyed.settle(less, 0, at(0));
    assert_eq!(passes(&mut keyed, 1, at(0)), 0);
    keyed.settle(charge, 1, at(0));
    assert_eq!(passes(&mut keyed, 1, at(0)), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Against one exact limit for each key, never evicted: a table that is far too small may
    /// refuse more, and never passes more; one that is large enough decides the same.
    #[test]
    fn t118_never_passes_more_than_a_limit_for_each_key(
        steps in prop::collection::vec((0_u64..40, 0_u64..300, 0_u64..4_096, 1_u32..4), 1..400),
        small: bool,
    ) {
        let quota = quota(rate(7, SECOND), 3);
        let capacity = if small { Capacity::Bytes(65_728) } else { Capacity::Keys(100_000) };
        let mut keyed = keyed(capacity, quota);
        let mut model: BTreeMap<u64, Gcra> = BTreeMap::new();
        let mut now = at(1);
        for (key, wait, cell, cost) in steps {
            now = now.after(Duration::from_millis(wait / 10));
            // Few cells when small, so that strangers share them.
            let key = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) & !0xfff) | (cell % 3);
            let exact = model.entry(key).or_insert_with(|| Gcra::new(quota));
            let decision = keyed.decide(caller(key), now, cost, &mut Discard);
            match decision {
                Ok(_) => prop_assert!(exact.decide(now, cost).is_ok(), "forgave a debt"),
                Err(refused) if !small => prop_assert_eq!(exact.decide(now, cost), Err(refused)),
                Err(_) => {}
            }
        }
        keyed.invariants();
        prop_assert!(small || keyed.snapshot(now).overflowed == 0);
    }

    /// As for a single limit, with strangers in the same cell.
    #[test]
    fn settled_costs_of_keys_never_pass_more_than_was_used(
        steps in prop::collection::vec(
            (0_u64..3, 0_u64..600, 1_u32..4, any::<Option<(usize, u32)>>()), 1..80,
        ),
    ) {
        let quota = quota(rate(7, SECOND), 5);
        let mut keyed = keyed(Capacity::Keys(100), quota);
        let mut logs: [Vec<(Instant, u64)>; 3] = Default::default();
        let mut open: Vec<(KeyedCharge, usize, usize)> = Vec::new();
        let mut now = at(1);
        for (key, wait, cost, settle) in steps {
            now = now.after(Duration::from_millis(wait));
            if let Some((pick, actual)) = settle.filter(|_| !open.is_empty()) {
                let (charge, owner, index) = open.swap_remove(pick % open.len());
                let actual = actual % (u32::try_from(logs[owner][index].1).unwrap() + 1);
                keyed.settle(charge, actual, now);
                logs[owner][index].1 = actual.into();
            }
            let owner = usize::try_from(key).unwrap();
            if let Ok(charge) = keyed.charge(caller(key << 40), now, cost) {
                let log = &mut logs[owner];
                log.push((now, cost.into()));
                let mut sum = 0;
                for (then, cost) in log.iter().rev() {
                    sum += u128::from(*cost);
                    let emitted = now.since(*then).as_nanos() * 7;
                    prop_assert!(sum * u128::from(SECOND) <= 5 * u128::from(SECOND) + emitted);
                }
                open.push((charge, owner, log.len() - 1));
            }
        }
    }
}
