//! The knee against naive models: a full log of samples instead of tallies, a full log of proofs
//! instead of a ring, and services whose workers and latencies are known.

use super::service::Service;
use super::*;
use crate::concurrency::epoch::{Epoch, Reading, Weight};
use crate::concurrency::millionths::Millionths;
use crate::concurrency::proven::Proven;
use crate::time::nanos;
use proptest::prelude::*;

const BASE: Duration = Duration::from_millis(20);
const SLOW_FROM: Duration = Duration::from_millis(30);

/// All samples since the last full reading.
#[derive(Default)]
struct Log(Vec<(Instant, Duration, u32)>);

impl Log {
    fn is_slow(sample: &(Instant, Duration, u32)) -> bool {
        sample.1 > SLOW_FROM
    }

    fn mean(samples: &[(Instant, Duration, u32)], longest: Duration, weight: Weight) -> Reading {
        let count = u32::try_from(samples.len()).unwrap();
        let latency: u64 = samples.iter().map(|sample| nanos(sample.1.min(longest))).sum();
        let beside = samples.iter().map(|sample| u64::from(sample.2)).sum();
        let peak = samples.iter().map(|sample| sample.2).max().unwrap();
        let latency = Duration::from_nanos(latency / u64::from(count));
        Reading { weight, beside: Millionths::mean(beside, count), peak, latency }
    }

    fn reading(&self, now: Instant) -> Option<Reading> {
        let (all, longest) = (&self.0[..], BASE * 16);
        let full = Self::mean(all, longest, Weight::Full);
        if all.len() >= 64 && now.since(all[0].0) >= full.latency * 2 {
            return Some(full);
        }
        let run = all.iter().rev().take_while(|sample| Self::is_slow(sample)).count();
        if run == 8 {
            return Some(Self::mean(&all[all.len() - 8..], Duration::MAX, Weight::Early));
        }
        if all.len() < 16 || all.len() % 8 != 0 {
            return None;
        }
        let last = &all[all.len() - 16..];
        let slow = last.iter().filter(|sample| Self::is_slow(sample)).count();
        (slow == 0 || slow >= 13).then(|| Self::mean(last, longest, Weight::Early))
    }
}

fn latencies() -> impl Strategy<Value = Duration> {
    prop_oneof![6 => 1_u64..30, 3 => 31_u64..90, 1 => 300_u64..5_000].prop_map(millis)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn an_epoch_says_what_a_full_log_says(
        samples in prop::collection::vec((0_u64..15, latencies(), 1_u32..40), 1..300),
    ) {
        let (mut epoch, mut log, mut now) = (Epoch::default(), Log::default(), Instant::EPOCH);
        for (gap, latency, beside) in samples {
            now = now.after(millis(gap));
            if log.0.first().is_some_and(|first| now.since(first.0) > Duration::from_secs(2)) {
                log.0.clear();
            }
            epoch.renew(now, Some(BASE));
            epoch.take(now, &sample(latency, beside), (Some(BASE), SLOW_FROM));
            log.0.push((now, latency, beside));
            epoch.invariants();
            let reading = epoch.reading(now, Some(BASE));
            prop_assert_eq!(reading, log.reading(now));
            if reading.is_some_and(|reading| reading.weight == Weight::Full) {
                (epoch, log) = (Epoch::default(), Log::default());
            }
        }
    }

    #[test]
    fn what_has_proven_harmless_is_the_most_of_a_full_log(
        proofs in prop::collection::vec((0_u64..9_000, 0_u32..50), 1..100),
    ) {
        let (mut proven, mut log, mut now) = (Proven::new(Instant::EPOCH), Vec::new(), 0);
        for (gap, beside) in proofs {
            now += gap;
            proven.note(Millionths::whole(beside), BASE, at(now));
            log.push((now, beside));
            // Tenths of a minute, of which ten count.
            let live = log.iter().filter(|(then, _)| now / 6_000 - then / 6_000 < 10);
            let most = live.map(|(_, beside)| *beside).max().unwrap();
            prop_assert_eq!(proven.most(BASE), Millionths::whole(most));
            prop_assert_eq!(proven.most(BASE * 5), Millionths::whole(most), "slower: as many");
            let quick = proven.most(BASE / 4);
            prop_assert_eq!(quick, Millionths::whole(most).times(BASE / 4, BASE), "as much work");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_flood_keeps_all_workers_busy_and_few_waiting(
        workers in 2_u32..=16,
        work in 2_u64..=60,
        calm in 30_u64..=70,
        flood in 150_u64..=500,
    ) {
        let mut service = known(workers, work, calm);
        let every = |percent: u64| micros(work * 100_000 / (u64::from(workers) * percent));
        service.run(millis(work * 200), every(flood));
        let served = service.served;
        service.run(millis(work * 400), every(flood));
        let most = u64::from(workers) * 400;
        prop_assert!((service.served - served) * 100 >= most * 93, "{} of {most}", service.served);
        // Half as many may wait, more than have been proven harmless may too, and a probe doubles.
        prop_assert!(service.limit() <= workers * 4, "{} of {workers}", service.limit());
    }

    #[test]
    fn a_service_that_is_slow_by_itself_soon_refuses_nobody(
        workers in 2_u32..=16,
        work in 2_u64..=60,
        calm in 30_u64..=70,
        added in 1_u64..=20,
    ) {
        let mut service = known(workers, work, calm);
        service.added = millis(work * added);
        let every = micros(work * 100_000 / (u64::from(workers) * calm));
        service.run(millis(work * 100 * (added + 1)), every);
        let refused = service.refused;
        service.run(millis(work * 20 * (added + 1)), every);
        prop_assert_eq!(service.refused, refused);
    }
}

/// A service in use by so many percent, for long enough to be known.
fn known(workers: u32, work: u64, percent: u64) -> Service {
    let mut service = Service::new(LimitSettings::knee(), millis(work), workers as usize);
    let every = work * 100_000 / (u64::from(workers) * percent);
    service.run(millis(work * 200), micros(every));
    service
}
