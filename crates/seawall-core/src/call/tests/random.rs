//! Random calls over a shared upstream: what must hold whatever happens.
//!
//! A failing case prints its seed; `SEAWALL_SEED` makes it the first of the next run.

use std::collections::BTreeSet;
use std::{env, eprintln, thread};

use super::fleet;

const CASES: u64 = 100_000;

/// Names the case when it fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if thread::panicking() {
            let name = "t82_whatever_happens_a_call_ends_once_and_leaves_nothing_behind";
            eprintln!("reproduce with: SEAWALL_SEED={} cargo test -p seawall-core {name}", self.0);
        }
    }
}

#[test]
fn t82_whatever_happens_a_call_ends_once_and_leaves_nothing_behind() {
    let given = env::var("SEAWALL_SEED").ok().and_then(|text| text.parse().ok());
    let first: u64 = given.unwrap_or(1);
    let mut reached = BTreeSet::new();
    for case in 0..CASES {
        let seed = Seed(first.wrapping_add(case));
        fleet::run(seed.0, &mut reached);
    }
}
