//! Choice by key: the table of the algorithm, and what holds where the endpoint that a key
//! belongs to may not be chosen or has no room.
//!
//! Tables are built when the endpoints or their weights change, never on a pick. A pick between a
//! change and the building scores its candidates instead, which needs no table.

use alloc::vec::Vec;

use super::maglev::Maglev;
use super::member::Member;
use super::rendezvous::Score;
use super::ring::Ring;
use super::settings::Algorithm;
use crate::endpoint::Slot;
use crate::hash::mix;

/// Further entries of a Maglev table that are tried for a key. If an eighth of the endpoints may
/// be chosen, two of three such keys find one; the others are placed by score.
const PROBES: u64 = 8;

#[derive(Debug, Default)]
enum Table {
    /// None: score the candidates.
    #[default]
    Scores,
    Ring(Ring),
    Maglev(Maglev),
}

/// The table of a balancer.
#[derive(Debug, Default)]
pub(super) struct Keyed {
    table: Table,
    /// By slot; those without an endpoint weigh nothing.
    members: Vec<Member>,
    /// How many weigh something.
    weighted: usize,
    /// The candidates of a pick by slot, one bit each.
    marks: Vec<u64>,
}

impl Keyed {
    /// Builds the table of `algorithm` over `members`, one for each slot.
    pub(super) fn build(&mut self, algorithm: Algorithm, members: Vec<Member>) {
        // Where a table cannot be built (more endpoints than it has room for), scores serve.
        self.table = match algorithm {
            Algorithm::Ring { points } => {
                Ring::new(&members, points).map(Table::Ring).unwrap_or_default()
            }
            Algorithm::Maglev { size } => {
                Maglev::new(&members, size).map(Table::Maglev).unwrap_or_default()
            }
            Algorithm::RoundRobin
            | Algorithm::SmoothWeighted
            | Algorithm::Random
            | Algorithm::LeastRequest(_)
            | Algorithm::PowerOfTwo
            | Algorithm::PeakEwma
            | Algorithm::Rendezvous => Table::Scores,
        };
        self.weighted = members.iter().filter(|member| member.weight > 0).count();
        self.marks.resize(members.len().div_ceil(64), 0);
        self.members = members;
    }

    /// The table no longer says who is there.
    pub(super) fn forget(&mut self) {
        self.table = Table::Scores;
        self.weighted = 0;
    }

    /// The candidate for `key`; one with room, if any has. `member` is what is known of a
    /// candidate now.
    pub(super) fn pick(
        &mut self,
        candidates: &[Slot],
        key: u64,
        has_room: impl Fn(Slot) -> bool,
        member: impl Fn(Slot) -> Member,
    ) -> Option<Slot> {
        let everyone = candidates.len() == self.weighted;
        if !everyone {
            self.mark(candidates);
        }
        let fits = |slot: &Slot| (everyone || self.is_marked(*slot)) && has_room(*slot);
        let found = match &self.table {
            Table::Ring(ring) => {
                let first = ring.lookup(key).and_then(slot).filter(fits);
                first.or_else(|| ring.walk(key).filter_map(slot).find(fits))
            }
            Table::Maglev(table) => {
                let keys = (1..=PROBES).map(|probe| mix(key, probe));
                let mut owners = core::iter::once(key).chain(keys).map(|key| table.lookup(key));
                owners.find_map(|owner| owner.and_then(slot).filter(fits))
            }
            Table::Scores => None,
        };
        let best = |roomy: &dyn Fn(&Slot) -> bool| {
            let scored = candidates.iter().filter(|slot| roomy(slot));
            let scored = scored.filter_map(|slot| Some((*slot, Score::of(member(*slot), key)?)));
            scored.max_by(|(_, a), (_, b)| a.order(b)).map(|(slot, _)| slot)
        };
        found.or_else(|| best(&|slot| has_room(*slot))).or_else(|| best(&|_| true))
    }

    /// Whether the table was built for these members.
    pub(super) fn is_of(&self, members: impl Iterator<Item = Member>) -> bool {
        members.eq(self.members.iter().copied())
    }

    fn mark(&mut self, candidates: &[Slot]) {
        self.marks.fill(0);
        for slot in candidates {
            if let Some(word) = self.marks.get_mut(slot.index() / 64) {
                *word |= 1 << (slot.index() % 64);
            }
        }
    }

    fn is_marked(&self, slot: Slot) -> bool {
        self.marks.get(slot.index() / 64).is_some_and(|word| word >> (slot.index() % 64) & 1 == 1)
    }
}

fn slot(place: usize) -> Option<Slot> {
    u32::try_from(place).ok().map(Slot::new)
}
