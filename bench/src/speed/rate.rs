//! The rate limit's row: one key, a rate that is never reached, so that every call is admitted.
//! Parameters are in `rivals::rate`.

use std::hint::black_box;
use std::time::Duration;

use tower::limit::RateLimitLayer;
use tower::{Layer as _, service_fn};
use tower_resilience_ratelimiter::WindowType;

use super::{call_ready, served};
use crate::measure::{Answers, Entry, OURS, Row, at_once, awaited};
use crate::ours;
use crate::rivals::rate::{self, Plan};
use crate::rivals::{answer, name};

const PLAN: Plan = Plan::UNREACHED;

pub(super) fn row() -> Row {
    let mut entries = at_once_entries();
    entries.push(tower());
    entries.push(tower_resilience());
    Row {
        name: "rate_direct",
        about: "one admission by a limiter of one key",
        answers: Answers::Admitted,
        entries,
        our_clock_reads: 1,
        targets: (Some(12.0), None),
        bare: None,
        loss: "tower counts in a fixed window by exclusive access, so it shares nothing \
               and admits twice its rate around an edge; governor reads the TSC in place \
               of the system's clock, which paused time could not drive; ours keeps \
               fractions of a nanosecond exactly",
        floor: "one swap of a shared word, after a reading of the clock has become an instant, \
                which takes one subtraction in the standard library and two \
                multiplications in a row",
    }
}

fn at_once_entries() -> Vec<Entry> {
    vec![
        Entry::new(
            OURS,
            at_once(
                || ours::rate::direct(PLAN),
                |limiter, _| black_box(limiter.try_acquire()).is_ok(),
            ),
        ),
        Entry::new(
            name::GOVERNOR,
            at_once(|| rate::governor(PLAN), |limiter, _| black_box(limiter.check()).is_ok()),
        )
        .note("reads the clock through quanta (TSC), cheaper than the system's"),
        Entry::new(
            name::RATELIMIT,
            at_once(|| rate::ratelimit(PLAN), |limiter, _| black_box(limiter.try_wait()).is_ok()),
        ),
        Entry::new(
            name::RATE_NET,
            at_once(|| rate::rate_net(PLAN), |limiter, _| black_box(limiter.check()).is_allow()),
        ),
        Entry::new(
            name::BETTER_BUCKET,
            at_once(|| rate::better_bucket(PLAN), |limiter, _| black_box(limiter.try_acquire(1))),
        ),
        Entry::new(
            name::LEAKY_BUCKET,
            at_once(|| rate::leaky_bucket(PLAN), |limiter, _| black_box(limiter.try_acquire(1))),
        )
        .note("refills once a millisecond, not continuously"),
        Entry::new(
            name::THROTTLE_NET,
            at_once(|| rate::throttle_net(PLAN), |limiter, _| black_box(limiter.try_acquire())),
        ),
    ]
}

fn tower() -> Entry {
    let seat = |_: &()| {
        RateLimitLayer::new(u64::from(PLAN.rate), Duration::from_secs(1)).layer(service_fn(answer))
    };
    let call = async |service: &mut _, input| black_box(call_ready(service, input).await).is_ok();
    Entry::new(name::TOWER, awaited(|| (), seat, call))
        .exclusive()
        .note("fixed window; exclusive access, so it has no row of two threads; with a ready call")
}

fn tower_resilience() -> Entry {
    let build = || {
        let layer = rate::tower_resilience(PLAN, WindowType::Fixed);
        layer.layer(service_fn(answer))
    };
    served(name::TOWER_RESILIENCE, build).note("fixed window; with a ready call, boxed")
}
