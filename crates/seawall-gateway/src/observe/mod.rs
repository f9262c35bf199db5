//! What the gateway shows of itself: status, recent calls, events and metrics.
//!
//! Here are the shapes and how they are filled; the admin side serves them.

mod calls;
mod events;
mod metrics;
mod model;
mod status;
mod words;

pub(crate) use calls::calls;
pub(crate) use events::EventLog;
pub(crate) use metrics::render;
pub use model::{
    BreakerStatus, BudgetStatus, BulkheadStatus, CallRecord, EndpointStatus, EventRecord,
    HoldStatus, LatencyStatus, LimitStatus, PoolStatus, RouteStatus, Status, TrailStep,
    UpstreamStatus, UpstreamTotals,
};
pub(crate) use status::status;
