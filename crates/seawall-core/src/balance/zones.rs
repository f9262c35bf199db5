//! Zone-aware routing: calls stay in the caller's own zone as far as that overloads nobody.
//!
//! Source: the zone-aware load balancing of Finagle and Envoy. It assumes that callers elsewhere
//! do the same, each with its share of all calls.

use super::member::{ZONES_MAX, Zone};
use crate::invalid::Invalid;
use crate::number::small;
use crate::ratio::Ratio;
use crate::rng::Draw;

/// With fewer endpoints that may be chosen, one more or less per zone would swing the shares.
pub const ZONE_ENDPOINTS_MIN: u32 = 6;

const WHOLE: u64 = 1_000_000;

/// Which part of all calls comes from each zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Callers {
    /// Equal parts from the own zone and each that has endpoints. The default: nothing else is
    /// known.
    #[default]
    Even,
    /// As stated or measured, by the number of the zone; they should sum to one.
    Shares([Ratio; ZONES_MAX]),
}

/// Where this caller stands, and the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneSettings {
    /// The zone of this caller.
    pub own: Zone,
    /// Where all callers stand.
    pub callers: Callers,
    /// Endpoints that may be chosen at least, or calls go to all zones alike. Default
    /// [`ZONE_ENDPOINTS_MIN`].
    pub endpoints_min: u32,
}

impl ZoneSettings {
    /// The defaults for a caller in this zone.
    #[must_use]
    pub const fn new(own: Zone) -> Self {
        Self { own, callers: Callers::Even, endpoints_min: ZONE_ENDPOINTS_MIN }
    }

    /// Whether they can work.
    ///
    /// # Errors
    /// Shares that do not sum to one, give or take what rounding to ppm leaves, or none for the
    /// own zone.
    pub fn validate(&self) -> Result<(), Invalid> {
        let Callers::Shares(shares) = self.callers else { return Ok(()) };
        let sum: u64 = shares.iter().map(|share| u64::from(share.ppm())).sum();
        if sum.abs_diff(WHOLE) > ZONES_MAX as u64 {
            return Err(Invalid::new("zone.callers", sum, "shares that sum to 1000000 ppm"));
        }
        if shares.get(self.own.index()).is_none_or(|own| own.ppm() == 0) {
            return Err(Invalid::new("zone.callers", 0, "above 0% for the own zone"));
        }
        Ok(())
    }

    /// How calls of this caller are to be shared among zones whose endpoints that may be chosen
    /// number `healthy`; none where zones should not matter.
    #[must_use]
    pub fn route(&self, healthy: &[u32; ZONES_MAX]) -> Option<ZoneShares> {
        let total: u64 = healthy.iter().map(|count| u64::from(*count)).sum();
        let zones = healthy.iter().filter(|count| **count > 0).count();
        if zones < 2 || total < u64::from(self.endpoints_min) {
            return None;
        }
        let endpoints = healthy.map(|count| u64::from(count) * WHOLE / total);
        let callers = match self.callers {
            Callers::Even => self.even(healthy),
            Callers::Shares(shares) => shares.map(|share| u64::from(share.ppm())),
        };
        self.share_out(&endpoints, &callers)
    }

    /// Equal parts for the zones that have endpoints, and for the own one, which has a caller.
    fn even(&self, healthy: &[u32; ZONES_MAX]) -> [u64; ZONES_MAX] {
        let mut parts = healthy.map(|count| u64::from(count > 0));
        if let Some(own) = parts.get_mut(self.own.index()) {
            *own = 1;
        }
        let zones: u64 = parts.iter().sum();
        parts.map(|part| part * WHOLE / zones.max(1))
    }

    /// All to the own zone while it has its share of the endpoints. Else as much as keeps its
    /// endpoints as busy as the average, and the rest to zones with endpoints to spare.
    fn share_out(
        &self,
        endpoints: &[u64; ZONES_MAX],
        callers: &[u64; ZONES_MAX],
    ) -> Option<ZoneShares> {
        let own = self.own.index();
        let (here, asked) = (*endpoints.get(own)?, *callers.get(own)?);
        let mut shares = [0; ZONES_MAX];
        if asked == 0 {
            return None;
        }
        if here >= asked {
            *shares.get_mut(own)? = WHOLE;
            return Some(ZoneShares(shares));
        }
        let local = here * WHOLE / asked;
        let mut spares = *endpoints;
        for (spare, callers) in spares.iter_mut().zip(callers) {
            *spare = spare.saturating_sub(*callers);
        }
        let sum: u64 = spares.iter().sum();
        for (share, spare) in shares.iter_mut().zip(spares) {
            *share = ((WHOLE - local) * spare).checked_div(sum)?;
        }
        *shares.get_mut(own)? = local;
        // What rounding left goes where most of it was to go, which is a zone with endpoints.
        let lost = WHOLE.saturating_sub(shares.iter().sum());
        *shares.iter_mut().max()? += lost;
        Some(ZoneShares(shares))
    }
}

/// The share of each zone in parts per million; they sum to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneShares([u64; ZONES_MAX]);

impl ZoneShares {
    /// The share of a zone.
    #[must_use]
    pub fn of(&self, zone: Zone) -> Ratio {
        let ppm = self.0.get(zone.index()).copied().unwrap_or_default();
        Ratio::from_ppm(small(ppm))
    }

    /// The zone for a draw.
    #[must_use]
    pub fn pick(&self, draw: Draw) -> Option<Zone> {
        let mut left = draw.of(WHOLE);
        let found = self.0.iter().position(|share| {
            let hit = left < *share;
            left = left.saturating_sub(*share);
            hit
        });
        Zone::new(u8::try_from(found?).ok()?)
    }
}
