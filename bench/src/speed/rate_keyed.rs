//! The keyed rate limit's row: ten thousand keys that are known already, asked for in a random
//! order, none near its rate.

use std::hint::black_box;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use governor::RateLimiter as Governor;
use pingora_limits::rate::Rate;
use rate_net::{Key, RateLimiter};
use seawall::mechanism::KeyedRateLimiter;
use throttle_net::PerKey;

use crate::measure::{Answers, Entry, OURS, Row, at_once};
use crate::ours;
use crate::rivals::name;
use crate::rivals::rate::{self, Plan};

const PLAN: Plan = Plan::UNREACHED;
/// Distinct keys: more than a first-level cache holds, fewer than any default bound.
const KEYS: u64 = 10_000;
/// Length of the sequence in which they are asked for; a power of two.
const TURNS: usize = 1 << 16;

/// The same sequence for all entries, drawn before anything is measured.
static SEQUENCE: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let mut rng = fastrand::Rng::with_seed(7);
    (0..TURNS).map(|_| rng.u64(0..KEYS).wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect()
});

fn key(input: u64) -> u64 {
    SEQUENCE[input as usize % TURNS]
}

pub(super) fn row() -> Row {
    LazyLock::force(&SEQUENCE);
    Row {
        name: "rate_keyed",
        about: "one admission by a limiter of 10,000 known keys",
        answers: Answers::Admitted,
        entries: vec![ours(), governor(), rate_net(), throttle_net(), pingora()],
        our_clock_reads: 1,
        targets: (Some(30.0), None),
        bare: None,
        loss: "governor reads the TSC in place of the system's clock, and its map grows \
               with the keys; ours is a table of fixed size that keeps debts when it is \
               full (M14), and hashes keys under a secret seed",
        floor: "a hash, a lock of a sixteenth of the table, and a line of it that 10,000 keys \
                in random order seldom find in the first cache; the table answers without \
                the division that tells what remains",
    }
}

fn ours() -> Entry {
    let call = |limiter: &KeyedRateLimiter<u64>, input| limiter.try_acquire(&key(input)).is_ok();
    Entry::new(OURS, at_once(|| ours::rate::keyed(PLAN), call))
}

fn governor() -> Entry {
    let build = || Governor::<u64, _, _>::dashmap(rate::quota(PLAN));
    let call = |limiter: &governor::DefaultKeyedRateLimiter<u64>, input| {
        limiter.check_key(&key(input)).is_ok()
    };
    Entry::new(name::GOVERNOR, at_once(build, call)).note("memory grows with the keys")
}

fn rate_net() -> Entry {
    let build = || RateLimiter::builder().per_second(PLAN.rate).burst(PLAN.burst).build();
    let call = |limiter: &RateLimiter, input| limiter.check(Key::id(key(input))).is_allow();
    Entry::new(name::RATE_NET, at_once(build, call))
}

fn throttle_net() -> Entry {
    let build = || Arc::new(PerKey::builder().per_second(PLAN.rate).burst(PLAN.burst).build());
    let call = |limiter: &Arc<PerKey<u64>>, input| limiter.try_acquire(&key(input));
    Entry::new(name::THROTTLE_NET, at_once(build, call))
}

fn pingora() -> Entry {
    let build = || Rate::new(Duration::from_secs(1));
    let call = |rate: &Rate, input| black_box(rate.observe(&key(input), 1)) < isize::MAX;
    Entry::new(name::PINGORA, at_once(build, call))
        .reference()
        .note("estimates a rate and limits nothing; keys share counters")
}
