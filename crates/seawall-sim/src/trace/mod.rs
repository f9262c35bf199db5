//! A service that behaves as somebody wrote down that it did.
//!
//! A [`Trace`] answers the attempts of a simulated world from recorded ones. The rule, in this
//! order:
//!
//! 1. **Its own.** The k-th attempt of a recorded call meets what the k-th one of that call met,
//!    if it goes to the same endpoint within a second of the recorded one.
//! 2. **A neighbour's.** Otherwise it meets what one of the nearest attempts met: the four before
//!    and the four after it at that endpoint for that route, the nearer the likelier, never one of
//!    its own call (a retry must not meet the failure that caused it). Where none lies within five
//!    seconds, those for any route count; where the endpoint was never tried, those of another.
//! 3. **Beyond what was seen.** An attempt that was given up is only known to have taken longer.
//!    Then one is drawn evenly from those of the 256 nearest that took at least as long, given up
//!    or not, and so on: this is the product-limit estimate in the form of redistribution to the
//!    right. Where nothing longer was seen, there is no answer at all.
//!
//! What this cannot know is in `docs/replay.md`. Sources: Kaplan and Meier, *Nonparametric
//! estimation from incomplete observations* (1958); Efron, *The two sample problem with censored
//! data* (1967).

mod asked;
mod tape;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use seawall_core::rng::{Rng, Stream};
use seawall_core::time::{Duration, Instant};

pub use asked::{Asked, Recorded};
pub use tape::{Attempt, Outcome, Place, Tape};

use tape::Sample;

/// How far from the recorded attempt a call's own one may be made: conditions change.
const OWN_WITHIN: u64 = 1_000_000;
/// Neighbours on each side. Fewer follow sharper changes, and more would repeat themselves less;
/// with four, an endpoint that failed five times and was then left alone fails until then.
const NEIGHBOURS: usize = 4;
/// Beyond this the attempts of other routes at the same endpoint say more about its state.
const NEAR: u64 = 5_000_000;
/// On each side, where something is sought that took longer.
const WIDE: usize = 128;
/// A distance at which it no longer matters which neighbour is nearer.
const ALIKE: u64 = 1_000;

/// What a service did, attempt by attempt.
#[derive(Clone, Debug)]
pub struct Trace {
    tape: Arc<Tape>,
    upstream: u32,
    lanes: Vec<Lane>,
}

/// What one endpoint did, as places on the tape, by time.
#[derive(Clone, Debug, Default)]
struct Lane {
    all: Vec<u32>,
    routes: BTreeMap<u32, Vec<u32>>,
}

/// An attempt that a world makes.
#[derive(Clone, Copy, Debug)]
pub struct Inquiry {
    /// The recorded call that it belongs to, if any, and the route of that call.
    pub call: Option<(u32, u32)>,
    /// Counts the attempts of the call, the first is 1.
    pub number: u32,
    /// The replica that it goes to.
    pub replica: u32,
    /// When.
    pub now: Instant,
}

/// What it meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// After this time,
    pub after: Duration,
    /// what the attempt of this number on the tape met.
    pub sample: u32,
}

impl Trace {
    /// Services that were these upstreams on the tape, each as one of at most so many replicas:
    /// endpoints beyond count as one of these, and replicas beyond behave as one of these. Reads
    /// the tape once, and keeps eight bytes for each attempt.
    #[must_use]
    pub fn of(tape: &Arc<Tape>, upstreams: &[(u32, u32)]) -> Vec<Self> {
        let silent = |&(upstream, lanes): &(u32, u32)| Self {
            tape: Arc::clone(tape),
            upstream,
            lanes: vec![Lane::default(); lanes.max(1) as usize],
        };
        let mut traces: Vec<Self> = upstreams.iter().map(silent).collect();
        let mut wanted: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (index, (upstream, _)) in upstreams.iter().enumerate() {
            wanted.entry(*upstream).or_default().push(index);
        }
        for (number, sample) in (0..).zip(&tape.samples) {
            let Some(place) = tape.place_of(sample) else { continue };
            for index in wanted.get(&place.upstream).into_iter().flatten() {
                if let Some(trace) = traces.get_mut(*index) {
                    trace.add(number, place);
                }
            }
        }
        traces.iter_mut().for_each(Self::sort);
        traces
    }

    fn add(&mut self, number: u32, place: Place) {
        let index = place.endpoint as usize % self.lanes.len().max(1);
        if let Some(lane) = self.lanes.get_mut(index) {
            lane.all.push(number);
            lane.routes.entry(place.route).or_default().push(number);
        }
    }

    fn sort(&mut self) {
        let tape = &self.tape;
        let by_time = |list: &mut Vec<u32>| {
            list.sort_unstable_by_key(|number| (tape.sample(*number).map(|s| s.at), *number));
            list.shrink_to_fit();
        };
        for lane in &mut self.lanes {
            by_time(&mut lane.all);
            lane.routes.values_mut().for_each(by_time);
        }
    }

    /// The tape that it plays from.
    #[must_use]
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// How many of its attempts were given up, and how many there are.
    #[must_use]
    pub fn given_up(&self) -> (usize, usize) {
        let all = self.lanes.iter().flat_map(|lane| &lane.all);
        let given_up = all.filter(|number| {
            self.tape.sample(**number).is_some_and(|sample| self.is_given_up(sample))
        });
        (given_up.count(), self.lanes.iter().map(|lane| lane.all.len()).sum())
    }

    /// What an attempt meets; none if it gets no answer, however long it waits.
    pub fn tell(&self, inquiry: Inquiry, rng: &mut Stream) -> Option<Told> {
        let sample = self.own(inquiry).or_else(|| {
            let list = self.list(inquiry)?;
            self.neighbour(list, inquiry, rng)
        });
        self.settle(sample?, inquiry, rng)
    }

    fn lane(&self, replica: u32) -> Option<&Lane> {
        self.lanes.get(replica as usize % self.lanes.len().max(1))
    }

    /// What this very attempt met.
    fn own(&self, inquiry: Inquiry) -> Option<u32> {
        let attempts = self.tape.of_call(inquiry.call?.0);
        let number = attempts.start.checked_add(inquiry.number.checked_sub(1)?)?;
        let sample = self.tape.sample(number).filter(|_| attempts.contains(&number))?;
        let place = self.tape.place_of(sample)?;
        let lanes = self.lanes.len().max(1);
        let there = place.upstream == self.upstream
            && place.endpoint as usize % lanes == inquiry.replica as usize % lanes;
        (there && sample.at.abs_diff(micros(inquiry.now)) <= OWN_WITHIN).then_some(number)
    }

    /// The attempts that say most about an endpoint at a time.
    fn list(&self, inquiry: Inquiry) -> Option<&[u32]> {
        let lane = self.lane(inquiry.replica)?;
        let route = inquiry.call.and_then(|(_, route)| lane.routes.get(&route));
        let own = route.map(Vec::as_slice).unwrap_or_default();
        let others = self.lanes.iter().cycle().skip(inquiry.replica as usize % self.lanes.len());
        let others = others.take(self.lanes.len()).map(|lane| lane.all.as_slice());
        let mut near = [own, &lane.all].into_iter();
        let near = near.find(|list| self.distance(list, inquiry).is_some_and(|far| far <= NEAR));
        near.or_else(|| {
            let mut any = std::iter::once(own).chain(others);
            any.find(|list| self.distance(list, inquiry).is_some())
        })
    }

    /// How many of a list began before a time, or then.
    fn position(&self, list: &[u32], now: Instant) -> usize {
        let now = micros(now);
        list.partition_point(|number| self.tape.sample(*number).is_some_and(|s| s.at <= now))
    }

    /// So many of a list before and after a time, without those of the call itself.
    fn around<'a>(
        &'a self,
        list: &'a [u32],
        each: usize,
        inquiry: Inquiry,
    ) -> impl Iterator<Item = (u32, &'a Sample)> + Clone {
        let own = inquiry.call.map_or(0..0, |(call, _)| self.tape.of_call(call));
        let other = move |number: &u32| !own.contains(number);
        let (before, after) = list.split_at(self.position(list, inquiry.now).min(list.len()));
        let before = before.iter().rev().copied().filter(other.clone()).take(each);
        let after = after.iter().copied().filter(other).take(each);
        let number = move |number: u32| Some((number, self.tape.sample(number)?));
        before.chain(after).filter_map(number)
    }

    /// How far the nearest of a list is, in microseconds.
    fn distance(&self, list: &[u32], inquiry: Inquiry) -> Option<u64> {
        let now = micros(inquiry.now);
        self.around(list, 1, inquiry).map(|(_, sample)| sample.at.abs_diff(now)).min()
    }

    /// One of the nearest, the nearer the likelier.
    fn neighbour(&self, list: &[u32], inquiry: Inquiry, rng: &mut Stream) -> Option<u32> {
        // The most that a weight can be; it is far below what eight of could overflow.
        const NEAREST: u64 = 1 << 40;
        let now = micros(inquiry.now);
        let all = self.around(list, NEIGHBOURS, inquiry);
        let weighed = all
            .map(|(number, sample)| (number, (NEAREST / (ALIKE + sample.at.abs_diff(now))).max(1)));
        let total = weighed.clone().map(|(_, weight)| weight).sum();
        let mut left = rng.below(total);
        let mut weighed = weighed;
        weighed.find_map(|(number, weight)| {
            let here = left < weight;
            left = left.saturating_sub(weight);
            here.then_some(number)
        })
    }

    fn is_given_up(&self, sample: &Sample) -> bool {
        self.tape.outcome_of(sample) == Outcome::GivenUp
    }

    /// What an attempt meets that meets what this one did; another where that is not known.
    fn settle(&self, number: u32, inquiry: Inquiry, rng: &mut Stream) -> Option<Told> {
        let (mut number, mut sample) = (number, self.tape.sample(number)?);
        while self.is_given_up(sample) {
            let list = self.list(inquiry)?;
            // At least as long, or longer where nothing but that is known, so that this ends.
            let longer = self.around(list, WIDE, inquiry).filter(|(_, other)| {
                other.took > sample.took || (other.took == sample.took && !self.is_given_up(other))
            });
            let count = u64::try_from(longer.clone().count()).unwrap_or(u64::MAX);
            let index = usize::try_from(rng.below(count)).unwrap_or_default();
            let mut longer = longer;
            (number, sample) = longer.nth(index)?;
        }
        Some(Told { after: Duration::from_micros(sample.took.into()), sample: number })
    }
}

fn micros(at: Instant) -> u64 {
    at.as_nanos() / 1_000
}
