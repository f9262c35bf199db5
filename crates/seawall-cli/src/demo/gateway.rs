//! The gateway of the demo: this program again, as `seawall run`, in a process of its own. What
//! the gateway does is not known here.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use http::StatusCode;
use tokio::time;

use super::client::{Ask, BETWEEN_SERVICES, Client};
use super::config::Scratch;
use super::metrics::Effort;
use super::processes::{Process, READY_WITHIN};
use super::trouble::Trouble;

/// Between two looks whether the gateway is ready.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Lines of the gateway's log that an error message quotes.
const LOG_LINES: usize = 12;

/// A gateway process.
#[derive(Debug)]
pub(super) struct Gateway {
    process: Process,
    admin: SocketAddr,
    log: PathBuf,
    client: Client,
}

impl Gateway {
    /// Starts the gateway with the config file `config`, whose admin address is `admin`, and
    /// waits until it is ready. Its log goes into `scratch`.
    pub(super) async fn start(
        scratch: &Scratch,
        config: PathBuf,
        admin: SocketAddr,
    ) -> Result<Self, Trouble> {
        let parent = std::process::id().to_string();
        let args = ["run".into(), "-c".into(), config.into()];
        let args = args.into_iter().chain(["--exit-with-parent".into(), parent.into()]);
        let mut process = Process::new("the gateway".to_owned(), args.collect())?;
        let (log, stderr) = scratch.file("gateway.log")?;
        process.start(Stdio::null(), stderr.into())?;
        let mut gateway = Self { process, admin, log, client: Client::new(BETWEEN_SERVICES) };
        match time::timeout(READY_WITHIN, gateway.ready()).await {
            Ok(outcome) => outcome.map(|()| gateway),
            Err(_) => Err(gateway.trouble("did not become ready in time")),
        }
    }

    async fn ready(&mut self) -> Result<(), Trouble> {
        while !self.says_ready().await {
            self.check()?;
            time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Another gateway may hold the address and answer in the place of ours, so ours must also
    /// have said that it listens there.
    async fn says_ready(&self) -> bool {
        let announced = format!("dashboard http://{}/", self.admin);
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        if !log.contains(&announced) {
            return false;
        }
        let answer = self.client.ask_at(self.admin, &Ask::get("/readyz")).await;
        answer.is_ok_and(|answer| answer.status == StatusCode::OK)
    }

    /// An error if the gateway has ended, which nobody asked it to.
    pub(super) fn check(&mut self) -> Result<(), Trouble> {
        match self.process.ended_unasked() {
            Some(status) => Err(self.trouble(&format!("ended: {status}"))),
            None => Ok(()),
        }
    }

    fn trouble(&self, why: &str) -> Trouble {
        let log = Scratch::tail(&self.log, LOG_LINES);
        let quoted = if log.is_empty() { log } else { format!("; the end of its log:\n{log}") };
        self.process.trouble(format!("{why}{quoted}"))
    }

    /// The address of its admin side.
    pub(super) const fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// Its counters so far, or none if it does not answer.
    pub(super) async fn effort(&self) -> Option<Effort> {
        let answer = self.client.ask_at(self.admin, &Ask::get("/metrics")).await.ok()?;
        let text = std::str::from_utf8(&answer.body).ok()?;
        (answer.status == StatusCode::OK).then(|| Effort::read(text))
    }

    /// Ends it.
    pub(super) async fn close(&mut self) -> Result<(), Trouble> {
        self.process.kill().await
    }
}

/// An address that nobody listens at: `wanted` if it is free, otherwise one the system chooses.
/// Somebody may take it before the gateway does; then the gateway says so and the demo ends.
pub(super) fn free_address(wanted: Option<SocketAddr>) -> Result<SocketAddr, Trouble> {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = wanted
        .and_then(|address| TcpListener::bind(address).ok())
        .map_or_else(|| TcpListener::bind(any), Ok);
    listener.and_then(|listener| listener.local_addr()).map_err(Trouble::system("find a free port"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_address_is_passed_over() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let wanted = taken.local_addr().unwrap();
        let found = free_address(Some(wanted)).unwrap();
        assert_ne!(found, wanted);
        assert!(found.ip().is_loopback() && found.port() != 0);
    }
}
