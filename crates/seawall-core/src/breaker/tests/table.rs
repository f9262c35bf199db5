//! Every state under every event, as text: `table.txt` is the reviewed copy.
//!
//! Cells that cannot happen say so. When a change is wanted, the failing test prints the new
//! table; read the difference, then replace the file.

use super::*;
use crate::Mode;
use std::format;
use std::string::{String, ToString};

/// A breaker in a certain state, with a ticket of the present generation and one of an older,
/// where there can be such.
struct Scene {
    bench: Bench,
    present: Option<Ticket>,
    stale: Option<Ticket>,
}

/// Two places, two successes; any failure trips.
fn settings() -> BreakerSettings {
    let ramp = Some(SECOND * 10);
    BreakerSettings { max_probes: 2, success_threshold: 2, ramp, ..touchy() }
}

fn closed() -> Scene {
    let mut bench = Bench::new(settings());
    let present = Some(bench.pass());
    Scene { bench, present, stale: None }
}

fn open_in(mode: Mode) -> Scene {
    let mut bench = Bench::new(BreakerSettings { mode, ..settings() });
    let (stale, fatal) = (Some(bench.pass()), bench.pass());
    bench.end(fatal, Class::Failure);
    Scene { bench, present: None, stale }
}

fn due_in(mode: Mode) -> Scene {
    let mut scene = open_in(mode);
    scene.bench.cool();
    scene
}

fn half_open(probes: usize, successes: u32) -> Scene {
    half_open_in(Mode::Enforce, probes, successes)
}

fn half_open_in(mode: Mode, probes: usize, successes: u32) -> Scene {
    let mut scene = due_in(mode);
    scene.bench.run(Class::Success, successes);
    scene.present = (0..probes).map(|_| scene.bench.pass()).last();
    scene
}

fn half_open_late(after: Duration) -> Scene {
    let mut scene = half_open(1, 0);
    scene.bench.wait(after);
    scene
}

fn ramp() -> Scene {
    let mut scene = due_in(Mode::Enforce);
    scene.bench.run(Class::Success, 2);
    scene.bench.draw = Draw::ZERO;
    scene.present = Some(scene.bench.pass());
    scene.bench.draw = Draw::ALMOST_ONE;
    scene
}

fn forced(manual: Manual) -> Scene {
    let mut bench = Bench::new(settings());
    let stale = Some(bench.pass());
    bench.force(manual);
    let present = bench.admit(Probing::Allowed).ok();
    Scene { bench, present, stale }
}

fn off() -> Scene {
    let mut bench = Bench::new(BreakerSettings { mode: Mode::Off, ..settings() });
    let present = Some(bench.pass());
    Scene { bench, present, stale: None }
}

type Make = fn() -> Scene;
type Act = fn(&mut Scene) -> String;

const SCENES: [(&str, Make); 16] = [
    ("closed", closed),
    ("closed, ramp at 10 %", ramp),
    ("open", || open_in(Mode::Enforce)),
    ("probe due", || due_in(Mode::Enforce)),
    ("half-open, a place free", || half_open(1, 0)),
    ("half-open, no place free", || half_open(2, 0)),
    ("half-open, a success short", || half_open(1, 1)),
    ("half-open, time over", || half_open_late(SECOND * 30)),
    ("half-open, next cool-down over", || half_open_late(SECOND * 35)),
    ("forced open", || forced(Manual::ForcedOpen)),
    ("forced closed", || forced(Manual::ForcedClosed)),
    ("disabled", || forced(Manual::Disabled)),
    ("shadow, would be open", || open_in(Mode::Shadow)),
    ("shadow, would probe", || due_in(Mode::Shadow)),
    ("shadow, would be half-open", || half_open_in(Mode::Shadow, 2, 0)),
    ("off", off),
];

fn admit(scene: &mut Scene, probing: Probing) -> String {
    match scene.bench.admit(probing) {
        Ok(ticket) => format!("{:?}", ticket.role).to_lowercase(),
        Err(Refused { until }) => format!("refused until {}", time(until)),
    }
}

fn settle(scene: &mut Scene, class: Class, elapsed: Duration) -> String {
    let Some(ticket) = scene.present.take() else { return "impossible".to_string() };
    scene.bench.end_after(ticket, class, elapsed);
    "-".to_string()
}

fn settle_stale(scene: &mut Scene) -> String {
    let Some(ticket) = scene.stale.take() else { return "impossible".to_string() };
    scene.bench.end(ticket, Class::Failure);
    "-".to_string()
}

fn force(scene: &mut Scene, manual: Manual) -> String {
    scene.bench.force(manual);
    "-".to_string()
}

fn timer(scene: &mut Scene) -> String {
    scene.bench.breaker.on_timer(scene.bench.now, &mut scene.bench.events);
    "-".to_string()
}

/// Other numbers, another window, the same mode.
fn reload(scene: &mut Scene) -> String {
    let mode = scene.bench.snapshot().mode;
    scene.bench.breaker.reconfigure(BreakerSettings { mode, ..by_count(7) }, scene.bench.now);
    "-".to_string()
}

fn switch_off(scene: &mut Scene) -> String {
    let off = BreakerSettings { mode: Mode::Off, ..settings() };
    scene.bench.breaker.reconfigure(off, scene.bench.now);
    "-".to_string()
}

const EVENTS: [(&str, Act); 15] = [
    ("admit", |scene| admit(scene, Probing::Allowed)),
    ("admit, no probe", |scene| admit(scene, Probing::Forbidden)),
    ("success", |scene| settle(scene, Class::Success, Duration::ZERO)),
    ("failure", |scene| settle(scene, Class::Failure, Duration::ZERO)),
    ("ignored", |scene| settle(scene, Class::Ignored, Duration::ZERO)),
    ("abandoned early", |scene| settle(scene, Class::Abandoned, Duration::ZERO)),
    ("abandoned late", |scene| settle(scene, Class::Abandoned, SECOND * 3)),
    ("stale failure", settle_stale),
    ("timer", timer),
    ("force auto", |scene| force(scene, Manual::Auto)),
    ("force open", |scene| force(scene, Manual::ForcedOpen)),
    ("force closed", |scene| force(scene, Manual::ForcedClosed)),
    ("disable", |scene| force(scene, Manual::Disabled)),
    ("reload", reload),
    ("switch off", switch_off),
];

fn time(at: Instant) -> String {
    if at.is_never() {
        return "never".to_string();
    }
    format!("{} ms", at.as_nanos() / 1_000_000)
}

fn event(event: &BreakerEvent) -> String {
    match event {
        BreakerEvent::Opened { cause, rate, calls, openings, until } => {
            format!("Opened({cause:?} {rate} of {calls}, k={openings}, until {})", time(*until))
        }
        BreakerEvent::HalfOpened => "HalfOpened".to_string(),
        BreakerEvent::Closed { after } => format!("Closed(after {after:?})"),
        BreakerEvent::StaleOutcome { ticket, current } => format!("Stale({ticket} at {current})"),
        BreakerEvent::Forced { mode } => format!("Forced({mode:?})"),
        BreakerEvent::ProbeAbandoned => "ProbeAbandoned".to_string(),
        BreakerEvent::WouldReject { until } => format!("WouldReject(until {})", time(*until)),
    }
}

fn phase(snapshot: &BreakerSnapshot) -> String {
    let phase = match snapshot.phase {
        Phase::Closed => format!("closed, {} of {}", snapshot.failures, snapshot.calls),
        Phase::Open { until } => format!("open until {}", time(until)),
        Phase::ProbeDue => "probe due".to_string(),
        Phase::HalfOpen { free_places } => {
            format!("half-open, {} ok, {free_places} free", snapshot.probe_successes)
        }
    };
    format!("{phase}, g{}", snapshot.generation)
}

fn cell(scene: Make, event_name: &str, act: Act) -> String {
    let mut scene = scene();
    scene.bench.take_events();
    let before = scene.bench.snapshot();
    let answer = act(&mut scene);
    let after = scene.bench.snapshot();
    let becomes = if before == after { "same".to_string() } else { phase(&after) };
    let events: Vec<_> = scene.bench.events.iter().map(event).collect();
    let events = if events.is_empty() { "-".to_string() } else { events.join(" ") };
    if answer == "impossible" {
        return format!("  {event_name:<16}| impossible\n");
    }
    format!("  {event_name:<16}| {answer:<24}| {becomes:<32}| {events}\n")
}

fn table() -> String {
    let mut text = String::new();
    for (name, scene) in SCENES {
        let mut made = scene();
        made.bench.take_events();
        text.push_str(&format!("{name} ({})\n", phase(&made.bench.snapshot())));
        for (event_name, act) in EVENTS {
            text.push_str(&cell(scene, event_name, act));
        }
    }
    text
}

#[test]
fn every_state_answers_every_event_as_reviewed() {
    let (table, reviewed) = (table(), include_str!("table.txt"));
    for (line, (now, before)) in table.lines().zip(reviewed.lines()).enumerate() {
        assert_eq!(now, before, "line {} of table.txt; the table now:\n{table}", line + 1);
    }
    assert_eq!(table.lines().count(), reviewed.lines().count(), "the table now:\n{table}");
}
