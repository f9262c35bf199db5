//! The connection pools of one worker: one for each endpoint, made when it is first needed.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;

use seawall_core::endpoint::EndpointId;
use seawall_upstream::{AnyPool, PoolSnapshot};

use crate::body::AttemptBody;
use crate::live::{Live, Route};

/// The pools of one upstream.
type ByEndpoint = HashMap<EndpointId, Rc<AnyPool<AttemptBody>>>;

/// The pools of a worker.
#[derive(Debug, Default)]
pub(crate) struct Pools {
    by_upstream: RefCell<HashMap<String, ByEndpoint>>,
}

impl Pools {
    /// The pool of an endpoint.
    pub(crate) fn of(
        &self,
        route: &Route,
        id: EndpointId,
        address: SocketAddr,
    ) -> Rc<AnyPool<AttemptBody>> {
        let mut pools = self.by_upstream.borrow_mut();
        let name: &str = route.upstream.name();
        if let Some(pool) = pools.get(name).and_then(|pools| pools.get(&id)) {
            return Rc::clone(pool);
        }
        let pool = Rc::new(AnyPool::new(address, &route.pool));
        pools.entry(name.to_owned()).or_default().insert(id, Rc::clone(&pool));
        pool
    }

    /// Takes over the settings of a new generation and lets go of endpoints that are gone.
    pub(crate) fn follow(&self, live: &Live) {
        let mut pools = self.by_upstream.borrow_mut();
        pools.retain(|name, _| live.upstreams.iter().any(|upstream| **upstream.name() == **name));
        for route in &live.routes {
            let Some(pools) = pools.get_mut(&**route.upstream.name()) else { continue };
            let directory = route.upstream.directory();
            pools.retain(|id, _| directory.find(*id).is_some());
            // One that spoke another protocol is made anew when it is next needed; attempts that
            // hold its connections end there.
            pools.retain(|_, pool| pool.reconfigure(&route.pool));
        }
    }

    /// Closes connections that have been idle too long, and says what each pool holds.
    pub(crate) fn tend(
        &self,
        now: tokio::time::Instant,
    ) -> Vec<(String, EndpointId, PoolSnapshot)> {
        let pools = self.by_upstream.borrow();
        let mut seen = Vec::new();
        for (name, pools) in pools.iter() {
            for (id, pool) in pools {
                pool.sweep(now);
                seen.push((name.clone(), *id, pool.snapshot(now)));
            }
        }
        seen
    }
}
