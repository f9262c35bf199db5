//! The other crates, set up alike: one file for each mechanism, with the translation of its
//! parameters. What is done with them is in `crate::speed` and `crate::behaviour`.

pub(crate) mod breaker;
pub(crate) mod hashing;
pub(crate) mod rate;
pub(crate) mod retry;
pub(crate) mod seatbelt_context;

use std::fmt;
use std::hint::black_box;
use std::time::Duration;

/// Names as printed, with the version that the lock file pins.
pub(crate) mod name {
    pub(crate) const ANCHOR: &str = "anchorhash 0.2.2";
    pub(crate) const BACKON: &str = "backon 1.6.0";
    pub(crate) const BETTER_BUCKET: &str = "better-bucket 1.1.0";
    pub(crate) const BREAKER_RS: &str = "circuitbreaker-rs 0.1.1";
    pub(crate) const FAILSAFE: &str = "failsafe 1.3.0";
    pub(crate) const GOVERNOR: &str = "governor 0.10.4";
    pub(crate) const HASH_RING: &str = "consistent_hash_ring 0.8.0";
    pub(crate) const HASH_RINGS: &str = "hash-rings 1.1.0";
    pub(crate) const LEAKY_BUCKET: &str = "leaky-bucket 1.1.2";
    pub(crate) const MAGLEV: &str = "maglev 0.2.1";
    pub(crate) const PINGORA: &str = "pingora-limits 0.9.1";
    pub(crate) const RATELIMIT: &str = "ratelimit 2.0.0";
    pub(crate) const RATE_NET: &str = "rate-net 2.1.0";
    pub(crate) const RECLOSER: &str = "recloser 1.4.0";
    pub(crate) const RELIAKIT: &str = "reliakit-circuit 1.1.0";
    pub(crate) const RETRY_POLICIES: &str = "retry-policies 0.5.2";
    pub(crate) const SEATBELT: &str = "seatbelt 0.11.0";
    pub(crate) const THROTTLE_NET: &str = "throttle-net 2.0.0";
    pub(crate) const TOKIO: &str = "tokio 1.54.1";
    pub(crate) const TOKIO_RETRY: &str = "tokio-retry 0.3.2";
    pub(crate) const TOKIO_RETRY2: &str = "tokio-retry2 0.9.1";
    pub(crate) const TOWER: &str = "tower 0.5.3";
    pub(crate) const TOWER_RESILIENCE: &str = "tower-resilience 0.14.0";
    pub(crate) const TRYHARD: &str = "tryhard 0.5.2";
}

/// What a call may fail with. `Clone`, because some crates ask for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault;

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the dependency failed")
    }
}

impl std::error::Error for Fault {}

/// What a call comes to.
pub(crate) type Answer = Result<u64, Fault>;

/// Long enough never to end during a measurement.
pub(crate) const LONG: Duration = Duration::from_secs(3_600);

/// The guarded operation of every speed row: ready at once, unknown to the optimiser.
pub(crate) async fn answer(input: u64) -> Answer {
    Ok(black_box(input))
}
