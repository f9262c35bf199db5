//! Maglev hashing (Eisenbud et al., NSDI 2016, section 3.4): a table of nearly equal shares that
//! is read in constant time.
//!
//! Shares are more even and lookups faster than on a ring; a change of the set moves about twice
//! as many keys. What happens where an entry's endpoint may not be chosen is decided in `keyed`.

use alloc::vec;
use alloc::vec::Vec;

use super::member::{Member, in_order};
use crate::hash::mix;
use crate::invalid::Invalid;

/// Entries of a table unless stated otherwise; the paper's small size. A prime.
pub const MAGLEV_SIZE: u32 = 65_537;

/// Entries of a table at most, 16 MiB: the paper's large size is 655 373.
pub const MAGLEV_SIZE_MAX: u32 = 8_388_593;

/// Entries for each endpoint at least. The paper's section 5.3: with fewer, shares differ by more
/// than a hundredth.
pub const MAGLEV_ENTRIES_EACH: usize = 100;

/// An entry that nobody has taken.
const FREE: u16 = u16::MAX;

/// A Maglev table. Equal sets of members give equal tables in any order.
///
/// Memory: 2 bytes an entry. A lookup is a multiplication and one read. Building takes some
/// M · ln M steps, a millisecond or two for the default size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maglev {
    table: Vec<u16>,
}

impl Maglev {
    /// The table of `members` with `size` entries ([`MAGLEV_SIZE`]). A member whose weight is
    /// below the heaviest gets its share by fewer turns.
    ///
    /// # Errors
    /// A size that is not prime, above [`MAGLEV_SIZE_MAX`], or below [`MAGLEV_ENTRIES_EACH`] for
    /// each member.
    pub fn new(members: &[Member], size: u32) -> Result<Self, Invalid> {
        validate(size)?;
        let needed = members.len().saturating_mul(MAGLEV_ENTRIES_EACH);
        if needed > size as usize || members.len() >= usize::from(FREE) {
            return Err(Invalid::new("size", size, "at least 100 times the endpoints"));
        }
        let walkers = in_order(members).into_iter().map(|(place, member)| {
            let size = u64::from(size);
            let (offset, skip) = (mix(member.id, OFFSET_SALT), mix(member.id, SKIP_SALT));
            let owner = u16::try_from(place).unwrap_or(FREE);
            let (next, skip) = (offset % size, skip % (size - 1) + 1);
            Walker { owner, next, skip, weight: u64::from(member.weight), turns: 0 }
        });
        Ok(Self { table: fill(size, walkers.collect()) })
    }

    /// The place in the list of members of the endpoint that `key` belongs to; none if no member
    /// has weight. `key` must be a hash: its top bits decide.
    #[must_use]
    #[inline]
    pub fn lookup(&self, key: u64) -> Option<usize> {
        // The top of a product in place of a remainder: as even, without a division (Lemire, 2019).
        let entry = (u128::from(key) * self.table.len() as u128) >> 64;
        self.table.get(usize::try_from(entry).ok()?).map(|owner| usize::from(*owner))
    }

    /// The owner of each entry, as its place in the list of members; empty without members.
    #[must_use]
    pub fn entries(&self) -> &[u16] {
        &self.table
    }
}

/// Whether a table of this size can work for any endpoint at all.
pub(super) fn validate(size: u32) -> Result<(), Invalid> {
    if (101..=MAGLEV_SIZE_MAX).contains(&size) && is_prime(size) {
        return Ok(());
    }
    Err(Invalid::new("size", size, "a prime from 101 to 8388593"))
}

/// Keep the two permutation numbers of a name apart.
const OFFSET_SALT: u64 = 0x6f66_6673;
const SKIP_SALT: u64 = 0x736b_6970;

/// One endpoint on its way through its own permutation of the entries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walker {
    pub(super) owner: u16,
    pub(super) next: u64,
    pub(super) skip: u64,
    pub(super) weight: u64,
    pub(super) turns: u64,
}

/// The paper's `Populate`: in turn each endpoint takes the next free entry of its permutation. A
/// lighter one sits out turns until it has as many as its weight against the heaviest allows.
pub(super) fn fill(size: u32, mut walkers: Vec<Walker>) -> Vec<u16> {
    let Some(heaviest) = walkers.iter().map(|walker| walker.weight).max() else {
        return Vec::new();
    };
    let mut table = vec![FREE; size as usize];
    let mut free = table.len();
    for round in 1_u64.. {
        for walker in &mut walkers {
            if round * walker.weight <= walker.turns * heaviest {
                continue;
            }
            walker.turns += 1;
            take_next(&mut table, walker);
            free -= 1;
            if free == 0 {
                return table;
            }
        }
    }
    table
}

fn take_next(table: &mut [u16], walker: &mut Walker) {
    let size = table.len() as u64;
    loop {
        let at = usize::try_from(walker.next).unwrap_or_default();
        walker.next = (walker.next + walker.skip) % size;
        let Some(entry) = table.get_mut(at) else { return };
        if *entry == FREE {
            *entry = walker.owner;
            return;
        }
    }
}

/// By trial division: sizes are below 2³², so there are at most 65 536 trials.
fn is_prime(number: u32) -> bool {
    let fits = |divisor: &u32| divisor.saturating_mul(*divisor) <= number;
    number >= 2 && (2..).take_while(fits).all(|divisor| !number.is_multiple_of(divisor))
}
