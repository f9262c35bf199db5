//! Contradictions between a fault and the rest of its scenario.

use std::time::Duration;

use super::table::{Given, Reader};
use super::{Disturbance, Fault, Path, Phases, Target};

/// What faults are checked against.
pub(super) struct Frame {
    pub(super) path: Path,
    pub(super) replicas: u8,
    pub(super) phases: Phases,
    pub(super) quick: Phases,
}

/// What a fault acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Acts {
    /// Replicas, whatever the path.
    Replica,
    /// Packets, connections or processes: a relay between would hide it.
    Bare,
    /// The byte stream of a relay.
    Relay,
    /// Load, product, names: no replica.
    Elsewhere,
}

const fn acts(fault: &Fault) -> Acts {
    match fault {
        Fault::Slow { .. }
        | Fault::Slower { .. }
        | Fault::StarvedCpu { .. }
        | Fault::Status { .. }
        | Fault::SharedLock { .. }
        | Fault::Poison { .. } => Acts::Replica,
        Fault::Crash
        | Fault::Freeze
        | Fault::Pauses { .. }
        | Fault::Loss { .. }
        | Fault::BlackHoledSyn
        | Fault::BlackHole
        | Fault::Refused
        | Fault::RollingRestart { .. }
        | Fault::Flapping { .. }
        | Fault::IdleClose { .. }
        | Fault::NoAccept => Acts::Bare,
        Fault::Resets { .. } | Fault::Cut { .. } | Fault::Corrupt | Fault::WrongLength => {
            Acts::Relay
        }
        Fault::Overload { .. }
        | Fault::HotTenant { .. }
        | Fault::SlowClients { .. }
        | Fault::GatewayKilled
        | Fault::GatewayUpgraded
        | Fault::GatewayReloaded
        | Fault::Dns(_)
        | Fault::Registry(_) => Acts::Elsewhere,
    }
}

/// Notes what cannot be.
pub(super) fn disturbance(
    t: &Reader<'_>,
    disturbance: &Disturbance,
    target: Option<&Given<Target>>,
    frame: &Frame,
) {
    lengths(t, disturbance, frame);
    match (acts(&disturbance.fault), frame.path) {
        (Acts::Relay, Path::Direct) => {
            t.wrong("this fault needs a relay", "add path = \"relay\" at the top");
        }
        (Acts::Bare, Path::Relay) => {
            let what = "a relay answers connections in the replica's place and hides this fault";
            t.wrong(what, "remove path = \"relay\"");
        }
        _ => {}
    }
    let Some(target) = target else { return };
    if acts(&disturbance.fault) == Acts::Elsewhere {
        let what = "this fault strikes no replica";
        t.notes.wrong(target.span.clone(), what, "remove target");
    }
    if matches!(target.value, Target::Some(count) if count > frame.replicas) {
        let what = format!("there are only {} replicas", frame.replicas);
        t.notes.wrong(target.span.clone(), what, "lower target or raise replicas.count");
    }
}

/// Both profiles must hold the fault.
fn lengths(t: &Reader<'_>, disturbance: &Disturbance, frame: &Frame) {
    let least = disturbance.lasts.unwrap_or(Duration::from_millis(1));
    let ends = disturbance.at + least;
    for (name, phases) in [("phases", frame.phases), ("quick", frame.quick)] {
        if ends > phases.fault {
            let what = format!("the fault ends after {name}.fault");
            t.wrong(what, "shorten at or lasts, or lengthen the phase");
        }
    }
}
