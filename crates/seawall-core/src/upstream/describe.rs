//! What is configured for endpoints besides their names: weight, zone and priority level.
//!
//! Who belongs to the upstream is decided in `mod.rs`, what the numbers do in `crate::balance`.

use alloc::vec::Vec;

use crate::balance::EndpointInfo;
use crate::endpoint::EndpointId;
use crate::rng::Rng;
use crate::time::Instant;

use super::{EndpointName, Upstream};

impl Upstream {
    /// Like [`Upstream::set_endpoints`], and says what is configured for each. Of a repeated name
    /// the last description holds. Tables of keyed algorithms are built once.
    pub fn set_described(
        &mut self,
        endpoints: &[(EndpointName, EndpointInfo)],
        now: Instant,
        rng: &mut impl Rng,
    ) -> Vec<(EndpointName, EndpointId)> {
        let names: Vec<_> = endpoints.iter().map(|(name, _)| name.clone()).collect();
        let placed = self.place(&names, now, rng);
        for (name, info) in endpoints {
            if let Some(id) = self.find(name) {
                self.put_info(id, *info);
            }
        }
        self.rebalance();
        self.count_places(now);
        placed
    }

    /// Says what is configured for one endpoint from now on. Running attempts go on; what was
    /// learned stays. Builds the table of a keyed algorithm anew: for many changes at once take
    /// [`Upstream::set_described`]. Without effect on an endpoint that is not there.
    pub fn describe_endpoint(&mut self, id: EndpointId, info: EndpointInfo) {
        self.put_info(id, info);
        self.rebalance();
        // Nothing that is counted has changed with time alone but silence, which is seen soon.
        self.count_places(self.counted_at);
    }

    /// What is configured for an endpoint, if it is still registered.
    #[must_use]
    pub fn info(&self, id: EndpointId) -> Option<EndpointInfo> {
        self.endpoint(id).map(|endpoint| endpoint.info)
    }

    fn put_info(&mut self, id: EndpointId, info: EndpointInfo) {
        if let Some(endpoint) = self.endpoint_mut(id) {
            endpoint.info = info.bounded();
        }
    }

    /// Tells the balancer who is there. One that leaves weighs nothing: its keys move when it
    /// begins to leave, not a second time when its last attempt ends.
    pub(super) fn rebalance(&mut self) {
        self.calm = false;
        self.regrouped = true;
        for endpoint in self.endpoints.iter().flatten() {
            let weight = if endpoint.leaving.is_some() { 0 } else { endpoint.info.weight };
            let info = EndpointInfo { weight, ..endpoint.info };
            self.balancer.describe(endpoint.id.slot, endpoint.name.placement(), info);
        }
        self.balancer.rebuild();
        // Whoever joined and left again without a choice in between has nothing left to tell.
        let mut newcomers = core::mem::take(&mut self.newcomers);
        newcomers.retain(|id| self.endpoint(*id).is_some());
        self.newcomers = newcomers;
    }
}
