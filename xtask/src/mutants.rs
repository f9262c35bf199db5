//! `cargo xtask mutants`: changes the decisions of the core one at a time, by cargo-mutants, and
//! tells which change no test notices. It takes hours, so it is no part of the test command.
//!
//! What was found, and why the rest may survive, is told in `docs/mutants.md`.

use crate::Clean;
use crate::error::Error;
use crate::process::{self, CargoCall, Workspace};

/// A module of the core, all of whose mutants are to be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Module {
    Breaker,
    Budget,
    Backoff,
    Call,
    Rate,
    Bulkhead,
    Balance,
}

const ALL: [Module; 7] = [
    Module::Breaker,
    Module::Budget,
    Module::Backoff,
    Module::Call,
    Module::Rate,
    Module::Bulkhead,
    Module::Balance,
];

impl Module {
    const fn name(self) -> &'static str {
        match self {
            Self::Breaker => "breaker",
            Self::Budget => "budget",
            Self::Backoff => "backoff",
            Self::Call => "call",
            Self::Rate => "rate",
            Self::Bulkhead => "bulkhead",
            Self::Balance => "balance",
        }
    }
}

/// Whether to run the mutants or only to name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Run,
    List,
}

/// Which mutants, by module (none means all) and by shard of these.
pub(crate) fn run(modules: &[Module], shard: Option<&str>, deed: Deed) -> Result<Clean, Error> {
    let workspace = Workspace::find()?;
    process::loud(&workspace, &call(modules, shard, deed))
}

fn call(modules: &[Module], shard: Option<&str>, deed: Deed) -> CargoCall {
    let modules = if modules.is_empty() { &ALL } else { modules };
    let call = CargoCall::new(&["mutants", "--package", "seawall-core"]);
    let call = modules.iter().fold(call, |call, module| {
        let path = format!("crates/seawall-core/src/{}", module.name());
        call.arg("--file").arg(&format!("{path}.rs")).arg("--file").arg(&format!("{path}/**"))
    });
    let call = shard.into_iter().fold(call, |call, shard| call.arg("--shard").arg(shard));
    match deed {
        Deed::List => call.arg("--list"),
        Deed::Run => with_options(call),
    }
}

/// One job, since each has the compiler use all cores by itself; and unit tests alone, since
/// every claim about these modules is one.
fn with_options(call: CargoCall) -> CargoCall {
    let call = call.arg("--jobs").arg("1").arg("--profile").arg("mutants");
    // An endless loop is one after this long, whatever else the machine does.
    let call = call.arg("--minimum-test-timeout").arg("120").arg("--colors").arg("never");
    // Unfinished results of another run would be moved aside only once.
    call.arg("--output")
        .arg("target/mutants")
        .arg("--")
        .arg("--lib")
        .env("PROPTEST_MAX_SHRINK_ITERS", "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_module_the_mutants_of_all_are_meant() {
        let shown = call(&[], None, Deed::List).shown();
        for module in ALL {
            let path = format!("--file crates/seawall-core/src/{}/**", module.name());
            assert!(shown.contains(&path), "{shown}");
        }
    }

    #[test]
    fn a_shard_and_a_module_reach_cargo_mutants() {
        let shown = call(&[Module::Budget], Some("0/4"), Deed::Run).shown();
        assert!(shown.contains("src/budget.rs --file crates/seawall-core/src/budget/**"));
        assert!(shown.contains("--shard 0/4 ") && shown.ends_with(" -- --lib"), "{shown}");
        assert!(!shown.contains("breaker"), "{shown}");
    }
}
