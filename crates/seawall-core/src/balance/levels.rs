//! Priority levels: which share of the calls each level takes, by the health of all.
//!
//! A level is counted healthier than it is by the over-provisioning factor, so that a few lost
//! endpoints move no traffic; only then does it spill over to the next level (Envoy's priority
//! levels). All in whole hundredths that sum to 100: rounding loses no call.

use super::member::LEVELS_MAX;
use crate::invalid::Invalid;
use crate::ratio::Ratio;
use crate::rng::Draw;

/// A level is taken to carry all its traffic with 5 of 7 of its endpoints: 140 %.
pub const OVERPROVISIONING: Ratio = Ratio::from_percent(140);

/// How levels share the calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LevelMode {
    /// The first level takes what its health allows, and only the rest goes on. The default.
    #[default]
    ActivePassive,
    /// All levels serve at all times, each in proportion to the endpoints that may be chosen.
    ActiveActive,
}

/// How many endpoints a level has, those without weight left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LevelCount {
    /// That may be chosen.
    pub healthy: u32,
    /// That are registered and not draining.
    pub total: u32,
}

/// The counts of all levels, the first first.
pub type LevelCounts = [LevelCount; LEVELS_MAX];

/// The share of each level in hundredths: their sum is 100, or 0 where nothing is healthy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Loads([u8; LEVELS_MAX]);

impl Loads {
    /// The shares that follow from the health of the levels.
    #[must_use]
    pub fn of(counts: &LevelCounts, mode: LevelMode, overprovisioning: Ratio) -> Self {
        let health = counts.map(|count| match mode {
            LevelMode::ActivePassive => health(count, overprovisioning),
            LevelMode::ActiveActive => u64::from(count.healthy),
        });
        let sum: u64 = health.iter().sum();
        let whole = match mode {
            LevelMode::ActivePassive => sum.min(100),
            LevelMode::ActiveActive => sum,
        };
        Self(share_out(health, whole))
    }

    /// The share of a level in hundredths.
    #[must_use]
    pub fn of_level(&self, level: u8) -> u8 {
        self.0.get(usize::from(level)).copied().unwrap_or_default()
    }

    /// All shares, the first level first.
    #[must_use]
    pub const fn shares(&self) -> &[u8; LEVELS_MAX] {
        &self.0
    }

    /// The level for a draw; none where nothing is healthy.
    #[must_use]
    pub fn pick(&self, draw: Draw) -> Option<u8> {
        let mut left = draw.of(100);
        (0..).zip(self.0).find_map(|(level, share)| {
            let hit = left < u64::from(share);
            left = left.saturating_sub(u64::from(share));
            hit.then_some(level)
        })
    }

    /// Whether calls go past the first level that has any endpoints.
    #[must_use]
    pub fn spills(&self, counts: &LevelCounts) -> bool {
        let first = counts.iter().position(|count| count.total > 0).unwrap_or_default();
        self.0.iter().skip(first + 1).any(|share| *share > 0)
    }
}

/// min(100, ⌊100 · factor · healthy / total⌋), but at least 1 where any endpoint is healthy: where
/// one of two hundred is all there is, it gets the calls.
fn health(count: LevelCount, factor: Ratio) -> u64 {
    let percent = u64::from(factor.ppm()) * u64::from(count.healthy) / 10_000;
    let percent = percent.checked_div(u64::from(count.total)).unwrap_or_default();
    percent.clamp(u64::from(count.healthy > 0), 100)
}

/// min(rest, ⌊100 · health / whole⌋) each, and what rounding left to the first that takes any.
fn share_out(health: [u64; LEVELS_MAX], whole: u64) -> [u8; LEVELS_MAX] {
    let mut rest = 100_u8;
    let mut shares = health.map(|health| {
        let share = (health * 100).checked_div(whole).unwrap_or_default();
        let share = u8::try_from(share).unwrap_or(rest).min(rest);
        rest -= share;
        share
    });
    let taking = shares.iter_mut().zip(health).find(|(_, health)| *health > 0);
    if let Some((first, _)) = taking {
        *first += rest;
    }
    shares
}

/// Whether an over-provisioning factor can work.
pub(super) fn validate(factor: Ratio) -> Result<(), Invalid> {
    if (Ratio::ONE.ppm()..=10_000_000).contains(&factor.ppm()) {
        return Ok(());
    }
    Err(Invalid::new("overprovisioning", factor, "100% to 1000%"))
}
