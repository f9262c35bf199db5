//! What attempts meet, on tapes that are written here.

use proptest::prelude::*;
use seawall_core::outcome::Observation;

use super::*;
use crate::chance::Seed;

const MS: Duration = Duration::from_millis(1);

const fn head(code: u16) -> Observation {
    Observation::Status { code, retry_after: None, exhausted: false }
}

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// A tape with the outcomes 200, 503 and given up, and one call for each list of attempts.
struct Writer(Tape);

const GOOD: u16 = 0;
const BAD: u16 = 1;
const GIVEN_UP: u16 = 2;

impl Writer {
    fn new() -> Self {
        let mut tape = Tape::default();
        for code in [200, 503] {
            tape.outcome(Outcome::Answered(head(code), Observation::Completed));
        }
        tape.outcome(Outcome::GivenUp);
        Self(tape)
    }

    /// A call of route 0 with attempts at endpoints: when, how long, what; in milliseconds.
    fn call(&mut self, attempts: &[(u32, u64, u32, u16)]) -> u32 {
        for &(endpoint, begun, took, outcome) in attempts {
            let place = self.0.place(Place { upstream: 0, endpoint, route: 0 });
            let (at, took, body) = (at(begun), took * MS, Duration::ZERO);
            self.0.attempt(Attempt { place, at, took, body, outcome });
        }
        self.0.end_call()
    }

    fn trace(self, lanes: u32) -> Trace {
        Trace::of(&Arc::new(self.0), &[(0, lanes)]).remove(0)
    }
}

fn stranger(replica: u32, now: Instant) -> Inquiry {
    Inquiry { call: None, number: 1, replica, now }
}

/// What many strangers meet at a time: the share of good answers, and of none.
fn shares(trace: &Trace, replica: u32, now: Instant) -> (f64, f64) {
    let mut rng = Seed::new(1).stream("strangers");
    let (mut good, mut none) = (0.0, 0.0);
    for _ in 0..10_000 {
        match trace.tell(stranger(replica, now), &mut rng) {
            Some(told) if trace.tape().told(told.sample).0.is_good() => good += 1e-4,
            Some(_) => {}
            None => none += 1e-4,
        }
    }
    (good, none)
}

#[test]
fn an_attempt_meets_what_it_met_where_it_was_made() {
    let mut writer = Writer::new();
    writer.call(&[(0, 0, 7, GOOD)]);
    let call = writer.call(&[(0, 100, 3, BAD), (1, 150, 20, GOOD)]);
    let trace = writer.trace(2);
    let mut rng = Seed::new(1).stream("own");
    let mut tell = |number, replica, now| {
        let inquiry = Inquiry { call: Some((call, 0)), number, replica, now: at(now) };
        trace.tell(inquiry, &mut rng).map(|told| (told.after, told.sample))
    };
    assert_eq!(tell(1, 0, 100), Some((3 * MS, 1)));
    assert_eq!(tell(2, 1, 900), Some((20 * MS, 2)));
    assert_eq!(tell(1, 0, 1_101), Some((7 * MS, 0)), "too late for its own; its own is left out");
    assert_eq!(tell(2, 0, 150), Some((7 * MS, 0)), "its second attempt went elsewhere");
    assert_eq!(tell(3, 0, 160), Some((7 * MS, 0)), "there was no third");
}

#[test]
fn an_endpoint_fails_for_as_long_as_it_was_seen_to_fail() {
    let mut writer = Writer::new();
    for step in 0..200 {
        let outcome = if (50..100).contains(&step) { BAD } else { GOOD };
        writer.call(&[(0, 10 * step, 1, outcome)]);
    }
    let trace = writer.trace(1);
    for (millis, least, most) in [(250, 1.0, 1.0), (750, 0.0, 0.0), (1_500, 1.0, 1.0)] {
        let (good, none) = shares(&trace, 0, at(millis));
        assert!(good >= least - 1e-9 && good <= most + 1e-9 && none == 0.0, "{millis}: {good}");
    }
    // In the middle between the last good and the first bad it is either.
    let (good, _) = shares(&trace, 0, at(495));
    assert!((good - 0.5).abs() < 0.05, "{good}");
}

#[test]
fn what_was_given_up_takes_as_long_as_what_took_longer() {
    let mut writer = Writer::new();
    // Half is seen to take 10 ms, 20 ms or 30 ms; half was given up at 15 ms.
    for step in 0_u64..400 {
        let took = [10, 20, 30][usize::try_from(step / 2 % 3).unwrap()];
        let attempt = if step % 2 == 0 { (0, step, took, GOOD) } else { (0, step, 15, GIVEN_UP) };
        writer.call(&[attempt]);
    }
    let trace = writer.trace(1);
    let mut rng = Seed::new(2).stream("tail");
    let mut met = [0_u32; 3];
    for step in 0..30_000 {
        let told = trace.tell(stranger(0, at(100 + step % 200)), &mut rng).expect("an answer");
        let index = [10 * MS, 20 * MS, 30 * MS].iter().position(|took| *took == told.after);
        met[index.expect("a time that was seen")] += 1;
    }
    // Kaplan and Meier: 1/6 took 10 ms; of the rest, half 20 ms and half 30 ms.
    for (count, share) in met.iter().zip([1.0 / 6.0, 5.0 / 12.0, 5.0 / 12.0]) {
        assert!((f64::from(*count) / 30_000.0 - share).abs() < 0.02, "{met:?}");
    }
}

#[test]
fn what_was_always_given_up_never_answers() {
    let mut writer = Writer::new();
    for step in 0..100 {
        let frozen = (40..60).contains(&step);
        let attempt = if frozen { (0, 10 * step, 300, GIVEN_UP) } else { (0, 10 * step, 5, GOOD) };
        writer.call(&[attempt]);
    }
    let trace = writer.trace(1);
    assert_eq!(trace.given_up(), (20, 100));
    assert_eq!(shares(&trace, 0, at(500)), (0.0, shares(&trace, 0, at(500)).1));
    assert!(shares(&trace, 0, at(500)).1 > 0.999);
    assert!(shares(&trace, 0, at(200)).1 == 0.0);
}

#[test]
fn replicas_without_a_past_behave_as_others() {
    let mut writer = Writer::new();
    writer.call(&[(0, 0, 1, GOOD), (1, 1, 2, BAD), (2, 2, 4, GOOD)]);
    let tape = Arc::new(writer.0);
    // Two recorded endpoints of three are one replica each, the third is the first again.
    let [fewer, more] = &Trace::of(&tape, &[(0, 2), (0, 3)])[..] else { panic!("two") };
    assert_eq!(fewer.lanes.iter().map(|lane| lane.all.len()).collect::<Vec<_>>(), [2, 1]);
    let mut rng = Seed::new(3).stream("more");
    let told = more.tell(stranger(4, at(1)), &mut rng).map(|told| told.after);
    assert_eq!(told, Some(2 * MS), "the fifth replica is the second of three");
    let mut quiet = Writer::new();
    quiet.call(&[(1, 0, 9, GOOD)]);
    let told = quiet.trace(2).tell(stranger(0, at(1)), &mut rng).map(|told| told.after);
    assert_eq!(told, Some(9 * MS), "nobody ever asked the first");
}

#[test]
fn a_service_without_a_past_never_answers() {
    let trace = Writer::new().trace(3);
    let mut rng = Seed::new(4).stream("none");
    assert_eq!(trace.tell(stranger(1, at(5)), &mut rng), None);
}

proptest! {
    /// Nobody meets an attempt of its own call but by the first rule, or one that says nothing; and
    /// where there is no answer, something was given up.
    #[test]
    fn every_attempt_meets_something_that_was_met(
        calls in prop::collection::vec(
            prop::collection::vec((0_u32..4, 0_u64..9_000, 1_u32..50, 0_u16..3), 0..4), 1..60),
        asked in prop::collection::vec((0_u32..60, 1_u32..4, 0_u32..5, 0_u64..10_000), 1..60),
        lanes in 1_u32..5,
    ) {
        let mut writer = Writer::new();
        for call in &calls {
            writer.call(call);
        }
        let trace = writer.trace(lanes);
        let mut rng = Seed::new(5).stream("any");
        for (call, number, replica, now) in asked {
            let call = call % u32::try_from(calls.len()).unwrap();
            let inquiry = Inquiry { call: Some((call, 0)), number, replica, now: at(now) };
            let Some(told) = trace.tell(inquiry, &mut rng) else {
                // Only where something was given up, or nobody else ever asked.
                let others = calls.iter().enumerate().filter(|(index, _)| *index != call as usize);
                let open = calls.iter().flatten().any(|attempt| attempt.3 == GIVEN_UP);
                prop_assert!(open || others.flat_map(|(_, call)| call).count() == 0);
                continue;
            };
            let own = trace.tape().of_call(call);
            let sample = trace.tape().sample(told.sample).expect("it is on the tape");
            prop_assert_ne!(trace.tape().outcome_of(sample), Outcome::GivenUp);
            prop_assert_eq!(told.after, Duration::from_micros(sample.took.into()));
            if own.contains(&told.sample) {
                prop_assert_eq!(told.sample - own.start + 1, number);
                let place = trace.tape().place_of(sample).expect("a place");
                prop_assert_eq!(place.endpoint % lanes, replica % lanes);
                prop_assert!(sample.at.abs_diff(now * 1_000) <= OWN_WITHIN);
            }
        }
    }
}
