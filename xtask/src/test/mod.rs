//! `cargo xtask test`: runs every step whatever the ones before came to, then tells all at the
//! end. Which steps there are is in `plan`, counting tests in `tally`, optional programs in
//! `programs`, the closing table in `report`.

mod plan;
mod programs;
mod report;
mod seed;
mod tally;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use crate::Clean;
use crate::clock::Stopwatch;
use crate::error::Error;
use crate::process::{self, CargoCall, Workspace};
use crate::stream::{self, StreamEnd};
use crate::tidy;
use plan::{Step, Work};
use programs::Demand;
use tally::Tally;

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ending {
    Passed,
    Failed,
    /// Not run, and why.
    Skipped(String),
}

/// A step that is over.
struct Finished {
    name: &'static str,
    ending: Ending,
    took: Duration,
    /// Present when the step ran tests.
    tests: Option<Tally>,
}

/// What every step shares.
struct Run<'a> {
    workspace: Workspace,
    seed: u64,
    demand: Demand,
    /// Where tests note what they skipped, one line `test-name: needs PROGRAM` each.
    skipped: PathBuf,
    out: &'a mut dyn Write,
}

/// Runs all steps, or with names only the tests that match one.
pub(crate) fn run(
    names: &[String],
    seed: Option<u64>,
    out: &mut dyn Write,
) -> Result<Clean, Error> {
    let workspace = Workspace::find()?;
    let skipped = workspace.scratch_file("skipped.txt")?;
    fs::write(&skipped, "").map_err(|source| Error::Write { path: skipped.clone(), source })?;
    let seed = seed.unwrap_or_else(seed::fresh);
    let mut run = Run { workspace, seed, demand: Demand::from_environment(), skipped, out };
    writeln!(run.out, "seed {seed} (repeat with `cargo xtask test NAME --seed {seed}`)")?;
    let steps = if names.is_empty() { plan::everything() } else { plan::only(names) };
    let mut finished = run.all(&steps)?;
    if !names.is_empty() {
        run.fail_if_nothing_ran(names, &mut finished)?;
    }
    run.close(&finished)
}

impl Run<'_> {
    fn all(&mut self, steps: &[Step]) -> Result<Vec<Finished>, Error> {
        let mut finished: Vec<Finished> = Vec::new();
        for step in steps {
            let done = match broken_ground(step, &finished) {
                Some(why) => not_run(step, why),
                None => self.one(step)?,
            };
            report::after_step(self.out, &done)?;
            finished.push(done);
        }
        Ok(finished)
    }

    fn one(&mut self, step: &Step) -> Result<Finished, Error> {
        writeln!(self.out, "\n=== {}: {}", step.name, step.work.shown())?;
        self.out.flush()?;
        let watch = Stopwatch::start();
        let mut tests = None;
        let ending = match &step.work {
            Work::Tidy => ending_of(tidy::run(self.out)?),
            Work::Quiet(call) => self.quietly(step.name, call)?,
            Work::CoreWithoutStd => self.core_without_std(step.name)?,
            Work::Tests(call) => {
                let (ending, tally) = self.tests(call)?;
                tests = Some(tally);
                ending
            }
        };
        Ok(Finished { name: step.name, ending, took: watch.elapsed(), tests })
    }

    fn quietly(&mut self, name: &str, call: &CargoCall) -> Result<Ending, Error> {
        let log = self.workspace.scratch_file(&format!("{}.log", name.replace(' ', "-")))?;
        let passed = process::quiet(&self.workspace, call, &log)?;
        if !passed {
            let text = fs::read(&log).map_err(|source| Error::Read { path: log, source })?;
            self.out.write_all(&text)?;
        }
        Ok(ending_of(passed))
    }

    fn core_without_std(&mut self, name: &str) -> Result<Ending, Error> {
        let installed = process::answer("rustup", &["target", "list", "--installed"]);
        match plan::bare_target(&installed.unwrap_or_default()) {
            Some(target) => self.quietly(name, &plan::build_core_for(target)),
            None => Ok(Ending::Skipped(plan::no_bare_target())),
        }
    }

    fn tests(&mut self, call: &CargoCall) -> Result<(Ending, Tally), Error> {
        let call = call
            .clone()
            .env("SEAWALL_SEED", self.seed.to_string())
            .env("PROPTEST_RNG_SEED", self.seed.to_string())
            .env("SEAWALL_SKIPPED", &self.skipped);
        let mut tally = Tally::default();
        let out = &mut *self.out;
        let end = stream::streamed(&self.workspace, &call, |line| {
            tally.read(line);
            Ok(writeln!(out, "{line}")?)
        })?;
        if end == StreamEnd::LeftProcess {
            writeln!(out, "a process that a test has started outlives the tests")?;
        }
        tally.reconcile(end == StreamEnd::Succeeded);
        Ok((ending_of(tally.failed == 0), tally))
    }

    /// A mistyped name must not look like success.
    fn fail_if_nothing_ran(
        &mut self,
        names: &[String],
        finished: &mut [Finished],
    ) -> Result<(), Error> {
        for step in finished {
            if let Some(tests) = step.tests.as_mut().filter(|tests| tests.is_empty()) {
                tests.failed = 1;
                step.ending = Ending::Failed;
                writeln!(self.out, "no test has `{}` in its name", names.join("` or `"))?;
            }
        }
        Ok(())
    }

    fn close(&mut self, finished: &[Finished]) -> Result<Clean, Error> {
        let noted = fs::read_to_string(&self.skipped)
            .map_err(|source| Error::Read { path: self.skipped.clone(), source })?;
        let missing = programs::missing(std::env::var_os("PATH").as_deref());
        let summary = report::Summary::new(finished, &noted, &missing, self.demand, self.seed);
        summary.write(self.out)?;
        Ok(summary.failed == 0)
    }
}

fn ending_of(passed: bool) -> Ending {
    if passed { Ending::Passed } else { Ending::Failed }
}

fn not_run(step: &Step, why: String) -> Finished {
    let tests = None;
    Finished { name: step.name, ending: Ending::Skipped(why), took: Duration::ZERO, tests }
}

/// A step whose ground failed would only repeat the same errors.
fn broken_ground(step: &Step, finished: &[Finished]) -> Option<String> {
    let ground = step.needs?;
    let failed = finished.iter().any(|one| one.name == ground && one.ending == Ending::Failed);
    failed.then(|| format!("not run, because `{ground}` failed"))
}
