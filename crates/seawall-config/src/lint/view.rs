//! A config and the facts about it, side by side, as the rules look at them.
//!
//! Paths over several hops are in `paths.rs`, the rates of calls in `rates.rs`.

use super::facts::{Facts, RouteFacts, UpstreamFacts};
use super::finding::{Finding, NotEvaluated, Used};
use super::rates::{Rates, sane};
use super::rule::Rule;
use crate::config::Config;
use crate::explain::{Origin, Setting};
use crate::route::RouteConfig;
use crate::upstream::UpstreamConfig;
use std::collections::BTreeMap;

/// What a rule would have to know: in words, with the key that says it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Missing(pub(super) String);

/// What a rule came to.
pub(super) type Judged<T = Option<Finding>> = Result<T, Missing>;

/// Which hour of the day a rate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hour {
    Peak,
    Quiet,
}

/// What the rules write down.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) findings: Vec<Finding>,
    pub(super) not_evaluated: Vec<NotEvaluated>,
}

impl Notes {
    /// Keeps what `rule` came to; `about` names its subject where it came to nothing.
    pub(super) fn keep<F: IntoIterator<Item = Finding>>(
        &mut self,
        rule: Rule,
        about: &str,
        judged: Judged<F>,
    ) {
        match judged {
            Ok(findings) => self.findings.extend(findings),
            Err(Missing(needs)) => {
                let missing = NotEvaluated { rule, about: about.to_owned(), needs };
                // Both breakers of an upstream lack the same, and it is said once.
                if self.not_evaluated.last() != Some(&missing) {
                    self.not_evaluated.push(missing);
                }
            }
        }
    }
}

/// The routes to each upstream, by its name.
pub(super) type RoutesTo<'a> = BTreeMap<&'a str, Vec<&'a RouteConfig>>;

/// A config and what is assumed about the world around it.
pub(super) struct View<'a> {
    pub(super) config: &'a Config,
    pub(super) facts: &'a Facts,
    settings: BTreeMap<String, Setting>,
    upstreams: BTreeMap<&'a str, &'a UpstreamConfig>,
    routes: RoutesTo<'a>,
    peak: Rates,
    quiet: Rates,
    unknown_route: RouteFacts,
    unknown_upstream: UpstreamFacts,
}

impl<'a> View<'a> {
    pub(super) fn new(config: &'a Config, facts: &'a Facts) -> Self {
        let mut routes = RoutesTo::new();
        for route in &config.routes {
            routes.entry(&route.upstream).or_default().push(route);
        }
        let upstreams = config.upstreams.iter().map(|upstream| (&*upstream.name, upstream));
        let settings = config.explain().into_iter().map(|setting| (setting.path(), setting));
        Self {
            config,
            facts,
            settings: settings.collect(),
            upstreams: upstreams.collect(),
            peak: Rates::new(&routes, facts, |route| route.rate),
            quiet: Rates::new(&routes, facts, |route| route.quiet_rate.or(route.rate)),
            routes,
            unknown_route: RouteFacts::default(),
            unknown_upstream: UpstreamFacts::default(),
        }
    }

    /// What is assumed about a route.
    pub(super) fn of_route(&self, route: &RouteConfig) -> &RouteFacts {
        self.facts.routes.get(&route.name).unwrap_or(&self.unknown_route)
    }

    /// What is assumed about an upstream.
    pub(super) fn of_upstream(&self, name: &str) -> &UpstreamFacts {
        self.facts.upstreams.get(name).unwrap_or(&self.unknown_upstream)
    }

    /// The routes that lead to an upstream.
    pub(super) fn routes_to(&self, upstream: &str) -> impl Iterator<Item = &'a RouteConfig> {
        self.routes.get(upstream).into_iter().flatten().copied()
    }

    /// An upstream by its name.
    pub(super) fn upstream(&self, name: &str) -> Option<&'a UpstreamConfig> {
        self.upstreams.get(name).copied()
    }

    /// Each route with its upstream.
    pub(super) fn routes(&self) -> impl Iterator<Item = (&'a RouteConfig, &'a UpstreamConfig)> {
        let routes = self.config.routes.iter();
        routes.filter_map(|route| Some((route, self.upstream(&route.upstream)?)))
    }

    /// Gateways as a number to compute with.
    pub(super) fn gateways(&self) -> f64 {
        f64::from(self.facts.gateways.max(1))
    }

    /// Replicas of the service: as assumed, or one for each endpoint.
    pub(super) fn replicas(&self, upstream: &UpstreamConfig) -> u32 {
        let endpoints = u32::try_from(upstream.endpoints.len()).unwrap_or(u32::MAX);
        self.of_upstream(&upstream.name).replicas.unwrap_or(endpoints).max(1)
    }

    /// First attempts a second on a route: as assumed, or as many as the services make that call
    /// it.
    pub(super) fn rate(&self, route: &RouteConfig, hour: Hour) -> Judged<f64> {
        let rates = match hour {
            Hour::Peak => &self.peak,
            Hour::Quiet => &self.quiet,
        };
        rates.of(&route.name).ok_or_else(|| self.needs_of_route(route, "rate"))
    }

    /// First attempts a second on all routes to an upstream.
    pub(super) fn rate_to(&self, upstream: &str, hour: Hour) -> Judged<f64> {
        if self.routes_to(upstream).next().is_none() {
            return Err(Missing(format!("a route that leads to upstream {upstream}")));
        }
        self.routes_to(upstream).map(|route| self.rate(route, hour)).sum()
    }

    /// That a fact about a route is missing.
    pub(super) fn needs_of_route(&self, route: &RouteConfig, key: &str) -> Missing {
        let name = &route.name;
        Missing(format!("{} of route {name}: assume.routes.\"{name}\".{key}", words(key)))
    }

    /// That a fact about an upstream is missing.
    pub(super) fn needs_of_upstream(&self, name: &str, key: &str) -> Missing {
        Missing(format!("{} of upstream {name}: assume.upstreams.{name}.{key}", words(key)))
    }

    /// That a setting which the gateway would derive is missing.
    pub(super) fn needs_setting(&self, upstream: &str, key: &str) -> Missing {
        Missing(format!("a number for {key} of upstream {upstream}: upstreams.{upstream}.{key}"))
    }

    /// Mean service time in seconds.
    pub(super) fn mean_latency(&self, upstream: &str) -> Judged<f64> {
        let mean = self.of_upstream(upstream).latency.mean_seconds();
        mean.map(sane).ok_or_else(|| self.needs_of_upstream(upstream, "latency"))
    }

    /// The 99th percentile of service time in seconds.
    pub(super) fn p99_latency(&self, upstream: &str) -> Judged<f64> {
        let p99 = self.of_upstream(upstream).latency.p99_seconds();
        p99.map(sane).ok_or_else(|| self.needs_of_upstream(upstream, "latency.p99"))
    }

    /// Calls a second that one warm replica serves.
    pub(super) fn capacity(&self, upstream: &str) -> Judged<f64> {
        let given = self.of_upstream(upstream).capacity;
        given.map(sane).ok_or_else(|| self.needs_of_upstream(upstream, "capacity"))
    }

    /// A setting of a route as a value that a finding goes by.
    pub(super) fn on_route(&self, route: &RouteConfig, key: &str) -> Used {
        self.setting(&format!("routes.{}.{key}", route.name))
    }

    /// A setting of an upstream as a value that a finding goes by.
    pub(super) fn on_upstream(&self, upstream: &UpstreamConfig, key: &str) -> Used {
        self.setting(&format!("upstreams.{}.{key}", upstream.name))
    }

    /// The setting at `path`; where a mechanism is off as a whole, that.
    pub(super) fn setting(&self, path: &str) -> Used {
        let upwards = std::iter::successors(Some(path), |path| Some(path.rsplit_once('.')?.0));
        let found = upwards.into_iter().find_map(|path| Some((path, self.settings.get(path)?)));
        let Some((path, setting)) = found else {
            return self.fact(path, String::new());
        };
        let place = match setting.origin {
            Origin::File(place) => Some(place),
            _ => None,
        };
        let origin = self.config.describe_origin(&setting.origin);
        Used { path: path.to_owned(), value: setting.value.to_string(), place, origin }
    }

    /// A fact about a route as a value that a finding goes by.
    pub(super) fn fact_of_route(&self, route: &RouteConfig, key: &str, value: String) -> Used {
        let label = self.config.labels.get(&route.name).unwrap_or(&route.name);
        self.fact(&format!("assume.routes.{label}.{key}"), value)
    }

    /// The rates that come together at an upstream, as far as they are given.
    pub(super) fn rates_to(&self, upstream: &str) -> impl Iterator<Item = Used> {
        let given = |route: &RouteConfig| {
            let rate = self.of_route(route).rate?;
            Some(self.fact_of_route(route, "rate", super::text::rate(rate)))
        };
        self.routes_to(upstream).filter_map(given)
    }

    /// A fact about an upstream as a value that a finding goes by.
    pub(super) fn fact_of_upstream(&self, name: &str, key: &str, value: String) -> Used {
        self.fact(&format!("assume.upstreams.{name}.{key}"), value)
    }

    /// A fact at a path of the file.
    pub(super) fn fact(&self, path: &str, value: String) -> Used {
        let place = self.config.origins.get(path).copied().flatten();
        let origin = match place {
            Some(place) => format!("{}:{}", self.config.file, place.line),
            None => "assumed".to_owned(),
        };
        Used { path: path.to_owned(), value, place, origin }
    }
}

/// The words for a key of the facts.
fn words(key: &str) -> String {
    match key {
        "detect_within" => "the detection target".to_owned(),
        "latency.p99" => "the 99th percentile of latency".to_owned(),
        _ => format!("the {}", key.replace(['_', '.'], " ")),
    }
}
