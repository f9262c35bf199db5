//! M14: clients invent keys. What a keyed limiter holds after so many of them, asked once each,
//! and whether it still knows that the first key had used up its allowance.

use std::num::NonZeroU32;
use std::time::Duration;

use allocation_counter::measure;
use governor::{Quota, RateLimiter as Governor};
use rate_net::{Key, RateLimiter};
use throttle_net::PerKey;

use super::{Care, Cell, Finding};
use crate::measure::OURS;
use crate::ours;
use crate::rivals::name;

/// One call an hour: whatever was admitted stays owed.
const HOUR: Duration = Duration::from_secs(3_600);
/// The most keys, where that can be said.
const BOUND: usize = 100_000;
const MEBIBYTE: i64 = 1 << 20;

pub(super) fn find(care: Care) -> Vec<Finding> {
    let keys = care.pick(400_000, 4_000_000);
    let cells = vec![
        cell(OURS, keys, || {
            let bound = u32::try_from(BOUND).unwrap_or(u32::MAX);
            let limiter = ours::rate::keyed_once_in(HOUR, bound);
            move |key| limiter.try_acquire(&key).is_ok()
        }),
        cell(name::GOVERNOR, keys, || {
            let quota = Quota::with_period(HOUR).expect("an hour is not 0");
            let limiter = Governor::<u64, _, _>::dashmap(quota.allow_burst(NonZeroU32::MIN));
            move |key| limiter.check_key(&key).is_ok()
        }),
        cell(name::RATE_NET, keys, || {
            let bounded = rate_net::Eviction::capacity(BOUND);
            let limiter = RateLimiter::builder().quota(1, HOUR).eviction(bounded).build();
            move |key| limiter.check(Key::id(key)).is_allow()
        }),
        cell(name::THROTTLE_NET, keys, || {
            let bounded = throttle_net::Eviction::capacity(BOUND);
            let limiter = PerKey::builder().rate(1, HOUR).burst(1).eviction(bounded).build();
            move |key: u64| limiter.try_acquire(&key)
        }),
        Cell::absent(name::PINGORA, "estimates in a fixed table, limits nothing"),
    ];
    let row = format!(
        "memory after {} and {keys} unique keys, bound {BOUND}; the first key's debt",
        keys / 2
    );
    vec![Finding { id: "M14", row, ideal: "flat; remembered", cells }]
}

/// What is built counts from its construction on.
fn cell<A: Fn(u64) -> bool>(name: &'static str, keys: u64, build: impl FnOnce() -> A) -> Cell {
    let mut ask = None;
    let empty = measure(|| ask = Some(build())).bytes_current;
    let ask = ask.expect("built just now");
    let mut refused = 0;
    let first = empty + grown(0..keys / 2, &ask, &mut refused);
    let second = first + grown(keys / 2..keys, &ask, &mut refused);
    let remembered = !ask(spread(0));
    let flat = second < first + first / 2;
    let debt = if remembered { "remembered" } else { "forgotten" };
    let refused = 100.0 * refused as f64 / keys as f64;
    let value = format!(
        "{} then {} MiB, {debt}, {refused:.1} % of fresh keys refused",
        first / MEBIBYTE,
        second / MEBIBYTE
    );
    Cell::new(name, value, flat && remembered)
}

/// How many bytes these keys added.
fn grown(keys: std::ops::Range<u64>, ask: impl Fn(u64) -> bool, refused: &mut u64) -> i64 {
    let counted = measure(|| {
        for key in keys {
            *refused += u64::from(!ask(spread(key)));
        }
    });
    counted.bytes_current
}

/// As ids of clients are: not in order.
fn spread(key: u64) -> u64 {
    key.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
