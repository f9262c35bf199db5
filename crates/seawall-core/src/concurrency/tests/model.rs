//! The default algorithm against a naive one: a full log that is searched and sorted anew.
//!
//! Latencies are powers of two, which the histogram reports exactly. Runs are shorter than what
//! leads to a dip; dips are in `machine.rs` and `traps.rs`.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Copy)]
struct Entry {
    at: u64,
    finished: Finished,
    limit: u64,
}

struct Model {
    log: Vec<Entry>,
    /// Entries of the log that earlier updates have used.
    used: usize,
    level: u64,
    base: Option<u64>,
    slot: u64,
    searches: bool,
}

const SECOND: u64 = 1_000_000_000;

fn samples<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<u64> {
    let is_sample = |entry: &&Entry| entry.finished.evidence == Evidence::Sample;
    let nanos = |entry: &Entry| u64::try_from(entry.finished.latency.as_nanos()).unwrap();
    let mut samples: Vec<_> = entries.filter(is_sample).map(nanos).collect();
    samples.sort_unstable();
    samples
}

/// Of rank ⌈percent · n⌉.
fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    sorted.get((sorted.len() * percent).div_ceil(100).max(1) - 1).copied()
}

impl Model {
    fn new() -> Self {
        Self { log: Vec::new(), used: 0, level: 20_000_000, base: None, slot: 0, searches: true }
    }

    fn limit(&self) -> u64 {
        self.level / 1_000_000
    }

    /// The tenth percentile of a slot, if it was quiet.
    fn quiet(&self, slot: u64) -> Option<u64> {
        let entries = || self.log.iter().filter(move |entry| entry.at / (10 * SECOND) == slot);
        let is_quiet = entries().all(|e| u64::from(e.finished.in_flight) * 2 <= e.limit);
        let samples = samples(entries());
        (is_quiet && samples.len() >= 10).then(|| percentile(&samples, 10)).flatten()
    }

    fn finish(&mut self, at: u64, finished: Finished) {
        let slot = at / (10 * SECOND);
        if slot > self.slot
            && let Some(closed) = self.quiet(self.slot)
        {
            let recent = (slot.saturating_sub(6)..slot).filter_map(|slot| self.quiet(slot)).min();
            self.base = Some(recent.unwrap_or(closed));
        }
        self.slot = slot;
        self.log.push(Entry { at, finished, limit: self.limit() });
        let window = &self.log[self.used..];
        let evidence: Vec<_> =
            window.iter().filter(|e| e.finished.evidence != Evidence::None).copied().collect();
        let Some(first) = evidence.first() else { return };
        let elapsed = at - first.at;
        let enough = elapsed >= SECOND / 4 && evidence.len() >= 20;
        if enough || (elapsed >= SECOND && evidence.len() >= 10) {
            self.update(at, &evidence);
            self.used = self.log.len();
        }
    }

    fn update(&mut self, at: u64, evidence: &[Entry]) {
        let samples = samples(evidence.iter());
        self.base = self.base.or_else(|| percentile(&samples, 10));
        let gradient = self
            .base
            .zip(percentile(&samples, 50))
            .map(|(base, short)| (base * 1_500_000 / short).clamp(500_000, 1_000_000));
        let gradient = gradient.unwrap_or(1_000_000);
        let drops = evidence.iter().any(|e| e.finished.evidence == Evidence::Drop);
        let factor = if drops { gradient.min(900_000) } else { gradient };
        let window = self.log[self.used..].iter();
        let peak = window.map(|e| u64::from(e.finished.in_flight)).max().unwrap();
        self.searches &= factor == 1_000_000;
        let is_used = peak * 2 >= self.limit();
        self.level = if factor < 1_000_000 {
            self.level - (self.level - self.level * factor / 1_000_000) / 5
        } else if is_used && self.searches {
            self.level * 2
        } else if is_used {
            let root = (1..).find(|root| root * root * 1_000_000 >= self.level).unwrap();
            self.level + root * 200_000
        } else {
            self.level
        };
        let minute = self.log.iter().filter(|e| e.at / (6 * SECOND) + 10 > at / (6 * SECOND));
        let most = minute.map(|e| u64::from(e.finished.in_flight)).max().unwrap();
        self.level = self.level.min(most * 4_000_000).clamp(4_000_000, 1_000_000_000);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn agrees_with_a_full_log(
        // Phases of traffic: how far apart, how slow at the most, what share of the limit in use.
        phases in prop::collection::vec((1_u64..60, 20_u32..26, 1_u32..130), 1..12),
        kinds in prop::collection::vec((0_u32..3, 0_u8..60), 100),
    ) {
        let (mut bench, mut model) = (Bench::new(LimitSettings::default()), Model::new());
        for (apart, power, share) in phases {
            let quiet = share < 50;
            for (slower, kind) in kinds.iter().cycle().take(if quiet { 700 } else { 150 }) {
                let evidence = match kind {
                    0 => Evidence::Drop,
                    1 | 2 => Evidence::None,
                    _ => Evidence::Sample,
                };
                bench.wait(millis(apart));
                let latency = Duration::from_nanos(1 << (power + slower / 2));
                let in_flight = (bench.limit.limit() * share / 100).max(1);
                let finished = Finished { latency, in_flight, evidence };
                model.finish(bench.now.as_nanos(), finished);
                bench.finish(finished);
                prop_assert_eq!(bench.limit.snapshot().millionths, model.level);
            }
        }
    }
}
