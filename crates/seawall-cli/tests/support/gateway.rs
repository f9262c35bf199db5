//! A gateway as a process of its own: started on free ports, watched, and killed when dropped.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::client::{self, Answer};
use super::clock::{PATIENCE, eventually, within};

const PROGRAM: &str = env!("CARGO_BIN_EXE_seawall");

/// The binary under test, with plain text on its own pipes.
pub(crate) fn seawall(args: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(args).env("NO_COLOR", "1").env_remove("SEAWALL_LOG");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A running gateway. It dies with this value, whatever ends the test.
#[derive(Debug)]
pub(crate) struct Gateway {
    child: Child,
    status: Option<ExitStatus>,
    said: Said,
    reader: Option<JoinHandle<()>>,
    listeners: Vec<(String, SocketAddr)>,
    admin: Option<SocketAddr>,
    folder: Option<TempDir>,
}

/// What the process wrote to standard error so far.
type Said = Arc<Mutex<String>>;

impl Gateway {
    /// `seawall run --to` in front of these endpoints.
    pub(crate) fn to(endpoints: &[SocketAddr]) -> Self {
        Self::with_args(endpoints, &[])
    }

    /// The same with further arguments.
    pub(crate) fn with_args(endpoints: &[SocketAddr], more: &[&str]) -> Self {
        let endpoints: Vec<String> = endpoints.iter().map(ToString::to_string).collect();
        let mut args = vec!["run", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
        args.extend(endpoints.iter().flat_map(|endpoint| ["--to", endpoint]));
        args.extend(more);
        Self::start(seawall(&args), None)
    }

    /// `seawall run -c` with a file of this text. Addresses should have port 0.
    pub(crate) fn with_config(text: &str) -> Self {
        Self::with_config_and_args(text, &[])
    }

    /// The same with further arguments.
    pub(crate) fn with_config_and_args(text: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("seawall.toml");
        std::fs::write(&file, text).unwrap();
        let mut args = vec!["run", "-c", file.to_str().unwrap()];
        args.extend(more);
        Self::start(seawall(&args), Some(folder))
    }

    fn start(mut command: Command, folder: Option<TempDir>) -> Self {
        let mut child = command.spawn().unwrap();
        let said = Said::default();
        let stderr = child.stderr.take().unwrap();
        let reader = Some(collect(stderr, Arc::clone(&said)));
        let (listeners, admin, status) = (Vec::new(), None, None);
        // From here on the process is killed on panic too.
        let mut gateway = Self { child, status, said, reader, listeners, admin, folder };
        gateway.wait_for_announcement();
        gateway
    }

    fn wait_for_announcement(&mut self) {
        let announced = within(PATIENCE, || {
            let said = self.stderr();
            let done = said.contains("\nseawall: dashboard http") || said.contains("admin side is");
            (done || self.poll_exit().is_some()).then_some(done)
        });
        assert_eq!(announced, Some(true), "the gateway did not start:\n{}", self.stderr());
        for line in self.stderr().lines() {
            if let Some(rest) = line.strip_prefix("seawall: listening on http://") {
                let (address, rest) = rest.split_once(" (").unwrap();
                let (name, _) = rest.split_once(')').unwrap();
                self.listeners.push((name.to_owned(), address.parse().unwrap()));
            }
            if let Some(rest) = line.strip_prefix("seawall: dashboard http://") {
                self.admin = Some(rest.trim_end_matches('/').parse().unwrap());
            }
        }
    }

    /// Where the first listener accepts.
    pub(crate) fn address(&self) -> SocketAddr {
        self.listeners.first().expect("a gateway has a listener").1
    }

    /// Where the listener `name` accepts.
    pub(crate) fn listener(&self, name: &str) -> SocketAddr {
        let found = self.listeners.iter().find(|(given, _)| given == name);
        found.unwrap_or_else(|| panic!("no listener {name}:\n{}", self.stderr())).1
    }

    /// A URL of the first listener.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// Where the admin side is.
    pub(crate) fn admin(&self) -> SocketAddr {
        self.admin.expect("the admin side is on")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote to standard error so far.
    pub(crate) fn stderr(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it writes `text` to standard error.
    #[track_caller]
    pub(crate) fn wait_for_stderr(&self, text: &str) -> String {
        let seen = within(PATIENCE, || Some(self.stderr()).filter(|said| said.contains(text)));
        seen.unwrap_or_else(|| panic!("{text:?} was never said:\n{}", self.stderr()))
    }

    /// The file that [`Self::with_config`] wrote.
    pub(crate) fn config_file(&self) -> PathBuf {
        self.folder.as_ref().expect("it was started from a file").path().join("seawall.toml")
    }

    /// Writes another text into the config file; a signal or a request makes it count.
    pub(crate) fn rewrite_config(&self, text: &str) {
        std::fs::write(self.config_file(), text).unwrap();
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    /// Waits for the process to end by itself.
    #[track_caller]
    pub(crate) fn wait(&mut self, limit: Duration) -> ExitStatus {
        let status = within(limit, || self.poll_exit());
        let status = status.unwrap_or_else(|| panic!("it still runs:\n{}", self.stderr()));
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        status
    }

    /// Its exit status, if it has ended.
    pub(crate) fn poll_exit(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.try_wait().unwrap();
        }
        self.status
    }

    /// One GET of the admin side.
    pub(crate) fn ask_admin(&self, path: &str) -> Answer {
        client::get(self.admin(), path)
    }

    /// The Prometheus text.
    pub(crate) fn metrics(&self) -> String {
        self.ask_admin("/metrics").text()
    }

    /// The sum of all series of one metric whose labels contain `labels`.
    pub(crate) fn metric(&self, name: &str, labels: &str) -> f64 {
        self.series(name, labels).iter().map(|value| value.parse::<f64>().unwrap()).sum()
    }

    /// The same for whole numbers.
    pub(crate) fn count(&self, name: &str, labels: &str) -> u64 {
        self.series(name, labels).iter().map(|value| value.parse::<u64>().unwrap()).sum()
    }

    fn series(&self, name: &str, labels: &str) -> Vec<String> {
        let text = self.metrics();
        let named = text.lines().filter(|line| {
            let end = line.find(['{', ' ']).unwrap_or(line.len());
            line.get(..end) == Some(name) && line.contains(labels)
        });
        named.filter_map(|line| line.rsplit(' ').next().map(str::to_owned)).collect()
    }

    /// `/v1/status`.
    pub(crate) fn status_json(&self) -> serde_json::Value {
        self.ask_admin("/v1/status").json()
    }

    /// One number of the first upstream's totals in `/v1/status`.
    #[track_caller]
    pub(crate) fn total(&self, name: &str) -> u64 {
        let status = self.status_json();
        let value = &status["upstreams"][0]["totals"][name];
        value.as_u64().unwrap_or_else(|| panic!("no {name} in {status:#}"))
    }

    /// The codes and particulars of the latest call that has something to tell.
    #[track_caller]
    pub(crate) fn latest_trail(&self) -> String {
        let told = |calls: &serde_json::Value| {
            let call = calls["calls"].as_array()?.first()?;
            let steps = call["trail"].as_array()?.iter();
            let step = |step: &serde_json::Value| {
                format!("{}: {}", step["step"], step["detail"]).replace('"', "")
            };
            Some(steps.map(step).collect::<Vec<_>>().join("\n"))
        };
        eventually("a call in the log", || told(&self.ask_admin("/v1/calls?limit=1").json()))
    }

    /// Waits until `/v1/status` satisfies `seen`; `what` names it in the failure.
    #[track_caller]
    pub(crate) fn wait_for_status(
        &self,
        what: &str,
        seen: impl Fn(&serde_json::Value) -> bool,
    ) -> serde_json::Value {
        eventually(what, || Some(self.status_json()).filter(&seen))
    }

    /// Resident memory now, in bytes.
    pub(crate) fn resident(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// The most memory that was ever resident, in bytes.
    pub(crate) fn resident_peak(&self) -> u64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, line: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let value = status.lines().find_map(|given| given.strip_prefix(line)).unwrap();
        let kibibytes: u64 = value.trim().trim_end_matches(" kB").parse().unwrap();
        kibibytes * 1024
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if self.status.is_none() {
            self.child.kill().ok();
            self.child.wait().ok();
        }
        if let Some(reader) = self.reader.take() {
            reader.join().ok();
        }
        if std::thread::panicking() {
            eprintln!("--- standard error of the gateway\n{}---", self.stderr());
        }
    }
}

/// Gathers what the process says until it ends.
fn collect(stderr: ChildStderr, said: Said) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
            said.push_str(&line);
            said.push('\n');
        }
    })
}

/// What a command that ends by itself came to.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command to its end, and kills it if it takes too long.
pub(crate) fn finish(mut command: Command) -> Ended {
    command.stdin(Stdio::null());
    let files = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    command.stdout(files.0.try_clone().unwrap()).stderr(files.1.try_clone().unwrap());
    let mut child = command.spawn().unwrap();
    let status = within(PATIENCE, || child.try_wait().unwrap());
    if status.is_none() {
        child.kill().ok();
        child.wait().ok();
    }
    let ended = Ended {
        code: status.and_then(|status| status.code()),
        stdout: whole(files.0),
        stderr: whole(files.1),
    };
    assert!(status.is_some(), "{command:?} did not end within {PATIENCE:?}: {ended:?}");
    ended
}

fn whole(mut file: std::fs::File) -> String {
    use std::io::{Read, Seek};
    file.rewind().unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
