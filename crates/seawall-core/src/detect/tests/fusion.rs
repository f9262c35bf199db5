//! Fusion: one kind ejects, two declare dead, and most of all dead is me.

use super::*;
use crate::endpoint::Slot;
use EvidenceKind::{ActiveCheck, InBandErrors, Silence};

struct Bench {
    fusion: Fusion,
    events: Vec<FusionEvent>,
    now: u64,
}

impl Bench {
    fn new(settings: FusionSettings, targets: u32) -> Self {
        let mut events = Vec::new();
        let mut fusion = Fusion::new(settings);
        for index in 0..targets {
            fusion.insert(Slot::new(index), Instant::EPOCH, &mut events);
        }
        Self { fusion, events, now: 0 }
    }

    fn report(&mut self, index: u32, kind: EvidenceKind, sign: Sign) {
        self.fusion.report(Slot::new(index), (kind, sign), at(self.now), &mut self.events);
    }

    fn bad(&mut self, index: u32, kind: EvidenceKind) {
        self.report(index, kind, Sign::Bad);
    }

    fn accuse(&mut self, index: u32, observer: u32, score: u8) {
        let accusation = Accusation { observer, health: LocalHealth::new(score) };
        self.fusion.accuse(Slot::new(index), accusation, at(self.now), &mut self.events);
    }

    fn wait(&mut self, seconds: u64) {
        self.now += seconds * 1_000;
        self.fusion.on_timer(at(self.now), &mut self.events);
    }

    fn is_out(&self, index: u32) -> bool {
        self.fusion.judgement(Slot::new(index)).unwrap().is_out
    }

    fn is_dead(&self, index: u32) -> bool {
        self.fusion.judgement(Slot::new(index)).unwrap().is_dead
    }
}

#[test]
fn one_kind_of_evidence_ejects_and_two_declare_dead() {
    let mut bench = Bench::new(FusionSettings::default(), 3);
    bench.bad(0, InBandErrors);
    assert!(bench.is_out(0) && !bench.is_dead(0));
    bench.bad(0, InBandErrors);
    assert!(!bench.is_dead(0), "the same kind twice is one kind");
    bench.bad(0, Silence);
    assert!(bench.is_dead(0));
    bench.report(0, Silence, Sign::Good);
    assert!(bench.is_dead(0), "dead until nothing speaks against it");
    bench.report(0, InBandErrors, Sign::Good);
    assert!(!bench.is_dead(0) && !bench.is_out(0));
    assert_eq!(bench.events.last(), Some(&FusionEvent::Recovered { target: Slot::new(0) }));
}

#[test]
fn the_cap_holds_and_the_oldest_case_goes_first() {
    // With a share that is never exceeded nobody suspects itself here.
    let settings = FusionSettings { self_suspect_share: Ratio::ONE, ..FusionSettings::default() };
    let mut bench = Bench::new(settings, 4);
    for index in [2, 0, 3] {
        bench.bad(index, ActiveCheck);
        bench.wait(1);
    }
    assert!(bench.is_out(2) && bench.is_out(0) && !bench.is_out(3));
    let capped = |event: &&FusionEvent| matches!(event, FusionEvent::Capped { out: 2, .. });
    assert_eq!(bench.events.iter().filter(capped).count(), 1);
    bench.report(2, ActiveCheck, Sign::Good);
    assert!(bench.is_out(3), "the next one has room");
    let mut single = Bench::new(FusionSettings::default(), 1);
    single.bad(0, ActiveCheck);
    assert!(!single.is_out(0), "never the last");
}

#[test]
fn the_last_target_is_back_when_the_others_are_removed() {
    let mut bench = Bench::new(FusionSettings::default(), 2);
    bench.bad(0, ActiveCheck);
    assert!(bench.is_out(0));
    bench.fusion.remove(Slot::new(1), at(1), &mut bench.events);
    assert!(!bench.is_out(0));
    let evidence = EvidenceKinds::default().with(ActiveCheck);
    let capped = FusionEvent::Capped { target: Slot::new(0), evidence, out: 0 };
    assert_eq!(bench.events.last(), Some(&capped));
    bench.fusion.insert(Slot::new(1), at(2), &mut bench.events);
    assert!(bench.is_out(0), "there is another one again");
}

#[test]
fn a_lowered_cap_takes_the_youngest_cases_back_in() {
    let settings = FusionSettings { self_suspect_share: Ratio::ONE, ..FusionSettings::default() };
    let mut bench = Bench::new(settings, 6);
    for index in [2, 0, 3] {
        bench.bad(index, ActiveCheck);
        bench.wait(1);
    }
    assert_eq!(bench.fusion.snapshot().out, 3);
    let lower = FusionSettings { max_ejected: Ratio::ZERO, ..settings };
    bench.fusion.reconfigure(lower, at(bench.now), &mut bench.events);
    assert!(bench.is_out(2) && !bench.is_out(0) && !bench.is_out(3));
    let events = bench.events.len();
    bench.wait(1);
    assert_eq!(bench.events.len(), events, "each is reported once");
    bench.fusion.reconfigure(settings, at(bench.now), &mut bench.events);
    assert_eq!(bench.fusion.snapshot().out, 3);
}

#[test]
fn a_quorum_of_observers_declares_dead_and_weighs_their_health() {
    let settings = FusionSettings { observers_to_declare: Some(16), ..FusionSettings::default() };
    let mut bench = Bench::new(settings, 4);
    bench.accuse(0, 1, 0);
    bench.accuse(0, 1, 0);
    assert!(!bench.is_dead(0), "one observer, however often");
    bench.accuse(0, 2, 7);
    assert!(!bench.is_dead(0), "a starved observer weighs one");
    bench.accuse(0, 3, 0);
    assert!(bench.is_dead(0));
}

#[test]
fn an_accusation_can_be_taken_back() {
    let settings = FusionSettings { observers_to_declare: Some(16), ..FusionSettings::default() };
    let mut bench = Bench::new(settings, 4);
    bench.accuse(0, 1, 0);
    bench.fusion.retract(Slot::new(0), 1, at(0), &mut bench.events);
    bench.accuse(0, 2, 0);
    assert!(!bench.is_dead(0));
}

#[test]
fn t158_who_accuses_everybody_is_not_heard() {
    let settings = FusionSettings { observers_to_declare: Some(9), ..FusionSettings::default() };
    let mut bench = Bench::new(settings, 10);
    (0..10).for_each(|index| bench.accuse(index, 1, 0));
    let heard = |index: &u32| bench.fusion.judgement(Slot::new(*index)).unwrap().observers > 0;
    assert_eq!((0..10).filter(heard).count(), 3);
    let limited = |event: &&FusionEvent| matches!(event, FusionEvent::AccuserLimited { .. });
    assert_eq!(bench.events.iter().filter(limited).count(), 7);
    bench.accuse(0, 1, 0);
    assert_eq!(bench.events.iter().filter(limited).count(), 7, "repeating is no new accusation");
}

#[test]
fn t158_most_targets_dead_means_suspecting_myself_first() {
    let mut bench = Bench::new(FusionSettings::default(), 5);
    bench.bad(0, Silence);
    bench.bad(1, Silence);
    assert!(bench.is_out(0) && bench.is_out(1));
    bench.bad(2, Silence);
    bench.bad(2, ActiveCheck);
    assert!(!bench.is_out(2) && !bench.is_dead(2), "nobody gets worse");
    let until = at(30_000);
    let event = FusionEvent::SelfSuspected { failing: 3, targets: 5, until };
    assert!(bench.events.contains(&event), "{:?}", bench.events);
    assert_eq!(bench.fusion.snapshot().self_suspicion, SelfSuspicion::Suspected { until });
}

#[test]
fn t160_self_suspicion_is_visible_and_bounded_in_time() {
    let mut bench = Bench::new(FusionSettings::default(), 5);
    (0..4).for_each(|index| bench.bad(index, Silence));
    (0..4).for_each(|index| bench.bad(index, ActiveCheck));
    assert_eq!(bench.fusion.next_deadline(), Some(at(30_000)));
    bench.wait(29);
    assert!((2..4).all(|index| !bench.is_dead(index)));
    bench.wait(1);
    assert!((0..4).all(|index| bench.is_dead(index)), "then it believes what it sees");
    assert_eq!(bench.fusion.snapshot().out, 2, "the cap holds all the same");
    assert_eq!(bench.fusion.snapshot().self_suspicion, SelfSuspicion::Believed);
    let told = |event: &&FusionEvent| matches!(event, FusionEvent::SelfSuspected { .. });
    assert_eq!(bench.events.iter().filter(told).count(), 1, "not again for the same fault");
}

#[test]
fn t160_recovery_ends_self_suspicion_early_and_arms_it_anew() {
    let mut bench = Bench::new(FusionSettings::default(), 3);
    (0..2).for_each(|index| bench.bad(index, Silence));
    bench.report(1, Silence, Sign::Good);
    assert_eq!(bench.fusion.snapshot().self_suspicion, SelfSuspicion::None);
    bench.bad(1, Silence);
    let told = |event: &&FusionEvent| matches!(event, FusionEvent::SelfSuspected { .. });
    assert_eq!(bench.events.iter().filter(told).count(), 2);
}

#[test]
fn of_two_targets_there_is_no_majority_to_go_by() {
    let mut bench = Bench::new(FusionSettings::default(), 2);
    (0..2).for_each(|index| bench.bad(index, Silence));
    (0..2).for_each(|index| bench.bad(index, InBandErrors));
    assert!(bench.is_dead(0) && bench.is_dead(1));
}

#[test]
fn t145_evidence_that_is_not_renewed_is_forgotten_and_can_be_reset() {
    let mut bench = Bench::new(FusionSettings::default(), 3);
    bench.bad(0, Silence);
    bench.wait(59);
    assert!(bench.is_out(0));
    bench.wait(1);
    assert!(!bench.is_out(0), "state heals by itself");
    bench.bad(1, Silence);
    bench.bad(1, InBandErrors);
    bench.fusion.reset(Slot::new(1), at(bench.now), &mut bench.events);
    assert!(!bench.is_out(1) && !bench.is_dead(1));
    assert_eq!(bench.events.last(), Some(&FusionEvent::Recovered { target: Slot::new(1) }));
}

proptest! {
    #[test]
    fn the_cap_and_the_bound_on_self_suspicion_hold_after_each_step(
        targets in 1_u32..8,
        steps in prop::collection::vec((0_u32..8, 0_usize..4, any::<bool>(), 0_u64..20), 1..120),
    ) {
        let mut bench = Bench::new(FusionSettings::default(), targets);
        let mut known = None;
        for (index, kind, bad, wait) in steps {
            bench.wait(wait);
            let sign = if bad { Sign::Bad } else { Sign::Good };
            bench.report(index, EvidenceKind::ALL[kind], sign);
            let seen = bench.fusion.snapshot();
            prop_assert!(seen.out <= (targets / 2).max(1).min(targets - 1));
            prop_assert!(seen.dead <= seen.failing, "dead without evidence");
            if let SelfSuspicion::Suspected { until } = seen.self_suspicion {
                prop_assert!(at(bench.now) < until);
                // One that is not the known one has just begun.
                let fresh = at(bench.now + 30_000);
                prop_assert!(known.replace(until) == Some(until) || until == fresh);
            }
        }
    }
}
