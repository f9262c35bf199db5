//! T177 for limits: deciding allocates nothing, whatever the algorithm (this file has a process of
//! its own for the counting allocator).

use seawall_core::event::Discard;
use seawall_core::rate::{
    Algorithm, Caller, Capacity, Keyed, KeyedSettings, Limiter, LimiterSettings, QueueSettings,
    Quota, Rate, RateQueue, Reserved, WarmUpSettings, WindowLimit,
};
use seawall_core::time::{Duration, Instant};

const QUOTA: Quota = Quota { rate: Rate::per_second(1_000), burst: 10 };
const WINDOW: WindowLimit = WindowLimit { limit: 10, window: Duration::from_millis(10) };

/// Allocations of ten thousand runs, ten a millisecond: most of them are refused.
fn allocations(mut run: impl FnMut(Instant, u64)) -> u64 {
    let counted = allocation_counter::measure(|| {
        (0..10_000).for_each(|step| run(Instant::from_nanos(step * 100_000), step));
    });
    counted.count_total
}

#[test]
fn t177_no_algorithm_allocates() {
    for algorithm in [
        Algorithm::Gcra(QUOTA),
        Algorithm::TokenBucket(QUOTA),
        Algorithm::WarmUp(WarmUpSettings::of(QUOTA, Duration::from_secs(1))),
        Algorithm::FixedWindow(WINDOW),
        Algorithm::SlidingCounter(WINDOW),
        Algorithm::SlidingLog(WINDOW),
    ] {
        let settings = LimiterSettings { algorithm, ..LimiterSettings::of(QUOTA) };
        let mut limiter = Limiter::new(settings, Instant::EPOCH);
        let counted = allocations(|now, _| _ = limiter.decide(now, 1, &mut Discard).is_ok());
        assert_eq!(counted, 0, "{algorithm:?}");
    }
}

#[test]
fn t177_neither_a_flood_of_keys_nor_waiting_allocates() {
    let settings = KeyedSettings { capacity: Capacity::Keys(16), ..Default::default() };
    let mut keyed = Keyed::new(settings, &[QUOTA]);
    let counted = allocations(|now, step| {
        let key = step.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        _ = keyed.decide(Caller { key, tier: 0 }, now, 9, &mut Discard).is_ok();
    });
    assert_eq!(counted, 0);
    assert!(keyed.snapshot(Instant::EPOCH).overflowed > 0);
    let (mut queue, mut waited) = (RateQueue::new(QueueSettings::of(QUOTA)), 0);
    let counted = allocations(|now, _| {
        let reserved = queue.reserve(now, 1, Instant::NEVER, &mut Discard);
        if let Reserved::Queued { waiter, .. } = reserved {
            waited += 1;
            queue.cancel(waiter, now);
        }
    });
    assert_eq!(counted, 0);
    assert!(waited > 1_000, "some had to wait");
}
