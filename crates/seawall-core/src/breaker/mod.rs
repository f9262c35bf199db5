//! Circuit breaker: watches outcomes and stops traffic to what keeps failing.
//!
//! Here are its settings and, in the files beside this one, its machine.

mod settings;

pub use settings::{AbandonedPolicy, BreakerSettings, CoolDown, SlowCalls, WindowKind};
