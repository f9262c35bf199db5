//! Counts tests from the result lines that test binaries print. Steps are counted in `report`.

/// Tests of one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) ignored: usize,
}

impl Tally {
    /// Takes in one line; lines that are no result change nothing.
    pub(super) fn read(&mut self, line: &str) {
        // "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; …"
        let Some((_, numbers)) =
            line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for part in numbers.split(';') {
            self.add(part.trim());
        }
    }

    fn add(&mut self, part: &str) {
        let Some((number, what)) = part.split_once(' ') else { return };
        let Ok(number) = number.parse::<usize>() else { return };
        match what {
            "passed" => self.passed += number,
            "failed" => self.failed += number,
            "ignored" => self.ignored += number,
            _ => {}
        }
    }

    /// A test binary that was killed prints no result line, yet the run failed.
    pub(super) fn reconcile(&mut self, succeeded: bool) {
        if self.failed == 0 && !succeeded {
            self.failed = 1;
        }
    }

    /// Whether no test was run at all.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Tally {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.read(line));
        tally
    }

    #[test]
    fn result_lines_are_summed_over_binaries() {
        let tally = read(&[
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; \
             finished in 0.01s",
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 7 filtered out",
        ]);
        assert_eq!(tally, Tally { passed: 15, failed: 2, ignored: 1 });
    }

    #[test]
    fn other_lines_count_nothing() {
        let tally = read(&["running 3 tests", "test a ... ok", "5 passed; 0 failed", ""]);
        assert_eq!(tally, Tally::default());
    }

    #[test]
    fn a_killed_binary_counts_as_one_failure() {
        let mut tally = Tally { passed: 9, failed: 0, ignored: 0 };
        tally.reconcile(false);
        assert_eq!(tally.failed, 1);
    }

    #[test]
    fn failures_already_counted_are_not_counted_again() {
        let mut tally = Tally { passed: 9, failed: 2, ignored: 0 };
        tally.reconcile(false);
        assert_eq!(tally.failed, 2);
    }

    #[test]
    fn a_run_without_any_test_is_empty() {
        assert!(read(&["test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured"]).is_empty());
        assert!(!read(&["test result: ok. 0 passed; 0 failed; 1 ignored"]).is_empty());
    }
}
