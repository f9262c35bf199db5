//! Outlier detector: takes endpoints out of choice that do much worse than the rest.
//!
//! It judges by the outcomes of real attempts. `record` is what is known of one endpoint, `rows`,
//! `rates` and `latency` the comparison of endpoints, `judge`
//! what follows from it, `outliers` the machine that ejects, `probe`
//! the way back, `membership` who belongs, and `explain` why somebody is not ejected. Active health
//! checks judge for themselves (`health.rs`); slow start after a return is the balancer's
//! (`balance`); comparing the answers of replicas is `quorum`.

mod event;
mod evidence;
mod explain;
mod judge;
mod latency;
mod membership;
mod outliers;
mod probe;
mod rates;
mod record;
mod rows;
mod settings;
mod usual;
mod validate;

#[cfg(test)]
mod tests;

pub use event::{Detector, Ejection, Finding, OutlierEvent};
pub use evidence::{Agreement, Evidence};
pub use explain::WhyNot;
pub use membership::Remembered;
pub use outliers::{OutlierSnapshot, Outliers};
pub use probe::ProbeTicket;
pub use record::Standing;
pub use settings::{
    CapRule, CommonFault, Enforcement, LatencyRule, MeanRule, OddRule, OutlierSettings, READS_MAX,
};
