//! Answers that arrive whole, held against the two steps that they stand for.

use std::format;
use std::vec::Vec;

use super::draws::{self, one_of, small};
use super::world::{COMPLETED, Client, World, get, lenient, plain, plan, status, verdict};
use crate::call::{Action, CallState, Replay, Verdict};
use crate::outcome::{Class, Judgement, Observation, RetryRule};
use crate::rng::{Rng, Stream};

const CASES: u64 = 2_000;
const STEPS: u32 = 40;
const CALLS_MAX: usize = 4;

const fn judged(class: Class, retry: RetryRule) -> Observation {
    Observation::Judged(Judgement { class, retry, throttled: false, retry_after: None })
}

fn seen(chance: &mut Stream) -> Observation {
    match chance.below(3) {
        0 => draws::head(chance),
        1 => judged(Class::Failure, RetryRule::IfSafe),
        _ => judged(Class::Success, RetryRule::Never),
    }
}

fn number(chance: &mut Stream, client: &Client) -> u32 {
    let flying: Vec<_> = client.flight.iter().map(|running| running.number).collect();
    if flying.is_empty() { small(chance, 4) } else { one_of(chance, &flying) }
}

/// Head and end apart, as a driver reports them whose answers stream.
fn in_two_steps(client: &mut Client, world: &mut World, number: u32, seen: Observation) -> Action {
    let action = client.head(world, number, seen);
    if let Action::Deliver(number) = action {
        return client.ended(world, number, COMPLETED);
    }
    action
}

fn in_one_step(client: &mut Client, world: &mut World, number: u32, seen: Observation) -> Action {
    client.step(world, |call, ctx| call.answered(number, seen, Replay::Possible, ctx))
}

fn move_both(chance: &mut Stream, clients: &mut [Client; 2], worlds: &mut [World; 2]) {
    let ([one, two], [here, there]) = (clients, worlds);
    let (done, expected) = match chance.below(4) {
        _ if one.state() == CallState::Attempting && chance.below(4) > 0 => {
            let (number, seen) = (number(chance, one), seen(chance));
            (in_one_step(one, here, number, seen), in_two_steps(two, there, number, seen))
        }
        0 => {
            one.cancelled(here);
            two.cancelled(there);
            (Action::Wait, Action::Wait)
        }
        _ => (one.timer(here), two.timer(there)),
    };
    assert_eq!(done, expected);
    assert_eq!(format!("{:?}", one.call), format!("{:?}", two.call));
    assert_eq!(format!("{:?}", one.trail), format!("{:?}", two.trail));
}

fn run(seed: u64) -> u32 {
    let chance = &mut Stream::new(seed, "whole");
    let settings = draws::upstream(chance);
    let endpoints = one_of(chance, &[1, 2, 3]);
    let mut worlds = [(); 2].map(|()| World::seeded(settings, endpoints, seed));
    let mut calls: Vec<[Client; 2]> = Vec::new();
    for _ in 0..STEPS {
        let time = if chance.below(3) == 0 { draws::span(chance) } else { super::world::MS };
        worlds.iter_mut().for_each(|world| world.pass(time));
        if calls.len() < CALLS_MAX && chance.below(4) == 0 {
            let (settings, facts) = (draws::call(chance), draws::facts(chance));
            calls.push([0, 1].map(|side: usize| worlds[side].start(settings, facts).0));
        } else if !calls.is_empty() {
            let index = small(chance, u32::try_from(calls.len()).expect("few")) as usize;
            move_both(chance, &mut calls[index], &mut worlds);
        }
    }
    let [here, there] = &worlds;
    assert_eq!(here.journal.events, there.journal.events);
    assert_eq!(format!("{:?}", here.rng), format!("{:?}", there.rng));
    assert_eq!(format!("{:?}", here.upstream), format!("{:?}", there.upstream));
    u32::try_from(calls.iter().filter(|[one, _]| one.answered.is_some()).count()).expect("few")
}

#[test]
fn an_answer_that_arrives_whole_leaves_behind_what_head_and_end_do() {
    let answered: u32 = (0..CASES).map(run).sum();
    assert!(answered > 1_000, "only {answered} calls were answered");
}

#[test]
fn a_whole_answer_ends_its_call() {
    let mut world = World::new(lenient(), 1);
    let (mut call, action) = world.start(plain(), get());
    let ended = in_one_step(&mut call, &mut world, plan(&action).number, status(200));
    assert_eq!(verdict(&ended), Verdict::Answered { attempt: 1 });
    assert_eq!((call.state(), world.in_use()), (CallState::Finished, 0));
}
