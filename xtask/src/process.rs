//! Running cargo and other programs, loudly or quietly into a log. Line by line is in `stream`;
//! which programs run, in which order, is said in `test` and `fix`.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::Error;

/// Where the repository and the scratch space of the chores lie.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// Below `target`, so that git and the tidy checks ignore it.
    pub(crate) scratch: PathBuf,
}

impl Workspace {
    pub(crate) fn find() -> Result<Self, Error> {
        let own = std::env::var_os("CARGO_MANIFEST_DIR").ok_or(Error::NoRoot)?;
        let root = Path::new(&own).parent().ok_or(Error::NoRoot)?.to_owned();
        let scratch = root.join("target").join("xtask");
        Ok(Self { root, scratch })
    }

    pub(crate) fn scratch_file(&self, name: &str) -> Result<PathBuf, Error> {
        let path = self.scratch.join(name);
        fs::create_dir_all(&self.scratch)
            .map_err(|source| Error::Write { path: path.clone(), source })?;
        Ok(path)
    }
}

/// One call of cargo: its arguments and what it adds to the environment.
#[derive(Clone, Debug, Default)]
pub(crate) struct CargoCall {
    arguments: Vec<String>,
    environment: Vec<(&'static str, OsString)>,
}

impl CargoCall {
    pub(crate) fn new(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|one| (*one).to_owned()).collect();
        Self { arguments, environment: Vec::new() }
    }

    pub(crate) fn arg(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    pub(crate) fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// The command as one types it, for headings and messages.
    pub(crate) fn shown(&self) -> String {
        format!("cargo {}", self.arguments.join(" "))
    }

    pub(crate) fn command(&self, workspace: &Workspace) -> Command {
        // The cargo that started us, so that a `+toolchain` on the command line holds here too.
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(&self.arguments).current_dir(&workspace.root).stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(crate) fn not_started(&self, source: std::io::Error) -> Error {
        Error::Start { program: self.shown(), source }
    }
}

/// Runs with our own standard output and error; true when it succeeded.
pub(crate) fn loud(workspace: &Workspace, call: &CargoCall) -> Result<bool, Error> {
    let status = call.command(workspace).status().map_err(|source| call.not_started(source))?;
    Ok(status.success())
}

/// Runs with all output in the file `log`, in the order in which it was written; true when it
/// succeeded.
pub(crate) fn quiet(workspace: &Workspace, call: &CargoCall, log: &Path) -> Result<bool, Error> {
    let unwritable = |source| Error::Write { path: log.to_owned(), source };
    let file = File::create(log).map_err(unwritable)?;
    let twin = file.try_clone().map_err(unwritable)?;
    let mut command = call.command(workspace);
    let status = command.stdout(file).stderr(twin).status();
    Ok(status.map_err(|source| call.not_started(source))?.success())
}

/// The standard output of a program that answers a question, or why it could not be asked.
pub(crate) fn answer(program: &str, arguments: &[&str]) -> Result<String, Error> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|source| Error::Start { program: program.to_owned(), source })?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_keeps_the_output_of_a_failing_call_in_the_log() {
        let workspace = Workspace::find().unwrap();
        let log = workspace.scratch_file("quiet-test.log").unwrap();
        let call = CargoCall::new(&["no-such-command"]);
        assert!(!quiet(&workspace, &call, &log).unwrap());
        assert!(fs::read_to_string(&log).unwrap().contains("no such command"));
    }
}
