//! The table `health_check` of an upstream.

use crate::reader::{TableReader, or, set};
use seawall_core::health::HealthSettings;
use seawall_core::time::Duration;
use std::fmt;
use std::ops::RangeInclusive;

/// `health_check`: requests of Seawall's own that learn whether an endpoint lives.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HealthCheckConfig {
    /// What is asked.
    pub probe: HealthProbe,
    /// From one check of an endpoint to the next, before jitter. Default 5 s.
    pub every: Duration,
    /// How long a check may take; never above `every`. Default 1 s.
    pub timeout: Duration,
    /// How many results in a row change the verdict.
    pub verdict: HealthSettings,
}

/// What a health check asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HealthProbe {
    /// `GET path`; a status within `expect` passes.
    Http {
        /// The path, beginning with a slash.
        path: String,
        /// The statuses that pass. Default 200 to 299.
        expect: StatusRange,
    },
    /// A connection that opens passes.
    Tcp,
}

/// A range of HTTP statuses, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusRange {
    first: u16,
    last: u16,
}

impl StatusRange {
    /// What passes unless the file says otherwise: 200 to 299.
    const SUCCESS: Self = Self { first: 200, last: 299 };

    /// Whether `status` lies in the range.
    #[must_use]
    pub const fn contains(self, status: u16) -> bool {
        self.first <= status && status <= self.last
    }

    /// The range as such.
    #[must_use]
    pub const fn bounds(self) -> RangeInclusive<u16> {
        self.first..=self.last
    }

    /// Reads `200` or `200-299`.
    fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (first, last) = (status(first)?, status(last)?);
        (first <= last).then_some(Self { first, last })
    }
}

fn status(text: &str) -> Option<u16> {
    const STATUSES: RangeInclusive<u16> = 100..=599;
    text.trim().parse().ok().filter(|status| STATUSES.contains(status))
}

impl fmt::Display for StatusRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            return write!(f, "{}", self.first);
        }
        write!(f, "{}-{}", self.first, self.last)
    }
}

pub(super) fn read(table: &mut TableReader<'_>) -> HealthCheckConfig {
    let mut verdict = HealthSettings::default();
    let probe = read_probe(table);
    let every = table.duration("every", "\"5s\"");
    let timeout = table.duration("timeout", "\"1s\"");
    set(&mut verdict.rise, table.count("rise", 1..=1_000, "2"));
    set(&mut verdict.fall, table.count("fall", 1..=1_000, "3"));
    let every = or(every, Duration::from_secs(5));
    if let Some(given) = timeout.filter(|given| given.value > every) {
        let what = format!("{} is longer than every", table.path_of("timeout"));
        table.wrong(given.place, what, "shorten timeout, or checks of one endpoint overlap");
    }
    let timeout = or(timeout, Duration::from_secs(1)).min(every);
    HealthCheckConfig { probe, every, timeout, verdict }
}

fn read_probe(table: &mut TableReader<'_>) -> HealthProbe {
    let path = table.text("path", "\"/healthz\"");
    let tcp = or(table.flag("tcp", "true"), false);
    let expect = read_expect(table);
    let remedy = "write path = \"/healthz\", or tcp = true";
    if path.is_some() == tcp {
        let count = if tcp { "both path and tcp" } else { "neither path nor tcp" };
        table.wrong(table.place(), format!("{} has {count}", table.path()), remedy);
    }
    let Some(path) = path else {
        if expect.is_some() {
            let what = format!("{} does nothing without path", table.path_of("expect"));
            let place = table.reading().place_of(&table.path_of("expect"));
            table.wrong(place, what, "write path = \"/healthz\", or remove expect");
        }
        return HealthProbe::Tcp;
    };
    if !is_target(path.value) {
        let what = format!("{}: \"{}\" is not a path", table.path_of("path"), path.value);
        table.wrong(path.place, what, "begin with \"/\" and use visible ASCII characters");
    }
    let expect = expect.unwrap_or(StatusRange::SUCCESS);
    HealthProbe::Http { path: path.value.to_owned(), expect }
}

fn is_target(path: &str) -> bool {
    path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic())
}

fn read_expect(table: &mut TableReader<'_>) -> Option<StatusRange> {
    let given = table.text("expect", "\"200-299\"")?;
    let range = StatusRange::parse(given.value);
    if range.is_none() {
        let what = format!("{}: \"{}\" is no range", table.path_of("expect"), given.value);
        table.wrong(given.place, what, "write expect = \"200-299\" or expect = \"204\"");
    }
    range
}
