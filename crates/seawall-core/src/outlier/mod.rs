//! Outlier detector: takes endpoints out of choice that do much worse than the rest.
//!
//! It judges by the outcomes of real attempts. `record` is what is known of one endpoint, `rates`
//! the comparison of endpoints, `outliers` the machine that ejects, `probe` the way back, and
//! `membership` who belongs. Active health checks judge for themselves (`health.rs`); slow start
//! after a return is the balancer's (`balance`).

mod event;
mod membership;
mod outliers;
mod probe;
mod rates;
mod record;
mod settings;

#[cfg(test)]
mod tests;

pub use event::{Detector, Ejection, Finding, OutlierEvent};
pub use membership::Remembered;
pub use outliers::{Evidence, OutlierSnapshot, Outliers};
pub use probe::ProbeTicket;
pub use record::Standing;
pub use settings::OutlierSettings;
