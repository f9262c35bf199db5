//! Paths of calls over several hops: a route leads to a service, which calls routes in turn.

use super::hop::Hop;
use super::rates::HOPS_MAX;
use super::view::{Hour, Judged, View};
use crate::route::RouteConfig;
use std::collections::BTreeMap;

/// Which routes a call of each route leads to, by their positions in the config.
pub(super) struct Paths<'a> {
    routes: &'a [RouteConfig],
    next: Vec<Vec<usize>>,
}

impl<'a> Paths<'a> {
    /// With an edge from each route to those that its service calls.
    pub(super) fn down(view: &View<'a>) -> Self {
        let routes = view.config.routes.as_slice();
        let names = routes.iter().enumerate().map(|(at, route)| (route.name.as_str(), at));
        let names: BTreeMap<&str, usize> = names.collect();
        let calls = |route: &RouteConfig| {
            let called = view.of_upstream(&route.upstream).calls.iter();
            called.filter_map(|name| names.get(name.as_str()).copied()).collect()
        };
        Self { routes, next: routes.iter().map(calls).collect() }
    }

    /// The same with every edge turned round: from each route to those that lead to it.
    pub(super) fn up(view: &View<'a>) -> Self {
        let Self { routes, next: down } = Self::down(view);
        let mut next = vec![Vec::new(); routes.len()];
        for (from, to) in down.iter().enumerate() {
            for to in to {
                if let Some(edges) = next.get_mut(*to) {
                    edges.push(from);
                }
            }
        }
        Self { routes, next }
    }

    /// The positions of routes that nobody calls: where paths begin.
    pub(super) fn tops(&self) -> Vec<usize> {
        let called: Vec<usize> = self.next.iter().flatten().copied().collect();
        (0..self.routes.len()).filter(|at| !called.contains(at)).collect()
    }

    /// The routes that a call of the one at `from` may lead to next.
    pub(super) fn after(&self, from: usize) -> impl Iterator<Item = &'a RouteConfig> {
        let next = self.next.get(from).into_iter().flatten();
        next.filter_map(|to| self.routes.get(*to))
    }

    /// From each route the path on which the weights multiply to the most, with that product.
    pub(super) fn heaviest(&self, weights: &[f64]) -> Heaviest<'a> {
        let mut heaviest = Heaviest {
            routes: self.routes,
            product: weights.to_vec(),
            next: vec![None; weights.len()],
        };
        // One round for each hop; a circle, which the reader refuses, ends with the rounds.
        for _ in 0..HOPS_MAX {
            if !self.lengthen(weights, &mut heaviest) {
                break;
            }
        }
        heaviest
    }

    fn lengthen(&self, weights: &[f64], heaviest: &mut Heaviest<'_>) -> bool {
        let mut changed = false;
        for (at, (weight, edges)) in weights.iter().zip(&self.next).enumerate() {
            let of = |to: &usize| Some((*to, *heaviest.product.get(*to)?));
            let best = edges.iter().filter_map(of).max_by(|a, b| a.1.total_cmp(&b.1));
            let Some((to, beyond)) = best else { continue };
            let product = weight * beyond.max(1.0);
            let slots = (heaviest.product.get_mut(at), heaviest.next.get_mut(at));
            if let (Some(known), Some(next)) = slots
                && (product > *known || next.is_none())
            {
                (*known, *next) = (product, Some(to));
                changed = true;
            }
        }
        changed
    }
}

/// The heaviest path from each route.
pub(super) struct Heaviest<'a> {
    routes: &'a [RouteConfig],
    product: Vec<f64>,
    next: Vec<Option<usize>>,
}

impl<'a> Heaviest<'a> {
    /// What the weights on the path from a route multiply to.
    pub(super) fn product(&self, from: usize) -> f64 {
        self.product.get(from).copied().unwrap_or(1.0)
    }

    /// The routes on it, beginning with that one.
    pub(super) fn path(&self, from: usize) -> Vec<&'a RouteConfig> {
        let next = |at: &usize| self.next.get(*at).copied().flatten();
        let along = std::iter::successors(Some(from), next).take(HOPS_MAX);
        along.filter_map(|at| self.routes.get(at)).collect()
    }
}

/// The attempts that one hop makes of a call at worst.
pub(super) fn attempts(route: &RouteConfig) -> f64 {
    f64::from(Hop::of(&route.policy).attempts)
}

/// The same under the budget of the upstream: `min(A, 1 + b + f/λ)`, where each gateway has a floor
/// of its own. It is asked for an outage, in which no retry helps: the ratio holds, and the ceiling
/// above it is out of reach.
pub(super) fn budgeted(view: &View<'_>, route: &RouteConfig, hour: Hour) -> Judged<f64> {
    let most = attempts(route);
    let Some(upstream) = view.upstream(&route.upstream).filter(|_| most > 1.0) else {
        return Ok(most);
    };
    let (share, budget) = (f64::from(upstream.budget.ratio.ppm()) / 1e6, upstream.budget);
    if most <= 1.0 + share {
        return Ok(most);
    }
    let floor = view.gateways() * f64::from(budget.floor_per_second);
    let rate = view.rate_to(&upstream.name, hour)?;
    Ok(most.min(1.0 + share + floor / rate))
}

/// `/pay → /stock → /db`.
pub(super) fn arrows(path: &[&RouteConfig]) -> String {
    path.iter().map(|route| route.name.as_str()).collect::<Vec<_>>().join(" → ")
}
