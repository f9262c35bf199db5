//! Which replicas serve which routes. Read from the attempts of the control phase, since a product
//! may be told in its own way; replicas that share a route make a pool.

use std::collections::{BTreeMap, BTreeSet};

use super::span::Spans;
use crate::run::Run;
use crate::scenario::Scenario;
use crate::stream::Planned;

/// Replicas that serve the same routes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pool {
    pub(crate) routes: BTreeSet<u8>,
    pub(crate) replicas: BTreeSet<u8>,
    /// Those of its replicas that faults struck.
    pub(crate) targets: BTreeSet<u8>,
}

impl Pool {
    /// Whether no replica of it is spared.
    pub(crate) fn is_all_struck(&self) -> bool {
        !self.replicas.is_empty() && self.targets.len() == self.replicas.len()
    }
}

/// All pools.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pools(pub(crate) Vec<Pool>);

impl Pools {
    pub(crate) fn of(
        run: &Run,
        scenario: &Scenario,
        spans: &Spans,
        planned: &BTreeMap<u64, &Planned>,
    ) -> Self {
        let mut served: BTreeMap<u8, BTreeSet<u8>> = BTreeMap::new();
        for attempt in run.attempts.iter().filter(|one| spans.control.has(one.begun)) {
            if let Some(planned) = attempt.id.and_then(|id| planned.get(&id)) {
                served.entry(planned.route).or_default().insert(attempt.replica);
            }
        }
        let mut pools = joined(served);
        if pools.is_empty() {
            // Nothing was seen to be served: as the scenario says.
            pools = planned_pools(run, scenario);
        }
        for pool in &mut pools {
            let struck = run.targets.iter().filter(|target| pool.replicas.contains(target));
            pool.targets = struck.copied().collect();
        }
        Self(pools)
    }

    /// The pools that faults struck.
    pub(crate) fn struck(&self) -> impl Iterator<Item = &Pool> {
        self.0.iter().filter(|pool| !pool.targets.is_empty())
    }

    /// The pool that serves a route.
    pub(crate) fn serving(&self, route: u8) -> Option<&Pool> {
        self.0.iter().find(|pool| pool.routes.contains(&route))
    }
}

/// All routes by all replicas, but for those that the last route has for itself.
fn planned_pools(run: &Run, scenario: &Scenario) -> Vec<Pool> {
    let mut routes: BTreeSet<u8> = run.stream.iter().map(|planned| planned.route).collect();
    let has = scenario.replicas;
    let pool = |routes, replicas: std::ops::Range<u8>| Pool {
        routes,
        replicas: replicas.collect(),
        targets: BTreeSet::new(),
    };
    let last = routes.last().copied().filter(|_| has.aside > 0);
    let own = last.filter(|last| routes.remove(last));
    let shared = pool(routes, 0..has.count);
    let aside = own.map(|route| pool([route].into(), has.count..has.all()));
    std::iter::once(shared).chain(aside).collect()
}

fn joined(served: BTreeMap<u8, BTreeSet<u8>>) -> Vec<Pool> {
    let mut pools: Vec<Pool> = Vec::new();
    for (route, replicas) in served {
        let (shared, apart): (Vec<Pool>, Vec<Pool>) =
            pools.into_iter().partition(|pool| !pool.replicas.is_disjoint(&replicas));
        let mut pool = Pool { routes: [route].into(), replicas, targets: BTreeSet::new() };
        for other in shared {
            pool.routes.extend(other.routes);
            pool.replicas.extend(other.replicas);
        }
        pools = apart;
        pools.push(pool);
    }
    pools.sort_by(|a, b| a.routes.cmp(&b.routes));
    pools
}
