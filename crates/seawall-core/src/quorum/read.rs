//! One majority read: replies in, a decision as early as possible, and the odd ones.
//!
//! Settings are in `settings.rs`.

use super::settings::{QuorumSettings, REPLICAS_MAX};
use crate::endpoint::EndpointId;
use crate::event::Sink;
use crate::number::small;
use crate::outcome::Outcome;
use crate::time::Instant;

const REPLICAS: usize = REPLICAS_MAX as usize;

/// What a read came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Enough replicas gave the same answer.
    Agreed {
        /// That answer.
        digest: u128,
        /// The replica whose reply completed the majority; its answer can be handed on.
        witness: EndpointId,
    },
    /// No answer can get enough agreement any more, or the time is up.
    Undecided(Tally),
}

/// How the replies of a read are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Replicas that were asked.
    pub asked: u32,
    /// Those that answered.
    pub answered: u32,
    /// Those that failed, invalid answers included.
    pub failed: u32,
    /// The size of the largest group of equal answers.
    pub largest: u32,
    /// How many different answers there are.
    pub different: u32,
}

impl Tally {
    /// Replicas that have not replied.
    #[must_use]
    pub const fn outstanding(&self) -> u32 {
        self.asked - self.answered - self.failed
    }
}

/// What a read reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuorumEvent {
    /// The read is decided.
    Decided {
        /// How.
        verdict: Verdict,
    },
    /// A replica gave the answer of the majority: evidence for it.
    Agreed {
        /// The replica.
        endpoint: EndpointId,
    },
    /// A replica was the odd one: evidence against it.
    Odd {
        /// The replica.
        endpoint: EndpointId,
        /// What it answered; none where its answer failed validation.
        digest: Option<u128>,
    },
}

/// A read at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadSnapshot {
    /// How the replies are spread.
    pub tally: Tally,
    /// The decision, if there is one.
    pub verdict: Option<Verdict>,
    /// When it will be decided, or when late answers will no longer be looked at.
    pub until: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reply {
    Outstanding,
    Answered(u128),
    Failed,
    Invalid,
}

#[derive(Clone, Copy, Debug)]
struct Replica {
    endpoint: EndpointId,
    reply: Reply,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Asking { until: Instant },
    Decided { verdict: Verdict, until: Instant },
}

/// One majority read. See the module for what it is for.
///
/// Each replica counts once: a second reply of the same one, and one that was not asked, change
/// nothing. A `now` earlier than the latest seen counts as the latest. Every step looks at all
/// replies, at most nine.
#[derive(Clone, Debug)]
pub struct MajorityRead {
    settings: QuorumSettings,
    replicas: [Option<Replica>; REPLICAS],
    state: State,
    latest: Instant,
}

impl MajorityRead {
    /// A read that was sent to `replicas` at `now`; repeated ones, and those beyond
    /// [`QuorumSettings::ask`], are left out. With fewer than must agree it is undecided from the
    /// start: see [`MajorityRead::verdict`].
    #[must_use]
    pub fn new(settings: QuorumSettings, replicas: &[EndpointId], now: Instant) -> Self {
        let state = State::Asking { until: now.after(settings.timeout) };
        let mut read = Self { settings, replicas: [None; REPLICAS], state, latest: now };
        let ask = settings.ask.min(REPLICAS_MAX) as usize;
        let mut free = 0;
        for endpoint in replicas {
            let known = read.replicas.iter().flatten().any(|asked| asked.endpoint == *endpoint);
            if let Some(place) = read.replicas.get_mut(free).filter(|_| !known && free < ask) {
                *place = Some(Replica { endpoint: *endpoint, reply: Reply::Outstanding });
                free += 1;
            }
        }
        if let Some(verdict) = read.decide(None) {
            read.state = State::Decided { verdict, until: now.after(settings.linger) };
        }
        read
    }

    /// A replica answered; `digest` is a hash of what is to be compared. Returns the decision if
    /// this answer brings it.
    pub fn answered(
        &mut self,
        endpoint: EndpointId,
        digest: u128,
        now: Instant,
        sink: &mut impl Sink<QuorumEvent>,
    ) -> Option<Verdict> {
        self.take(endpoint, Reply::Answered(digest), now, sink)
    }

    /// An attempt ended without an answer to compare. One that failed validation makes the replica
    /// odd by itself. Returns the decision if this failure brings it.
    pub fn failed(
        &mut self,
        endpoint: EndpointId,
        outcome: &Outcome,
        now: Instant,
        sink: &mut impl Sink<QuorumEvent>,
    ) -> Option<Verdict> {
        let reply = if outcome.is_invalid_answer() { Reply::Invalid } else { Reply::Failed };
        self.take(endpoint, reply, now, sink)
    }

    /// Ends the read undecided if its time is up at `now`.
    pub fn on_timer(&mut self, now: Instant, sink: &mut impl Sink<QuorumEvent>) -> Option<Verdict> {
        let now = self.clock(now);
        match self.state {
            State::Asking { until } if now >= until => {
                let verdict = Verdict::Undecided(self.tally());
                self.enter(verdict, sink);
                Some(verdict)
            }
            State::Asking { .. } | State::Decided { .. } => None,
        }
    }

    /// When [`MajorityRead::on_timer`] must be called, or when a decided read may be dropped.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let until = self.until();
        (!self.is_done(self.latest) && !until.is_never()).then_some(until)
    }

    /// The decision, if there is one.
    #[must_use]
    pub const fn verdict(&self) -> Option<Verdict> {
        match self.state {
            State::Asking { .. } => None,
            State::Decided { verdict, .. } => Some(verdict),
        }
    }

    /// Whether nothing more can be learned: decided, and all have replied or the time for late
    /// answers is over. Attempts that still run may then be abandoned.
    #[must_use]
    pub fn is_done(&self, now: Instant) -> bool {
        let now = now.max(self.latest);
        match self.state {
            State::Asking { .. } => false,
            // Where nobody agreed, late answers accuse nobody.
            State::Decided { verdict: Verdict::Undecided(_), .. } => true,
            State::Decided { until, .. } => now >= until || self.tally().outstanding() == 0,
        }
    }

    /// The replicas whose answers are not that of the majority or failed validation, so far.
    pub fn odd(&self) -> impl Iterator<Item = EndpointId> + '_ {
        let odd = self.replicas.iter().flatten().filter(|replica| self.is_odd(replica.reply));
        odd.map(|replica| replica.endpoint)
    }

    /// How the replies are spread.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for (index, replica) in self.replicas.iter().flatten().enumerate() {
            tally.asked += 1;
            match replica.reply {
                Reply::Outstanding => {}
                Reply::Failed | Reply::Invalid => tally.failed += 1,
                Reply::Answered(digest) => {
                    tally.answered += 1;
                    tally.largest = tally.largest.max(self.agreeing(digest, REPLICAS));
                    tally.different += u32::from(self.agreeing(digest, index) == 0);
                }
            }
        }
        tally
    }

    /// Everything that is known.
    #[must_use]
    pub fn snapshot(&self) -> ReadSnapshot {
        ReadSnapshot { tally: self.tally(), verdict: self.verdict(), until: self.until() }
    }

    /// Asserts what must hold between any two steps.
    pub fn invariants(&self) {
        let tally = self.tally();
        debug_assert!(tally.answered + tally.failed <= tally.asked, "more replies than replicas");
        debug_assert!(tally.asked <= self.settings.ask, "more were asked than should be");
        if let Some(Verdict::Agreed { digest, .. }) = self.verdict() {
            let agreeing = self.agreeing(digest, REPLICAS);
            debug_assert!(agreeing >= self.settings.agree, "agreed without a majority");
        }
    }

    fn take(
        &mut self,
        endpoint: EndpointId,
        reply: Reply,
        now: Instant,
        sink: &mut impl Sink<QuorumEvent>,
    ) -> Option<Verdict> {
        let overdue = self.on_timer(now, sink);
        let was_decided = matches!(self.state, State::Decided { .. });
        if was_decided && self.latest >= self.until() {
            return overdue;
        }
        let asked = self.replicas.iter_mut().flatten();
        let mut waiting = asked.filter(|replica| replica.reply == Reply::Outstanding);
        let Some(replica) = waiting.find(|replica| replica.endpoint == endpoint) else {
            return overdue;
        };
        replica.reply = reply;
        if reply == Reply::Invalid {
            sink.emit(QuorumEvent::Odd { endpoint, digest: None });
        }
        let verdict = if was_decided { None } else { self.decide(Some(endpoint)) };
        match verdict {
            Some(verdict) => self.enter(verdict, sink),
            None => self.report(Replica { endpoint, reply }, sink),
        }
        self.invariants();
        overdue.or(verdict)
    }

    /// The decision that the replies allow, the last of them by `witness`.
    fn decide(&self, witness: Option<EndpointId>) -> Option<Verdict> {
        let (tally, agree) = (self.tally(), self.settings.agree.max(1));
        let mut replies = self.replicas.iter().flatten();
        let last = replies.find(|replica| Some(replica.endpoint) == witness);
        if let Some(Replica { endpoint, reply: Reply::Answered(digest) }) = last.copied()
            && self.agreeing(digest, REPLICAS) >= agree
        {
            return Some(Verdict::Agreed { digest, witness: endpoint });
        }
        let within_reach = tally.largest + tally.outstanding() >= agree;
        (!within_reach).then_some(Verdict::Undecided(tally))
    }

    fn enter(&mut self, verdict: Verdict, sink: &mut impl Sink<QuorumEvent>) {
        let until = self.latest.after(self.settings.linger);
        self.state = State::Decided { verdict, until };
        sink.emit(QuorumEvent::Decided { verdict });
        for replica in self.replicas.iter().flatten() {
            self.report(*replica, sink);
        }
    }

    /// Reports how an answer compares with that of the majority, where there is one.
    fn report(&self, replica: Replica, sink: &mut impl Sink<QuorumEvent>) {
        let Some(Verdict::Agreed { digest: agreed, .. }) = self.verdict() else { return };
        let Replica { endpoint, reply: Reply::Answered(digest) } = replica else { return };
        if digest == agreed {
            sink.emit(QuorumEvent::Agreed { endpoint });
        } else {
            sink.emit(QuorumEvent::Odd { endpoint, digest: Some(digest) });
        }
    }

    fn is_odd(&self, reply: Reply) -> bool {
        match (reply, self.verdict()) {
            (Reply::Invalid, _) => true,
            (Reply::Answered(digest), Some(Verdict::Agreed { digest: agreed, .. })) => {
                digest != agreed
            }
            (Reply::Answered(_) | Reply::Outstanding | Reply::Failed, _) => false,
        }
    }

    /// How many of the first so many replicas gave this answer.
    fn agreeing(&self, digest: u128, first: usize) -> u32 {
        let replies = self.replicas.iter().flatten().take(first);
        let same = replies.filter(|replica| replica.reply == Reply::Answered(digest)).count();
        small(same)
    }

    const fn until(&self) -> Instant {
        match self.state {
            State::Asking { until } | State::Decided { until, .. } => until,
        }
    }

    fn clock(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        self.latest
    }
}
