//! Random facts against a naive model: the full log of what was met, and a list of who is held.

use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use crate::Mode;
use crate::endpoint::Slot;
use crate::hold::{
    Away, Back, Door, Hold, HoldEvent, HoldSettings, HoldState, Look, NotHeld, PROBE_GAP,
    PROBE_MIN, Patience, Place, Wish,
};
use crate::outcome::Reach;
use crate::time::{Duration, Instant};

const MS: Duration = Duration::from_millis(1);

/// Endpoints at most.
const SLOTS: u32 = 3;

/// What may happen.
#[derive(Clone, Copy, Debug)]
enum Op {
    Pass(u64),
    Met(u32, Reach, u64),
    EndProbe(usize, Reach),
    Door,
    Enter(u64, u64),
    Look(usize),
    Leave(usize),
    Back(usize, bool),
    Again(usize),
    Members(u8),
    Mode(Mode),
}

fn reach() -> impl Strategy<Value = Reach> {
    prop_oneof![
        4 => Just(Reach::Nobody),
        1 => Just(Reach::Answered),
        1 => Just(Reach::Taken),
        1 => Just(Reach::Unknown),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (0..120_u64).prop_map(Op::Pass),
        4 => (0..SLOTS, reach(), 0..100_u64).prop_map(|(slot, met, ago)| Op::Met(slot, met, ago)),
        2 => (any::<usize>(), reach()).prop_map(|(index, met)| Op::EndProbe(index, met)),
        3 => Just(Op::Door),
        5 => (0..2_000_u64, 0..40_u64).prop_map(|(until, body)| Op::Enter(until, body)),
        5 => any::<usize>().prop_map(Op::Look),
        1 => any::<usize>().prop_map(Op::Leave),
        3 => (any::<usize>(), any::<bool>()).prop_map(|(index, good)| Op::Back(index, good)),
        2 => any::<usize>().prop_map(Op::Again),
        1 => (0..8_u8).prop_map(Op::Members),
        1 => prop_oneof![6 => Just(Mode::Enforce), 1 => Just(Mode::Shadow), 1 => Just(Mode::Off)]
            .prop_map(Op::Mode),
    ]
}

/// What was met, when it was seen, and when its attempt had begun.
#[derive(Clone, Copy)]
struct Seen {
    slot: u32,
    reach: Reach,
    at: Instant,
    began: Instant,
}

/// Everything that ever happened.
struct Model {
    settings: HoldSettings,
    members: Vec<u32>,
    log: Vec<Seen>,
    held: Vec<(Place, u64)>,
    away: Vec<(Away, u64)>,
    probes: Vec<(Slot, u64)>,
    probed: Vec<(Slot, Instant)>,
}

impl Model {
    /// Whether the log leaves the endpoint lost.
    fn is_lost(&self, slot: u32) -> bool {
        let mut lost = None;
        for seen in self.log.iter().filter(|seen| seen.slot == slot) {
            match seen.reach {
                Reach::Nobody => lost = Some(seen.at),
                Reach::Answered => lost = None,
                Reach::Taken if lost.is_some_and(|at| seen.began >= at) => lost = None,
                Reach::Taken | Reach::Unknown => {}
            }
        }
        lost.is_some()
    }

    fn is_out(&self) -> bool {
        let lost = |slot: &u32| self.is_lost(*slot);
        self.settings.mode != Mode::Off && !self.members.is_empty() && self.members.iter().all(lost)
    }

    fn bytes(&self) -> u64 {
        self.held.iter().map(|(_, body)| body).chain(self.away.iter().map(|(_, body)| body)).sum()
    }
}

struct Pair {
    hold: Hold,
    model: Model,
    now: Instant,
    events: Vec<HoldEvent>,
}

impl Pair {
    fn new(settings: HoldSettings) -> Self {
        let (members, now) = (vec![0, 1], Instant::from_millis(1_000));
        let (log, held, away) = (Vec::new(), Vec::new(), Vec::new());
        let (probes, probed) = (Vec::new(), Vec::new());
        let model = Model { settings, members, log, held, away, probes, probed };
        let mut pair = Self { hold: Hold::new(settings), model, now, events: Vec::new() };
        pair.set_members();
        pair
    }

    fn set_members(&mut self) {
        let members = self.model.members.iter().copied().map(Slot::new);
        self.hold.set_members(members, self.now, &mut self.events);
    }

    fn step(&mut self, op: Op) {
        match op {
            Op::Pass(millis) => self.now = self.now.after(Duration::from_millis(millis)),
            Op::Met(slot, reach, ago) => {
                let began = Instant::from_nanos(self.now.as_nanos() - ago * 1_000_000);
                self.met((Slot::new(slot), None), reach, began);
            }
            Op::EndProbe(index, reach) => {
                if let Some((slot, number)) = take(&mut self.model.probes, index) {
                    self.met((slot, Some(number)), reach, self.now);
                }
            }
            Op::Door => self.door(),
            Op::Enter(until, body) => self.enter(until, body, None),
            Op::Look(index) => self.look(index),
            Op::Leave(index) => {
                if let Some((place, _)) = take(&mut self.model.held, index) {
                    self.hold.leave(place, self.now, &mut self.events);
                }
            }
            Op::Back(index, good) => {
                if let Some((away, _)) = take(&mut self.model.away, index) {
                    let back = if good { Back::Answered { usual: MS } } else { Back::Failed };
                    self.hold.back(away, back, self.now, &mut self.events);
                }
            }
            Op::Again(index) => {
                if let Some((away, body)) = take(&mut self.model.away, index) {
                    self.enter(500, body, Some(away));
                }
            }
            Op::Members(bits) => self.regroup(bits),
            Op::Mode(mode) => self.switch(mode),
        }
        self.check();
    }

    fn met(&mut self, (slot, probe): (Slot, Option<u64>), reach: Reach, began: Instant) {
        if self.model.settings.mode != Mode::Off || probe.is_some() {
            let index = u32::try_from(slot.index()).expect("few");
            if self.model.members.contains(&index) && self.model.settings.mode != Mode::Off {
                self.model.log.push(Seen { slot: index, reach, at: self.now, began });
            }
            if self.hold.is_concerned(reach) || probe.is_some() {
                let attempt = (began, probe);
                let _counts = self.hold.note((slot, reach), attempt, self.now, &mut self.events);
            }
        }
    }

    fn door(&mut self) {
        let enforced = self.model.settings.mode == Mode::Enforce;
        let door = self.hold.door(self.now);
        assert_eq!(door == Door::Open, !(enforced && self.model.is_out()), "{door:?}");
        let Door::Probe(slot, number) = door else { return };
        let index = u32::try_from(slot.index()).expect("few");
        assert!(self.model.members.contains(&index), "a probe of nobody");
        let twice = self.model.probes.iter().any(|(other, _)| *other == slot);
        assert!(!twice, "two probes at once");
        let latest = self.model.probed.iter().rev();
        if let Some((_, at)) = latest.clone().next() {
            assert!(self.now.since(*at) >= PROBE_GAP, "probes too close");
        }
        if let Some((_, at)) = latest.clone().find(|(other, _)| *other == slot) {
            assert!(self.now.since(*at) >= PROBE_MIN, "probes of one endpoint too close");
        }
        self.model.probes.push((slot, number));
        self.model.probed.push((slot, self.now));
    }

    fn enter(&mut self, until: u64, body: u64, away: Option<Away>) {
        let again = away.is_some();
        let wish = Wish {
            until: self.now.after(MS * u32::try_from(until).expect("small")),
            since: None,
            body,
            patience: Patience::Told,
        };
        let entered = self.hold.enter(wish, away, self.now, &mut self.events);
        let settings = self.model.settings;
        let out = settings.mode == Mode::Enforce && self.model.is_out();
        let held = self.model.held.len() + self.model.away.len();
        let fits = held < settings.calls as usize && self.model.bytes() + body <= settings.bytes;
        match entered {
            Ok((place, look_at)) => {
                assert!(out && (fits || again) && place.until() > self.now);
                assert!(look_at > Instant::EPOCH && look_at <= place.until());
                self.model.held.push((place, body));
            }
            Err(NotHeld::Full) => assert!(out && !fits && !again),
            Err(NotHeld::NoTime) => {}
        }
    }

    fn look(&mut self, index: usize) {
        let Some((place, body)) = take(&mut self.model.held, index) else { return };
        match self.hold.look(place, self.now, &mut self.events) {
            Look::Held { look_at } => {
                assert!(look_at > self.now, "it would spin");
                self.model.held.push((place, body));
            }
            Look::Go(away) => self.model.away.push((away, body)),
            Look::Over => assert!(self.now >= place.until(), "let go before its time"),
        }
    }

    fn regroup(&mut self, bits: u8) {
        let members = (0..SLOTS).filter(|slot| bits >> slot & 1 == 1).collect();
        let before = core::mem::replace(&mut self.model.members, members);
        let members = self.model.members.clone();
        self.model.log.retain(|seen| members.contains(&seen.slot));
        // The record of who left is gone, and that of its probe.
        let stays = |slot: Slot| {
            let index = u32::try_from(slot.index()).expect("few");
            before.contains(&index) && members.contains(&index)
        };
        self.model.probes.retain(|(slot, _)| stays(*slot));
        self.model.probed.retain(|(slot, _)| stays(*slot));
        self.set_members();
    }

    fn switch(&mut self, mode: Mode) {
        self.model.settings.mode = mode;
        if mode == Mode::Off {
            self.model.log.clear();
            self.model.probes.clear();
        }
        self.hold.reconfigure(self.model.settings, self.now, &mut self.events);
    }

    fn check(&mut self) {
        self.hold.invariants();
        let seen = self.hold.snapshot();
        let out = matches!(seen.state, HoldState::Outage { .. });
        assert_eq!(out, self.model.is_out(), "{:?}", seen.state);
        let held = self.model.held.len() + self.model.away.len();
        assert_eq!((seen.held as usize, seen.bytes), (held, self.model.bytes()));
        while let Some(place) = self.hold.next_wake() {
            self.check_release(place);
        }
    }

    /// Whoever is released now has less time than all that are held on, of those that an answer
    /// can reach in time; where it can reach none, more.
    fn check_release(&mut self, place: Place) {
        if self.hold.called.contains(place) {
            let least = self.now.after(self.hold.takes);
            let line = self.model.held.iter().map(|(other, _)| *other);
            let waiting = line.filter(|other| self.hold.line.contains(*other));
            let (mut in_time, mut late): (Vec<_>, Vec<_>) =
                waiting.partition(|other| other.until() >= least);
            if place.until() >= least {
                assert!(in_time.drain(..).all(|other| other > place), "the least time goes first");
            } else {
                assert!(in_time.is_empty(), "some could have been answered in time");
                assert!(late.drain(..).all(|other| other < place), "the latest goes first");
            }
        }
    }
}

fn take<T>(list: &mut Vec<T>, index: usize) -> Option<T> {
    (!list.is_empty()).then(|| list.remove(index % list.len()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn holding_is_what_the_full_log_says(
        ops in prop::collection::vec(op(), 1..120),
        calls in 1..5_u32,
        bytes in 0..100_u64,
    ) {
        let (longest, outage) = (MS * 800, MS * 1_500);
        let mode = Mode::Enforce;
        let mut pair = Pair::new(HoldSettings { calls, bytes, longest, outage, mode });
        for op in ops {
            pair.step(op);
        }
    }
}
