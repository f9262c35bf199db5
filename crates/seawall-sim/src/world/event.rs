//! What happens in a world, and the answers that travel through it.

use super::slab::Key;

/// Something that is due.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// A call, or a user, of an open load begins.
    Arrive { load: u32, source: u32 },
    /// A load that was silent is looked at again.
    Look { load: u32, source: u32 },
    /// A user calls again.
    User { user: Key },
    /// A request arrives at a replica.
    Reach { job: Key },
    /// A request arrives at a gateway.
    Enter { guarded: Key },
    /// The work of a job is done.
    Done { job: Key },
    /// An answer arrives at who asked.
    Reply { asker: Asker, answer: Answer },
    /// The news arrives that nobody waits for a job any longer.
    Cancel { job: Key },
    /// The news arrives that nobody waits for a call of a gateway any longer.
    Leave { guarded: Key },
    /// The time of an attempt of a caller is over.
    Timeout { call: Key, attempt: u32 },
    /// A caller tries again.
    Retry { call: Key },
    /// A call of a gateway asked to be woken.
    Timer { guarded: Key },
    /// A gateway learns what an attempt met, by its number on a tape.
    Told { guarded: Key, number: u32, sample: u32 },
    /// The body of an answer ends.
    Body { guarded: Key, number: u32 },
    /// A gateway checks an endpoint.
    Check { protected: u32, endpoint: u32 },
    /// The warm-up is over.
    Warm,
    /// A disturbance begins.
    Befall { disturbance: u32 },
    /// And ends.
    Pass { disturbance: u32 },
    /// Its strength is looked at again.
    Reshape { disturbance: u32 },
    /// Its trigger looks at the world.
    Watch { disturbance: u32 },
}

/// Who waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// An attempt of a caller's call.
    Caller { call: Key, attempt: u32 },
    /// An attempt of a gateway's call.
    Gateway { guarded: Key, number: u32 },
    /// A health check: the protected upstream and its endpoint.
    Check { protected: u32, endpoint: u32 },
}

/// What comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// What was asked for.
    Good,
    /// A substitute from a gateway's ladder.
    Substitute,
    /// An error of the service.
    Error,
    /// The service, or a gateway before it, has too much to do.
    Refused,
    /// The connection was cut before the answer.
    Lost,
    /// There is no connection to be had.
    Unreachable,
}
