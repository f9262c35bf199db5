//! Fusion: what follows from all that speaks against many targets, and against the observer.
//!
//! What is known of one target is in `target.rs`.

use alloc::vec::Vec;

use super::event::FusionEvent;
use super::settings::FusionSettings;
use super::target::{Accusation, EvidenceKind, Judgement, Sign, Target};
use crate::endpoint::Slot;
use crate::event::Sink;
use crate::number::small;
use crate::time::Instant;

/// Whether the observer takes the fault for its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SelfSuspicion {
    /// No.
    #[default]
    None,
    /// Yes: nobody is ejected or declared dead meanwhile.
    Suspected {
        /// Until then at the latest.
        until: Instant,
    },
    /// It did, for as long as it may, and now believes that most targets are really dead.
    Believed,
}

/// All targets at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FusionSnapshot {
    /// How many targets there are.
    pub targets: u32,
    /// Against how many there is evidence of my own.
    pub failing: u32,
    /// How many are out of their pool.
    pub out: u32,
    /// How many are declared dead.
    pub dead: u32,
    /// Whether I take the fault for my own.
    pub self_suspicion: SelfSuspicion,
}

/// Collects evidence about the targets of one observer and decides what may be done about it.
///
/// Evidence of one kind takes a target out of its pool, as far as the cap allows, the oldest case
/// first. Two kinds, or a quorum of observers weighed by their own health, declare it dead, so
/// that a stateful role may move. A target that was declared dead stays so until nothing speaks
/// against it. While more than half of the targets look dead, the observer suspects itself: no
/// target gets worse, for a bounded time that is reported and can be read.
///
/// Everything that is not renewed is forgotten after a while, so no verdict outlives its reasons.
/// Memory: one record with room for sixteen accusers for each slot up to the highest inserted. A
/// step walks all of them.
#[derive(Clone, Debug)]
pub struct Fusion {
    settings: FusionSettings,
    targets: Vec<Option<Target>>,
    self_suspicion: SelfSuspicion,
    latest: Instant,
}

impl Fusion {
    /// An observer without targets.
    #[must_use]
    pub const fn new(settings: FusionSettings) -> Self {
        let self_suspicion = SelfSuspicion::None;
        Self { settings, targets: Vec::new(), self_suspicion, latest: Instant::EPOCH }
    }

    /// Takes new settings; evidence and verdicts stay and are judged anew.
    pub fn reconfigure(
        &mut self,
        settings: FusionSettings,
        now: Instant,
        sink: &mut impl Sink<FusionEvent>,
    ) {
        self.settings = settings;
        self.on_timer(now, sink);
    }

    /// Adds a target that nothing speaks against; one that is there starts anew.
    pub fn insert(&mut self, target: Slot, now: Instant, sink: &mut impl Sink<FusionEvent>) {
        if self.targets.len() <= target.index() {
            self.targets.resize_with(target.index() + 1, || None);
        }
        if let Some(place) = self.targets.get_mut(target.index()) {
            *place = Some(Target::new());
        }
        self.on_timer(now, sink);
    }

    /// Removes a target.
    pub fn remove(&mut self, target: Slot, now: Instant, sink: &mut impl Sink<FusionEvent>) {
        if let Some(place) = self.targets.get_mut(target.index()) {
            *place = None;
        }
        self.on_timer(now, sink);
    }

    /// One kind of evidence changed or was renewed. Unknown targets are ignored.
    pub fn report(
        &mut self,
        target: Slot,
        (kind, sign): (EvidenceKind, Sign),
        now: Instant,
        sink: &mut impl Sink<FusionEvent>,
    ) {
        let now = self.clock(now);
        if let Some(known) = self.target_mut(target) {
            known.report(kind, sign, now);
        }
        self.on_timer(now, sink);
    }

    /// Another observer says that a target is dead, or repeats it. Who accuses more targets at a
    /// time than one may is not heard beyond that: it is more likely cut off itself.
    pub fn accuse(
        &mut self,
        target: Slot,
        accusation: Accusation,
        now: Instant,
        sink: &mut impl Sink<FusionEvent>,
    ) {
        let now = self.clock(now);
        // Old accusations must not count against the accuser.
        self.on_timer(now, sink);
        let observer = accusation.observer;
        let others = (0..).zip(&self.targets).filter(|(index, known)| {
            let accused = known.as_ref().is_some_and(|known| known.is_accused_by(observer));
            accused && *index != target.index()
        });
        if others.count() >= self.settings.accusations_max.max(1) as usize {
            return sink.emit(FusionEvent::AccuserLimited { observer, target });
        }
        if let Some(known) = self.target_mut(target) {
            known.accuse(accusation, now);
        }
        self.on_timer(now, sink);
    }

    /// Another observer takes its word back.
    pub fn retract(
        &mut self,
        target: Slot,
        observer: u32,
        now: Instant,
        sink: &mut impl Sink<FusionEvent>,
    ) {
        if let Some(known) = self.target_mut(target) {
            known.retract(observer);
        }
        self.on_timer(now, sink);
    }

    /// Forgets all that speaks against a target: an operator knows better.
    pub fn reset(&mut self, target: Slot, now: Instant, sink: &mut impl Sink<FusionEvent>) {
        if let Some(known) = self.target_mut(target) {
            known.acquit();
        }
        self.on_timer(now, sink);
    }

    /// Carries out what is due at `now`: forgets old evidence, ends suspicion of oneself.
    pub fn on_timer(&mut self, now: Instant, sink: &mut impl Sink<FusionEvent>) {
        let (now, ttl) = (self.clock(now), self.settings.evidence_ttl);
        self.targets.iter_mut().flatten().for_each(|target| target.expire(now, ttl));
        self.recover(sink);
        self.release(sink);
        self.suspect_self(now, sink);
        if !matches!(self.self_suspicion, SelfSuspicion::Suspected { .. }) {
            self.eject(sink);
            self.declare(sink);
        }
        self.invariants();
    }

    /// When [`Fusion::on_timer`] will next have something to do.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let ttl = self.settings.evidence_ttl;
        let expiry = self.targets.iter().flatten().filter_map(|target| target.expires(ttl)).min();
        let own = match self.self_suspicion {
            SelfSuspicion::Suspected { until } => Some(until),
            SelfSuspicion::None | SelfSuspicion::Believed => None,
        };
        expiry.into_iter().chain(own).min().filter(|next| !next.is_never())
    }

    /// What is held of a target as of the latest step; none of an unknown one.
    #[must_use]
    pub fn judgement(&self, target: Slot) -> Option<Judgement> {
        Some(self.targets.get(target.index())?.as_ref()?.judgement())
    }

    /// All targets at a glance, as of the latest step.
    #[must_use]
    pub fn snapshot(&self) -> FusionSnapshot {
        let (failing, targets) = self.census();
        FusionSnapshot {
            targets,
            failing,
            out: self.count(|target| target.is_out),
            dead: self.count(|target| target.is_dead),
            self_suspicion: self.self_suspicion,
        }
    }

    /// Asserts what must hold between any two steps.
    pub fn invariants(&self) {
        for target in self.targets.iter().flatten() {
            debug_assert!(!target.is_out || target.since.is_some(), "out for no reason");
            debug_assert!(!target.is_dead || target.since.is_some(), "dead for no reason");
        }
        let out = self.count(|target| target.is_out);
        debug_assert!(out <= self.allowed(), "more are out than may be");
        if let SelfSuspicion::Suspected { until } = self.self_suspicion {
            debug_assert!(self.latest < until, "suspects itself beyond its time");
        }
    }

    fn recover(&mut self, sink: &mut impl Sink<FusionEvent>) {
        for (index, target) in (0..).zip(&mut self.targets) {
            let Some(target) = target.as_mut().filter(|target| target.since.is_none()) else {
                continue;
            };
            if target.is_out || target.is_dead {
                sink.emit(FusionEvent::Recovered { target: Slot::new(index) });
            }
            (target.is_out, target.is_dead, target.capped) = (false, false, false);
        }
    }

    /// Takes targets back in while more are out than may be, the youngest case first: others were
    /// removed, or the cap was lowered. So the last one is never out.
    fn release(&mut self, sink: &mut impl Sink<FusionEvent>) {
        let allowed = self.allowed();
        let mut out = self.count(|target| target.is_out);
        while out > allowed {
            let held = (0..).zip(self.targets.iter_mut()).filter_map(|(index, target)| {
                let target = target.as_mut().filter(|target| target.is_out)?;
                Some((target.since, index, target))
            });
            let Some((_, index, target)) = held.max_by_key(|(since, index, _)| (*since, *index))
            else {
                return;
            };
            out -= 1;
            (target.is_out, target.capped) = (false, true);
            let evidence = target.evidence();
            sink.emit(FusionEvent::Capped { target: Slot::new(index), evidence, out });
        }
    }

    fn suspect_self(&mut self, now: Instant, sink: &mut impl Sink<FusionEvent>) {
        let (failing, targets) = self.census();
        let part = u64::from(failing) * 1_000_000;
        let is_most = part > u64::from(self.settings.self_suspect_share.ppm()) * u64::from(targets)
            && targets >= self.settings.self_suspect_targets;
        self.self_suspicion = match self.self_suspicion {
            SelfSuspicion::None if is_most && !self.settings.self_suspect_max.is_zero() => {
                let until = now.after(self.settings.self_suspect_max);
                sink.emit(FusionEvent::SelfSuspected { failing, targets, until });
                SelfSuspicion::Suspected { until }
            }
            SelfSuspicion::Suspected { until } if !is_most || now >= until => {
                sink.emit(FusionEvent::SelfCleared { failing, targets });
                if is_most { SelfSuspicion::Believed } else { SelfSuspicion::None }
            }
            // Believing ends with its cause, so that the next such fault is doubted again.
            SelfSuspicion::Believed if !is_most => SelfSuspicion::None,
            same @ (SelfSuspicion::None
            | SelfSuspicion::Suspected { .. }
            | SelfSuspicion::Believed) => same,
        };
    }

    /// Takes targets out while the cap allows, the oldest case first.
    fn eject(&mut self, sink: &mut impl Sink<FusionEvent>) {
        let allowed = self.allowed();
        let mut out = self.count(|target| target.is_out);
        while out < allowed {
            let waiting = (0..).zip(self.targets.iter_mut()).filter_map(|(index, target)| {
                let target = target.as_mut()?;
                let is_due = !target.is_out && (has_case(target) || target.is_dead);
                is_due.then_some((target.since, index, target))
            });
            let Some((_, index, target)) = waiting.min_by_key(|(since, index, _)| (*since, *index))
            else {
                return;
            };
            (target.is_out, target.capped) = (true, false);
            let evidence = target.evidence();
            sink.emit(FusionEvent::Ejected { target: Slot::new(index), evidence });
            out += 1;
        }
        self.cap(out, sink);
    }

    /// Reports once who would have to go beyond the cap.
    fn cap(&mut self, out: u32, sink: &mut impl Sink<FusionEvent>) {
        for (index, target) in (0..).zip(&mut self.targets) {
            let Some(target) = target.as_mut() else { continue };
            if !target.is_out && has_case(target) && !target.capped {
                target.capped = true;
                let evidence = target.evidence();
                sink.emit(FusionEvent::Capped { target: Slot::new(index), evidence, out });
            }
        }
    }

    fn declare(&mut self, sink: &mut impl Sink<FusionEvent>) {
        let settings = self.settings;
        for (index, target) in (0..).zip(&mut self.targets) {
            let Some(target) = target.as_mut() else { continue };
            if !target.is_dead && target.is_condemned(&settings) {
                target.is_dead = true;
                let (evidence, observers) = (target.evidence(), target.observers());
                let target = Slot::new(index);
                sink.emit(FusionEvent::DeclaredDead { target, evidence, observers });
            }
        }
    }

    /// How many targets may be out: max(1, ⌊n · share⌋), and never the last.
    fn allowed(&self) -> u32 {
        let all = self.count(|_| true);
        let cap = self.settings.max_ejected.of(u64::from(all)).max(1);
        small(cap).min(all.saturating_sub(1))
    }

    /// How many targets look dead to me, of how many.
    fn census(&self) -> (u32, u32) {
        (self.count(has_case), self.count(|_| true))
    }

    fn count(&self, is_counted: impl Fn(&Target) -> bool) -> u32 {
        let counted = self.targets.iter().flatten().filter(|target| is_counted(target)).count();
        small(counted)
    }

    fn target_mut(&mut self, target: Slot) -> Option<&mut Target> {
        self.targets.get_mut(target.index())?.as_mut()
    }

    fn clock(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        self.latest
    }
}

/// Whether there is evidence of my own; what others say alone takes nobody out of my pool.
fn has_case(target: &Target) -> bool {
    !target.evidence().is_empty()
}
