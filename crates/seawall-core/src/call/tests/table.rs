//! The table of transitions: as reviewed, and as it runs.

use std::collections::BTreeSet;
use std::format;
use std::string::String;

use super::fleet::{self, Move};
use super::world::{COMPLETED, MS, REFUSED, SECOND, World, get, narrow, plain, status};
use crate::Mode;
use crate::call::{
    Action, Call, CallEvent, CallSettings, CallState, Replay, Rung, TABLE, render_table,
};
use crate::hold::HoldSettings;
use crate::upstream::UpstreamSettings;

#[test]
fn the_table_is_the_reviewed_one() {
    let (table, reviewed) = (render_table(), include_str!("table.txt"));
    assert!(table == reviewed, "the table has changed; review it and replace table.txt:\n{table}");
}

#[test]
fn every_listed_move_is_made_and_no_other() {
    let listed: BTreeSet<Move> = TABLE
        .iter()
        .flat_map(|(from, by, targets)| targets.iter().map(|to| (*from, *by, *to)))
        .collect();
    let mut made = BTreeSet::new();
    let mut seed = 0;
    while made.len() < listed.len() && seed < 100_000 {
        fleet::run(seed, &mut made);
        seed += 1;
    }
    assert_eq!(listed.difference(&made).next(), None, "listed, but not reached");
    assert_eq!(made.difference(&listed).next(), None, "reached, but not listed");
}

/// A call in each state that has one; the second value keeps a permit away from a queued call.
fn call_in(state: CallState, world: &mut World) -> Call {
    let rungs = u8::from(state == CallState::FallingBack);
    let settings = CallSettings { rungs, max_attempts: 2, ..plain() };
    if state == CallState::Queued {
        let _holder = world.attempt(plain(), get());
        return world.start(settings, get()).0.call;
    }
    let (mut client, _) = world.attempt(settings, get());
    match state {
        CallState::New | CallState::Queued | CallState::Attempting => {}
        CallState::Holding => {
            let _wait = client.ended(world, 1, REFUSED);
            let mut number = client.retried(world).number;
            while client.state() != CallState::Holding {
                let _probe = client.ended(world, number, REFUSED);
                number += 1;
            }
        }
        CallState::BackingOff => {
            let _wait = client.ended(world, 1, REFUSED);
        }
        CallState::Delivering => {
            let _deliver = client.head(world, 1, status(200));
        }
        CallState::FallingBack => {
            let _rung = client.head(world, 1, status(500));
        }
        CallState::Finished => {
            let _deliver = client.head(world, 1, status(200));
            let _end = client.ended(world, 1, COMPLETED);
        }
    }
    client.call
}

fn apply(event: CallEvent, call: &mut Call, world: &mut World) -> Action {
    match event {
        CallEvent::Start => Action::Wait,
        CallEvent::Granted => call.granted(&mut world.ctx()),
        CallEvent::Head => call.head(1, status(200), Replay::Possible, &mut world.ctx()),
        CallEvent::Ended => call.ended(1, COMPLETED, Replay::Possible, &mut world.ctx()),
        CallEvent::Uploading => {
            call.uploading(world.now.after(SECOND), Replay::Lost);
            Action::Wait
        }
        CallEvent::Timer => call.timer(Replay::Possible, &mut world.ctx()),
        CallEvent::RungDone => call.rung_done(Rung::Served, &mut world.ctx()),
        CallEvent::Cancelled => {
            call.cancelled(&mut world.ctx());
            Action::Wait
        }
    }
}

fn shown(call: &Call, world: &World) -> String {
    format!("{call:?} {:?}", world.snapshot())
}

#[test]
fn impossible_cells_change_nothing() {
    let mut checked = 0;
    for state in &CallState::ALL[1..] {
        for event in &CallEvent::ALL[1..] {
            if TABLE.iter().any(|(from, by, _)| (from, by) == (state, event)) {
                continue;
            }
            let hold = HoldSettings { mode: Mode::Enforce, ..HoldSettings::default() };
            let settings = UpstreamSettings { hold, ..narrow(1, 2) };
            let mut world = World::new(settings, 2);
            let mut call = call_in(*state, &mut world);
            assert_eq!(call.state(), *state);
            world.pass(MS * 5);
            let before = shown(&call, &world);
            let action = apply(*event, &mut call, &mut world);
            assert!(matches!(action, Action::Wait | Action::Enqueue(_)), "{state:?} × {event:?}");
            assert_eq!(shown(&call, &world), before, "{state:?} × {event:?}");
            checked += 1;
        }
    }
    assert_eq!(checked, 32, "of 49 cells that a started call can meet");
}
