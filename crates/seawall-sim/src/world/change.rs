//! What is changed on purpose: another config in a gateway, an endpoint that is drained.

use seawall_core::time::Instant;
use seawall_core::upstream::Draining;

use super::World;
use super::event::Event;
use super::number;
use crate::plan::Victims;

impl World {
    /// A gateway changes places with the settings that a disturbance holds; a second time brings
    /// the first ones back. What its machines have learned stays.
    pub(super) fn reload(&mut self, index: u32) {
        let Some(disturbance) = self.plan.disturbances.get_mut(index as usize) else { return };
        let Victims::Gateway(id, upstreams, routes) = &mut disturbance.victims else { return };
        let Some(gateway) = self.plan.gateways.get_mut(id.0) else { return };
        std::mem::swap(&mut gateway.upstreams, upstreams);
        std::mem::swap(&mut gateway.routes, routes);
        let id = id.0;
        for place in 0..self.protected.len() {
            if self.protected.get(place).is_some_and(|state| state.gateway == id) {
                self.reconfigure(place);
            }
        }
    }

    fn reconfigure(&mut self, place: usize) {
        let (Some(state), now) = (self.protected.get_mut(place), self.now) else { return };
        let gateway = self.plan.gateways.get(state.gateway);
        let Some(settings) = gateway.and_then(|g| g.upstreams.get(state.place)) else { return };
        state.upstream.reconfigure(settings.settings, now, &mut state.notes);
        state.upstream.set_overrides(settings.overrides.clone());
        let begins = state.checks.is_none() && settings.checks.is_some();
        state.checks = settings.checks;
        if begins {
            self.begin_checks_of(place, now);
        }
        self.report(number(place));
    }

    /// Checks of the endpoints of an upstream begin, out of step.
    pub(super) fn begin_checks_of(&mut self, place: usize, now: Instant) {
        let Some(state) = self.protected.get_mut(place) else { return };
        let Some((every, _)) = state.checks else { return };
        for endpoint in 0..state.endpoints.len() {
            let phase = seawall_core::rng::Rng::below(
                &mut state.chance,
                seawall_core::time::nanos(every).max(1),
            );
            let event = Event::Check { protected: number(place), endpoint: number(endpoint) };
            let at = now.after(seawall_core::time::Duration::from_nanos(phase));
            self.agenda.enter(at, event);
        }
    }

    /// All gateways before a replica learn that it takes no new work, or does again.
    pub(super) fn drain_endpoint(&mut self, station: u32, draining: Draining) {
        let Some(service) = self.stations.get(station as usize).map(|s| s.service) else { return };
        let first = self.services.get(service as usize).map_or(0, |state| state.first);
        let endpoint = (station as usize).saturating_sub(first);
        for state in self.protected.iter_mut().filter(|state| number(state.service.0) == service) {
            if let Some(id) = state.endpoints.get(endpoint) {
                state.upstream.set_draining(*id, draining, self.now);
            }
        }
    }
}
