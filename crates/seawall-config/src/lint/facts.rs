//! What a check has to know and no config can say: traffic, capacity, latency, who calls whom.
//!
//! Plain data, filled by whoever knows: the section `[assume]` of a config (`assume/`), or a
//! scenario. Nothing here has an effect while a gateway runs. What is absent is unknown, and a rule
//! that needs it says so.

use seawall_core::bulkhead::QueueOrder;
use seawall_core::hedge::HedgeDelay;
use seawall_core::ratio::Ratio;
use seawall_core::tail::Spread;
use seawall_core::time::Duration;
use std::collections::BTreeMap;
use std::fmt;

/// All that is assumed about the world around a config.
///
/// Rates are calls a second over the whole fleet of gateways, above 0 and at most a billion; larger
/// ones count as that.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// Gateways that share the traffic, at least 1. Default 1.
    pub gateways: u32,
    /// Time that a hop itself adds to a call: queues, serialisation, the network. Default 5 ms.
    pub overhead: Duration,
    /// From a gateway to a service and back. Default 1 ms: one data centre.
    pub round_trip: Duration,
    /// The share of its capacity that a service is planned for. Default 70 %: above it waits grow
    /// steeply with any further load.
    pub utilisation_max: Ratio,
    /// From the start of a drain until nobody sends to this gateway any more; `None` is unknown.
    pub deregistration: Option<Duration>,
    /// Whether real users are served. Default no.
    pub production: bool,
    /// The day of the check, for what may have expired; `None` is unknown.
    pub today: Option<Date>,
    /// Since when mechanisms in mode `shadow` have been; `None` is unknown.
    pub shadow_since: Option<Date>,
    /// By the name of the route.
    pub routes: BTreeMap<String, RouteFacts>,
    /// By the name of the upstream.
    pub upstreams: BTreeMap<String, UpstreamFacts>,
    /// Faults that are injected, by a name for each.
    pub faults: BTreeMap<String, FaultFacts>,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            gateways: 1,
            overhead: Duration::from_millis(5),
            round_trip: Duration::from_millis(1),
            utilisation_max: Ratio::from_percent(70),
            deregistration: None,
            production: false,
            today: None,
            shadow_since: None,
            routes: BTreeMap::new(),
            upstreams: BTreeMap::new(),
            faults: BTreeMap::new(),
        }
    }
}

/// What is assumed about the calls of one route.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RouteFacts {
    /// First attempts a second at the peak.
    pub rate: Option<f64>,
    /// The same in the quietest hour. Where it is absent the rate holds all day.
    pub quiet_rate: Option<f64>,
    /// The share of calls that fail in the failure which is to be noticed. Absent means all.
    pub failure_rate: Option<Ratio>,
    /// How fast a failure of the upstream is to be noticed.
    pub detect_within: Option<Duration>,
    /// Whether every call carries an idempotency key that the service honours. Default no.
    pub keyed: bool,
    /// Callers that may fail together; absent means many.
    pub clients: Option<u32>,
    /// Hedging by the callers of this route or by programs with the library.
    pub hedge: Option<HedgeFacts>,
}

/// Hedging that happens outside of the gateway, which itself never hedges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HedgeFacts {
    /// When the extra attempt starts.
    pub after: HedgeDelay,
    /// Whether the loser is cancelled. Default yes.
    pub cancels: bool,
}

/// What is assumed about the service behind one upstream.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UpstreamFacts {
    /// How long it takes to serve a call, without time in queues.
    pub latency: Latency,
    /// Calls a second that one replica serves when warm.
    pub capacity: Option<f64>,
    /// Replicas. Absent means one for each endpoint; more stand behind a balancer of its own.
    pub replicas: Option<u32>,
    /// Calls that one replica works on at once.
    pub workers: Option<u32>,
    /// Calls that may wait in one replica.
    pub queue: Option<u32>,
    /// Who of those is served first. Default the one that waited longest.
    pub order: Option<QueueOrder>,
    /// After how long the service closes an idle connection.
    pub idle_timeout: Option<Duration>,
    /// Parts that fail independently: shards, cells. Absent means 1.
    pub shards: Option<u32>,
    /// Routes that the service calls in turn, once for each call that it serves.
    pub calls: Vec<String>,
    /// Whether the service passes its deadline on to what it calls. Default no.
    pub passes_deadline: bool,
    /// The share of calls that fails on an ordinary day.
    pub usual_failures: Option<Ratio>,
    /// What a failing service answers. Empty means 500, 502, 503 and 504.
    pub fails_with: Vec<Failing>,
    /// Calls a second that one replica serves right after its start.
    pub cold_capacity: Option<f64>,
    /// Calls at once that one replica serves right after its start.
    pub cold_concurrency: Option<u32>,
    /// How many times the work of the cheapest call the dearest one takes.
    pub cost_spread: Option<f64>,
    /// How latency grows with the calls in progress.
    pub slowdown: Option<Slowdown>,
    /// What it cannot do without: names of upstreams, or of anything else.
    pub depends_on: Vec<String>,
    /// Upstreams that answer in its place.
    pub fallback_to: Vec<String>,
    /// Whether attempts of one call may meet the same replica again, as they do where an endpoint
    /// is the address of a balancer. Absent means: where there are more replicas than endpoints
    /// and only one endpoint.
    pub tried_again: Option<bool>,
    /// How long a dead replica still gets traffic. Absent means that the config says it.
    pub eject_after: Option<Duration>,
    /// How long an attempt at a dead replica takes. Absent means the attempt timeout.
    pub fail_after: Option<Duration>,
    /// A cache in or before the service.
    pub cache: Option<CacheFacts>,
}

/// Latency by its mean and its quantiles, as far as they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// The mean.
    pub mean: Option<Duration>,
    /// The median.
    pub p50: Option<Duration>,
    /// The 95th percentile.
    pub p95: Option<Duration>,
    /// The 99th percentile.
    pub p99: Option<Duration>,
}

impl Latency {
    /// A lognormal distribution through the median and the outermost other quantile.
    #[must_use]
    pub fn spread(&self) -> Option<Spread> {
        let far = [(99, self.p99), (95, self.p95)].into_iter();
        let (percent, latency) = far.filter_map(|(percent, at)| Some((percent, at?))).next()?;
        Spread::fit(self.p50?, Ratio::from_percent(percent), latency)
    }

    /// The mean in seconds, as given or as the quantiles say.
    #[must_use]
    pub fn mean_seconds(&self) -> Option<f64> {
        let given = self.mean.map(|mean| mean.as_secs_f64());
        given.or_else(|| Some(self.spread()?.mean()))
    }

    /// The 99th percentile in seconds, as given or as the others say.
    #[must_use]
    pub fn p99_seconds(&self) -> Option<f64> {
        let given = self.p99.map(|p99| p99.as_secs_f64());
        given.or_else(|| Some(self.spread()?.quantile(Ratio::from_percent(99))))
    }
}

/// What a failing service answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failing {
    /// This status.
    Status(u16),
    /// Nothing: timeouts, resets, refused connections.
    Silence,
}

/// Latency that grows with the calls in progress: `alone + each · calls`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slowdown {
    /// The latency of a call alone.
    pub alone: Duration,
    /// What each call in progress adds to it.
    pub each: Duration,
}

/// A cache whose entries expire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CacheFacts {
    /// How long an entry is fresh.
    pub ttl: Duration,
    /// The random part of that, as a share of it. Default none.
    pub jitter: Ratio,
    /// Entries that were stored together.
    pub keys: Option<u32>,
    /// How long a new entry takes to come.
    pub refill: Option<Duration>,
    /// Whether calls for one missing entry wait for a single refill. Default no.
    pub single_flight: bool,
    /// Whether an expired entry is served where no new one comes. Default no.
    pub stale_if_error: bool,
}

/// A fault that is injected on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultFacts {
    /// What it hits, in words or as the name of an upstream.
    pub target: Option<String>,
    /// After how long it ends by itself.
    pub ttl: Option<Duration>,
    /// The last day on which it was meant to be there.
    pub expires: Option<Date>,
    /// Whether it acts. Default yes.
    pub enabled: bool,
}

/// A day of the Gregorian calendar. What makes one up checks that it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Year.
    pub year: u16,
    /// Month, from 1.
    pub month: u8,
    /// Day, from 1.
    pub day: u8,
}

impl Date {
    /// Days since the first of March of the year 0, which puts the leap day last.
    fn number(self) -> i64 {
        let (year, month) = (i64::from(self.year), i64::from(self.month));
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        365 * year + leaps + (153 * month + 2) / 5 + i64::from(self.day)
    }

    /// Days from `earlier` to this one; negative where it is the later one.
    #[must_use]
    pub fn days_since(self, earlier: Self) -> i64 {
        self.number() - earlier.number()
    }

    /// The day that lies so many days after the first of January 1970, at the meridian of
    /// Greenwich; `None` beyond the year 65535.
    #[must_use]
    pub fn from_unix_days(days: u32) -> Option<Self> {
        // The first of March of the year 0 lies 719 468 days before 1970.
        let days = i64::from(days) + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let of_year = day - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let (day, late) = (of_year - (153 * month + 2) / 5 + 1, month >= 10);
        Some(Self {
            year: u16::try_from(era * 400 + year + i64::from(late)).ok()?,
            month: u8::try_from(if late { month - 9 } else { month + 3 }).ok()?,
            day: u8::try_from(day).ok()?,
        })
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(year: u16, month: u8, day: u8) -> Date {
        Date { year, month, day }
    }

    #[test]
    fn days_are_counted_over_months_and_leap_days() {
        assert_eq!(date(2024, 3, 1).days_since(date(2024, 2, 28)), 2);
        assert_eq!(date(2025, 3, 1).days_since(date(2025, 2, 28)), 1);
        assert_eq!(date(2026, 1, 1).days_since(date(2025, 1, 1)), 365);
        assert_eq!(date(2001, 1, 1).days_since(date(2000, 1, 1)), 366);
        assert_eq!(date(2025, 1, 1).days_since(date(2025, 1, 31)), -30);
    }

    #[test]
    fn unix_days_are_dates_and_back() {
        assert_eq!(Date::from_unix_days(0), Some(date(1970, 1, 1)));
        assert_eq!(Date::from_unix_days(20_000), Some(date(2024, 10, 4)));
        assert_eq!(Date::from_unix_days(19_782), Some(date(2024, 2, 29)));
        for days in (0..60_000).step_by(17) {
            let since = Date::from_unix_days(days).unwrap().days_since(date(1970, 1, 1));
            assert_eq!(since, i64::from(days));
        }
        assert_eq!(Date::from_unix_days(u32::MAX), None);
    }
}
