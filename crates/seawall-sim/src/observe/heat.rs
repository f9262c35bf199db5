//! Latencies over time, coarsely: enough for a picture of every bucket of a run.
//!
//! The exact distribution of a whole run is in `latency`.

use super::End;

/// Cells of a [`Heat`]: four to each doubling, from 66 µs to 18 minutes.
pub const CELLS: usize = 96;

/// Everything below 2¹⁶ ns falls in the first cell: no network answers faster.
const FLOOR: u32 = 16;

/// How many calls ended after how long, in one bucket of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heat {
    /// Calls that ended well.
    pub good: [u32; CELLS],
    /// Calls that did not.
    pub bad: [u32; CELLS],
}

impl Default for Heat {
    fn default() -> Self {
        Self { good: [0; CELLS], bad: [0; CELLS] }
    }
}

/// The cell of a latency: its highest bit, and the two bits below it.
#[must_use]
pub(super) fn cell(nanos: u64) -> usize {
    let octave = nanos.checked_ilog2().unwrap_or_default();
    if octave < FLOOR {
        return 0;
    }
    let quarter = (nanos >> (octave - 2)) & 3;
    let place = u64::from(octave - FLOOR) * 4 + quarter;
    usize::try_from(place).unwrap_or(CELLS).min(CELLS - 1)
}

/// Where a cell begins, in seconds; that of [`CELLS`] is the end of the last.
#[must_use]
pub fn cell_start(cell: usize) -> f64 {
    let place = u32::try_from(cell.min(CELLS)).unwrap_or_default();
    let nanos = u64::from(4 + place % 4) << (FLOOR + place / 4 - 2);
    std::time::Duration::from_nanos(nanos).as_secs_f64()
}

impl Heat {
    pub(super) fn count(&mut self, end: End, nanos: u64) {
        let cells = if end.is_good() { &mut self.good } else { &mut self.bad };
        if let Some(count) = cells.get_mut(cell(nanos)) {
            *count = count.saturating_add(1);
        }
    }

    /// How many calls ended in this cell, however they did.
    #[must_use]
    pub fn all(&self, cell: usize) -> u32 {
        let of = |cells: &[u32; CELLS]| cells.get(cell).copied().unwrap_or_default();
        of(&self.good).saturating_add(of(&self.bad))
    }

    /// A quantile of the calls that ended well, in seconds, right to the width of a cell; none
    /// without any.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let total: u64 = self.good.iter().map(|count| u64::from(*count)).sum();
        if total == 0 {
            return None;
        }
        let number = crate::verdict::number;
        let rank = (share.clamp(0.0, 1.0) * number(total)).max(1.0);
        let mut below = 0;
        for (cell, count) in self.good.iter().enumerate() {
            let upto = below + u64::from(*count);
            if number(upto) >= rank {
                let part = (rank - number(below)) / number(upto - below);
                let (from, to) = (cell_start(cell), cell_start(cell + 1));
                return Some(from + (to - from) * part);
            }
            below = upto;
        }
        Some(cell_start(CELLS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_latency_lies_between_the_ends_of_its_cell() {
        for nanos in [65_536, 70_000, 81_919, 81_920, 1_000_000, 1_500_000_000, 900_000_000_000] {
            let place = cell(nanos);
            let seconds = std::time::Duration::from_nanos(nanos).as_secs_f64();
            assert!(cell_start(place) <= seconds && seconds < cell_start(place + 1), "{nanos}");
        }
        assert_eq!([0, 1, 65_535].map(cell), [0, 0, 0]);
        assert_eq!(cell(u64::MAX), CELLS - 1);
    }

    #[test]
    fn a_quantile_is_right_to_the_width_of_a_cell_and_knows_good_calls_only() {
        let mut heat = Heat::default();
        assert_eq!(heat.quantile(0.5), None);
        for millis in 1..=1000_u64 {
            heat.count(End::Good, millis * 1_000_000);
            heat.count(End::TimedOut, 30_000_000_000);
        }
        for (share, exact) in [(0.5, 0.5), (0.9, 0.9), (0.99, 0.99)] {
            let seen = heat.quantile(share).expect("there are calls");
            assert!((seen / exact - 1.0).abs() < 0.2, "{share}: {seen}");
        }
        assert_eq!(heat.all(cell(30_000_000_000)), 1000);
    }
}
