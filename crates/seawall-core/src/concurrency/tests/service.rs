//! A service in virtual time: so many at work, the others in line, behind a limit.

use super::*;
use std::collections::VecDeque;

struct InFlight {
    started: Instant,
    ends: Instant,
    /// In flight when it started, itself included.
    beside: u32,
}

pub(super) struct Service {
    bench: Bench,
    work: Duration,
    /// What an answer is late besides, occupying nobody.
    pub(super) added: Duration,
    /// When each of the workers is free again.
    workers: Vec<Instant>,
    /// By the end of their work, as all work is alike.
    in_flight: VecDeque<InFlight>,
    pub(super) refused: u64,
    pub(super) served: u64,
    /// Each limit, from when it held.
    pub(super) log: Vec<(Instant, u32)>,
}

impl Service {
    pub(super) fn new(settings: LimitSettings, work: Duration, capacity: usize) -> Self {
        let mut service = Self {
            bench: Bench::new(settings),
            work,
            added: Duration::ZERO,
            workers: Vec::new(),
            in_flight: VecDeque::new(),
            refused: 0,
            served: 0,
            log: Vec::new(),
        };
        service.capacity(capacity);
        service
    }

    pub(super) fn capacity(&mut self, capacity: usize) {
        self.workers.sort_unstable();
        self.workers.resize(capacity, self.bench.now);
    }

    pub(super) fn limit(&self) -> u32 {
        self.bench.limit.limit()
    }

    pub(super) fn events(&self) -> &[LimitEvent] {
        &self.bench.events
    }

    /// An arrival each `every`, for so long.
    pub(super) fn run(&mut self, time: Duration, every: Duration) {
        let end = self.bench.now.after(time);
        while self.bench.now < end {
            let next = self.bench.now.after(every);
            self.complete_until(next);
            self.bench.now = next;
            self.arrive();
        }
    }

    fn complete_until(&mut self, until: Instant) {
        while let Some(first) = self.in_flight.pop_front_if(|first| first.ends <= until) {
            let latency = first.ends.since(first.started);
            self.bench.now = first.ends;
            self.bench.finish(sample(latency, first.beside));
            self.served += 1;
            let limit = self.limit();
            if self.log.last().is_none_or(|(_, last)| *last != limit) {
                self.log.push((self.bench.now, limit));
            }
        }
    }

    fn arrive(&mut self) {
        let in_flight = u32::try_from(self.in_flight.len()).unwrap();
        if self.bench.limit.admit(in_flight, &mut crate::event::Discard).is_err() {
            self.refused += 1;
            // Whoever is turned away here would wait in an upstream, and say so.
            self.bench.limit.press(
                (Urgency::Patient, Duration::ZERO),
                self.bench.now,
                &mut crate::event::Discard,
            );
            return;
        }
        let now = self.bench.now;
        let worker = self.workers.iter_mut().min().unwrap();
        *worker = (*worker).max(now).after(self.work);
        let ends =
            (*worker).after(self.added).max(self.in_flight.back().map_or(now, |last| last.ends));
        self.in_flight.push_back(InFlight { started: now, ends, beside: in_flight + 1 });
    }
}
