//! Recent calls with their trails, in words.

use super::status::{endpoint_name, ms};
use super::words::of_step;
use super::{CallRecord, TrailStep};
use crate::proxy::Finished;
use crate::shared::Shared;

use seawall_core::reason::Reason;

/// The latest calls, newest first.
pub(crate) fn calls(shared: &Shared, limit: usize) -> Vec<CallRecord> {
    shared.calls.latest(limit).iter().map(|call| record(shared, call)).collect()
}

fn record(shared: &Shared, call: &Finished) -> CallRecord {
    let name = |id| endpoint_name(&call.route.upstream, id);
    let trail = call.trail.steps().map(|step| {
        let (code, detail) = of_step(&step.kind, name);
        TrailStep { at_ms: ms(step.at.since(call.started)), step: code, detail }
    });
    CallRecord {
        id: call.id.to_str().unwrap_or_default().to_owned(),
        at_unix_ms: shared.clock.unix_ms(call.started),
        route: call.route.name.to_string(),
        upstream: call.route.upstream.name().to_string(),
        method: call.method.to_string(),
        path: call.path.to_string(),
        status: call.status.map(|status| status.as_u16()),
        verdict: call.verdict_name(),
        reason: call.reason().map(Reason::code),
        duration_ms: ms(call.ended.since(call.started)),
        attempts: call.attempts,
        trail: trail.collect(),
        trail_dropped: call.trail.dropped(),
    }
}
