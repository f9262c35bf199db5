//! Running cargo with its output handed over line by line, for steps so long that one wants to
//! see progress. Calls whose output only matters when they fail are in `process`.

use std::io::{self, BufRead, BufReader, PipeReader};
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use crate::error::Error;
use crate::process::{CargoCall, Workspace};

/// How a streamed call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamEnd {
    Succeeded,
    Failed,
    /// Cargo ended, but a process below it still holds its output open.
    LeftProcess,
}

/// Lines that may wait for the reader; more makes the writer wait.
const LINES_MAX: usize = 1_024;
/// How often to look whether the call has ended while no line comes.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Looks without a line after the end of the call until a process counts as left behind: ten
/// seconds, longer than a child that was told to stop may take.
const LOOKS_MAX: u32 = 20;

/// Runs and hands over each line of output as it comes. Standard output and error share one
/// pipe, so that lines of tests stand below the name of their binary.
pub(crate) fn streamed(
    workspace: &Workspace,
    call: &CargoCall,
    mut on_line: impl FnMut(&str) -> Result<(), Error>,
) -> Result<StreamEnd, Error> {
    let (mut child, lines) = spawn(workspace, call).map_err(|source| call.not_started(source))?;
    let mut silent_looks = 0;
    while silent_looks < LOOKS_MAX {
        match lines.recv_timeout(LOOK_EVERY) {
            Ok(line) => on_line(&line)?,
            Err(RecvTimeoutError::Timeout) => {
                silent_looks += u32::from(child.try_wait()?.is_some());
            }
            Err(RecvTimeoutError::Disconnected) => {
                let succeeded = child.wait()?.success();
                return Ok(if succeeded { StreamEnd::Succeeded } else { StreamEnd::Failed });
            }
        }
    }
    Ok(StreamEnd::LeftProcess)
}

fn spawn(workspace: &Workspace, call: &CargoCall) -> io::Result<(Child, Receiver<String>)> {
    let (reader, writer) = io::pipe()?;
    let mut command = call.command(workspace);
    command.stdout(writer.try_clone()?).stderr(writer);
    let child = command.spawn()?;
    // Our copies of the writing end close here; the reader ends with the last other one.
    drop(command);
    let (sender, lines) = sync_channel(LINES_MAX);
    thread::spawn(move || forward(BufReader::new(reader), &sender));
    Ok((child, lines))
}

/// Ends with the pipe, or when nobody listens any more.
fn forward(mut reader: BufReader<PipeReader>, sender: &SyncSender<String>) {
    while let Ok(Some(line)) = next_line(&mut reader) {
        if sender.send(line).is_err() {
            break;
        }
    }
}

/// A test may print bytes that are no UTF-8; they must not end the run.
fn next_line(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if reader.read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_arrive_one_by_one_even_when_they_are_no_utf8() {
        let mut reader = &b"one\r\ntw\xffo\nlast"[..];
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut reader).unwrap() {
            lines.push(line);
        }
        assert_eq!(lines, ["one", "tw\u{fffd}o", "last"]);
    }

    #[test]
    fn both_outputs_of_a_call_arrive_and_its_end_is_known() {
        let workspace = Workspace::find().unwrap();
        let mut seen = String::new();
        let mut keep = |line: &str| {
            seen.push_str(line);
            Ok(())
        };
        let good = streamed(&workspace, &CargoCall::new(&["--version"]), &mut keep).unwrap();
        let call = CargoCall::new(&["no-such-command"]);
        let bad = streamed(&workspace, &call, &mut keep).unwrap();
        assert_eq!((good, bad), (StreamEnd::Succeeded, StreamEnd::Failed));
        assert!(seen.starts_with("cargo 1.") && seen.contains("no such command"), "{seen}");
    }
}
