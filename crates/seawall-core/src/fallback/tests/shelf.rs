//! Tests of the shelf, against a list that is searched from end to end.

use super::*;
use proptest::prelude::*;

fn shelf(entries_max: usize, bytes_max: usize) -> Shelf<u8, u32> {
    Shelf::new(ShelfSettings { entries_max, bytes_max }).unwrap()
}

const SHARED: Sharing = Sharing::Shared;

#[test]
fn the_least_recently_used_goes_first() {
    let mut shelf = shelf(2, 100);
    shelf.put(1, 10, 1, (stored(), SHARED));
    shelf.put(2, 20, 1, (stored(), SHARED));
    assert!(shelf.find(&1, at(0), TERMS).is_some());
    assert_eq!(shelf.put(3, 30, 1, (stored(), SHARED)), Kept::Kept { evicted: 1 });
    assert!(shelf.find(&2, at(0), TERMS).is_none());
    assert_eq!(shelf.find(&1, at(0), TERMS).map(|found| *found.0), Some(10));
}

#[test]
fn t161_what_may_not_be_kept_is_not_and_takes_the_old_value_away() {
    for directive in [Directive::NoStore, Directive::Private, Directive::NoCache] {
        let mut shelf = shelf(2, 100);
        shelf.put(1, 10, 1, (stored(), SHARED));
        let forbids = Forbids::NONE.with(directive);
        let freshness = Freshness { forbids, ..stored() };
        assert_eq!(shelf.put(1, 11, 1, (freshness, SHARED)), Kept::Forbidden);
        assert!(shelf.find(&1, at(0), TERMS).is_none(), "{directive:?}");
        assert_eq!(shelf.snapshot().bytes, 0);
    }
}

#[test]
fn t161_a_private_value_is_not_found_on_shared_terms() {
    let (mut shelf, forbids) = (shelf(2, 100), Forbids::NONE.with(Directive::Private));
    let freshness = Freshness { forbids, ..stored() };
    shelf.put(1, 10, 1, (freshness, Sharing::Principal));
    assert!(shelf.find(&1, at(0), TERMS).is_none());
    let mine = Terms { sharing: Sharing::Principal, ..TERMS };
    assert!(shelf.find(&1, at(0), mine).is_some());
}

#[test]
fn a_value_too_old_for_some_stays_and_one_too_old_for_all_goes() {
    let mut shelf = shelf(2, 100);
    shelf.put(1, 10, 1, (stored(), SHARED));
    assert!(shelf.find(&1, at(400), TERMS).is_none());
    assert_eq!(shelf.snapshot().entries, 1);
    assert!(shelf.find(&1, at(661), TERMS).is_none());
    assert_eq!(shelf.snapshot().entries, 0);
}

#[test]
fn bounds_of_zero_are_refused_and_lowered_ones_hold_at_once() {
    for (entries_max, bytes_max) in [(0, 1), (1, 0)] {
        assert!(ShelfSettings { entries_max, bytes_max }.validate().is_err());
    }
    let mut shelf = shelf(3, 100);
    (0..3).for_each(|key| {
        shelf.put(key, 0, 10, (stored(), SHARED));
    });
    shelf.reconfigure(ShelfSettings { entries_max: 3, bytes_max: 15 }).unwrap();
    let expected = ShelfSnapshot { entries: 1, bytes: 10, evicted: 2 };
    assert_eq!(shelf.snapshot(), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn agrees_with_a_naive_list(
        steps in prop::collection::vec((0..3_u8, 0..8_u8, 0..14_usize), 1..120),
    ) {
        let (mut shelf, mut list) = (shelf(4, 12), Vec::<(u8, u32, usize)>::new());
        for (number, (step, key, bytes)) in (0_u32..).zip(steps) {
            let old = list.iter().position(|one| one.0 == key).map(|place| list.remove(place));
            if step == 0 {
                let kept = shelf.put(key, number, bytes, (stored(), SHARED));
                prop_assert_eq!(kept == Kept::TooLarge, bytes > 12);
                if bytes <= 12 {
                    list.push((key, number, bytes));
                }
                while list.len() > 4 || list.iter().map(|one| one.2).sum::<usize>() > 12 {
                    list.remove(0);
                }
            } else if step == 1 {
                let found = shelf.find(&key, at(0), TERMS).map(|found| *found.0);
                prop_assert_eq!(found, old.map(|one| one.1));
                list.extend(old);
            } else {
                prop_assert_eq!(shelf.remove(&key), old.map(|one| one.1));
            }
            let snapshot = shelf.snapshot();
            let bytes: usize = list.iter().map(|one| one.2).sum();
            prop_assert_eq!((snapshot.entries, snapshot.bytes), (list.len(), bytes));
        }
    }
}
