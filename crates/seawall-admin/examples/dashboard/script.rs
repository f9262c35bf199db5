//! What happens in the made-up shop, minute by minute: each upstream as a function of the tick.
//! Counters, calls and events are kept in `shop`.

use seawall_gateway::observe::{
    BreakerStatus, BudgetStatus, BulkheadStatus, EndpointStatus, LatencyStatus, PoolStatus,
    UpstreamStatus, UpstreamTotals,
};

/// Ticks of one round of the script: a minute of tenths of a second.
const ROUND: u64 = 600;

/// One upstream of the shop.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    /// Calls in a second.
    rate: u64,
    /// Usual median latency.
    base_ms: f64,
    port: u16,
    /// The tenths of a second of each round in which it is in trouble.
    trouble: std::ops::Range<u64>,
}

pub(crate) const PARTS: [Part; 4] = [
    Part { name: "payments", rate: 90, base_ms: 18.0, port: 9001, trouble: 600..600 },
    Part { name: "inventory", rate: 240, base_ms: 6.0, port: 9011, trouble: 150..400 },
    Part { name: "search", rate: 160, base_ms: 34.0, port: 9021, trouble: 250..520 },
    Part { name: "recommendations", rate: 120, base_ms: 11.0, port: 9031, trouble: 40..300 },
];

/// A number below `below` that only depends on its arguments: SplitMix64 of Steele, Lea and Flood,
/// "Fast Splittable Pseudorandom Number Generators" (2014).
pub(crate) fn wobble(tick: u64, salt: u64, below: u64) -> u64 {
    let mut z = tick.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(salt << 32);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) % below.max(1)
}

impl Part {
    /// Ticks since its trouble began in this round.
    pub(crate) fn trouble(&self, tick: u64) -> Option<u64> {
        let now = tick % ROUND;
        self.trouble.contains(&now).then(|| now - self.trouble.start)
    }

    /// The trouble begins with this tick.
    pub(crate) fn starts(&self, tick: u64) -> bool {
        self.trouble(tick) == Some(0)
    }

    /// The trouble ended with this tick.
    pub(crate) fn ends(&self, tick: u64) -> bool {
        self.trouble(tick).is_none() && self.trouble(tick.saturating_sub(1)).is_some()
    }

    /// The address of one of its three endpoints.
    pub(crate) fn address(&self, index: u16) -> String {
        format!("127.0.0.1:{}", self.port + index)
    }

    /// Its counters one tick later.
    pub(crate) fn count(&self, totals: &mut UpstreamTotals, tick: u64) {
        let salt = u64::from(self.port);
        let calls = (self.rate + wobble(tick, salt, 40)) / 10;
        totals.calls_total += calls;
        let sent = if self.is_dark(tick) { calls / 10 } else { calls };
        totals.fallbacks_total += calls - sent;
        totals.first_attempts_total += sent;
        let retries = if self.trouble(tick).is_some() { wobble(tick, salt + 1, 3) } else { 0 };
        totals.retries_total += retries;
        totals.attempts_total += sent + retries;
        let fails = self.name == "search" && self.trouble(tick).is_some();
        totals.failed_total += if fails { wobble(tick, salt + 2, 3) } else { 0 };
        totals.ejections_total += u64::from(self.starts(tick));
        totals.breaker_opened_total += u64::from(self.starts(tick));
    }

    /// All of it is down and answered by a fallback.
    fn is_dark(&self, tick: u64) -> bool {
        self.name == "recommendations" && self.trouble(tick).is_some()
    }

    /// It as a whole.
    pub(crate) fn status(&self, totals: UpstreamTotals, tick: u64) -> UpstreamStatus {
        let slow = if self.trouble(tick).is_some() { 2.2 } else { 1.0 };
        let noise = 1.0 + f64::from(small(wobble(tick / 10, u64::from(self.port), 20))) / 100.0;
        let p50 = self.base_ms * slow * noise;
        let extra = if self.trouble(tick).is_some() { 14 } else { 1 };
        UpstreamStatus {
            name: self.name.to_owned(),
            usable: !self.is_dark(tick),
            panic: false,
            breaker: Some(self.breaker(tick)),
            bulkhead: (self.name != "inventory").then(|| self.bulkhead(tick)),
            hold: None,
            budget: BudgetStatus { first: self.rate * 10, extra, vain: extra, left: 20 - extra },
            totals,
            latency: LatencyStatus {
                p50_ms: Some(p50),
                p90_ms: Some(p50 * 2.1),
                p99_ms: Some(p50 * 4.3 * noise),
            },
            endpoints: (0..3).map(|index| self.endpoint(index, tick)).collect(),
        }
    }

    fn bulkhead(&self, tick: u64) -> BulkheadStatus {
        let busy = if self.trouble(tick).is_some() { 70 } else { 12 };
        let in_use = busy + small(wobble(tick, 5, 10));
        BulkheadStatus { permits: 80, in_use, queued: in_use / 20, queue: 40 }
    }

    fn breaker(&self, tick: u64) -> BreakerStatus {
        let into = self.trouble(tick).filter(|_| self.is_dark(tick));
        let state = match into {
            None => "closed",
            Some(ticks) if ticks % 100 >= 80 => "half_open",
            Some(_) => "open",
        };
        BreakerStatus {
            state,
            manual: "auto",
            calls: 100,
            failures: if self.trouble(tick).is_some() { 41 } else { 0 },
            until_ms: into.filter(|_| state == "open").map(|ticks| (80 - ticks % 100) * 100),
            openings: into.map_or(0, |ticks| small(ticks / 100) + 1),
            cause: into.map(|_| "failure_rate"),
        }
    }

    fn endpoint(&self, index: u16, tick: u64) -> EndpointStatus {
        let trouble = self.trouble(tick).filter(|_| index == 1 || self.is_dark(tick));
        let standing = match trouble {
            None => "in",
            Some(ticks) if ticks % 120 >= 110 => "probing",
            Some(_) => "ejected",
        };
        let attempts = tick * self.rate / 30;
        EndpointStatus {
            address: self.address(index),
            zone: Some(
                ["a", "b", "a"].get(usize::from(index)).map_or("c", |zone| *zone).to_owned(),
            ),
            standing,
            reason: trouble.map(|_| "5 connection failures in a row".to_owned()),
            until_ms: trouble
                .filter(|_| standing == "ejected")
                .map(|ticks| (110 - ticks % 120) * 100),
            health: if trouble.is_some() { "unhealthy" } else { "healthy" },
            breaker: None,
            active: if trouble.is_some() { 0 } else { small(wobble(tick, u64::from(index), 9)) },
            limit: None,
            estimate_ms: self.base_ms * (1.0 + f64::from(index) / 10.0),
            weight: if trouble.is_some() { 0.25 } else { 1.0 },
            requests: 100,
            success_rate: Some(if trouble.is_some() { 0.412 } else { 0.9997 }),
            attempts_total: attempts,
            failures_total: attempts / 900,
            pool: PoolStatus::default(),
        }
    }
}

fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
