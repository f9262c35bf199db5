//! Figures against a naive recount of random runs: loops over the raw records, no joins, no sorted
//! slices, no buckets.

use proptest::prelude::*;

use crate::measure::made::{MILLI, Made, SECOND, answer, right};
use crate::measure::{Class, number};
use crate::record::Seen;

/// What one request comes to.
#[derive(Clone, Debug)]
struct Fate {
    at: u64,
    post: bool,
    took: u64,
    seen: u8,
    attempts: Vec<(u8, u64, bool)>,
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let attempts = prop::collection::vec((0_u8..3, 0_u64..1500, any::<bool>()), 0..4);
    let fate = (0_u64..31_000, any::<bool>(), 1_u64..4000, 0_u8..8, attempts)
        .prop_map(|(at, post, took, seen, attempts)| Fate { at, post, took, seen, attempts });
    prop::collection::vec(fate, 0..80)
}

fn made(fates: &[Fate]) -> Made {
    let mut made = Made::empty();
    for (id, fate) in fates.iter().enumerate() {
        let id = id as u64;
        made.ask(id, fate.at * MILLI);
        for (replica, after, committed) in &fate.attempts {
            let begun = made.intended(id).after(after * MILLI);
            made.attempt(id, *replica, begun).committed = *committed;
        }
        if fate.post {
            made.run.stream.last_mut().unwrap().verb = crate::stream::Verb::Post;
        }
        let seen = match fate.seen {
            0..=3 => right(0),
            4 => answer(503, None),
            5 => answer(500, Some(1)),
            6 => Seen::Cut,
            _ => Seen::NoAnswer,
        };
        made.see(id, fate.took, seen);
    }
    made
}

fn is_ok(fate: &Fate) -> bool {
    fate.seen < 4 && fate.took <= 2000
}

/// When it counts: one that failed and was under way at 6 s, when the fault begins, counts there.
fn counts(fate: &Fate) -> u64 {
    let is_victim = !is_ok(fate) && fate.at + fate.took > 6000;
    if is_victim { fate.at.max(6000) } else { fate.at }
}

/// The smallest latency that at least so many thousandths do not exceed, by counting.
fn counted_quantile(latencies: &[u64], per_mille: u64) -> Option<u64> {
    let enough = |bound: &&u64| {
        let below = latencies.iter().filter(|one| one <= bound).count() as u64;
        below * 1000 >= latencies.len() as u64 * per_mille
    };
    latencies.iter().filter(enough).min().copied()
}

proptest! {
    #[test]
    fn figures_are_what_a_naive_recount_says(fates in fates()) {
        let figures = made(&fates).figures();
        let inside = |at: u64| (6000..31_000).contains(&at);
        let felt: Vec<&Fate> = fates.iter().filter(|one| inside(counts(one))).collect();
        let errors = felt.iter().filter(|one| !is_ok(one)).count() as u64;
        prop_assert_eq!((figures.requests, figures.errors), (felt.len() as u64, errors));
        let late = felt.iter().filter(|one| one.seen < 4 && one.took > 2000).count() as u64;
        prop_assert_eq!(figures.of_class(Class::Late), late);
        prop_assert_eq!(figures.classes.iter().sum::<u64>(), figures.requests);

        let latency = |one: &Fate| if is_ok(one) { one.took * MILLI } else { 5 * SECOND };
        let fault = fates.iter().filter(|one| (6000..11_000).contains(&counts(one)));
        let fault: Vec<u64> = fault.map(latency).collect();
        prop_assert_eq!(figures.fault.p50, counted_quantile(&fault, 500));
        prop_assert_eq!(figures.fault.p99, counted_quantile(&fault, 990));
        prop_assert_eq!(figures.fault.p99_9, counted_quantile(&fault, 999));

        let begun = |one: &Fate, after: u64| one.at + after;
        let attempts = fates.iter().flat_map(|one| {
            one.attempts.iter().map(move |(_, after, _)| begun(one, *after))
        });
        let attempts = number(attempts.filter(|at| inside(*at)).count() as u64);
        let amplification = figures.extra.amplification;
        let wanted = (!felt.is_empty()).then(|| attempts / number(felt.len() as u64));
        let told = |factor: Option<f64>| factor.map(|factor| format!("{factor:.6}"));
        prop_assert_eq!(told(amplification), told(wanted));

        let posts = || fates.iter().filter(|one| one.post);
        let twice = posts().filter(|one| one.attempts.len() > 1).count() as u64;
        let committed = |one: &Fate| one.attempts.iter().filter(|(_, _, done)| *done).count();
        let done_twice = posts().filter(|one| committed(one) > 1).count() as u64;
        prop_assert_eq!(figures.extra.duplicates_begun, twice);
        prop_assert_eq!(figures.extra.duplicates_committed, done_twice);

        for (index, second) in figures.course.seconds.iter().enumerate() {
            let from = 1000 + index as u64 * 1000;
            let asked = fates.iter().filter(|one| (from..from + 1000).contains(&counts(one)));
            prop_assert_eq!(second.offered(), asked.clone().count() as u64);
            prop_assert_eq!(second.ok(), asked.filter(|one| is_ok(one)).count() as u64);
        }
    }

    #[test]
    fn the_order_of_records_does_not_matter(fates in fates(), turn in 0_usize..80) {
        let told = made(&fates);
        let mut turned = told.clone();
        turned.run.stream.reverse();
        let half = turn.min(turned.run.answered.len());
        turned.run.answered.rotate_left(half);
        turned.run.attempts.reverse();
        prop_assert_eq!(told.figures(), turned.figures());
    }
}
