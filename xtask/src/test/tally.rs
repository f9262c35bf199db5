//! Counts tests from the result lines that test binaries print. Steps are counted in `report`.

/// Tests of one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) ignored: usize,
    /// The first of those that failed, at most `FAILING_MAX`.
    pub(super) failing: Vec<String>,
}

/// Names to tell at the end; whoever breaks more looks at the first ones anyway.
const FAILING_MAX: usize = 20;

impl Tally {
    /// Takes in one line; lines that are no result change nothing.
    pub(super) fn read(&mut self, line: &str) {
        // "test policy::tests::a_claim_that_holds ... FAILED"
        let failing = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED"));
        if let Some(name) = failing.filter(|_| self.failing.len() < FAILING_MAX) {
            self.failing.push(name.to_owned());
        }
        // "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; …",
        // perhaps after half a line of a process that a test has killed.
        let result = line.split_once("test result: ").and_then(|(_, rest)| rest.split_once(". "));
        if let Some((_, numbers)) = result {
            numbers.split(';').for_each(|part| self.add(part.trim()));
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
        let failing = Vec::new();
        assert_eq!(tally, Tally { passed: 15, failed: 2, ignored: 1, failing });
    }

    #[test]
    fn a_result_line_counts_after_half_a_line_of_another_process() {
        assert_eq!(read(&["2026 INFO tertest result: ok. 12 passed; 0 failed"]).passed, 12);
    }

    #[test]
    fn failing_tests_are_named_up_to_a_bound() {
        let line = "test call::tests::one_verdict ... FAILED";
        assert_eq!(read(&[line, "test other ... ok"]).failing, ["call::tests::one_verdict"]);
        assert_eq!(read(&[line; 50]).failing.len(), FAILING_MAX);
    }

    #[test]
    fn other_lines_count_nothing() {
        let tally = read(&["running 3 tests", "test a ... ok", "5 passed; 0 failed", ""]);
        assert_eq!(tally, Tally::default());
    }

    #[test]
    fn a_killed_binary_counts_as_one_failure() {
        let mut tally = Tally { passed: 9, ..Tally::default() };
        tally.reconcile(false);
        assert_eq!(tally.failed, 1);
    }

    #[test]
    fn failures_already_counted_are_not_counted_again() {
        let mut tally = Tally { passed: 9, failed: 2, ..Tally::default() };
        tally.reconcile(false);
        assert_eq!(tally.failed, 2);
    }

    #[test]
    fn a_run_without_any_test_is_empty() {
        assert!(read(&["test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured"]).is_empty());
        assert!(!read(&["test result: ok. 0 passed; 0 failed; 1 ignored"]).is_empty());
    }
}
