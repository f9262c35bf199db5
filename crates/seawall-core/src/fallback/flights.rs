//! Flights: one refresh per key at a time.
//!
//! The first to miss leads and asks the service; the others take the stale value at once, or wait
//! for it a little. A leader that is cancelled leaves the flight vacant, and whoever of the waiters
//! polls first leads on, so wake them all. One that vanishes without a word loses the lead when its
//! lease is over. After a failure the key rests for a backoff: nobody repeats it at once. What
//! nobody leads any more keeps its place only until another key needs it.
//!
//! Values are in `shelf.rs`. Keys are hashes: two that collide share a flight, and the follower
//! must look for the value under its full key.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::backoff::{Backoff, BackoffSettings, Jitter};
use crate::event::Sink;
use crate::invalid::Invalid;
use crate::rng::Draw;
use crate::time::{Duration, Instant};

/// Settings of flights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlightSettings {
    /// The most keys that are under way or rest, at least 1. Default 4 096: each is a call to a
    /// service at the same time.
    pub flights_max: usize,
    /// How long a follower waits who has nothing to serve. Default 100 ms: about the time of one
    /// good answer; who waits longer had better go on to the next rung.
    pub wait: Duration,
    /// How long a leader has that says nothing; above zero. Default 10 s: longer than the total of
    /// most calls, and short against freshness.
    pub lease: Duration,
    /// The rest after failures in a row. Default: 50 ms to 2 s with *equal* jitter; the full one
    /// may be next to nothing. Decorrelated jitter has no memory here.
    pub rest: BackoffSettings,
}

impl Default for FlightSettings {
    fn default() -> Self {
        Self {
            flights_max: 4_096,
            wait: Duration::from_millis(100),
            lease: Duration::from_secs(10),
            rest: BackoffSettings { jitter: Jitter::Equal, ..BackoffSettings::transient() },
        }
    }
}

impl FlightSettings {
    /// Checks what the fields say of themselves.
    ///
    /// # Errors
    ///
    /// No flight allowed, no lease, or a rest whose cap is below its base.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.flights_max == 0 {
            return Err(Invalid::new("flights_max", 0, "at least 1"));
        }
        if self.lease.is_zero() {
            return Err(Invalid::new("lease", "0", "above 0"));
        }
        if self.rest.cap < self.rest.base {
            return Err(Invalid::new("rest.cap", self.rest.cap.as_millis(), "at least rest.base"));
        }
        Ok(())
    }
}

/// Whether the one who joins has a value to serve meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stock {
    /// A stale one that may be served.
    Stale,
    /// None.
    Nothing,
}

/// The lead of a flight. Ends in [`Flights::landed`], [`Flights::failed`] or
/// [`Flights::cancelled`].
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a lead that is dropped keeps the others waiting until its lease is over"]
pub struct Flight {
    key: u64,
    leader: u64,
}

impl Flight {
    /// The key that is refreshed.
    #[must_use]
    pub const fn key(&self) -> u64 {
        self.key
    }
}

/// A place among those who wait. A name only; nothing is held, so it may be dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Follower {
    key: u64,
    flight: u64,
    until: Instant,
}

impl Follower {
    /// When to stop waiting.
    #[must_use]
    pub const fn until(&self) -> Instant {
        self.until
    }
}

/// What one who misses is to do.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Joined {
    /// Ask the service.
    Lead(Flight),
    /// Wait: [`Flights::poll`] at once, on each wake-up, and when it says.
    Follow(Follower),
    /// Serve the stale value; somebody refreshes it, or it rests.
    ServeStale,
    /// The last refresh failed, and there is nothing to serve: the next rung.
    Resting {
        /// When the service is asked again.
        until: Instant,
    },
    /// There are too many flights: ask the service alone.
    Alone,
}

/// What one who waited finds.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Polled {
    /// The refresh is over, or was abandoned and forgotten: look for the value, and without one
    /// join again.
    Landed,
    /// The leader has gone; ask the service in its place.
    Lead(Flight),
    /// Not yet: again when woken, and at the latest at this instant.
    Waiting {
        /// The end of the wait or of the lease, whichever comes first.
        until: Instant,
    },
    /// The refresh failed: the next rung.
    Resting {
        /// When the service is asked again.
        until: Instant,
    },
    /// Waited as long as allowed: the next rung.
    GiveUp,
}

/// Whether the end of a lead counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landing {
    /// It did.
    Current,
    /// Somebody else had taken the lead: a failure says nothing, a value may be used.
    Late,
}

/// What flights report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlightEvent {
    /// A refresh failed.
    RefreshFailed {
        /// Of this key.
        key: u64,
        /// Failures in a row, this one included.
        failures: u32,
        /// When it may be tried again.
        until: Instant,
    },
    /// A waiter leads on.
    Promoted {
        /// Of this key.
        key: u64,
    },
    /// No place for another flight.
    Full,
}

/// What is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlightsSnapshot {
    /// Keys that are refreshed or wait for a new leader.
    pub flying: usize,
    /// Keys that rest after a failure.
    pub resting: usize,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Somebody leads until the lease is over; [`Instant::EPOCH`] means that nobody does.
    Flying {
        leader: u64,
        lease: Instant,
    },
    Resting {
        until: Instant,
    },
}

impl State {
    /// From then on, whoever comes may lead and the place may be taken.
    const fn over(self) -> Instant {
        match self {
            Self::Flying { lease: over, .. } | Self::Resting { until: over } => over,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    flight: u64,
    failures: u32,
    state: State,
}

/// Flights by key, at most `flights_max`; every step takes O(log n).
#[derive(Debug)]
pub struct Flights {
    settings: FlightSettings,
    entries: BTreeMap<u64, Entry>,
    /// All keys by the end of their lease or rest, so that the first to end makes room.
    ends: BTreeSet<(Instant, u64)>,
    /// How many of them rest.
    resting: usize,
    /// Numbers flights and leaders; never reused.
    count: u64,
}

impl Flights {
    /// Nothing under way.
    ///
    /// # Errors
    ///
    /// As [`FlightSettings::validate`].
    pub fn new(settings: FlightSettings) -> Result<Self, Invalid> {
        settings.validate()?;
        let (entries, ends) = (BTreeMap::new(), BTreeSet::new());
        Ok(Self { settings, entries, ends, resting: 0, count: 0 })
    }

    /// Takes new settings. What is under way goes on; beyond a lowered bound nothing new starts.
    ///
    /// # Errors
    ///
    /// As [`FlightSettings::validate`]; the old settings then hold.
    pub fn reconfigure(&mut self, settings: FlightSettings) -> Result<(), Invalid> {
        settings.validate()?;
        self.settings = settings;
        Ok(())
    }

    /// One who misses, or finds a value past its freshness.
    pub fn join(
        &mut self,
        key: u64,
        stock: Stock,
        now: Instant,
        sink: &mut impl Sink<FlightEvent>,
    ) -> Joined {
        let joined = match self.entries.get(&key).copied() {
            None => self.start(key, stock, now, sink),
            Some(Entry { state: State::Resting { until }, .. }) if now < until => match stock {
                Stock::Stale => Joined::ServeStale,
                Stock::Nothing => Joined::Resting { until },
            },
            Some(Entry { state: State::Flying { lease, .. }, flight, .. }) if now < lease => {
                match stock {
                    Stock::Stale => Joined::ServeStale,
                    Stock::Nothing => {
                        let until = now.after(self.settings.wait);
                        Joined::Follow(Follower { key, flight, until })
                    }
                }
            }
            Some(entry) => Joined::Lead(self.lead(key, entry, now)),
        };
        self.invariants();
        joined
    }

    /// A follower was woken, or its time is over. One that looks again when it is told to never
    /// waits for a flight that is gone: only what is over makes room for others, and it is told
    /// when that will be.
    pub fn poll(
        &mut self,
        follower: Follower,
        now: Instant,
        sink: &mut impl Sink<FlightEvent>,
    ) -> Polled {
        let Follower { key, flight, until } = follower;
        let entry = self.entries.get(&key).copied().filter(|entry| entry.flight == flight);
        match entry.map(|entry| (entry, entry.state)) {
            None => Polled::Landed,
            Some((_, State::Resting { until })) => Polled::Resting { until },
            Some(_) if now >= until => Polled::GiveUp,
            Some((_, State::Flying { lease, .. })) if now < lease => {
                Polled::Waiting { until: until.min(lease) }
            }
            Some((entry, State::Flying { .. })) => {
                let lead = self.lead(key, entry, now);
                sink.emit(FlightEvent::Promoted { key });
                Polled::Lead(lead)
            }
        }
    }

    /// The leader has a value, and has put it on the shelf. Wake the followers.
    pub fn landed(&mut self, flight: Flight) -> Landing {
        let landing = self.standing(&flight);
        if landing == Landing::Current {
            self.forget(flight.key);
        }
        self.invariants();
        landing
    }

    /// The leader has got no value: the key rests for a backoff. Wake the followers.
    pub fn failed(
        &mut self,
        flight: Flight,
        at: (Instant, Draw),
        sink: &mut impl Sink<FlightEvent>,
    ) -> Landing {
        let ((now, draw), key) = (at, flight.key);
        let landing = self.standing(&flight);
        let entry = self.entries.get(&key).copied().filter(|_| landing == Landing::Current);
        if let Some(entry) = entry {
            let failures = entry.failures.saturating_add(1);
            let until = now.after(Backoff::default().next(&self.settings.rest, failures, draw));
            let state = State::Resting { until };
            self.put(key, Entry { failures, state, ..entry });
            sink.emit(FlightEvent::RefreshFailed { key, failures, until });
        }
        self.invariants();
        landing
    }

    /// The leader's caller has gone, which says nothing about the service. Wake the followers: the
    /// first to poll leads on, as does the next to join. Until then any other key may take its
    /// place.
    pub fn cancelled(&mut self, flight: Flight) -> Landing {
        let landing = self.standing(&flight);
        let entry = self.entries.get(&flight.key).copied();
        if let Some(entry) = entry.filter(|_| landing == Landing::Current) {
            let state = State::Flying { leader: 0, lease: Instant::EPOCH };
            self.put(flight.key, Entry { state, ..entry });
        }
        self.invariants();
        landing
    }

    /// All that is known.
    #[must_use]
    pub fn snapshot(&self) -> FlightsSnapshot {
        let resting = self.resting;
        FlightsSnapshot { flying: self.entries.len() - resting, resting }
    }

    /// Checks, in debug builds, what must always hold.
    pub fn invariants(&self) {
        if cfg!(debug_assertions) {
            let ends = |(over, key): &(Instant, u64)| {
                self.entries.get(key).is_some_and(|entry| entry.state.over() == *over)
            };
            debug_assert!(self.ends.iter().all(ends), "an end of something else");
            debug_assert_eq!(self.ends.len(), self.entries.len(), "something never ends");
            let rests = |entry: &&Entry| matches!(entry.state, State::Resting { .. });
            let resting = self.entries.values().filter(rests).count();
            debug_assert_eq!(self.resting, resting, "rests miscounted");
        }
    }

    fn start(
        &mut self,
        key: u64,
        stock: Stock,
        now: Instant,
        sink: &mut impl Sink<FlightEvent>,
    ) -> Joined {
        if self.entries.len() >= self.settings.flights_max && !self.make_room(now) {
            sink.emit(FlightEvent::Full);
            return match stock {
                Stock::Stale => Joined::ServeStale,
                Stock::Nothing => Joined::Alone,
            };
        }
        self.count += 1;
        let state = State::Flying { leader: 0, lease: Instant::EPOCH };
        let entry = Entry { flight: self.count, failures: 0, state };
        Joined::Lead(self.lead(key, entry, now))
    }

    /// What is over makes room, the longest over first: a rest that is forgotten early would be
    /// repeated by all, and a lease that is over is a leader that has gone.
    fn make_room(&mut self, now: Instant) -> bool {
        let over = self.ends.first().copied().filter(|(over, _)| *over <= now);
        if let Some((_, key)) = over {
            self.forget(key);
        }
        over.is_some()
    }

    /// Keeps an entry in place of the one that the key has.
    fn put(&mut self, key: u64, entry: Entry) {
        self.forget(key);
        self.resting += usize::from(matches!(entry.state, State::Resting { .. }));
        self.ends.insert((entry.state.over(), key));
        self.entries.insert(key, entry);
    }

    fn forget(&mut self, key: u64) {
        if let Some(entry) = self.entries.remove(&key) {
            self.resting -= usize::from(matches!(entry.state, State::Resting { .. }));
            self.ends.remove(&(entry.state.over(), key));
        }
    }

    fn lead(&mut self, key: u64, entry: Entry, now: Instant) -> Flight {
        let flight = match entry.state {
            State::Flying { .. } => entry.flight,
            // Those who waited for the refresh that failed have been told so.
            State::Resting { .. } => {
                self.count += 1;
                self.count
            }
        };
        self.count += 1;
        let (leader, lease) = (self.count, now.after(self.settings.lease));
        let state = State::Flying { leader, lease };
        self.put(key, Entry { flight, state, ..entry });
        Flight { key, leader }
    }

    fn standing(&self, flight: &Flight) -> Landing {
        match self.entries.get(&flight.key).map(|entry| entry.state) {
            Some(State::Flying { leader, .. }) if leader == flight.leader => Landing::Current,
            _ => Landing::Late,
        }
    }
}
