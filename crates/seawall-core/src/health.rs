//! Active health: the verdict on a series of health checks, by rise and fall.
//!
//! The checks themselves (sockets, intervals) are the driver's.

/// Settings of the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthSettings {
    /// So many passes in a row make an unhealthy endpoint healthy. Default 2.
    pub rise: u32,
    /// So many failures in a row make a healthy endpoint unhealthy. Default 3.
    pub fall: u32,
}

impl Default for HealthSettings {
    fn default() -> Self {
        Self { rise: 2, fall: 3 }
    }
}
