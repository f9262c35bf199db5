//! Random requests, endings and silences against a log of all that happened.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Operation {
    Wait(u64),
    Ask(u8),
    End(usize, Ending),
    Forget,
}

fn operation() -> impl Strategy<Value = Operation> {
    let ending = prop_oneof![Just(Ending::Keep), Just(Ending::Free), Just(Ending::Unknown)];
    prop_oneof![
        (0..15_u64).prop_map(Operation::Wait),
        (1..3_u8).prop_map(Operation::Ask),
        (0..8_usize, ending).prop_map(|(claim, ending)| Operation::End(claim, ending)),
        Just(Operation::Forget),
    ]
}

/// What a naive observer holds the record to be, with its body.
#[derive(Clone, Copy, Debug)]
enum Model {
    Free,
    Running(Claim, u8, Instant),
    Lost(Claim, u8, Instant),
    Done(u8, Instant),
}

impl Model {
    /// After the time that has passed, as far as an arrival sees it.
    fn seen_at(self, now: Instant) -> Self {
        match self {
            Self::Running(claim, body, deadline) if now >= deadline => {
                Self::Lost(claim, body, deadline.after(SECOND * 60)).seen_at(now)
            }
            Self::Lost(_, _, until) | Self::Done(_, until) if now >= until => Self::Free,
            same @ (Self::Free | Self::Running(..) | Self::Lost(..) | Self::Done(..)) => same,
        }
    }
}

struct Pair {
    bench: Bench,
    model: Model,
    policy: Policy,
    claims: Vec<Claim>,
    now: Instant,
}

impl Pair {
    fn new(policy: Policy) -> Self {
        let settings = IdempotencySettings { policy, ttl: SECOND * 60, ..Default::default() };
        let bench = Bench::new(settings);
        Self { bench, model: Model::Free, policy, claims: Vec::new(), now: at(0) }
    }

    fn apply(&mut self, operation: Operation) {
        match operation {
            Operation::Wait(seconds) => self.now = self.now.after(Duration::from_secs(seconds)),
            Operation::Ask(body) => self.ask(body),
            Operation::End(which, ending) => self.end(which, ending),
            Operation::Forget => {
                self.bench.records.forget(&key());
                if !matches!(self.bench.records.record(&key()), Some(Record::InProgress { .. })) {
                    self.model = Model::Free;
                }
            }
        }
        self.bench.records.invariants();
    }

    fn ask(&mut self, body: u8) {
        let (now, owner) = (self.now, self.claims.len() as u64 + 1);
        self.model = self.model.seen_at(now);
        let expected = match self.model {
            Model::Free => Arrived::Run(Claim { owner, attempt: 1 }),
            Model::Running(_, old, _) | Model::Lost(_, old, _) | Model::Done(old, _)
                if old != body =>
            {
                Arrived::Mismatch
            }
            Model::Running(_, _, deadline) => Arrived::Wait(deadline.min(now.after(SECOND * 2))),
            Model::Lost(old, ..) if self.policy == Policy::RetrySafe => {
                Arrived::Run(Claim { owner, attempt: old.attempt + 1 })
            }
            Model::Lost(..) => Arrived::Indeterminate,
            Model::Done(..) => Arrived::Replay,
        };
        assert_eq!(self.bench.ask(request(owner, body, now), now), expected);
        if let Arrived::Run(claim) = expected {
            self.claims.push(claim);
            self.model = Model::Running(claim, body, now.after(SECOND * 10));
        }
    }

    fn end(&mut self, which: usize, ending: Ending) {
        let Some(claim) = self.claims.iter().rev().nth(which).copied() else { return };
        let until = self.now.after(SECOND * 60);
        let told = match self.model {
            Model::Running(open, body, _) | Model::Lost(open, body, _) if open == claim => {
                self.model = match ending {
                    Ending::Keep => Model::Done(body, until),
                    Ending::Free => Model::Free,
                    Ending::Unknown => Model::Lost(claim, body, until),
                };
                Completed::Recorded
            }
            Model::Free | Model::Running(..) | Model::Lost(..) | Model::Done(..) => {
                Completed::Stale
            }
        };
        assert_eq!(self.bench.end(claim, ending, self.now), told);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn agrees_with_a_naive_record(
        operations in prop::collection::vec(operation(), 1..120),
    ) {
        for policy in [Policy::Manual, Policy::RetrySafe] {
            let mut pair = Pair::new(policy);
            operations.iter().for_each(|operation| pair.apply(*operation));
        }
    }
}
