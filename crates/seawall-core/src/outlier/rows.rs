//! Judging failures in a row: which rows are full.
//!
//! What begins and ends a row is in `record.rs`.

use super::event::Finding;
use super::record::Rows;
use super::settings::OutlierSettings;

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
