//! What a check has to know and no config can say: traffic, capacity, latency, who calls whom.
//!
//! Plain data, filled by whoever knows: the section `[assume]` of a config (`assume/`), or a
//! scenario. Nothing here has an effect while a gateway runs. What is absent is unknown, and a rule
//! that needs it says so.

use super::date::Date;
use seawall_core::bulkhead::QueueOrder;
use seawall_core::hedge::HedgeDelay;
use seawall_core::ratio::Ratio;
use seawall_core::tail::Spread;
use seawall_core::time::Duration;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

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
    /// After what the callers of this route try again by themselves. Empty is unknown.
    pub callers_retry: Vec<Failing>,
    /// Hedging by the callers of this route or by programs with the library.
    pub hedge: Option<HedgeFacts>,
}

/// Hedging that happens outside of the gateway, which knows of its own by `hedge` of the upstream.
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

/// What a failing service answers, or what makes a caller try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failing {
    /// This status.
    Status(u16),
    /// Nothing: timeouts, resets.
    Silence,
    /// No connection, so that nothing was sent.
    Refused,
}

impl fmt::Display for Failing {
    /// As `[assume]` writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(code) => code.fmt(f),
            Self::Silence => f.write_str("silence"),
            Self::Refused => f.write_str("refused"),
        }
    }
}

impl FromStr for Failing {
    type Err = NotFailing;

    fn from_str(text: &str) -> Result<Self, NotFailing> {
        match text {
            "silence" => Ok(Self::Silence),
            "refused" => Ok(Self::Refused),
            status => {
                let code = status.parse().ok().filter(|code| (100..=599).contains(code));
                code.map(Self::Status).ok_or(NotFailing)
            }
        }
    }
}

/// Text that says no way to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotFailing;

impl fmt::Display for NotFailing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("neither a status nor \"silence\" nor \"refused\"")
    }
}

impl std::error::Error for NotFailing {}

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
