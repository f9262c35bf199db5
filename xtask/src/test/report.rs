//! What the test command tells: a line after each step, and at the end the table, what was
//! skipped and why, and the line of sums.

use std::io::{self, Write};
use std::time::Duration;

use super::programs::{Demand, Program};
use super::{Ending, Finished};

/// The line that ends a step.
pub(super) fn after_step(out: &mut dyn Write, done: &Finished) -> io::Result<()> {
    match &done.ending {
        Ending::Skipped(why) => writeln!(out, "--- {}: skipped: {why}", done.name),
        Ending::Passed | Ending::Failed => {
            writeln!(out, "--- {}: {} in {}", done.name, word(&done.ending), seconds(done.took))
        }
    }
}

/// All that the end of a run tells.
pub(super) struct Summary<'a> {
    finished: &'a [Finished],
    missing: &'a [Program],
    demand: Demand,
    seed: u64,
    /// Lines `test-name: needs PROGRAM`, each once.
    noted: Vec<&'a str>,
    pub(super) passed: usize,
    /// Failed tests, failed steps that run no tests, and with `Demand::All` missing programs.
    pub(super) failed: usize,
    pub(super) skipped: usize,
}

impl<'a> Summary<'a> {
    pub(super) fn new(
        finished: &'a [Finished],
        noted: &'a str,
        missing: &'a [Program],
        demand: Demand,
        seed: u64,
    ) -> Self {
        let mut noted: Vec<&str> = noted.lines().filter(|line| !line.trim().is_empty()).collect();
        noted.sort_unstable();
        noted.dedup();
        let (passed, failed, skipped) = (0, 0, noted.len());
        let mut summary = Self { finished, missing, demand, seed, noted, passed, failed, skipped };
        finished.iter().for_each(|step| summary.count(step));
        // A test that lacks its program passes as far as cargo knows.
        summary.passed = summary.passed.saturating_sub(summary.noted.len());
        if demand == Demand::All {
            summary.failed += missing.len();
        }
        summary
    }

    fn count(&mut self, step: &Finished) {
        match (&step.ending, &step.tests) {
            (_, Some(tests)) => {
                self.passed += tests.passed;
                self.failed += tests.failed;
                self.skipped += tests.ignored;
            }
            (Ending::Passed, None) => self.passed += 1,
            (Ending::Failed, None) => self.failed += 1,
            (Ending::Skipped(_), None) => self.skipped += 1,
        }
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        self.write_table(out)?;
        self.write_skipped(out)?;
        self.write_repeats(out)?;
        writeln!(
            out,
            "\n{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )?;
        out.flush()
    }

    fn write_table(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "\n{:<18} {:<8} {:>9}  tests", "step", "result", "time")?;
        for step in self.finished {
            let (result, took) = (word(&step.ending), seconds(step.took));
            writeln!(out, "{:<18} {result:<8} {took:>9}  {}", step.name, tests(step))?;
        }
        Ok(())
    }

    fn write_skipped(&self, out: &mut dyn Write) -> io::Result<()> {
        for program in self.missing {
            let weight = if self.demand == Demand::All { "FAILED: " } else { "" };
            let Program { name, purpose } = program;
            writeln!(out, "{weight}`{name}` is not in PATH; tests want it for {purpose}")?;
        }
        for line in &self.noted {
            writeln!(out, "skipped test {line}")?;
        }
        for step in self.finished {
            if let Ending::Skipped(why) = &step.ending {
                writeln!(out, "skipped step {}: {why}", step.name)?;
            }
        }
        Ok(())
    }

    /// How to run what failed once more, with the same draws.
    fn write_repeats(&self, out: &mut dyn Write) -> io::Result<()> {
        let tests = self.finished.iter().filter_map(|step| step.tests.as_ref());
        for name in tests.flat_map(|tests| &tests.failing) {
            // The name of a doc test has spaces in it.
            let quote = if name.contains(' ') { "'" } else { "" };
            let seed = self.seed;
            writeln!(out, "failed; repeat: cargo xtask test {quote}{name}{quote} --seed {seed}")?;
        }
        Ok(())
    }
}

fn word(ending: &Ending) -> &'static str {
    match ending {
        Ending::Passed => "passed",
        Ending::Failed => "FAILED",
        Ending::Skipped(_) => "skipped",
    }
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

fn tests(step: &Finished) -> String {
    step.tests.as_ref().map_or_else(String::new, |tests| {
        format!("{} passed, {} failed, {} ignored", tests.passed, tests.failed, tests.ignored)
    })
}

#[cfg(test)]
mod tests {
    use super::super::tally::Tally;
    use super::*;

    fn step(name: &'static str, ending: Ending, tests: Option<Tally>) -> Finished {
        Finished { name, ending, took: Duration::from_millis(1_250), tests }
    }

    fn tally(passed: usize, failed: usize, ignored: usize) -> Option<Tally> {
        Some(Tally { passed, failed, ignored, failing: vec!["call::one_verdict".to_owned()] })
    }

    const WRK: Program = Program { name: "wrk", purpose: "load" };

    fn written(summary: &Summary<'_>) -> String {
        let mut out = Vec::new();
        summary.write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_sums_stand_alone_on_the_last_line() {
        let finished =
            [step("clippy", Ending::Passed, None), step("tests", Ending::Passed, tally(9, 0, 1))];
        let summary = Summary::new(&finished, "", &[], Demand::All, 7);
        assert_eq!(written(&summary).lines().last(), Some("10 passed, 0 failed, 1 skipped"));
    }

    #[test]
    fn a_failed_check_fails_the_run_even_when_all_tests_pass() {
        let finished =
            [step("clippy", Ending::Failed, None), step("tests", Ending::Passed, tally(9, 0, 0))];
        assert_eq!(Summary::new(&finished, "", &[], Demand::WhatIsThere, 7).failed, 1);
    }

    #[test]
    fn a_test_without_its_program_counts_as_skipped_once() {
        let finished = [step("tests", Ending::Passed, tally(9, 0, 0))];
        let noted = "load: needs wrk\n\nload: needs wrk\n";
        let summary = Summary::new(&finished, noted, &[WRK], Demand::WhatIsThere, 7);
        assert_eq!((summary.passed, summary.failed, summary.skipped), (8, 0, 1));
        let text = written(&summary);
        assert!(text.contains("`wrk` is not in PATH"), "{text}");
        assert!(text.contains("skipped test load: needs wrk"), "{text}");
    }

    #[test]
    fn a_missing_program_fails_a_run_that_demands_all() {
        assert_eq!(Summary::new(&[], "", &[WRK], Demand::All, 7).failed, 1);
        assert_eq!(Summary::new(&[], "", &[WRK], Demand::WhatIsThere, 7).failed, 0);
    }

    #[test]
    fn a_failed_test_is_told_with_the_command_that_repeats_it() {
        let finished = [step("tests", Ending::Failed, tally(9, 1, 0))];
        let text = written(&Summary::new(&finished, "", &[], Demand::WhatIsThere, 7));
        assert!(text.contains("cargo xtask test call::one_verdict --seed 7"), "{text}");
    }

    #[test]
    fn a_step_that_was_not_run_is_told_with_its_reason() {
        let finished = [step("doc tests", Ending::Skipped("no ground".to_owned()), None)];
        let summary = Summary::new(&finished, "", &[], Demand::WhatIsThere, 7);
        assert!(written(&summary).contains("skipped step doc tests: no ground"));
        assert_eq!(summary.skipped, 1);
    }
}
