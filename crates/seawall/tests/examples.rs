//! The examples, started as programs, called once over loopback, and ended. Cargo builds examples
//! before integration tests; those whose features are off are not built, and not tested.

#![expect(clippy::unwrap_used, reason = "what tests share fails like a test")]

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

/// Beside this test's own folder.
fn example(name: &str) -> Command {
    let mut folder: PathBuf = std::env::current_exe().unwrap();
    folder.pop();
    folder.pop();
    let program = folder.join("examples").join(name);
    assert!(program.exists(), "{} is not built: run without `--test`", program.display());
    Command::new(program)
}

/// Runs an example to its end; returns what it printed.
fn output_of(name: &str) -> String {
    let output = example(name).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {text}{errors}");
    text
}

/// A program that ends with its standard input, at the latest with the test.
struct Running(Child);

impl Running {
    fn start(mut command: Command) -> (Self, BufReader<ChildStdout>) {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        (Self(child), output)
    }

    fn end(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already where nothing went wrong.
        let _ended = self.0.kill();
    }
}

fn get(address: &str, path: &str) -> String {
    use std::io::Write as _;
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
#[cfg_attr(
    not(all(feature = "http", feature = "tower")),
    ignore = "needs the features http and tower"
)]
fn the_axum_server_answers_and_gives_up_what_is_slow() {
    let (server, mut output) = Running::start(example("axum_server"));
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("http://").unwrap();
    let answer = get(address, "/");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"), "{answer}");
    let late = get(address, "/slow");
    assert!(late.starts_with("HTTP/1.1 504") && late.contains("handlers"), "{late}");
    server.end();
}

#[test]
#[cfg_attr(not(feature = "reqwest"), ignore = "needs the feature reqwest")]
fn the_reqwest_client_gets_through_at_its_third_attempt() {
    assert_eq!(output_of("reqwest_client"), "attempt 1\nattempt 2\nattempt 3\n200 OK: hello\n");
}

#[test]
#[cfg_attr(not(feature = "tonic"), ignore = "needs the feature tonic")]
fn the_tonic_client_comes_back_when_the_service_said() {
    assert_eq!(output_of("tonic_client"), "attempt 1\nattempt 2\nhello Ada\n");
}
