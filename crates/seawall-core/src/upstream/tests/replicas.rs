//! Endpoints that are asked the same, and what becomes of one whose answers are odd.

use std::collections::BTreeMap;
use std::vec::Vec;

use super::world::*;
use crate::endpoint::EndpointId;
use crate::outlier::{Agreement, Standing};
use crate::rng::Rng;
use crate::upstream::{Choice, ChoiceReason, Draining, Scene, UpstreamSettings};

impl World {
    fn replicas(&mut self, number: usize) -> Vec<EndpointId> {
        self.upstream.replicas(number, self.now, &mut self.rng)
    }

    fn choose_only(&mut self, id: EndpointId) -> Option<Choice> {
        let Self { upstream, rng, events, now } = self;
        upstream.choose_only(id, &mut Scene { now: *now, rng, sink: events })
    }

    fn compare(&mut self, id: EndpointId, agreement: Agreement) {
        let at = (self.now, self.rng.draw());
        self.upstream.compared(id, agreement, at, &mut self.events);
        self.upstream.invariants();
    }
}

fn world(names: &[&str]) -> World {
    World::new(UpstreamSettings::default(), names)
}

#[test]
fn replicas_differ_and_each_endpoint_gets_its_turn() {
    let mut world = world(&["a", "b", "c", "d", "e"]);
    let mut turns = BTreeMap::new();
    for _ in 0..1_000 {
        let mut replicas = world.replicas(3);
        replicas.sort();
        replicas.dedup();
        assert_eq!(replicas.len(), 3);
        for id in replicas {
            *turns.entry(id).or_insert(0) += 1;
        }
    }
    assert_eq!(turns.len(), 5);
    assert!(turns.values().all(|turns| (500..700).contains(turns)), "{turns:?}");
}

#[test]
fn there_are_no_more_replicas_than_endpoints_that_may_be_chosen() {
    let mut world = world(&["a", "b", "c"]);
    assert_eq!((world.replicas(9).len(), world.replicas(0).len()), (3, 0));
    let id = world.named("a").id;
    world.upstream.set_draining(id, Draining::Yes, world.now);
    assert_eq!(world.replicas(9).len(), 2);
    assert!(world.choose_only(id).is_none());
    assert!(World::new(UpstreamSettings::default(), &[]).replicas(3).is_empty());
}

#[test]
fn a_call_goes_where_it_says_and_its_end_is_credited_there() {
    let mut world = world(&["a", "b", "c"]);
    let id = world.named("b").id;
    let choice = world.choose_only(id).expect("a good one");
    assert_eq!((choice.endpoint, choice.reason), (id, ChoiceReason::Balanced));
    world.end(choice, status(200), MS);
    assert_eq!(world.named("b").outcomes.success, 1);
}

#[test]
fn who_is_odd_too_often_is_ejected_and_who_agrees_is_not() {
    let mut world = world(&["a", "b", "c"]);
    let rule = UpstreamSettings::default().outlier.odd.expect("on by default");
    let (liar, other) = (world.named("a").id, world.named("b").id);
    for _ in 1..rule.disagreements {
        world.compare(liar, Agreement::Odd);
        world.compare(other, Agreement::Agreed);
    }
    assert_eq!(world.named("a").outlier.standing, Standing::In);
    world.compare(liar, Agreement::Odd);
    assert_ne!(world.named("a").outlier.standing, Standing::In);
    assert_eq!(world.named("b").outlier.standing, Standing::In);
    assert!(world.choose_only(liar).is_none(), "it is out");
    assert!(!world.replicas(9).contains(&liar));
}

#[test]
fn an_ejected_endpoint_is_asked_again_once_it_is_due() {
    let mut world = world(&["a", "b", "c", "d"]);
    let out = world.named("a").id;
    while world.named("a").outlier.standing == Standing::In {
        world.compare(out, Agreement::Odd);
    }
    world.pass(SECOND * 600);
    let replicas = world.replicas(3);
    assert_eq!((replicas.len(), replicas.contains(&out)), (3, true));
    let choice = world.choose_only(out).expect("a probe");
    assert_eq!(choice.reason, ChoiceReason::Probe);
    assert!(!world.replicas(3).contains(&out), "one probe at a time");
    world.end(choice, status(200), MS);
}

#[test]
fn what_is_found_of_an_endpoint_that_has_gone_changes_nothing() {
    let mut world = world(&["a", "b", "c"]);
    let id = world.named("a").id;
    world.set(&["b", "c"]);
    for _ in 0..100 {
        world.compare(id, Agreement::Odd);
    }
    assert!(world.events.is_empty(), "{:?}", world.events);
}
