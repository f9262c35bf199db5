//! Tests of majority reads: claims by name, then random replies against a recount.

use super::*;
use crate::endpoint::{EndpointId, Slot};
use crate::outcome::{Observation, Outcome, RetryOn500, Sent, classify};
use crate::time::{Duration, Instant};
use proptest::prelude::*;
use std::vec::Vec;

fn replica(index: u32) -> EndpointId {
    EndpointId { slot: Slot::new(index), generation: 0 }
}

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn read(ask: u32) -> MajorityRead {
    let replicas: Vec<_> = (0..ask).map(replica).collect();
    MajorityRead::new(QuorumSettings::majority_of(ask), &replicas, Instant::EPOCH)
}

fn timed_out() -> Outcome {
    classify(Observation::TimedOut { sent: Sent::Yes }, RetryOn500::Never)
}

fn invalid() -> Outcome {
    classify(Observation::Invalid, RetryOn500::Never)
}

/// A bench: the read and what it reported.
struct Bench(MajorityRead, Vec<QuorumEvent>);

impl Bench {
    fn answered(&mut self, index: u32, digest: u128, millis: u64) -> Option<Verdict> {
        self.0.answered(replica(index), digest, at(millis), &mut self.1)
    }

    fn failed(&mut self, index: u32, outcome: Outcome, millis: u64) -> Option<Verdict> {
        self.0.failed(replica(index), &outcome, at(millis), &mut self.1)
    }

    fn odd(&self) -> Vec<EndpointId> {
        let odd = |event: &QuorumEvent| match event {
            QuorumEvent::Odd { endpoint, .. } => Some(*endpoint),
            QuorumEvent::Agreed { .. } | QuorumEvent::Decided { .. } => None,
        };
        self.1.iter().filter_map(odd).collect()
    }
}

#[test]
fn two_of_three_equal_answers_decide_without_the_third() {
    let mut bench = Bench(read(3), Vec::new());
    assert_eq!(bench.answered(0, 7, 1), None);
    let agreed = Verdict::Agreed { digest: 7, witness: replica(2) };
    assert_eq!(bench.answered(2, 7, 2), Some(agreed));
    assert_eq!(bench.odd(), []);
    assert!(!bench.0.is_done(at(2)), "the third may still turn out odd");
}

#[test]
fn the_odd_one_is_outvoted_and_reported() {
    let mut bench = Bench(read(3), Vec::new());
    bench.answered(0, 666, 1);
    bench.answered(1, 7, 2);
    let agreed = Verdict::Agreed { digest: 7, witness: replica(2) };
    assert_eq!(bench.answered(2, 7, 3), Some(agreed));
    assert_eq!(bench.odd(), [replica(0)]);
    let agreeing = [1, 2].map(|index| QuorumEvent::Agreed { endpoint: replica(index) });
    assert!(agreeing.iter().all(|event| bench.1.contains(event)));
    assert!(bench.0.is_done(at(3)));
}

#[test]
fn an_odd_answer_after_the_decision_is_reported_for_a_bounded_time() {
    let mut in_time = Bench(read(3), Vec::new());
    in_time.answered(0, 7, 1);
    in_time.answered(1, 7, 2);
    let mut late = Bench(in_time.0.clone(), Vec::new());
    assert_eq!(in_time.answered(2, 666, 1_001), None);
    assert_eq!(in_time.odd(), [replica(2)]);
    assert_eq!(late.answered(2, 666, 1_002), None);
    assert_eq!(late.odd(), []);
    assert!(late.0.is_done(at(1_002)));
}

#[test]
fn it_is_undecided_as_soon_as_agreement_is_out_of_reach() {
    let mut bench = Bench(read(3), Vec::new());
    assert_eq!(bench.failed(0, timed_out(), 1), None);
    let verdict = bench.failed(1, timed_out(), 2);
    let tally = Tally { asked: 3, failed: 2, ..Tally::default() };
    assert_eq!(verdict, Some(Verdict::Undecided(tally)));
    assert!(bench.0.is_done(at(2)));
}

#[test]
fn where_all_differ_nobody_is_accused() {
    let mut bench = Bench(read(3), Vec::new());
    bench.answered(0, 1, 1);
    bench.answered(1, 2, 1);
    let Some(Verdict::Undecided(tally)) = bench.answered(2, 3, 1) else { panic!("decided") };
    assert_eq!((tally.largest, tally.different), (1, 3));
    assert_eq!(bench.odd(), []);
}

#[test]
fn an_invalid_answer_is_odd_by_itself() {
    let mut bench = Bench(read(3), Vec::new());
    bench.failed(1, invalid(), 1);
    assert_eq!(bench.odd(), [replica(1)]);
    assert_eq!(bench.0.odd().collect::<Vec<_>>(), [replica(1)]);
    bench.failed(0, timed_out(), 1);
    assert_eq!(bench.odd(), [replica(1)], "failing is not lying");
}

#[test]
fn the_time_ends_a_read_undecided() {
    let mut bench = Bench(read(3), Vec::new());
    bench.answered(0, 7, 1);
    assert_eq!(bench.0.next_deadline(), Some(at(3_000)));
    assert_eq!(bench.0.on_timer(at(2_999), &mut bench.1), None);
    let verdict = bench.0.on_timer(at(3_000), &mut bench.1);
    let tally = Tally { asked: 3, answered: 1, failed: 0, largest: 1, different: 1 };
    assert_eq!(verdict, Some(Verdict::Undecided(tally)));
    assert_eq!(bench.0.next_deadline(), None);
}

#[test]
fn a_replica_votes_once_and_a_stranger_not_at_all() {
    let mut bench = Bench(read(3), Vec::new());
    bench.answered(0, 7, 1);
    assert_eq!(bench.answered(0, 7, 2), None);
    assert_eq!(bench.answered(9, 7, 2), None);
    let other = EndpointId { generation: 1, ..replica(1) };
    assert_eq!(bench.0.answered(other, 7, at(2), &mut bench.1), None);
    assert_eq!(bench.0.tally().answered, 1);
}

#[test]
fn too_few_replicas_are_undecided_from_the_start() {
    let read = MajorityRead::new(QuorumSettings::default(), &[replica(0)], Instant::EPOCH);
    assert!(matches!(read.verdict(), Some(Verdict::Undecided(Tally { asked: 1, .. }))));
    let twice = [replica(0), replica(0)];
    let read = MajorityRead::new(QuorumSettings::default(), &twice, Instant::EPOCH);
    assert_eq!(read.tally().asked, 1, "one replica has one vote");
}

#[test]
fn two_of_two_must_both_agree() {
    let mut bench = Bench(read(2), Vec::new());
    bench.answered(0, 7, 1);
    assert!(matches!(bench.answered(1, 8, 1), Some(Verdict::Undecided(_))));
}

#[test]
fn defaults_are_valid_and_contradictions_are_not() {
    let ok = QuorumSettings::default();
    assert_eq!(ok.validate(), Ok(()));
    assert!((2..=9).all(|ask| QuorumSettings::majority_of(ask).validate().is_ok()));
    for (settings, field) in [
        (QuorumSettings { ask: 1, ..ok }, "ask"),
        (QuorumSettings { ask: 10, ..ok }, "ask"),
        (QuorumSettings { ask: 4, agree: 2, ..ok }, "agree"),
        (QuorumSettings { agree: 4, ..ok }, "agree"),
        (QuorumSettings { agree: 0, ..ok }, "agree"),
        (QuorumSettings { timeout: Duration::ZERO, ..ok }, "timeout"),
    ] {
        assert_eq!(settings.validate().unwrap_err().field(), field);
    }
}

proptest! {
    #[test]
    fn decides_as_a_recount_of_all_replies_says(
        ask in 2_u32..=9, replies in prop::collection::vec((0_u32..9, 0_u128..5), 0..30),
    ) {
        let settings = QuorumSettings::majority_of(ask);
        let mut bench = Bench(read(ask), Vec::new());
        let mut log: Vec<(u32, u128)> = Vec::new();
        let mut decided = None;
        for (index, digest) in replies {
            let counts = index < ask && log.iter().all(|(known, _)| *known != index);
            if counts {
                log.push((index, digest));
            }
            // The digest 4 stands for a failure.
            let verdict = match digest {
                4 => bench.failed(index, timed_out(), 1),
                digest => bench.answered(index, digest, 1),
            };
            let votes = |digest: u128| log.iter().filter(|(_, other)| *other == digest).count();
            let most = (0..4).map(votes).max().unwrap_or(0);
            let left = ask as usize - log.len();
            let expected = decided.is_none() && counts && (most >= settings.agree as usize
                || most + left < settings.agree as usize);
            prop_assert_eq!(verdict.is_some(), expected, "{:?}", log);
            decided = decided.or(verdict);
            if let Some(Verdict::Agreed { digest: agreed, .. }) = decided {
                prop_assert!(votes(agreed) >= settings.agree as usize);
                let liars = log.iter().filter(|(_, digest)| *digest != agreed && *digest != 4);
                prop_assert_eq!(bench.0.odd().count(), liars.count());
                prop_assert_eq!(bench.odd().len(), bench.0.odd().count(), "each once");
            }
        }
    }
}
