//! Demand: whether more comes than is done, among those who find no place.
//!
//! A limit that is reached is no overload by that alone. Callers of whom each has one call at a
//! time fill any limit, and what waits then is as long as they are many, but does not grow: for
//! each that is done one comes. Under overload more come than are done, for as long as it lasts. So
//! arrivals are held against ends, piece of time by piece of time, and what is too many adds up
//! (CUSUM: E. S. Page, "Continuous inspection schemes", 1954). A crowd that comes at once is one
//! piece, which counts for no more than any piece can.
//!
//! Who is refused for it is decided in `upstream`.

use crate::time::{Duration, Instant};

/// A piece is at least so long, and so many are done in it: of fewer the share is chance.
const PIECE: Duration = Duration::from_millis(50);
const PIECE_DONE: u32 = 16;

/// And at most so long, where so many at least are done.
const PIECE_MAX: Duration = Duration::from_secs(2);
const PIECE_DONE_MIN: u32 = 4;

/// Up to so many percent of what is done may come in the long run: what is above adds up.
const EVEN: u64 = 105;

/// A piece adds no more than this, in percent of what was done in it: three times too many are as
/// bad as any number, and a crowd that comes at once is but one piece.
const PIECE_ADDS: u32 = 200;

/// So much makes a flood: four pieces of three times as many as are done, or more of fewer. With as
/// many as are done, chance brings it about once in some hundred thousand pieces.
const FLOOD: u32 = 600;

/// And with less than this it is over.
const EBB: u32 = 300;

/// Where nobody has waited for so long, what was before says nothing.
const MEMORY: Duration = Duration::from_secs(1);

/// Once in so long a flood is called over, to see whether it still is one: callers who come again
/// at once when they are refused look like one for ever.
const TRY_EVERY: Duration = Duration::from_secs(20);

/// Arrivals that found no place, against attempts that ended meanwhile. A few words, constant time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Demand {
    since: Instant,
    latest: Instant,
    came: u32,
    done: u32,
    /// What was too many, in percent of what is done in a piece.
    excess: u32,
    flood_since: Option<Instant>,
}

impl Demand {
    /// Somebody has found no place, and waits or is refused.
    pub(crate) fn note_come(&mut self, now: Instant) {
        self.note(now);
        self.came = self.came.saturating_add(1);
    }

    /// What somebody else had asked for is done, while others wait for the place.
    pub(crate) fn note_done(&mut self, now: Instant) {
        self.done = self.done.saturating_add(1);
        self.note(now);
    }

    /// Whether more come than are done, and have for long enough to be sure.
    pub(crate) const fn is_flood(&self) -> bool {
        self.flood_since.is_some()
    }

    fn note(&mut self, now: Instant) {
        if now.since(self.latest) > MEMORY {
            *self = Self { since: now, ..Self::default() };
        }
        self.latest = self.latest.max(now);
        let age = now.since(self.since);
        let enough = age >= PIECE && self.done >= PIECE_DONE;
        if enough || (age >= PIECE_MAX && self.done >= PIECE_DONE_MIN) {
            self.end_piece(now);
        }
    }

    fn end_piece(&mut self, now: Instant) {
        let share = u64::from(self.came) * 100 / u64::from(self.done.max(1));
        let more = u32::try_from(share.saturating_sub(EVEN)).unwrap_or(PIECE_ADDS).min(PIECE_ADDS);
        let fewer = u32::try_from(EVEN.saturating_sub(share)).unwrap_or(PIECE_ADDS);
        self.excess = self.excess.saturating_add(more).saturating_sub(fewer).min(FLOOD);
        (self.since, self.came, self.done) = (now, 0, 0);
        match self.flood_since {
            None if self.excess == FLOOD => self.flood_since = Some(now),
            Some(since) if self.excess < EBB || now.since(since) >= TRY_EVERY => {
                (self.excess, self.flood_since) = (0, None);
            }
            None | Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many a second come and go for so many seconds, from `start` on.
    fn run(demand: &mut Demand, start: u64, (come, go): (u64, u64), seconds: u64) -> bool {
        for ms in start * 1_000..(start + seconds) * 1_000 {
            let now = Instant::from_millis(ms);
            let due = |rate: u64| (ms + 1) * rate / 1_000 - ms * rate / 1_000;
            (0..due(come)).for_each(|_| demand.note_come(now));
            (0..due(go)).for_each(|_| demand.note_done(now));
        }
        demand.is_flood()
    }

    #[test]
    fn three_times_as_many_as_are_done_are_a_flood_within_a_third_of_a_second() {
        let mut demand = Demand::default();
        let flood = (0..1_000).find(|ms| {
            let now = Instant::from_millis(*ms);
            (0..3).for_each(|_| demand.note_come(now));
            demand.note_done(now);
            demand.is_flood()
        });
        assert!(flood.is_some_and(|ms| (150..=330).contains(&ms)), "{flood:?}");
    }

    #[test]
    fn a_tenth_too_many_is_a_flood_in_the_end() {
        let mut demand = Demand::default();
        assert!(!run(&mut demand, 0, (660, 600), 2));
        assert!(run(&mut demand, 2, (660, 600), 10));
    }

    #[test]
    fn as_many_as_are_done_are_none_however_many_wait() {
        for rate in [3, 200, 5_000] {
            let mut demand = Demand::default();
            let now = Instant::EPOCH;
            (0..512).for_each(|_| demand.note_come(now));
            assert!(!run(&mut demand, 0, (rate, rate), 30), "{rate} a second");
        }
    }

    #[test]
    fn a_flood_ends_when_fewer_come_and_when_nobody_has_waited_for_long() {
        let mut demand = Demand::default();
        assert!(run(&mut demand, 0, (1_800, 600), 3));
        assert!(!run(&mut demand, 3, (300, 600), 1));
        assert!(run(&mut demand, 4, (1_800, 600), 3));
        demand.note_come(Instant::from_millis(8_100));
        assert!(!demand.is_flood());
    }

    #[test]
    fn once_in_twenty_seconds_it_is_seen_whether_it_still_is_one() {
        let mut demand = Demand::default();
        let ends = (0..41_000_u64).filter(|ms| {
            let now = Instant::from_millis(*ms);
            let was = demand.is_flood();
            (0..3).for_each(|_| demand.note_come(now));
            demand.note_done(now);
            was && !demand.is_flood()
        });
        assert_eq!(ends.count(), 2);
    }
}
