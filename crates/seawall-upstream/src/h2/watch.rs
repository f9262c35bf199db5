//! Whether the peer of a connection is dead: a machine over bytes heard and pings answered.
//!
//! It asks only on suspicion, when an attempt waits and nothing has come for a while. Pings at a
//! steady beat would cost idle connections traffic, and gRPC servers end connections that ping
//! often (grpc/grpc:doc/keepalive.md). Sending and timing are up to `driver`.

use std::time::Duration;

use tokio::time::Instant;

/// After a ping that was answered, and by nothing else, the next comes no sooner: gRPC servers
/// bear three pings closer than this without any data between.
const CALM: Duration = Duration::from_secs(300);

/// What to do, and when to ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing, until then.
    Wait(Instant),
    /// Send a PING, and ask again then.
    Ping(Instant),
    /// The peer is dead.
    Dead,
}

/// What is known of the peer.
#[derive(Debug)]
pub(super) struct Watch {
    quiet: Duration,
    answer: Duration,
    /// When anything but an answer to a ping was heard last.
    heard: Instant,
    received: u64,
    /// When the ping without an answer was sent.
    asked: Option<Instant>,
    /// When a ping was answered, if nothing else was heard since.
    calmed: Option<Instant>,
}

impl Watch {
    pub(super) fn new(quiet: Duration, answer: Duration, now: Instant) -> Self {
        Self { quiet, answer, heard: now, received: 0, asked: None, calmed: None }
    }

    /// Whether an answer is awaited.
    pub(super) fn asks(&self) -> bool {
        self.asked.is_some()
    }

    /// Whether `received`, the bytes so far, are more than were known.
    pub(super) fn is_news(&self, received: u64) -> bool {
        received != self.received
    }

    /// Bytes came: the peer lives.
    pub(super) fn on_heard(&mut self, received: u64, now: Instant) {
        self.received = received;
        self.heard = self.heard.max(now);
        self.asked = None;
        self.calmed = None;
    }

    /// The ping was answered, and `received` counts the answer too.
    pub(super) fn on_answered(&mut self, received: u64, now: Instant) {
        self.on_heard(received, now);
        self.calmed = Some(self.heard);
    }

    /// What to do at `now`. `busy` is since when attempts have been waiting without a break;
    /// `None` if none is.
    pub(super) fn step(&mut self, busy: Option<Instant>, now: Instant) -> Step {
        let Some(busy) = busy else {
            self.asked = None;
            return Step::Wait(now + self.quiet);
        };
        if let Some(asked) = self.asked {
            let limit = asked + self.answer;
            return if now < limit { Step::Wait(limit) } else { Step::Dead };
        }
        let due = (self.heard.max(busy) + self.quiet).max(self.calm_until());
        if now < due {
            return Step::Wait(due);
        }
        self.asked = Some(now);
        Step::Ping(now + self.answer)
    }

    fn calm_until(&self) -> Instant {
        self.calmed.map_or(self.heard, |calmed| calmed + CALM)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn watch() -> (Watch, Instant) {
        let now = crate::clock::now();
        (Watch::new(5 * S, 2 * S, now), now)
    }

    #[test]
    fn peer_that_answers_no_ping_is_dead() {
        let (mut watch, t0) = watch();
        assert_eq!(watch.step(Some(t0), t0 + S), Step::Wait(t0 + 5 * S));
        assert_eq!(watch.step(Some(t0), t0 + 5 * S), Step::Ping(t0 + 7 * S));
        assert_eq!(watch.step(Some(t0), t0 + 6 * S), Step::Wait(t0 + 7 * S));
        assert_eq!(watch.step(Some(t0), t0 + 7 * S), Step::Dead);
    }

    #[test]
    fn any_byte_is_an_answer() {
        let (mut watch, t0) = watch();
        assert_eq!(watch.step(Some(t0), t0 + 5 * S), Step::Ping(t0 + 7 * S));
        assert!(watch.is_news(9));
        watch.on_heard(9, t0 + 6 * S);
        assert!(!watch.asks() && !watch.is_news(9));
        assert_eq!(watch.step(Some(t0), t0 + 7 * S), Step::Wait(t0 + 11 * S));
    }

    #[test]
    fn nobody_is_asked_while_nobody_waits() {
        let (mut watch, t0) = watch();
        assert_eq!(watch.step(None, t0 + 60 * S), Step::Wait(t0 + 65 * S));
        // The first attempt after the silence has not waited yet.
        let busy = t0 + 64 * S;
        assert_eq!(watch.step(Some(busy), t0 + 65 * S), Step::Wait(t0 + 69 * S));
        // The ping of an attempt that has ended proves nothing about the next one.
        assert_eq!(watch.step(Some(busy), t0 + 69 * S), Step::Ping(t0 + 71 * S));
        assert_eq!(watch.step(None, t0 + 71 * S), Step::Wait(t0 + 76 * S));
    }

    #[test]
    fn quiet_streams_of_a_living_peer_are_left_in_peace() {
        let (mut watch, t0) = watch();
        assert_eq!(watch.step(Some(t0), t0 + 5 * S), Step::Ping(t0 + 7 * S));
        watch.on_answered(17, t0 + 6 * S);
        assert_eq!(watch.step(Some(t0), t0 + 11 * S), Step::Wait(t0 + 306 * S));
        watch.on_heard(90, t0 + 20 * S);
        assert_eq!(watch.step(Some(t0), t0 + 20 * S), Step::Wait(t0 + 25 * S));
    }
}
