//! A naive breaker: it keeps the full log of outcomes, and recounts where the real one increments.
//!
//! `property.rs` compares the two. The length of a cool-down is taken from `cool_down.rs`, which
//! has its own tests.

use super::*;
use crate::Mode;

/// What one recorded outcome was: failed, slow; or abandoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Answered { failed: bool, slow: bool },
    Abandoned,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Closed { since: u64, openings: u32 },
    Open { until: u64, openings: u32, cause: Cause, left: u64 },
    Half { until: u64, then: u64, openings: u32, cause: Cause, left: u64 },
}

/// A ticket as the model knows it. The probes in flight are found by looking through all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Receipt {
    generation: u64,
    is_probe: bool,
    bystander: bool,
}

pub(super) struct Model {
    pub(super) settings: BreakerSettings,
    origin: u64,
    now: u64,
    stage: Stage,
    manual: Manual,
    generation: u64,
    log: Vec<(u64, Kind)>,
    /// Good probes of the present generation.
    good: u32,
    running: Vec<Receipt>,
    pub(super) events: Vec<BreakerEvent>,
}

struct Counts {
    calls: u64,
    failures: u64,
    slow: u64,
    all_abandoned: bool,
}

impl Model {
    pub(super) fn new(settings: BreakerSettings, origin: Instant) -> Self {
        Self {
            settings,
            origin: origin.as_nanos(),
            now: 0,
            stage: Stage::Closed { since: 0, openings: 0 },
            manual: Manual::Auto,
            generation: 0,
            log: Vec::new(),
            good: 0,
            running: Vec::new(),
            events: Vec::new(),
        }
    }

    fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.generation += 1;
        self.good = 0;
        self.log.clear();
    }

    fn in_flight(&self) -> u32 {
        let probes = |r: &&Receipt| r.generation == self.generation && r.is_probe;
        u32::try_from(self.running.iter().filter(probes).count()).expect("few")
    }

    fn wait(&self, openings: u32, draw: Draw) -> u64 {
        let wait = self.settings.cool_down.of(openings, draw);
        u64::try_from(wait.as_nanos()).expect("short")
    }

    fn open(&mut self, stage: Stage, of: (u64, u64)) {
        let Stage::Open { until, openings, cause, .. } = stage else { panic!("opens into open") };
        self.enter(stage);
        let rate = Ratio::from_ppm(u32::try_from(of.0 * 1_000_000 / of.1.max(1)).expect("a share"));
        let (calls, until) = (of.1, Instant::from_nanos(until));
        self.events.push(BreakerEvent::Opened { cause, rate, calls, openings, until });
    }

    pub(super) fn at(&mut self, now: u64) {
        self.now = self.now.max(now);
        if let Stage::Half { until, then, openings, left, .. } = self.stage
            && self.now >= until
        {
            let good = u64::from(self.good);
            let cause = Cause::ProbesUndecided;
            self.open(Stage::Open { until: then, openings, cause, left }, (0, good));
        }
    }

    fn share(&self) -> u64 {
        match (self.stage, self.settings.ramp) {
            (Stage::Closed { since, openings }, Some(ramp)) if openings > 0 && !ramp.is_zero() => {
                let ramp = u64::try_from(ramp.as_nanos()).expect("short");
                ((self.now - since) * 1_000_000 / ramp).clamp(100_000, 1_000_000)
            }
            (Stage::Closed { .. }, _) => 1_000_000,
            (Stage::Open { .. } | Stage::Half { .. }, _) => 0,
        }
    }

    /// Whether the call is a probe, or until when it is refused.
    fn decide(&mut self, probing: Probing, draw: Draw) -> Result<bool, u64> {
        match self.manual {
            Manual::ForcedOpen => return Err(u64::MAX),
            Manual::ForcedClosed | Manual::Disabled => return Ok(false),
            Manual::Auto => {}
        }
        if let Stage::Open { until, openings, cause, left } = self.stage {
            if self.now < until || probing == Probing::Forbidden {
                return Err(until.max(self.now));
            }
            let until = self.now + u64::try_from(self.settings.max_half_open.as_nanos()).unwrap();
            let then = until + self.wait(openings, draw);
            self.enter(Stage::Half { until, then, openings, cause, left });
            self.events.push(BreakerEvent::HalfOpened);
        }
        match self.stage {
            Stage::Closed { .. } if draw.of(1_000_000) < self.share() => Ok(false),
            Stage::Closed { since, .. } => {
                Err(since + u64::try_from(self.settings.ramp.unwrap().as_nanos()).unwrap())
            }
            Stage::Half { until, .. } => {
                let free = self.in_flight() < self.settings.max_probes;
                if probing == Probing::Allowed && free { Ok(true) } else { Err(until) }
            }
            Stage::Open { .. } => unreachable!("became half-open above"),
        }
    }

    pub(super) fn admit(
        &mut self,
        now: u64,
        probing: Probing,
        draw: Draw,
    ) -> Result<bool, Instant> {
        let bystander = Receipt { generation: self.generation, is_probe: false, bystander: true };
        if self.settings.mode == Mode::Off {
            self.running.push(bystander);
            return Ok(false);
        }
        self.at(now);
        let shadow = self.settings.mode == Mode::Shadow;
        let answer = self.decide(if shadow { Probing::Allowed } else { probing }, draw);
        let generation = self.generation;
        match answer {
            Ok(is_probe) => {
                self.running.push(Receipt { generation, is_probe, bystander: false });
                Ok(is_probe)
            }
            Err(until) if shadow => {
                let until = Instant::from_nanos(until);
                self.events.push(BreakerEvent::WouldReject { until });
                self.running.push(Receipt { generation, ..bystander });
                Ok(false)
            }
            Err(until) => Err(Instant::from_nanos(until)),
        }
    }

    fn kind(&self, ended: Ended) -> Option<Kind> {
        let slow = self.settings.slow_calls.is_some_and(|slow| ended.elapsed >= slow.limit);
        let limit =
            self.settings.slow_calls.map_or(self.settings.attempt_timeout / 2, |slow| slow.limit);
        match (ended.class, self.settings.abandoned) {
            (Class::Success, _) => Some(Kind::Answered { failed: false, slow }),
            (Class::Failure, _) | (Class::Abandoned, AbandonedPolicy::Failure) => {
                Some(Kind::Answered { failed: true, slow })
            }
            (Class::Abandoned, AbandonedPolicy::Slow) if ended.elapsed >= limit => {
                Some(Kind::Answered { failed: true, slow })
            }
            (Class::Abandoned, AbandonedPolicy::All) => Some(Kind::Abandoned),
            (Class::Abandoned, AbandonedPolicy::Ignore | AbandonedPolicy::Slow) => None,
            (Class::Ignored, _) => None,
        }
    }

    /// The outcomes that the window looks at now.
    fn recent(&self) -> Vec<Kind> {
        let kinds = |log: &[(u64, Kind)]| log.iter().map(|(_, kind)| *kind).collect::<Vec<_>>();
        match self.settings.window {
            WindowKind::Time(length) => {
                let width = u64::try_from(length.as_nanos() / 10).unwrap();
                let bucket = |at: u64| (at + width - self.origin % width) / width;
                let live = |at: u64| bucket(at) + 10 > bucket(self.now);
                kinds(&self.log.iter().copied().filter(|(at, _)| live(*at)).collect::<Vec<_>>())
            }
            WindowKind::Calls(size) => self.recent_calls(size as usize),
        }
    }

    /// The last `size` answers; or none, once `size` calls were abandoned since.
    fn recent_calls(&self, size: usize) -> Vec<Kind> {
        let abandoned = |entry: &&(u64, Kind)| entry.1 == Kind::Abandoned;
        let run = self.log.iter().rev().take_while(abandoned).count();
        let mut answers: Vec<_> =
            self.log.iter().map(|entry| entry.1).filter(|kind| *kind != Kind::Abandoned).collect();
        if run >= size || answers.is_empty() {
            return std::vec![Kind::Abandoned; run];
        }
        answers.drain(..answers.len().saturating_sub(size));
        answers
    }

    fn counts(&self) -> Counts {
        let recent = self.recent();
        let count =
            |test: fn(&Kind) -> bool| recent.iter().filter(|kind| test(kind)).count() as u64;
        let calls = count(|kind| *kind != Kind::Abandoned);
        if calls == 0 {
            let all = recent.len() as u64;
            return Counts { calls: all, failures: all, slow: 0, all_abandoned: all > 0 };
        }
        let failures = count(|kind| matches!(kind, Kind::Answered { failed: true, .. }));
        let slow = count(|kind| matches!(kind, Kind::Answered { slow: true, .. }));
        Counts { calls, failures, slow, all_abandoned: false }
    }

    /// Failures since the last success.
    fn consecutive(&self) -> u32 {
        let is_success = |kind: Kind| matches!(kind, Kind::Answered { failed: false, .. });
        let since = self.log.iter().rev().take_while(|entry| !is_success(entry.1));
        u32::try_from(since.filter(|entry| entry.1 != Kind::Abandoned).count()).unwrap()
    }

    fn openings(&self) -> u32 {
        match self.stage {
            Stage::Closed { since, openings } => {
                let ramp = self.settings.ramp.unwrap_or_default();
                let trial = self.settings.cool_down.max.max(ramp).as_nanos();
                if u128::from(self.now - since) >= trial { 0 } else { openings }
            }
            Stage::Open { openings, .. } | Stage::Half { openings, .. } => openings,
        }
    }

    pub(super) fn settle(&mut self, index: usize, ended: Ended, now: u64, draw: Draw) {
        let receipt = self.running.remove(index);
        if receipt.bystander || self.settings.mode == Mode::Off {
            return;
        }
        self.at(now);
        if receipt.generation != self.generation {
            let (ticket, current) = (receipt.generation, self.generation);
            self.events.push(BreakerEvent::StaleOutcome { ticket, current });
        } else if receipt.is_probe {
            self.settle_probe(ended, draw);
        } else if let Some(kind) = self.kind(ended)
            && self.manual != Manual::Disabled
        {
            self.log.push((self.now, kind));
            if self.manual == Manual::Auto {
                self.judge(draw);
            }
        }
    }

    fn settle_probe(&mut self, ended: Ended, draw: Draw) {
        if ended.class == Class::Abandoned {
            self.events.push(BreakerEvent::ProbeAbandoned);
        }
        let Stage::Half { openings, left, .. } = self.stage else { panic!("a probe elsewhere") };
        match self.kind(ended) {
            Some(Kind::Answered { failed: true, .. }) => {
                let (cause, openings) = (Cause::ProbeFailed, openings + 1);
                let until = self.now + self.wait(openings, draw);
                let calls = u64::from(self.good) + 1;
                self.open(Stage::Open { until, openings, cause, left }, (1, calls));
            }
            Some(Kind::Answered { failed: false, .. }) => {
                self.good += 1;
                if self.good == self.settings.success_threshold {
                    self.enter(Stage::Closed { since: self.now, openings });
                    let after = Duration::from_nanos(self.now - left);
                    self.events.push(BreakerEvent::Closed { after });
                }
            }
            Some(Kind::Abandoned) | None => {}
        }
    }

    fn judge(&mut self, draw: Draw) {
        let counts = self.counts();
        let run = if counts.all_abandoned { counts.calls } else { u64::from(self.consecutive()) };
        let size = match self.settings.window {
            WindowKind::Calls(size) => size,
            WindowKind::Time(_) => u32::MAX,
        };
        let enough = counts.calls >= u64::from(self.settings.min_calls.min(size));
        let reaches = |part: u64, rate: Ratio| {
            enough && part * 1_000_000 >= u64::from(rate.ppm()) * counts.calls
        };
        let cause = if self.settings.consecutive.is_some_and(|limit| run >= u64::from(limit)) {
            Cause::Consecutive
        } else if self.settings.failure_rate.is_some_and(|rate| reaches(counts.failures, rate)) {
            Cause::FailureRate
        } else if self.settings.slow_calls.is_some_and(|slow| reaches(counts.slow, slow.rate)) {
            Cause::SlowRate
        } else {
            return;
        };
        let part = if cause == Cause::SlowRate { counts.slow } else { counts.failures };
        let openings = self.openings() + 1;
        let until = self.now + self.wait(openings, draw);
        let left = self.now;
        self.open(Stage::Open { until, openings, cause, left }, (part, counts.calls));
    }

    pub(super) fn force(&mut self, manual: Manual, now: u64) {
        self.now = self.now.max(now);
        if manual != self.manual {
            self.manual = manual;
            self.enter(Stage::Closed { since: self.now, openings: 0 });
            self.events.push(BreakerEvent::Forced { mode: manual });
        }
    }

    pub(super) fn switch(&mut self, mode: Mode, now: u64) {
        self.now = self.now.max(now);
        let was = core::mem::replace(&mut self.settings.mode, mode);
        if mode == Mode::Off && was != Mode::Off {
            self.enter(Stage::Closed { since: self.now, openings: 0 });
        }
    }

    fn phase(&self) -> Phase {
        if self.manual == Manual::ForcedOpen {
            return Phase::Open { until: Instant::NEVER };
        }
        match self.stage {
            Stage::Closed { .. } => Phase::Closed,
            Stage::Open { until, .. } if self.now >= until => Phase::ProbeDue,
            Stage::Open { until, .. } => Phase::Open { until: Instant::from_nanos(until) },
            Stage::Half { .. } => {
                Phase::HalfOpen { free_places: self.settings.max_probes - self.in_flight() }
            }
        }
    }

    pub(super) fn snapshot(&self) -> BreakerSnapshot {
        let counts = self.counts();
        let share = |part: u64| {
            Ratio::from_ppm(u32::try_from(part * 1_000_000 / counts.calls.max(1)).unwrap())
        };
        let (until, cause) = match self.stage {
            Stage::Closed { .. } if self.manual == Manual::ForcedOpen => (Some(u64::MAX), None),
            Stage::Closed { .. } => (None, None),
            Stage::Open { until, cause, .. } | Stage::Half { until, cause, .. } => {
                (Some(until), Some(cause))
            }
        };
        let forced_open = self.manual == Manual::ForcedOpen;
        let admitted = if forced_open { 0 } else { self.share() };
        BreakerSnapshot {
            mode: self.settings.mode,
            manual: self.manual,
            phase: self.phase(),
            generation: self.generation,
            calls: counts.calls,
            failures: counts.failures,
            slow: counts.slow,
            failure_rate: share(counts.failures),
            slow_rate: share(counts.slow),
            consecutive: self.consecutive(),
            admitted: Ratio::from_ppm(u32::try_from(admitted).unwrap()),
            openings: self.openings(),
            until: until.map(Instant::from_nanos),
            cause,
            probes: self.in_flight(),
            probe_successes: self.good,
        }
    }
}
