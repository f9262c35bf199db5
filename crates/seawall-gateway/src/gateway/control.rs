//! The control side of a gateway: opening listeners, reloading, draining.

use std::sync::Arc;

use tokio::time::{sleep, timeout};

use seawall_config::Config;
use seawall_config::record::Tables;
use seawall_core::rng::Stream;
use seawall_core::time::Duration;

use super::listeners::{Bound, bind_all};
use super::{Gateway, GatewayError, WorkerHandle};
use crate::checks::Checks;
use crate::inbound::Stop;
use crate::live::{Site, build};
use crate::recorder::{RecordFile, Recorder, Writing};
use crate::shared::{Lifecycle, Shared};
use crate::worker::Command;

/// After connections were told to go, workers get this long to let go of them.
const FORCE: Duration = Duration::from_secs(2);

/// The one who may change a gateway. Must live inside a `LocalSet` once checks run.
#[derive(Debug)]
pub struct Control {
    shared: Arc<Shared>,
    workers: Vec<WorkerHandle>,
    listeners: Vec<Open>,
    /// Listeners that a reload removed and that still have connections.
    leaving: Vec<Stop>,
    checks: Checks,
    /// The writer of the record, where one is made.
    record: Option<Writing>,
    rng: Stream,
}

/// A listener that accepts.
#[derive(Debug)]
struct Open {
    bound: Bound,
    stop: Stop,
}

/// Whether readiness says no for a while before a drain, so that a balancer takes notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// For the `announce` of the config.
    Given,
    /// Not at all: somebody sits at the terminal.
    Skipped,
}

/// How a gateway ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Connections that were cut because their time was over.
    pub cut: u64,
}

impl Control {
    pub(super) fn new(shared: Arc<Shared>, workers: Vec<WorkerHandle>, rng: Stream) -> Self {
        let (listeners, leaving) = (Vec::new(), Vec::new());
        let (checks, record) = (Checks::default(), None);
        Self { shared, workers, listeners, leaving, checks, record, rng }
    }

    /// A handle for reading.
    #[must_use]
    pub fn gateway(&self) -> Gateway {
        Gateway { shared: Arc::clone(&self.shared) }
    }

    /// The addresses that accept, by name of listener; ports chosen by the system are filled in.
    #[must_use]
    pub fn addresses(&self) -> Vec<(String, std::net::SocketAddr)> {
        let named = self.listeners.iter().filter_map(|open| {
            let address = open.bound.socket.local_addr().ok()?;
            Some((open.bound.config.name.clone(), address))
        });
        named.collect()
    }

    /// Starts the health checks of the config in force. Call it inside a `LocalSet`.
    pub fn start_checks(&mut self) {
        let live = self.shared.live();
        self.checks = Checks::start(&self.shared, &live, &mut self.rng);
        tracing::info!(endpoints = self.checks.len(), "active health checks");
    }

    /// Records the calls that begin from now on into `file`, until the gateway ends or the record
    /// is as large as it may be. Recording never holds up traffic: what cannot be written is left
    /// out and counted.
    ///
    /// # Errors
    /// [`GatewayError::Worker`] without a thread for it.
    pub fn record(&mut self, file: RecordFile) -> Result<(), GatewayError> {
        let tables = Tables::of(&self.shared.live().config);
        let (clock, bytes_max) = (self.shared.clock, file.bytes_max());
        let Some(store) = file.into_file() else { return Ok(()) };
        let (recorder, writing) =
            Recorder::start(store, bytes_max, (clock, tables)).map_err(GatewayError::Worker)?;
        self.shared.record(recorder);
        self.record = Some(writing);
        Ok(())
    }

    /// Takes over a new config: all of it or nothing. Running calls end under the old one, and
    /// everything that was learned under a name is kept. Gives the new generation.
    ///
    /// # Errors
    /// [`GatewayError::Bind`] and [`GatewayError::NeedsRestart`]; the old config stays in force.
    pub fn reload(&mut self, config: Config) -> Result<u64, GatewayError> {
        self.take_over(config).inspect_err(|error| self.reject(error))
    }

    /// Notes that a new config could not be taken over.
    pub fn reject(&self, error: &GatewayError) {
        self.shared.rejected_configs.bump();
        let clock = self.shared.clock;
        self.shared.events.note(clock, "config", "rejected", error.to_string());
    }

    /// Ends the gateway: announces it unless told not to, stops accepting, lets running calls end,
    /// and cuts what is left when the time of the config is over or `hurry` completes.
    pub async fn drain(mut self, notice: Notice, hurry: impl Future<Output = ()>) -> Ended {
        let ended = self.end_traffic(notice, hurry).await;
        self.close_record().await;
        ended
    }

    /// Once every call has ended. A disk that hangs must not keep the process.
    async fn close_record(&mut self) {
        let (Some(recorder), Some(writing)) = (self.shared.recorder(), self.record.take()) else {
            return;
        };
        recorder.stop();
        if timeout(FORCE, writing.ended()).await.is_err() {
            tracing::warn!("the record could not be written to its end in time");
        }
    }

    async fn end_traffic(&mut self, notice: Notice, hurry: impl Future<Output = ()>) -> Ended {
        let live = self.shared.live();
        let gateway = &live.config.gateway;
        self.shared.set_lifecycle(Lifecycle::Draining);
        let announce = if notice == Notice::Given { gateway.announce } else { Duration::ZERO };
        let mut hurry = std::pin::pin!(hurry);
        let patience = tokio::select! {
            () = sleep(announce) => gateway.drain,
            () = &mut hurry => Duration::ZERO,
        };
        // Before anything is cut, or a worker would take it for what a reload cut.
        let mut finished = std::pin::pin!(close(std::mem::take(&mut self.workers)));
        let stops: Vec<_> = self.listeners.drain(..).map(|open| open.stop).collect();
        stops.iter().for_each(Stop::drain);
        tokio::select! {
            cut = &mut finished => return Ended { cut },
            () = sleep(patience) => {}
            () = &mut hurry, if !patience.is_zero() => {}
        }
        stops.iter().chain(&self.leaving).for_each(Stop::force);
        Ended { cut: timeout(FORCE, finished).await.unwrap_or(1) }
    }

    /// Lets workers accept on these sockets.
    ///
    /// # Errors
    /// [`GatewayError::Bind`] without descriptors for the workers; what was opened stays open.
    pub(super) fn open(&mut self, sockets: Vec<Bound>) -> Result<(), GatewayError> {
        for bound in sockets {
            let copies =
                self.workers.iter().map(|_| bound.copy()).collect::<Result<Vec<_>, _>>()?;
            let stop = Stop::new();
            for (worker, socket) in self.workers.iter().zip(copies) {
                let (config, stop) = (Box::new(bound.config.clone()), stop.clone());
                worker.send(Command::Listen { socket, config, stop });
            }
            self.listeners.push(Open { bound, stop });
        }
        Ok(())
    }

    fn take_over(&mut self, config: Config) -> Result<u64, GatewayError> {
        let before = self.shared.live();
        if config.gateway.workers != before.config.gateway.workers {
            return Err(GatewayError::NeedsRestart { what: "gateway.workers" });
        }
        if config.admin != before.config.admin {
            return Err(GatewayError::NeedsRestart { what: "admin" });
        }
        let held: Vec<&Bound> = self.listeners.iter().map(|open| &open.bound).collect();
        let sockets = bind_all(&config.listeners, &held)?;
        let (now, resources) = (self.shared.clock.now(), self.shared.resources);
        let workers = self.shared.workers;
        let mut site = Site { now, rng: &mut self.rng, resources, workers };
        let live = build(config, Some(&before), &mut site);
        let (generation, drain) = (live.generation, live.config.gateway.drain);
        self.shared.go_live(live);
        self.switch_listeners(sockets, drain)?;
        self.workers.iter().for_each(|worker| worker.send(Command::Follow));
        self.start_checks();
        let detail = format!("generation {generation}");
        self.shared.events.note(self.shared.clock, "config", "live", detail);
        Ok(generation)
    }

    /// Unchanged listeners go on, changed ones hand their socket to a new accept loop, and those
    /// that are gone stop accepting; what runs on them is cut after `drain`.
    fn switch_listeners(
        &mut self,
        sockets: Vec<Bound>,
        drain: Duration,
    ) -> Result<(), GatewayError> {
        let (keep, leave): (Vec<Open>, Vec<Open>) = std::mem::take(&mut self.listeners)
            .into_iter()
            .partition(|open| sockets.iter().any(|bound| bound.config == open.bound.config));
        let new = sockets
            .into_iter()
            .filter(|bound| keep.iter().all(|open| open.bound.config != bound.config));
        let new: Vec<Bound> = new.collect();
        self.listeners = keep;
        let opened = self.open(new);
        self.leaving.retain(|stop| !stop.is_forced());
        leave.into_iter().for_each(|open| self.leave(open.stop, drain));
        opened
    }

    fn leave(&mut self, stop: Stop, drain: Duration) {
        stop.drain();
        self.leaving.push(stop.clone());
        #[expect(clippy::disallowed_methods, reason = "it ends by itself after the drain")]
        tokio::task::spawn_local(async move {
            sleep(drain).await;
            stop.force();
        });
    }
}

/// Tells every worker that nothing follows, at once, and waits until all have ended; gives the
/// connections that were cut.
fn close(workers: Vec<WorkerHandle>) -> impl Future<Output = u64> {
    let closing: Vec<_> = workers.into_iter().map(WorkerHandle::close).collect();
    async {
        let mut cut = 0;
        for worker in closing {
            cut += worker.ended().await;
        }
        cut
    }
}
