//! The demo as a whole, with the gateway: what it promises, and that nothing outlives it. Its
//! services alone are tested in `demo_service`.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail like the test itself")]

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_seawall");

/// One demo at a time: two would share the processor, which tells on the latencies that a test
/// judges, and would both want the same address for the dashboard.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn number(summary: &Value, side: &str, key: &str) -> f64 {
    summary[side][key].as_f64().unwrap()
}

#[test]
fn nothing_fails_behind_seawall_while_the_direct_side_suffers() {
    let _alone = alone();
    let args = ["demo", "--headless", "--seconds", "30", "--json"];
    let output = Command::new(PROGRAM).args(args).output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    let of = |side, key| number(&summary, side, key);

    assert!(of("seawall", "failed") < 0.5, "{words}");
    assert!(of("direct", "failed") > 0.01 * of("direct", "requests"), "{words}");
    assert!(of("payments", "executed_twice") < 0.5, "{words}");
    assert!(of("payments", "confirmed_not_executed") < 0.5, "{words}");
    assert!(of("seawall", "degraded") >= 1.0, "no page was served degraded\n{words}");
    assert!(of("seawall", "fallbacks") >= of("seawall", "degraded"), "{words}");
    assert!(of("seawall", "amplification") <= 1.15, "{words}");
    assert!(of("seawall", "p99_ms") <= 0.5 * of("direct", "p99_ms"), "{words}");
    assert!(output.status.success(), "{words}");
}

/// A demo that plays. Its services hold its standard error, so the end of that is their end; a
/// connection to its gateway ends with the gateway.
struct Playing {
    demo: Child,
    stdout: BufReader<ChildStdout>,
    gateway: TcpStream,
    _alone: MutexGuard<'static, ()>,
    /// Where the demo keeps its files; a killed one cannot remove them itself.
    _files: TempDir,
}

impl Playing {
    /// Returns when a replica of inventory is frozen: the hardest moment to clean up.
    fn until_a_replica_is_frozen() -> Self {
        let _alone = alone();
        let mut command = Command::new(PROGRAM);
        command.args(["demo", "--seconds", "10"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let files = tempfile::tempdir().unwrap();
        let mut demo = command.env("TMPDIR", files.path()).spawn().unwrap();
        let mut stdout = BufReader::new(demo.stdout.take().unwrap());
        let gateway = line_with(&mut stdout, "through the gateway at http://");
        let gateway = TcpStream::connect(gateway.rsplit_once('/').unwrap().1).unwrap();
        line_with(&mut stdout, "SIGSTOP");
        Self { demo, stdout, gateway, _alone, _files: files }
    }

    fn send(&self, signal: &str) {
        let id = self.demo.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Waits until every process is gone; returns the demo's exit status and its last words.
    fn wait_for_all(mut self) -> (Option<i32>, String) {
        let (mut words, mut rest) = (String::new(), Vec::new());
        self.stdout.read_to_string(&mut words).unwrap();
        let status = self.demo.wait().unwrap();
        self.demo.stderr.take().unwrap().read_to_end(&mut rest).unwrap();
        // A reset is an end as well.
        self.gateway.read_to_end(&mut rest).ok();
        (status.code(), words)
    }
}

fn line_with(stdout: &mut BufReader<ChildStdout>, words: &str) -> String {
    let mut lines = stdout.lines().map(Result::unwrap);
    lines.find(|line| line.contains(words)).unwrap().trim_end().to_owned()
}

#[test]
fn an_interrupted_demo_reports_and_leaves_nothing_behind() {
    for (signal, status) in [("-INT", 130), ("-TERM", 143)] {
        let demo = Playing::until_a_replica_is_frozen();
        demo.send(signal);
        let (code, words) = demo.wait_for_all();
        assert_eq!(code, Some(status));
        assert!(words.contains("ended before the schedule did"), "{words}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_demo_that_is_killed_leaves_nothing_behind() {
    let demo = Playing::until_a_replica_is_frozen();
    demo.send("-KILL");
    assert_eq!(demo.wait_for_all().0, None);
}

#[test]
fn a_demo_that_nobody_reads_ends_and_leaves_nothing_behind() {
    let playing = Playing::until_a_replica_is_frozen();
    let Playing { mut demo, stdout, mut gateway, _alone, _files } = playing;
    drop(stdout);
    let mut complaint = String::new();
    demo.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
    gateway.read_to_end(&mut Vec::new()).ok();
    assert_eq!(demo.wait().unwrap().code(), Some(2), "{complaint}");
}
