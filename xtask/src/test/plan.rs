//! The steps of the test command and their order. Running them is in the parent module.
//!
//! Every step but the last uses all features and the same flags, and only two profiles: clippy and
//! rustdoc share the check artefacts of `dev`, all tests the builds of `test`. So nothing is
//! compiled twice. The last looks at each feature of the library alone.

use crate::process::CargoCall;

/// One entry of the plan.
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) work: Work,
    /// The step without whose success this one makes no sense.
    pub(super) needs: Option<&'static str>,
}

/// What a step does.
pub(super) enum Work {
    Tidy,
    /// Shows its output only when it fails.
    Quiet(CargoCall),
    /// Shows its output as it comes, and counts the tests in it.
    Tests(CargoCall),
    CoreWithoutStd,
}

impl Work {
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Tidy => "cargo xtask tidy".to_owned(),
            Self::Quiet(call) | Self::Tests(call) => call.shown(),
            Self::CoreWithoutStd => "seawall-core for a target that has no std".to_owned(),
        }
    }
}

const BUILD: &str = "build";

/// The whole gate.
pub(super) fn everything() -> Vec<Step> {
    let mut steps = vec![
        free("formatting", quiet(&["fmt", "--all", "--check", "--", "--color", "never"])),
        free("tidy", Work::Tidy),
        free("clippy", quiet(&CLIPPY)),
        // Also builds the `seawall` binary that the end-to-end tests start.
        free(BUILD, quiet(&with(&["--quiet", "--all-targets", "--no-run"]))),
        // `--all-targets` builds examples as tests; some tests start them as programs.
        built("examples", quiet(&EXAMPLES)),
        built("tests", tests(&with(&["--all-targets", "--no-fail-fast"]))),
        built("doc tests", tests(&with(&["--doc", "--no-fail-fast"]))),
        free("core without std", Work::CoreWithoutStd),
        free("rustdoc", Work::Quiet(rustdoc())),
    ];
    steps.extend(FEATURES.map(|(name, list)| {
        free(name, quiet(&["check", "--quiet", "--package", "seawall", "--features", list]))
    }));
    steps
}

const CLIPPY: [&str; 8] =
    ["clippy", "--quiet", "--workspace", "--all-features", "--all-targets", "--", "-D", "warnings"];

const EXAMPLES: [&str; 7] =
    ["build", "--quiet", "--workspace", "--all-features", "--examples", "--profile", "test"];

/// The library with each of its features alone, and with none.
const FEATURES: [(&str, &str); 9] = [
    ("no feature", ""),
    ("feature config", "config"),
    ("feature http", "http"),
    ("feature tower", "tower"),
    ("feature test", "test"),
    ("feature tracing", "tracing"),
    ("feature metrics", "metrics"),
    ("feature reqwest", "reqwest"),
    ("feature tonic", "tonic"),
];

/// A call of the tests of everything, with these arguments besides.
fn with(arguments: &[&'static str]) -> Vec<&'static str> {
    [&["test", "--workspace", "--all-features"], arguments].concat()
}

/// The tests whose names contain one of `names`, doc tests included.
pub(super) fn only(names: &[String]) -> Vec<Step> {
    let call = CargoCall::new(&with(&["--no-fail-fast", "--"]));
    let call = names.iter().fold(call, |call, name| call.arg(name));
    vec![free("tests", Work::Tests(call))]
}

fn rustdoc() -> CargoCall {
    CargoCall::new(&["doc", "--quiet", "--workspace", "--all-features", "--no-deps"])
        .env("RUSTDOCFLAGS", "-D warnings")
}

fn quiet(arguments: &[&str]) -> Work {
    Work::Quiet(CargoCall::new(arguments))
}

fn tests(arguments: &[&str]) -> Work {
    Work::Tests(CargoCall::new(arguments))
}

fn free(name: &'static str, work: Work) -> Step {
    Step { name, work, needs: None }
}

fn built(name: &'static str, work: Work) -> Step {
    Step { name, work, needs: Some(BUILD) }
}

/// Targets without std, the most common ones first.
const BARE_TARGETS: [&str; 6] = [
    "thumbv7em-none-eabi",
    "thumbv7em-none-eabihf",
    "x86_64-unknown-none",
    "aarch64-unknown-none",
    "riscv64gc-unknown-none-elf",
    "wasm32v1-none",
];

/// The first target of ours among the lines of `rustup target list --installed`.
pub(super) fn bare_target(installed: &str) -> Option<&'static str> {
    BARE_TARGETS.into_iter().find(|target| installed.lines().any(|line| line.trim() == *target))
}

pub(super) fn build_core_for(target: &str) -> CargoCall {
    CargoCall::new(&["build", "--quiet", "--package", "seawall-core", "--target"]).arg(target)
}

/// Why the step is skipped, and what stands in for it.
pub(super) fn no_bare_target() -> String {
    let first = BARE_TARGETS[0];
    format!(
        "no target without std is installed (`rustup target add {first}` adds one); \
         tidy has checked that the core says `#![no_std]` and names no `std`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_with_std_is_never_taken_for_a_bare_one() {
        let installed = "wasm32-unknown-unknown\nx86_64-unknown-linux-gnu\n";
        assert_eq!(bare_target(installed), None);
    }

    #[test]
    fn an_installed_bare_target_is_found() {
        let installed = "x86_64-unknown-linux-gnu\nx86_64-unknown-none\n";
        assert_eq!(bare_target(installed), Some("x86_64-unknown-none"));
    }

    #[test]
    fn names_become_filters_of_one_call() {
        let steps = only(&["breaker".to_owned(), "budget".to_owned()]);
        assert_eq!(steps.len(), 1);
        let shown = steps[0].work.shown();
        assert_eq!(shown, "cargo test --workspace --all-features --no-fail-fast -- breaker budget");
    }

    #[test]
    fn each_step_that_needs_another_comes_after_it() {
        let steps = everything();
        for (index, step) in steps.iter().enumerate() {
            let Some(ground) = step.needs else { continue };
            assert!(steps[..index].iter().any(|one| one.name == ground), "{}", step.name);
        }
    }
}
