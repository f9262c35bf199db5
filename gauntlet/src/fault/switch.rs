//! Faults that are switches of a replica or of its relay: which switch each one turns, and how.

use std::path::Path;
use std::time::Duration;

use crate::scenario::{Fault, Path as Way};
use crate::stub::Lock;
use crate::{relay, stub};

/// Whether a switch is turned on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    On,
    Off,
}

/// Of what kind of process it is a switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    Stub,
    Relay,
}

/// Who has the switch of a fault; none where it is no switch.
pub(super) const fn whose(fault: &Fault, way: Way) -> Option<Whose> {
    match (fault, way) {
        (Fault::Slow { .. }, Way::Relay)
        | (
            Fault::Resets { .. } | Fault::Cut { .. } | Fault::Corrupt | Fault::WrongLength,
            Way::Relay | Way::Direct,
        ) => Some(Whose::Relay),
        (
            Fault::Slow { .. }
            | Fault::Slower { .. }
            | Fault::Status { .. }
            | Fault::SharedLock { .. }
            | Fault::IdleClose { .. }
            | Fault::NoAccept
            | Fault::Poison { .. },
            Way::Relay | Way::Direct,
        ) => Some(Whose::Stub),
        _ => None,
    }
}

/// Turns the switch of a fault on a replica. `folder` is where replicas share their lock.
pub(super) fn turn_stub(fault: &Fault, turn: Turn, folder: &Path, set: &mut stub::Switches) {
    let on = turn == Turn::On;
    match fault {
        Fault::Slow { by } => set.delay = if on { nanos(*by) } else { 0 },
        Fault::Slower { times } => set.slower = on.then_some(*times),
        Fault::Status { share, code } => {
            set.status = on.then_some(stub::Status { share: *share, code: *code });
        }
        Fault::SharedLock { hold } => {
            let lock = || Lock { file: folder.join("lock"), hold: nanos(*hold) };
            set.lock = on.then(lock);
        }
        Fault::IdleClose { after } => set.idle_close = if on { nanos(*after) } else { 0 },
        Fault::NoAccept => {
            set.accept = if on { stub::Accept::Off } else { stub::Accept::On };
        }
        Fault::Poison { one_in } => set.poison = if on { *one_in } else { 0 },
        _ => {}
    }
}

/// How many bytes are missing where a length is wrong: fewer than any answer has.
const MISSING: u32 = 10;

/// Turns the switch of a fault on a relay. `links` share a rate.
pub(super) fn turn_relay(fault: &Fault, turn: Turn, links: u8, set: &mut relay::Switches) {
    let on = turn == Turn::On;
    match fault {
        Fault::Slow { by } => set.delay = if on { nanos(*by) } else { 0 },
        Fault::Resets { rate } => {
            set.resets = if on { rate / f64::from(links.max(1)) } else { 0.0 };
        }
        // The switch knows no cut before the first byte: that is a reset.
        Fault::Cut { after } => set.cut_after = if on { (*after).max(1) } else { 0 },
        Fault::Corrupt => set.corrupt = on,
        Fault::WrongLength => set.longer = if on { MISSING } else { 0 },
        _ => {}
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
