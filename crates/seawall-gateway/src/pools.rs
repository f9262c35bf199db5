//! The connection pools of one worker: one for each endpoint, made when it is first needed.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;

use http::Version;

use seawall_core::endpoint::EndpointId;
use seawall_upstream::{AnyPool, PoolSnapshot};

use crate::body::AttemptBody;
use crate::live::{Live, Route};

/// The pools of one upstream.
#[derive(Debug, Default)]
struct Kept {
    /// Calls of an earlier generation may still speak what the endpoints spoke then: they must not
    /// get a pool of the new protocol, and new calls none of the old.
    pools: HashMap<(EndpointId, Version), Rc<AnyPool<AttemptBody>>>,
    /// What is spoken since the latest reload.
    spoken: Option<Version>,
}

/// The pools of a worker.
#[derive(Debug, Default)]
pub(crate) struct Pools {
    by_upstream: RefCell<HashMap<String, Kept>>,
}

impl Pools {
    /// The pool of an endpoint.
    pub(crate) fn of(
        &self,
        route: &Route,
        id: EndpointId,
        address: SocketAddr,
    ) -> Rc<AnyPool<AttemptBody>> {
        let (name, key): (&str, _) = (route.upstream.name(), (id, route.pool.version()));
        let mut kept = self.by_upstream.borrow_mut();
        if let Some(pool) = kept.get(name).and_then(|kept| kept.pools.get(&key)) {
            return Rc::clone(pool);
        }
        let pool = Rc::new(AnyPool::new(address, &route.pool));
        kept.entry(name.to_owned()).or_default().pools.insert(key, Rc::clone(&pool));
        pool
    }

    /// Takes over the settings of a new generation and lets go of endpoints that are gone.
    pub(crate) fn follow(&self, live: &Live) {
        let mut kept = self.by_upstream.borrow_mut();
        kept.retain(|name, _| live.upstreams.iter().any(|upstream| **upstream.name() == **name));
        for route in &live.routes {
            let kept = kept.entry(route.upstream.name().to_string()).or_default();
            let (directory, spoken) = (route.upstream.directory(), route.pool.version());
            kept.spoken = Some(spoken);
            // Attempts that hold connections of another protocol end on them.
            kept.pools.retain(|(id, version), pool| {
                *version == spoken && directory.find(*id).is_some() && pool.reconfigure(&route.pool)
            });
        }
    }

    /// Closes connections that have been idle too long, and says what each pool holds.
    pub(crate) fn tend(
        &self,
        now: tokio::time::Instant,
    ) -> Vec<(String, EndpointId, PoolSnapshot)> {
        let mut seen = Vec::new();
        for (name, kept) in self.by_upstream.borrow_mut().iter_mut() {
            for ((id, version), pool) in &kept.pools {
                pool.sweep(now);
                if kept.is_current(*version) {
                    seen.push((name.clone(), *id, pool.snapshot(now)));
                }
            }
            kept.drop_strays(now);
        }
        seen
    }
}

impl Kept {
    /// Whether the generation in force uses pools of this version.
    fn is_current(&self, version: Version) -> bool {
        self.spoken.is_none_or(|spoken| spoken == version)
    }

    /// Lets go of pools that calls of an earlier generation made, once they hold nothing.
    fn drop_strays(&mut self, now: tokio::time::Instant) {
        let Some(spoken) = self.spoken else { return };
        self.pools.retain(|(_, version), pool| {
            let is_current = *version == spoken;
            // Whoever has just asked for it holds it too.
            is_current || Rc::strong_count(pool) > 1 || !is_empty(&pool.snapshot(now))
        });
    }
}

fn is_empty(seen: &PoolSnapshot) -> bool {
    seen.idle + seen.leased + seen.dialling + seen.waiting == 0
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use seawall_config::Config;
    use seawall_core::rng::Stream;
    use seawall_core::time::Instant;

    use super::*;
    use crate::live::{Site, build};
    use crate::resources::Resources;

    /// A generation whose endpoint speaks `protocol`.
    fn speaking(protocol: &str, previous: Option<&Live>) -> Live {
        let text = format!(
            "[upstreams.u]\nendpoints = [\"127.0.0.1:1\"]\nprotocol = \"{protocol}\"\n\
             [[routes]]\nupstream = \"u\"\n"
        );
        let config = Config::parse(&text, "test.toml").unwrap();
        let (now, mut rng) = (Instant::from_millis(1), Stream::new(1, "test"));
        let resources = Resources::of_test();
        build(config, previous, &mut Site { now, rng: &mut rng, resources, workers: 2 })
    }

    /// What a call on the route of `live` gets.
    fn pool(pools: &Pools, live: &Live) -> Rc<AnyPool<AttemptBody>> {
        let route: &Arc<Route> = &live.routes[0];
        let (id, info) = {
            let directory = route.upstream.directory();
            let (id, info) = directory.iter().next().unwrap();
            (id, Arc::clone(info))
        };
        pools.of(route, id, info.address)
    }

    #[tokio::test]
    async fn calls_of_either_side_of_a_reload_get_what_they_speak() {
        let pools = Pools::default();
        let before = speaking("http/1.1", None);
        let http1 = pool(&pools, &before);
        let after = speaking("h2c", Some(&before));
        pools.follow(&after);
        let h2c = pool(&pools, &after);
        assert!(matches!(*http1, AnyPool::Http1(_)) && matches!(*h2c, AnyPool::H2c(_)));
        // A retry of a call that began before the reload.
        assert!(matches!(*pool(&pools, &before), AnyPool::Http1(_)));
        assert!(Rc::ptr_eq(&pool(&pools, &after), &h2c));
    }

    #[tokio::test]
    async fn a_late_call_leaves_no_pool_of_the_old_protocol_behind() {
        let pools = Pools::default();
        let before = speaking("http/1.1", None);
        let after = speaking("h2c", Some(&before));
        pools.follow(&after);
        let late = pool(&pools, &before);
        let now = crate::clock::now();
        assert!(pools.tend(now).is_empty());
        assert!(Rc::ptr_eq(&pool(&pools, &before), &late), "the call still has it");
        let gone = Rc::downgrade(&late);
        drop(late);
        pools.tend(now);
        assert_eq!(gone.strong_count(), 0);
        drop(pool(&pools, &after));
        assert_eq!(pools.tend(now).len(), 1);
    }
}
