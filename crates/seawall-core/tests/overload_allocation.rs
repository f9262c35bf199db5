//! The machines against overload allocate nothing once they are built, counted by a global
//! allocator (this file has a process of its own for that). Calls as a whole: `allocation.rs`.

use seawall_core::brownout::{Brownout, BrownoutSettings, Features, Level, Signal};
use seawall_core::bulkhead::{
    Acquired, Blocking, Bulkhead, BulkheadSettings, Claimed, Need, QueueOrder,
};
use seawall_core::concurrency::{Evidence, Finished, Limit, LimitSettings};
use seawall_core::event::Discard;
use seawall_core::ratio::Ratio;
use seawall_core::shed::{Class, Priority, ShedSettings, Shedder};
use seawall_core::time::{Duration, Instant};

/// Allocations of a hundred thousand steps a millisecond apart, after a first one.
fn allocations(mut step: impl FnMut(Instant, u32)) -> u64 {
    step(Instant::EPOCH, 0);
    let counted = allocation_counter::measure(|| {
        for index in 1..=100_000 {
            step(Instant::from_millis(u64::from(index)), index);
        }
    });
    counted.count_total
}

#[test]
fn t177_no_algorithm_of_a_limit_allocates() {
    let all = [
        LimitSettings::default(),
        LimitSettings::aimd(),
        LimitSettings::vegas(),
        LimitSettings::gradient2(),
        LimitSettings::envoy(),
    ];
    for settings in all {
        let mut limit = Limit::new(settings, Instant::EPOCH);
        let count = allocations(|now, index| {
            let latency = Duration::from_millis(u64::from(index % 40));
            let in_flight = limit.limit();
            let finished = Finished { latency, in_flight, evidence: Evidence::Sample };
            limit.on_finished(finished, now, &mut Discard);
            assert!(limit.admit(u32::MAX, &mut Discard).is_err());
        });
        assert_eq!(count, 0, "{:?}", settings.algorithm);
    }
}

#[test]
fn t177_shedding_allocates_nothing() {
    let mut shedder = Shedder::new(ShedSettings::default(), Instant::EPOCH);
    let count = allocations(|now, index| {
        let priority = Priority::of(Class::Normal, u64::from(index), 7);
        let admitted = shedder.admit(priority, now, &mut Discard).is_ok();
        let wait = if admitted { 30 } else { 0 };
        shedder.on_queue_wait(Duration::from_millis(wait), now, &mut Discard);
    });
    assert_eq!(count, 0);
}

#[test]
fn t177_brownout_allocates_nothing() {
    let mut brownout = Brownout::new(BrownoutSettings::default(), Instant::EPOCH);
    let mut features = Features::new();
    let feature = features.register("search", Level::Lean).unwrap();
    let count = allocations(|now, index| {
        brownout.note(Signal::Cpu, Some(Ratio::from_percent(index % 200)));
        brownout.tick(now, &mut Discard);
        assert_eq!(features.runs(feature, brownout.level()), brownout.level() <= Level::Lean);
    });
    assert_eq!(count, 0);
}

#[test]
fn t177_heavy_permits_and_standing_queues_allocate_nothing() {
    let max_wait = Duration::from_secs(1);
    let order = QueueOrder::CoDel;
    let mut bulkhead = Bulkhead::new(BulkheadSettings { permits: 4, queue: 4, max_wait, order });
    let count = allocations(|now, _| {
        let need = |weight| Need {
            weight,
            useful_until: Instant::NEVER,
            class: Class::Normal,
            patience: seawall_core::bulkhead::Patience::Usual,
        };
        let first = bulkhead.acquire_weighted(need(3), now, &mut Discard);
        let second = bulkhead.acquire_weighted(need(2), now, &mut Discard);
        let Ok(Acquired::Permit(first)) = first else { panic!("{first:?}") };
        let Ok(Acquired::Queued { waiter, .. }) = second else { panic!("{second:?}") };
        bulkhead.release(first, Duration::from_millis(1), now);
        assert_eq!(bulkhead.next_grant(now), Some(waiter));
        let Claimed::Permit(second) = bulkhead.claim(waiter, now) else { panic!() };
        bulkhead.release(second, Duration::from_millis(1), now);
    });
    assert_eq!(count, 0);
}

#[test]
fn t177_blocking_jobs_allocate_nothing() {
    let settings = BulkheadSettings { permits: 4, ..BulkheadSettings::default() };
    let mut pool = Blocking::new(settings);
    let count = allocations(|now, _| {
        let acquired = pool.bulkhead().acquire(now, now);
        let Acquired::Permit(permit) = acquired else { panic!("{acquired:?}") };
        let job = pool.begin(permit, now);
        pool.abandon(job, now, &mut Discard);
        pool.on_returned(job, now, &mut Discard);
    });
    assert_eq!(count, 0);
}
