//! What the gateway shows of itself: status, recent calls, events and metrics.
//!
//! Here are the shapes; the admin side serves them as JSON.

mod model;

pub use model::{
    BreakerStatus, BudgetStatus, BulkheadStatus, CallRecord, EndpointStatus, EventRecord,
    LatencyStatus, PoolStatus, RouteStatus, Status, TrailStep, UpstreamStatus, UpstreamTotals,
};
