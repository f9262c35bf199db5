//! The demo's service processes as programs: what they say, and that none outlives its parent.
//! The demo as a whole, with the gateway, is tested in a file of its own.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail like the test itself")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_seawall");
/// A hung service fails the test instead of the run.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running service, killed when dropped.
struct Service {
    child: Child,
    stdout: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Service {
    fn inventory(port: u16) -> Self {
        let mut command = Command::new(PROGRAM);
        let (parent, port) = (std::process::id().to_string(), port.to_string());
        command.args(["demo-service", "--kind", "inventory", "--name", "inventory-1"]);
        command.args(["--parent", &parent, "--port", &port]);
        Self::start(command)
    }

    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        let address = ready["ready"].as_str().unwrap().parse().unwrap();
        Self { child, stdout, address }
    }

    fn ask(&self, line: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!("{line} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer)
    }

    /// Returns when every process that holds the service's standard output has ended.
    fn wait_for_end_of_output(&mut self) {
        let mut rest = Vec::new();
        self.stdout.read_to_end(&mut rest).unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn a_service_answers_its_path_and_its_health_check() {
    let service = Service::inventory(0);
    assert_eq!(service.ask("GET /healthz").0, 200);
    let (status, answer) = service.ask("GET /stock/7");
    assert_eq!(status, 200);
    assert!(answer.contains("inventory-1"), "{answer}");
    assert_eq!(service.ask("GET /search?q=lamp").0, 404);
    assert_eq!(service.ask("DELETE /stock/7").0, 405);
}

#[test]
fn a_service_told_to_fail_answers_503_until_it_is_reset() {
    let service = Service::inventory(0);
    assert_eq!(service.ask("POST /_control?fail_percent=100").0, 200);
    assert_eq!(service.ask("GET /stock/7").0, 503);
    assert_eq!(service.ask("GET /healthz").0, 200, "it is alive, only of no use");
    assert_eq!(service.ask("POST /_control?reset").0, 200);
    assert_eq!(service.ask("GET /stock/7").0, 200);
    assert_eq!(service.ask("POST /_control?speed=2").0, 400);
}

#[test]
fn a_killed_service_gets_its_port_back() {
    let mut service = Service::inventory(0);
    let address = service.address;
    assert_eq!(service.ask("GET /stock/7").0, 200);
    service.child.kill().unwrap();
    service.child.wait().unwrap();
    let again = Service::inventory(address.port());
    assert_eq!(again.address, address);
    assert_eq!(again.ask("GET /stock/7").0, 200);
}

#[test]
fn a_service_ends_when_its_standard_input_does() {
    let mut service = Service::inventory(0);
    drop(service.child.stdin.take());
    assert!(!service.child.wait().unwrap().success());
}

#[test]
fn a_service_refuses_a_parent_that_is_not_its_own() {
    let mut command = Command::new(PROGRAM);
    command.args(["demo-service", "--kind", "inventory", "--name", "x", "--parent", "1"]);
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(!output.status.success());
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.contains("process 1 is not (or no longer) the parent"), "{complaint}");
}

/// A shell stands between the test and the service. The test holds the service's standard input,
/// so that the end of input cannot be what ends it, and freezes it, so that it cannot act itself.
#[cfg(target_os = "linux")]
#[test]
fn a_frozen_service_ends_when_its_parent_is_killed() {
    // In the background a shell gives its children an empty input unless told otherwise.
    let script = format!(
        "exec 3<&0; {PROGRAM} demo-service --kind inventory --name inventory-1 --parent $$ <&3 & \
         echo $! >&2; wait"
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script]).stderr(Stdio::piped());
    let mut parent = Service::start(command);
    assert_eq!(parent.ask("GET /healthz").0, 200);
    let mut service = String::new();
    BufReader::new(parent.child.stderr.take().unwrap()).read_line(&mut service).unwrap();
    let frozen = Command::new("kill").args(["-STOP", service.trim()]).status().unwrap();
    assert!(frozen.success());
    parent.child.kill().unwrap();
    parent.wait_for_end_of_output();
}
