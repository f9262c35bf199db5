//! What a driver may publish of a breaker, so that admission needs no lock while traffic flows.
//!
//! While a breaker is closed, asking it changes nothing, and every answer is the same. That state
//! fits a word, which a driver keeps in an atomic beside the lock. Whatever else is asked (open,
//! half-open, the ramp) goes to the machine, `machine.rs`.

use super::Ticket;
use super::machine::{Breaker, Manual};
use super::state::State;
use super::ticket::Role;
use crate::Mode;
use crate::ratio::Ratio;
use crate::time::Instant;

/// Every call passes, and this is the state that admits it.
///
/// It holds until the next step on the breaker; time alone never ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreeFlow {
    generation: u64,
    role: Role,
}

impl FreeFlow {
    /// The word that says that the machine has to be asked.
    pub const ASK: u64 = 0;

    /// As a word other than [`FreeFlow::ASK`], for an atomic.
    #[must_use]
    pub const fn word(self) -> u64 {
        let bystander = if matches!(self.role, Role::Bystander) { 1 } else { 0 };
        // One is added, so that no state is the word that means none.
        self.generation * 2 + bystander + 1
    }

    /// What a word of [`FreeFlow::word`] said; absent for [`FreeFlow::ASK`].
    #[must_use]
    #[inline]
    pub const fn from_word(word: u64) -> Option<Self> {
        let Some(word) = word.checked_sub(1) else { return None };
        let role = if word % 2 == 1 { Role::Bystander } else { Role::Counted };
        Some(Self { generation: word / 2, role })
    }

    /// What [`Breaker::admit`] would have given. Ends in [`Breaker::settle`] like any other.
    #[inline]
    pub const fn ticket(self) -> Ticket {
        Ticket { generation: self.generation, role: self.role }
    }
}

impl Breaker {
    /// The state that admits every call at `now` and later, whatever its draw and whether it may
    /// probe: closed without a ramp that still runs, forced closed, or off. To be published again
    /// after every step on the breaker, before its lock is released: an admission that starts after
    /// the step has returned then sees what it did.
    ///
    /// Absent where the machine has to be asked.
    #[must_use]
    #[inline]
    pub fn free_flow(&self, now: Instant) -> Option<FreeFlow> {
        // Half of the generations fit the word. The other half is 29 years of a change of state
        // every 100 ps away; then the machine is asked.
        let generation = self.generation;
        let fits = generation < u64::MAX / 2;
        self.free_role(now).filter(|_| fits).map(|role| FreeFlow { generation, role })
    }

    #[inline]
    fn free_role(&self, now: Instant) -> Option<Role> {
        if self.settings.mode == Mode::Off {
            return Some(Role::Bystander);
        }
        match (self.manual, self.state) {
            (Manual::ForcedOpen, _) => None,
            (Manual::ForcedClosed | Manual::Disabled, _) => Some(Role::Counted),
            (Manual::Auto, State::Closed(closed)) => {
                let now = self.not_before_latest(now);
                (closed.share(now, &self.settings) == Ratio::ONE).then_some(Role::Counted)
            }
            (Manual::Auto, State::Open(_) | State::HalfOpen(_)) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breaker::{BreakerEvent, BreakerSettings, CoolDown, Ended, Probing};
    use crate::outcome::Class;
    use crate::rng::Draw;
    use crate::time::Duration;
    use proptest::prelude::*;
    use std::vec::Vec;

    const fn touchy(mode: Mode, ramp: Option<Duration>) -> BreakerSettings {
        let cool_down = CoolDown {
            base: Duration::from_millis(20),
            growth: Ratio::from_percent(200),
            max: Duration::from_millis(80),
        };
        let settings = BreakerSettings { consecutive: Some(2), mode, ramp, cool_down, ..BASE };
        BreakerSettings { max_half_open: Duration::from_millis(50), ..settings }
    }

    const BASE: BreakerSettings = BreakerSettings::for_endpoint();

    /// Admits through the published word where there is one, as a driver does.
    fn through_the_word(
        breaker: &mut Breaker,
        word: u64,
        at: (Instant, Draw),
        probing: Probing,
        events: &mut Vec<BreakerEvent>,
    ) -> Option<Ticket> {
        match FreeFlow::from_word(word) {
            Some(flow) => Some(flow.ticket()),
            None => breaker.admit(at.0, probing, at.1, events).ok(),
        }
    }

    fn published(breaker: &Breaker, now: Instant) -> u64 {
        breaker.free_flow(now).map_or(FreeFlow::ASK, FreeFlow::word)
    }

    #[derive(Clone, Debug)]
    enum Operation {
        Admit { draw: u64, probing: bool },
        Settle { pick: usize, class: Class, draw: u64 },
        Force(Manual),
        Reload { mode: Mode, ramp: Option<u64> },
    }

    fn operation() -> impl Strategy<Value = Operation> {
        let class = prop::sample::select(&[Class::Success, Class::Failure, Class::Abandoned][..]);
        let manual = [Manual::Auto, Manual::ForcedOpen, Manual::ForcedClosed, Manual::Disabled];
        let mode = prop::sample::select(&[Mode::Enforce, Mode::Shadow, Mode::Off][..]);
        prop_oneof![
            8 => (any::<u64>(), any::<bool>())
                .prop_map(|(draw, probing)| Operation::Admit { draw, probing }),
            8 => (any::<usize>(), class, any::<u64>())
                .prop_map(|(pick, class, draw)| Operation::Settle { pick, class, draw }),
            1 => prop::sample::select(Vec::from(manual)).prop_map(Operation::Force),
            1 => (mode, prop::option::of(1_u64..60))
                .prop_map(|(mode, ramp)| Operation::Reload { mode, ramp }),
        ]
    }

    proptest! {
        /// A breaker whose free admissions never reach it does what one does that is always asked.
        #[test]
        fn skipping_the_machine_while_traffic_flows_changes_nothing(
            steps in prop::collection::vec((0_u64..30, operation()), 1..200),
        ) {
            let settings = touchy(Mode::Enforce, Some(Duration::from_millis(30)));
            let mut asked = Breaker::new(settings, Instant::EPOCH);
            let mut spared = Breaker::new(settings, Instant::EPOCH);
            let (mut told, mut heard) = (Vec::new(), Vec::new());
            let mut open: Vec<(Ticket, Ticket)> = Vec::new();
            let mut word = published(&spared, Instant::EPOCH);
            let mut millis = 0;
            for (step, operation) in steps {
                millis += step;
                let now = Instant::from_millis(millis);
                let passed_by = matches!(operation, Operation::Admit { .. })
                    && FreeFlow::from_word(word).is_some();
                match operation {
                    Operation::Admit { draw, probing } => {
                        let draw = Draw::from_bits(draw);
                        let probing =
                            if probing { Probing::Allowed } else { Probing::Forbidden };
                        let one = asked.admit(now, probing, draw, &mut told).ok();
                        let at = (now, draw);
                        let two = through_the_word(&mut spared, word, at, probing, &mut heard);
                        prop_assert_eq!(one.is_some(), two.is_some());
                        open.extend(one.zip(two));
                    }
                    Operation::Settle { pick, class, draw } if !open.is_empty() => {
                        let (one, two) = open.swap_remove(pick % open.len());
                        prop_assert_eq!(one.generation(), two.generation());
                        prop_assert_eq!(one.is_probe(), two.is_probe());
                        let ended = Ended { class, elapsed: Duration::from_millis(1) };
                        let at = (now, Draw::from_bits(draw));
                        asked.settle(one, ended, at, &mut told);
                        spared.settle(two, ended, at, &mut heard);
                    }
                    Operation::Settle { .. } => {}
                    Operation::Force(manual) => {
                        asked.force(manual, now, &mut told);
                        spared.force(manual, now, &mut heard);
                    }
                    Operation::Reload { mode, ramp } => {
                        let settings = touchy(mode, ramp.map(Duration::from_millis));
                        asked.reconfigure(settings, now);
                        spared.reconfigure(settings, now);
                    }
                }
                // Only who has asked the machine publishes.
                if !passed_by {
                    word = published(&spared, now);
                }
                prop_assert_eq!(asked.snapshot(now), spared.snapshot(now));
                prop_assert_eq!(&told, &heard);
            }
        }
    }

    #[test]
    fn a_word_says_what_it_was_made_of() {
        for generation in [0, 1, 7, u64::MAX / 2 - 1] {
            for role in [Role::Counted, Role::Bystander] {
                let flow = FreeFlow { generation, role };
                assert_ne!(flow.word(), FreeFlow::ASK);
                assert_eq!(FreeFlow::from_word(flow.word()), Some(flow));
            }
        }
        assert_eq!(FreeFlow::from_word(FreeFlow::ASK), None);
    }

    #[test]
    fn a_generation_that_no_word_can_hold_is_not_published() {
        let mut breaker = Breaker::new(touchy(Mode::Enforce, None), Instant::EPOCH);
        breaker.generation = u64::MAX / 2 - 1;
        let flow = breaker.free_flow(Instant::EPOCH).unwrap();
        assert_eq!(FreeFlow::from_word(flow.word()), Some(flow));
        breaker.generation += 1;
        assert_eq!(breaker.free_flow(Instant::EPOCH), None);
    }

    #[test]
    fn traffic_flows_freely_until_the_trip_and_again_after_the_ramp() {
        let ramp = Duration::from_millis(30);
        let mut breaker = Breaker::new(touchy(Mode::Enforce, Some(ramp)), Instant::EPOCH);
        let mut now = Instant::from_millis(1);
        for _ in 0..2 {
            let ticket = breaker.free_flow(now).unwrap().ticket();
            let ended = Ended { class: Class::Failure, elapsed: Duration::ZERO };
            breaker.settle(ticket, ended, (now, Draw::ZERO), &mut Vec::new());
        }
        assert_eq!(breaker.free_flow(now), None, "open");
        now = now.after(Duration::from_millis(20));
        let probe = breaker.admit(now, Probing::Allowed, Draw::ZERO, &mut Vec::new()).unwrap();
        assert_eq!(breaker.free_flow(now), None, "half-open");
        let ended = Ended { class: Class::Success, elapsed: Duration::ZERO };
        breaker.settle(probe, ended, (now, Draw::ZERO), &mut Vec::new());
        assert_eq!(breaker.free_flow(now), None, "the ramp runs");
        let flow = breaker.free_flow(now.after(ramp)).unwrap();
        assert_eq!(flow.generation, breaker.snapshot(now).generation);
    }
}
