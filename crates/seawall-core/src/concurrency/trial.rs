//! A trial: is an endpoint slow because of what is in flight, or for a reason of its own?
//!
//! For a moment fewer are let in, down to what the endpoint works on at once if it is overload.
//! Under overload their latency falls back to the base; of an endpoint that is slow whatever is in
//! flight it stays. Of those who were let in before, many more at once tell as much: under overload
//! they are as much slower, else they are not. What follows is in `knee.rs`, and callers wait until
//! it is known.

use super::epoch::Reading;
use super::millionths::Millionths;
use super::{Evidence, Finished};
use crate::ratio::Ratio;
use crate::time::{Duration, Instant, nanos};

/// So many samples tell if they are clear, and so many in any case: where latencies spread as
/// widely as they are long their mean is off by a third, and by a quarter.
const SOME: u32 = 8;
const ALL: u32 = 16;

/// What is in flight is lowered to this share at least: less, and chance would decide.
const CONTRAST: Ratio = Ratio::from_percent(75);

/// So many times what was in flight when it became slow are many more.
const MANY: u32 = 2;

/// Where nothing ends for longer than this, and so many of the latencies that began it, a trial has
/// nothing to tell from: the endpoint is silent, or nobody asks.
const SILENCE: Duration = Duration::from_secs(1);
const SILENCE_LATENCIES: u32 = 4;

/// So many such times it may take, of an endpoint that has much in its queue.
const LONGEST: u32 = 10;

/// What a trial has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// Fewer in flight are faster: the endpoint has all that it can work on.
    Overload,
    /// Fewer are no faster than this.
    Slow(Duration),
    /// Too few samples came.
    Nothing,
}

/// A trial under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trial {
    since: Instant,
    heard_at: Instant,
    /// What raised the suspicion.
    pub(super) suspect: Reading,
    /// What the endpoint works on at once, if it is overload.
    pub(super) knee: Millionths,
    base: Duration,
    /// The limit meanwhile.
    pub(super) level: Millionths,
    /// The limit before.
    pub(super) before: Millionths,
    fewer: Group,
    more: Group,
}

/// Samples of a kind, added up.
#[derive(Clone, Copy, Debug, Default)]
struct Group {
    count: u32,
    latency: u64,
    beside: u64,
}

impl Group {
    fn add(&mut self, finished: &Finished) {
        self.count += 1;
        self.latency = self.latency.saturating_add(nanos(finished.latency));
        self.beside += u64::from(finished.in_flight);
    }

    fn latency(&self) -> Duration {
        Duration::from_nanos(self.latency / u64::from(self.count.max(1)))
    }

    fn beside(&self) -> Millionths {
        Millionths::mean(self.beside, self.count)
    }
}

impl Trial {
    /// Begins one, unless so few are in flight that no fewer can be. `proven` is a concurrency
    /// that is known to do no harm, and `least` the least that a limit may be.
    pub(super) fn begin(
        (base, suspect): (Duration, Reading),
        proven: Millionths,
        least: u32,
        (before, now): (Millionths, Instant),
    ) -> Option<Self> {
        let knee = suspect.beside.times(base, suspect.latency);
        let most = suspect.beside.share(CONTRAST);
        let level = knee.ceil().max(proven.floor()).min(most.floor());
        let level = level.max(Millionths::whole(least));
        (level <= most).then(|| Self {
            since: now,
            heard_at: now,
            suspect,
            knee,
            base,
            level,
            before,
            fewer: Group::default(),
            more: Group::default(),
        })
    }

    /// Takes what has ended: those who began since then and found no more in flight, and those who
    /// found many more.
    pub(super) fn take(&mut self, finished: &Finished, now: Instant) -> Option<Finding> {
        debug_assert_eq!(finished.evidence, Evidence::Sample, "what says nothing has no latency");
        self.heard_at = now;
        let began_since = now.since(self.since) >= finished.latency;
        let many = self.suspect.beside.permits().saturating_mul(MANY);
        if finished.in_flight >= many {
            self.more.add(finished);
        } else if began_since && finished.in_flight <= self.few() {
            self.fewer.add(finished);
        }
        let over = || self.is_over(now).then_some(Finding::Nothing);
        self.of_fewer().or_else(|| self.of_more()).or_else(over)
    }

    /// Those who pass a full endpoint over for want of a better one may be some more.
    fn few(&self) -> u32 {
        self.suspect.beside.share(CONTRAST).permits().max(self.level.permits())
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        let patience = self.suspect.latency.saturating_mul(SILENCE_LATENCIES).max(SILENCE);
        let longest = patience.saturating_mul(LONGEST);
        now.since(self.heard_at) > patience || now.since(self.since) > longest
    }

    /// Between the latency of overload and that of a slow endpoint the geometric mean decides, and
    /// before all samples are there what is within a quarter of the way from either.
    fn of_fewer(&self) -> Option<Finding> {
        let latency = self.fewer.latency();
        // The base, or what waits beyond the knee.
        let busy = self.fewer.beside().max(self.knee).of(self.base, self.knee);
        let slow = self.suspect.latency;
        let margin = slow.saturating_sub(busy) / 4;
        let clear =
            latency <= busy.saturating_add(margin) || latency >= slow.saturating_sub(margin);
        let enough = self.fewer.count >= ALL || (self.fewer.count >= SOME && clear);
        let finding = match is_nearer(latency, busy, slow) {
            true => Finding::Overload,
            false => Finding::Slow(latency),
        };
        enough.then_some(finding)
    }

    /// Many more say only that it is no overload: one that has been slow for long before would
    /// have to be slower still.
    fn of_more(&self) -> Option<Finding> {
        let latency = self.more.latency();
        let busy = self.more.beside().of(self.suspect.latency, self.suspect.beside);
        let slow = is_nearer(latency, self.suspect.latency, busy);
        (self.more.count == ALL && slow).then_some(Finding::Slow(latency))
    }

    pub(super) fn invariants(&self) {
        debug_assert!(self.fewer.count <= ALL, "a trial that does not end");
        debug_assert!(self.level <= self.suspect.beside, "a trial of no fewer in flight");
    }
}

/// Whether `latency` is nearer to `low` than to `high`, by its ratio to them.
fn is_nearer(latency: Duration, low: Duration, high: Duration) -> bool {
    product(latency, latency) < product(low, high)
}

fn product(one: Duration, other: Duration) -> u128 {
    u128::from(nanos(one)) * u128::from(nanos(other))
}
