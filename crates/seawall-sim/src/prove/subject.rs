//! What a proof is about: a finding beside its config, and a copy of the config that is edited.

use std::collections::BTreeMap;

use seawall_config::lint::{Facts, Finding, RouteFacts, UpstreamFacts};
use seawall_config::{Config, RouteConfig, UpstreamConfig};
use seawall_core::Mode;
use seawall_core::ratio::Ratio;

/// Calls a second where nothing is assumed.
const RATE: f64 = 100.0;

/// A finding and where it stands.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    pub(super) config: &'a Config,
    pub(super) finding: &'a Finding,
    /// The upstream that it is about, or to which its route leads.
    pub(super) upstream: &'a UpstreamConfig,
    /// The route that it is about, or the first that leads to its upstream.
    pub(super) route: &'a RouteConfig,
    numbers: &'a BTreeMap<&'static str, f64>,
}

impl<'a> Subject<'a> {
    pub(super) fn of(config: &'a Config, finding: &'a Finding) -> Option<Self> {
        let proof = finding.proof.as_ref()?;
        let routes = &config.routes;
        let named = proof.route.as_ref().and_then(|name| routes.iter().find(|r| r.name == *name));
        let upstream = match (&proof.upstream, named) {
            (Some(name), _) => config.upstream(name)?,
            (None, Some(route)) => config.upstream(&route.upstream)?,
            (None, None) => config.upstreams.first()?,
        };
        let leading = || routes.iter().find(|route| route.upstream == upstream.name);
        let route = named.or_else(leading).or_else(|| routes.first())?;
        Some(Self { config, finding, upstream, route, numbers: &proof.numbers })
    }

    /// A number of the finding.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.numbers.get(name).copied()
    }

    /// A number that this kind of finding has.
    pub(super) fn need(&self, name: &str) -> Result<f64, String> {
        self.number(name).ok_or_else(|| format!("the finding has no number {name}"))
    }

    pub(super) fn facts(&self) -> &'a Facts {
        &self.config.assume
    }

    pub(super) fn of_upstream(&self) -> UpstreamFacts {
        upstream_facts(self.config, &self.upstream.name)
    }

    pub(super) fn of_route(&self, route: &RouteConfig) -> RouteFacts {
        self.facts().routes.get(&route.name).cloned().unwrap_or_default()
    }

    /// Calls a second of all routes to the upstream, as assumed; a hundred where nothing is.
    pub(super) fn rate(&self) -> f64 {
        let routes = self.config.routes.iter().filter(|r| r.upstream == self.upstream.name);
        let sum: f64 = routes.filter_map(|route| self.of_route(route).rate).sum();
        if sum > 0.0 { sum } else { RATE }
    }

    /// The same that one gateway sees.
    pub(super) fn rate_of_one(&self) -> f64 {
        self.rate() / f64::from(self.facts().gateways.max(1))
    }

    pub(super) fn replicas(&self) -> u32 {
        replicas(self.config, self.upstream)
    }

    /// A copy of the config to edit.
    pub(super) fn edited(&self) -> Edited<'_> {
        Edited { subject: self, config: self.config.clone() }
    }
}

pub(super) fn upstream_facts(config: &Config, name: &str) -> UpstreamFacts {
    config.assume.upstreams.get(name).cloned().unwrap_or_default()
}

/// Replicas behind an upstream: as assumed, or one for each endpoint.
pub(super) fn replicas(config: &Config, upstream: &UpstreamConfig) -> u32 {
    let said = upstream_facts(config, &upstream.name).replicas;
    said.unwrap_or_else(|| u32::try_from(upstream.endpoints.len()).unwrap_or(1)).max(1)
}

/// A copy of the config of a subject.
#[derive(Clone, Debug)]
pub(super) struct Edited<'a> {
    subject: &'a Subject<'a>,
    pub(super) config: Config,
}

impl Edited<'_> {
    /// Edits the upstream of the subject.
    pub(super) fn upstream(mut self, edit: impl FnOnce(&mut UpstreamConfig)) -> Self {
        let name = &self.subject.upstream.name;
        if let Some(upstream) = self.config.upstreams.iter_mut().find(|u| u.name == *name) {
            edit(upstream);
        }
        self
    }

    /// Edits the routes of these names.
    pub(super) fn routes(mut self, named: &[&str], edit: impl Fn(&mut RouteConfig)) -> Self {
        let routes = self.config.routes.iter_mut();
        routes.filter(|route| named.contains(&route.name.as_str())).for_each(edit);
        self
    }

    /// Edits what is assumed about the upstream of the subject.
    pub(super) fn facts(mut self, edit: impl FnOnce(&mut UpstreamFacts)) -> Self {
        let name = self.subject.upstream.name.clone();
        edit(self.config.assume.upstreams.entry(name).or_default());
        self
    }

    /// No breaker and no ejection anywhere, so that something else can be seen by itself.
    pub(super) fn unbroken(mut self) -> Self {
        for upstream in &mut self.config.upstreams {
            upstream.breaker.mode = Mode::Off;
            upstream.endpoint_breaker.mode = Mode::Off;
            upstream.ejection.mode = Mode::Off;
        }
        self
    }

    /// Budgets that hold nothing back.
    pub(super) fn unbudgeted(mut self) -> Self {
        for upstream in &mut self.config.upstreams {
            upstream.budget.ratio = Ratio::ONE;
            upstream.budget.floor_per_second = 10_000;
        }
        self
    }

    /// No route tries again.
    pub(super) fn once(mut self) -> Self {
        self.config.routes.iter_mut().for_each(|route| route.policy.retry = None);
        self
    }
}
