//! Judging failures in a row: which rows are full.
//!
//! What begins and ends a row is in `record.rs`.

use super::event::Finding;
use super::record::Rows;
use super::settings::OutlierSettings;
use crate::number::small;
use crate::ratio::Ratio;

/// What chance may do: the length of a row is a verdict if it comes up once in so many rows.
const BY_CHANCE_PPM: u64 = 10;

/// No row needs to be longer, however often the others fail.
const ROW_MAX: u32 = 100;

/// The least row of failures that is no chance where the others fail by this share.
pub(super) fn least(others: Ratio) -> u32 {
    let mut left = u64::from(Ratio::ONE.ppm());
    let shrinks = |_: &u32| {
        left = others.min(Ratio::ONE).of(left);
        left > BY_CHANCE_PPM
    };
    small((1..ROW_MAX).take_while(shrinks).count() + 1)
}

/// The rows that are full, each with its limit, which is at least `least`.
pub(super) fn findings(rows: Rows, least: u32, settings: &OutlierSettings) -> [Option<Finding>; 3] {
    let full = |limit: Option<u32>, failures: u32| {
        limit.map(|limit| limit.max(least).max(1)).filter(|limit| failures >= *limit)
    };
    let (failures, gateway, local) = (rows.any, rows.gateway, rows.local);
    [
        full(settings.consecutive, failures).map(|limit| Finding::Consecutive { failures, limit }),
        full(settings.gateway, gateway).map(|limit| Finding::Gateway { failures: gateway, limit }),
        full(settings.local_origin, local)
            .map(|limit| Finding::LocalOrigin { failures: local, limit }),
    ]
}
