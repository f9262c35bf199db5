//! Random operations on the detector and on a naive model; the rates against a naive formula.

#![expect(clippy::float_arithmetic, reason = "the model computes rates as a textbook would")]

use super::*;
use crate::outlier::rates::{self, Rated};
use crate::outlier::record::Tally;
use proptest::prelude::*;

const SLOTS: u32 = 7;

#[derive(Clone, Copy, Debug)]
enum Step {
    Note(u32, Class),
    BeginProbe(u32),
    EndProbe(u32, Class),
    Hasten(u32),
    Insert(u32),
    Remove(u32),
    Restore(u32),
    Reconfigure(u32, u64),
    Wait(u64),
}

fn class() -> impl Strategy<Value = Class> {
    prop_oneof![
        2 => Just(Class::Success),
        6 => Just(Class::Failure),
        1 => Just(Class::Ignored),
        1 => Just(Class::Abandoned),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0..SLOTS, class()).prop_map(|(slot, class)| Step::Note(slot, class)),
        3 => (0..SLOTS).prop_map(Step::BeginProbe),
        3 => (0..SLOTS, class()).prop_map(|(slot, class)| Step::EndProbe(slot, class)),
        1 => (0..SLOTS).prop_map(Step::Hasten),
        1 => (0..SLOTS).prop_map(Step::Insert),
        1 => (0..SLOTS).prop_map(Step::Remove),
        1 => (0..SLOTS).prop_map(Step::Restore),
        1 => (0_u32..120, 1_u64..20).prop_map(|(cap, window)| Step::Reconfigure(cap, window)),
        4 => (0_u64..20_000).prop_map(Step::Wait),
    ]
}

/// The naive side: who is registered, whose probe is under way since when, what is remembered.
struct Model {
    settings: OutlierSettings,
    now: u64,
    registered: [bool; SLOTS as usize],
    tickets: Vec<(u64, ProbeTicket)>,
    remembered: [Option<Remembered>; SLOTS as usize],
}

impl Model {
    fn cap(&self) -> usize {
        let count = self.registered.iter().filter(|here| **here).count();
        let share = usize::try_from(self.settings.max_ejected.ppm()).unwrap();
        (count * share / 1_000_000).max(1).min(count.saturating_sub(1))
    }

    /// Whether a probe of this endpoint that still holds its place is under way.
    fn is_probed(&self, index: u32) -> bool {
        let patience = u64::try_from(self.settings.max.as_millis()).unwrap();
        let running = |begun: u64| self.now < begun + patience;
        self.tickets.iter().any(|(begun, t)| t.slot() == slot(index) && running(*begun))
    }

    fn check(&self, outliers: &Outliers) {
        outliers.invariants();
        let out = out(outliers, SLOTS, self.now);
        assert!(out.len() <= self.cap(), "{} are out, the cap is {}", out.len(), self.cap());
        let here = self.registered.iter().filter(|here| **here).count();
        assert!(here == 0 || out.len() < here, "the last endpoint is out");
        assert!(out.iter().all(|index| self.registered[slot(*index).index()]));
    }

    fn apply(&mut self, outliers: &mut Outliers, step: Step) {
        let now = at(self.now);
        match step {
            Step::Note(index, class) => {
                let events = note(outliers, index, class, self.now);
                self.check_events(outliers, &events);
            }
            Step::BeginProbe(index) => {
                let due = outliers.standing(slot(index), now) == Standing::ProbeDue;
                let ticket = outliers.begin_probe(slot(index), now);
                assert_eq!(ticket.is_some(), due);
                assert!(!(due && self.is_probed(index)), "two probes at once");
                self.tickets.extend(ticket.map(|ticket| (self.now, ticket)));
            }
            Step::EndProbe(index, class) => self.end_probe(outliers, index, class),
            Step::Hasten(index) => {
                let before = out(outliers, SLOTS, self.now);
                outliers.hasten(slot(index), now);
                assert_eq!(out(outliers, SLOTS, self.now), before, "a check let someone in");
            }
            Step::Insert(index) => self.insert(outliers, index),
            Step::Remove(index) => {
                let remembered = outliers.remove(slot(index), now);
                self.tickets.retain(|(_, ticket)| ticket.slot() != slot(index));
                if core::mem::take(&mut self.registered[slot(index).index()]) {
                    self.remembered[slot(index).index()] = Some(remembered);
                }
            }
            Step::Restore(index) => {
                let Some(kept) = self.remembered[slot(index).index()].take() else { return };
                self.insert(outliers, index);
                outliers.restore(slot(index), kept, now);
            }
            Step::Reconfigure(cap, window) => {
                self.settings.max_ejected = percent(cap);
                self.settings.window = Duration::from_secs(window);
                outliers.reconfigure(self.settings, now);
            }
            Step::Wait(millis) => self.now += millis,
        }
    }

    fn insert(&mut self, outliers: &mut Outliers, index: u32) {
        self.tickets.retain(|(_, ticket)| ticket.slot() != slot(index));
        self.registered[slot(index).index()] = true;
        outliers.insert(slot(index), at(self.now));
    }

    fn end_probe(&mut self, outliers: &mut Outliers, index: u32, class: Class) {
        let place = self.tickets.iter().position(|(_, ticket)| ticket.slot() == slot(index));
        let Some((_, ticket)) = place.map(|place| self.tickets.remove(place)) else { return };
        let mut events = Vec::new();
        outliers.end_probe(ticket, evidence(class), at(self.now), &mut events);
        self.check_events(outliers, &events);
    }

    fn check_events(&self, outliers: &Outliers, events: &[OutlierEvent]) {
        for event in events {
            let after = outliers.snapshot(event.slot(), at(self.now));
            match event {
                OutlierEvent::Ejected { ejection, .. } => {
                    assert_eq!(after.last, Some(*ejection));
                    assert_eq!(after.streak, ejection.streak);
                    let wait = ejection.until.since(at(self.now));
                    assert!(wait >= self.settings.base * 4 / 5 && wait <= self.settings.max);
                }
                OutlierEvent::Returned { .. } => assert_eq!(after.standing, Standing::In),
                OutlierEvent::Capped { .. }
                | OutlierEvent::Suppressed { .. }
                | OutlierEvent::NotEnforced { .. } => {
                    assert_eq!(after.standing, Standing::In);
                }
            }
        }
    }
}

/// What a textbook says of these rates: median and MAD in floats, no scratch, no rounding.
fn naive_outliers(tallies: &[(u32, u32)], points: f64) -> Vec<usize> {
    let median = |values: &[f64]| {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (lower, upper) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        f64::midpoint(lower, upper)
    };
    let rate = |(good, bad): &(u32, u32)| f64::from(*good) / f64::from(good + bad);
    let rates: Vec<f64> = tallies.iter().map(rate).collect();
    let middle = median(&rates);
    let deviations: Vec<f64> = rates.iter().map(|rate| (rate - middle).abs()).collect();
    let threshold = middle - (3.0 * 1.4826 * median(&deviations)).max(points);
    // Rates within the rounding of the integers are left out of the comparison by the caller.
    (0..rates.len()).filter(|index| rates[*index] < threshold - 2e-5).collect()
}

proptest! {
    #[test]
    fn the_cap_the_last_endpoint_and_single_probes_hold_after_each_step(
        count in 1..SLOTS, steps in prop::collection::vec(step(), 1..250),
    ) {
        let settings = OutlierSettings { min_requests: 8, ..OutlierSettings::default() };
        let mut outliers = detector(settings, count);
        let registered = core::array::from_fn(|index| index < slot(count).index());
        let remembered = [None; SLOTS as usize];
        let mut model = Model { settings, now: 0, registered, tickets: Vec::new(), remembered };
        for step in steps {
            model.apply(&mut outliers, step);
            model.check(&outliers);
        }
    }

    #[test]
    fn rates_agree_with_the_textbook(
        tallies in prop::collection::vec((0_u32..200, 0_u32..200), 3..12),
        points in 0_u32..30,
    ) {
        let tallies: Vec<_> = tallies.into_iter().map(|(good, bad)| (good + 1, bad)).collect();
        let mut rated: Vec<Rated> = (0_u32..)
            .zip(&tallies)
            .filter_map(|(index, (successes, failures))| {
                let tally = Tally { successes: *successes, failures: *failures };
                Rated::new(slot(index), tally)
            })
            .collect();
        rated.sort_unstable();
        let threshold = rates::threshold(&rated, percent(points), &mut Vec::new()).unwrap();
        for index in naive_outliers(&tallies, f64::from(points) / 100.0) {
            let rate = rated.iter().find(|rated| rated.slot.index() == index).unwrap().rate;
            prop_assert!(rate < threshold, "{rate} is not below {threshold}");
        }
        let more = naive_outliers(&tallies, f64::from(points) / 100.0 - 8e-5);
        for rated in rated.iter().filter(|rated| rated.rate < threshold) {
            let spread_rules = more.contains(&rated.slot.index());
            prop_assert!(spread_rules, "{rated:?} is an outlier only for us");
        }
    }
}
