//! The rules, one file for each family.
//!
//! Each judges the whole view and writes down what it found, or what it would have to know.

mod amplification;
mod breaker;
mod bulkhead;
mod cache;
mod capacity;
mod ejection;
mod fallback;
mod faults;
mod hedge;
mod leftovers;
mod margin;
mod patience;
mod recovery;
mod retries;

use super::view::{Notes, View};

/// A rule as a function.
type Judge = fn(&View<'_>, &mut Notes);

/// Every rule, L1 first.
pub(super) const JUDGES: [Judge; 30] = [
    patience::l1_inversion,
    patience::l2_unfitting,
    amplification::l3_worst_case,
    amplification::l4_budgeted,
    amplification::l5_layers,
    retries::l6_in_step,
    retries::l7_too_soon,
    retries::l8_unsafe,
    breaker::l9_never_trips,
    breaker::l10_noise,
    breaker::l11_too_wide,
    bulkhead::l12_too_small,
    bulkhead::l13_no_effect,
    bulkhead::l14_long_queue,
    ejection::l15_inert,
    ejection::l16_slow,
    ejection::l17_probes,
    recovery::l18_stampede,
    hedge::l19_unbudgeted,
    fallback::l20_shared_fate,
    capacity::l21_limit,
    capacity::l22_zone,
    margin::l23_metastable,
    recovery::l24_keep_alive,
    recovery::l25_drain,
    cache::l26_in_step,
    faults::l27_left_on,
    leftovers::l28_shadow,
    leftovers::l29_unused,
    leftovers::l30_refusals,
];
