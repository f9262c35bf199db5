//! First attempts a second on each route, as assumed or as they follow from who calls whom.

use super::facts::{Facts, RouteFacts};
use super::view::RoutesTo;
use std::collections::BTreeMap;

/// Calls of services to services are followed so far. Nothing serves a caller over more hops.
pub(super) const HOPS_MAX: usize = 64;

/// More than this, a second or in seconds, is no number of this world.
const MOST: f64 = 1e9;

/// A number that sums and products of a few do not make infinite.
pub(super) fn sane(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value.clamp(0.0, MOST) }
}

/// The rates that are known, by the name of the route.
#[derive(Debug, Default)]
pub(super) struct Rates(BTreeMap<String, f64>);

impl Rates {
    /// The rates that `given` says, and those of routes that services alone call.
    pub(super) fn new(
        routes: &RoutesTo<'_>,
        facts: &Facts,
        given: impl Fn(&RouteFacts) -> Option<f64>,
    ) -> Self {
        let named = facts.routes.iter();
        let mut rates = Self(
            named.filter_map(|(name, route)| Some((name.clone(), sane(given(route)?)))).collect(),
        );
        for _ in 0..HOPS_MAX {
            let derived = rates.derived(routes, facts);
            if derived.is_empty() {
                break;
            }
            rates.0.extend(derived);
        }
        rates
    }

    /// The rate of a route, if it is known.
    pub(super) fn of(&self, route: &str) -> Option<f64> {
        self.0.get(route).copied()
    }

    /// Routes that are not known yet and whose callers all are.
    fn derived(&self, routes: &RoutesTo<'_>, facts: &Facts) -> BTreeMap<String, f64> {
        let mut sums: BTreeMap<&String, Option<f64>> = BTreeMap::new();
        for (upstream, said) in &facts.upstreams {
            for route in said.calls.iter().filter(|route| !self.0.contains_key(*route)) {
                let served = self.served_by(routes, upstream);
                let sum = sums.entry(route).or_insert(Some(0.0));
                *sum = sum.and_then(|sum| Some(sum + served?));
            }
        }
        sums.into_iter().filter_map(|(route, sum)| Some((route.clone(), sum?))).collect()
    }

    /// What comes to an upstream over all of its routes.
    fn served_by(&self, routes: &RoutesTo<'_>, upstream: &str) -> Option<f64> {
        let routes = routes.get(upstream).into_iter().flatten();
        routes.map(|route| self.of(&route.name)).sum()
    }
}
