//! `cargo xtask sim-numbers`: builds and runs the table of published numbers that the simulator
//! reproduces. The program is the example `sim_numbers` of the simulator.

use crate::Clean;
use crate::error::Error;
use crate::process::{self, CargoCall, Workspace};

/// Hands the arguments on; false when it could not be built or a number is missed.
pub(crate) fn run(arguments: &[String]) -> Result<Clean, Error> {
    process::loud(&Workspace::find()?, &call(arguments))
}

fn call(arguments: &[String]) -> CargoCall {
    let run = ["run", "--release", "--locked", "-p", "seawall-sim", "--example", "sim_numbers"];
    let call = CargoCall::new(&run).arg("--");
    arguments.iter().fold(call, |call, argument| call.arg(argument))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_go_to_the_program_and_not_to_cargo() {
        let shown = call(&["--json".to_owned(), "--only".to_owned(), "E1".to_owned()]).shown();
        assert!(shown.starts_with("cargo run --release --locked"), "{shown}");
        assert!(shown.ends_with(" -- --json --only E1"), "{shown}");
    }
}
