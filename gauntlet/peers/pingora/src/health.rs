//! The active health checks of Pingora, as often as those of the other products.
//!
//! Here: what is asked. The balancer runs the checks by itself.

use std::time::Duration;

use pingora::lb::health_check::{HealthCheck, HttpHealthCheck};

/// From one check to the next.
pub const EVERY: Duration = Duration::from_millis(500);

/// Two results in a row change the verdict; a check may take as long as one attempt.
pub fn check(path: &str) -> Result<Box<dyn HealthCheck + Send + Sync>, Box<dyn std::error::Error>> {
    let mut check = HttpHealthCheck::new("replica", false);
    check.req.set_uri(path.parse()?);
    check.consecutive_success = 2;
    check.consecutive_failure = 2;
    check.peer_template.options.connection_timeout = Some(Duration::from_millis(250));
    check.peer_template.options.read_timeout = Some(EVERY);
    Ok(Box::new(check))
}
