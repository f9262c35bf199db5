//! Finds executions of unsafe calls after their first.
//!
//! Which calls are unsafe is in the plan, and what a call carries in `world`.

/// Calls that are remembered: of two executions of a call that this many other unsafe calls lie
/// between, the second is missed. A power of two, so that a number finds its place by its low bits.
const REMEMBERED: usize = 1 << 16;

/// The number that an unsafe call carries to the service that it calls; other calls carry none.
pub(crate) type Serial = Option<std::num::NonZeroU32>;

/// Remembers which of the latest unsafe calls were executed, in 256 KiB once there are any.
#[derive(Debug, Default)]
pub(super) struct Twice {
    given: u32,
    executed: Vec<Serial>,
}

impl Twice {
    /// A number for another unsafe call.
    pub(super) fn serial(&mut self) -> Serial {
        self.given = self.given.wrapping_add(1).max(1);
        std::num::NonZeroU32::new(self.given)
    }

    /// Notes an execution, and says whether there was one before.
    pub(super) fn executes(&mut self, serial: Serial) -> bool {
        let Some(number) = serial else { return false };
        if self.executed.is_empty() {
            self.executed = vec![None; REMEMBERED];
        }
        let place = number.get() as usize % REMEMBERED;
        let Some(seen) = self.executed.get_mut(place) else { return false };
        seen.replace(number) == serial
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_execution_of_a_call_is_found_and_the_first_is_none() {
        let mut twice = Twice::default();
        let (one, two) = (twice.serial(), twice.serial());
        assert!(![one, two, None, None].map(|serial| twice.executes(serial)).contains(&true));
        assert!(twice.executes(one));
        assert!(twice.executes(two));
        assert!(twice.executes(one));
    }

    #[test]
    fn calls_that_share_a_place_are_told_apart() {
        let mut twice = Twice::default();
        let first = twice.serial();
        let mut last = first;
        for _ in 0..REMEMBERED {
            last = twice.serial();
        }
        assert!(!twice.executes(first) && !twice.executes(last));
        assert!(twice.executes(last));
    }
}
