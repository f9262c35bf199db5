//! `cargo xtask bench`: builds and runs the comparison with other crates. It is a workspace of
//! its own below `bench/`, so that no other command ever builds a rival; what it measures is said
//! there.

use crate::Clean;
use crate::error::Error;
use crate::process::{self, CargoCall, Workspace};

/// Hands the arguments on; false when it could not be built or a row went wrong.
pub(crate) fn run(arguments: &[String]) -> Result<Clean, Error> {
    process::loud(&Workspace::find()?, &call(arguments))
}

fn call(arguments: &[String]) -> CargoCall {
    let run = ["run", "--release", "--locked", "--manifest-path", "bench/Cargo.toml"];
    // What it builds stays with all else that was built.
    let call = CargoCall::new(&run).arg("--target-dir").arg("target/bench").arg("--");
    arguments.iter().fold(call, |call, argument| call.arg(argument))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_go_to_the_benchmark_and_not_to_cargo() {
        let shown = call(&["--json".to_owned(), "breaker".to_owned()]).shown();
        assert!(shown.starts_with("cargo run --release --locked"), "{shown}");
        assert!(shown.ends_with(" -- --json breaker"), "{shown}");
    }
}
