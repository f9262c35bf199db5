//! A worker: one thread with a runtime of its own, its own pools and its own stream of chance.

use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method, Request, Response};
use hyper::body::Incoming;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, LocalSet};

use seawall_config::{Expose, ListenerConfig, Network};
use seawall_core::call::{Action, Context, Until};
use seawall_core::reason::Reason;
use seawall_core::rng::Stream;
use seawall_core::time::Instant;

use crate::alarm::Alarms;
use crate::answer::LocalAnswer;
use crate::body::Body;
use crate::clock::Clock;
use crate::inbound::{Drained, Handler, InboundSettings, Peer, Stop, serve};
use crate::observe::PoolStatus;
use crate::pools::Pools;
use crate::proxy::{Arrival, proxy};
use crate::shared::Shared;
use crate::upstreams::{CallSide, Ledger, SharedUpstream};
use crate::wire::{Caller, fresh_id};

/// How often a worker tends its pools and reports on them.
const TEND_EVERY: Duration = Duration::from_secs(1);

/// What a worker's tasks share. Stays on its thread.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) clock: Clock,
    pub(crate) shared: Arc<Shared>,
    pub(crate) rng: RefCell<Stream>,
    pub(crate) pools: Pools,
    pub(crate) alarms: Alarms,
    index: usize,
}

/// What the control side asks of a worker.
#[derive(Debug)]
pub(crate) enum Command {
    /// Accept on this listener until it is told to stop.
    Listen {
        /// Its socket, one of several for the same queue.
        socket: std::net::TcpListener,
        /// Its config.
        config: Box<ListenerConfig>,
        /// Tells when to stop.
        stop: Stop,
    },
    /// A new generation is live.
    Follow,
}

/// What a listener's requests need to know of it.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) uri_bytes: usize,
    pub(crate) body_max: Option<u64>,
    pub(crate) body_idle: Duration,
    pub(crate) expose: Expose,
    trust: Vec<Network>,
}

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>, index: usize, rng: Stream) -> Rc<Self> {
        let (clock, pools, alarms) = (shared.clock, Pools::default(), Alarms::default());
        Rc::new(Self { clock, shared, rng: RefCell::new(rng), pools, alarms, index })
    }

    /// Runs until the control side lets go and every connection has ended. Says how many
    /// connections were cut.
    pub(crate) async fn run(self: Rc<Self>, mut commands: mpsc::Receiver<Command>) -> u64 {
        let mut serving = JoinSet::new();
        let mut tend = tokio::time::interval(TEND_EVERY);
        let mut cut = 0;
        let tasks = LocalSet::new();
        tasks
            .run_until(async {
                loop {
                    tokio::select! {
                        // That nothing follows is known before anything ends for it.
                        biased;
                        command = commands.recv() => match command {
                            Some(command) => self.obey(command, &mut serving),
                            None => break,
                        },
                        _ = tend.tick() => self.tend(),
                        // What a reload cut was cut then; only the end counts for the end.
                        Some(_drained) = serving.join_next() => {}
                    }
                }
                while let Some(drained) = serving.join_next().await {
                    cut += drained.map_or(0, |drained| drained.cut);
                }
            })
            .await;
        cut
    }

    /// One step of a call, with what follows from it.
    pub(crate) fn step_call(
        &self,
        upstream: &SharedUpstream,
        side: &mut CallSide,
        now: Instant,
        act: impl FnOnce(&mut Context<'_, Stream, Ledger<'_>>) -> Action,
    ) -> Action {
        let mut rng = self.rng.borrow_mut();
        let (action, after) = upstream.step_call(now, &mut rng, side, act);
        drop(rng);
        after.wake();
        if !after.events.is_empty() {
            self.shared.publish(upstream, &after.events);
        }
        action
    }

    /// Answers a request that no call was made for.
    pub(crate) fn refuse(
        &self,
        reason: Reason,
        allow: &[Method],
        listening: &Listening,
        accepts: &HeaderMap,
    ) -> Response<Body> {
        self.shared.routeless.bump(reason);
        let (mut rng, now) = (self.rng.borrow_mut(), self.clock.now());
        let id = fresh_id(self.clock.unix_ms(now), &mut *rng);
        let (until, upstream, expose) = (Until::Never, None, listening.expose);
        let local = LocalAnswer { reason, until, upstream, id: &id, expose, allow };
        local.response(accepts, now, &mut *rng).map(Body::local)
    }

    fn obey(self: &Rc<Self>, command: Command, serving: &mut JoinSet<Drained>) {
        match command {
            Command::Follow => self.pools.follow(&self.shared.live()),
            Command::Listen { socket, config, stop } => match adopt(socket) {
                Ok(socket) => {
                    let settings = inbound(&config, &self.shared);
                    let handler = Rc::new(Gate::new(Rc::clone(self), &config));
                    let meters = Arc::clone(&self.shared.inbound);
                    serving.spawn_local(serve(socket, settings, handler, stop, meters));
                }
                Err(error) => {
                    tracing::error!(listener = %config.name, %error, "cannot accept on a listener");
                }
            },
        }
    }

    fn tend(&self) {
        let seen = self.pools.tend(self.clock.runtime(self.clock.now()));
        let report = seen.into_iter().map(|(upstream, id, pool)| {
            let status = PoolStatus {
                idle: u64::from(pool.idle),
                leased: u64::from(pool.leased),
                opened_total: pool.opened_total,
                reused_total: pool.reused_total,
                stale_resets_total: pool.stale_resets_total,
                streams: u64::from(pool.streams),
                goaways_total: pool.goaways_total,
                streams_refused_total: pool.streams_refused_total,
            };
            ((upstream, id), status)
        });
        self.shared.report_pools(self.index, report.collect());
    }
}

fn adopt(socket: std::net::TcpListener) -> std::io::Result<tokio::net::TcpListener> {
    socket.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(socket)
}

/// The listener's settings for one worker: its share of the connections, rounded up.
fn inbound(config: &ListenerConfig, shared: &Shared) -> InboundSettings {
    let all = config.connections.unwrap_or_else(|| shared.resources.connections());
    let all = usize::try_from(all).unwrap_or(usize::MAX);
    InboundSettings::of(config, all.div_ceil(shared.workers))
}

/// Where a listener's connections hand over their requests.
#[derive(Debug)]
struct Gate {
    worker: Rc<Worker>,
    listening: Listening,
}

impl Gate {
    fn new(worker: Rc<Worker>, config: &ListenerConfig) -> Self {
        let listening = Listening {
            uri_bytes: usize::try_from(config.uri_bytes).unwrap_or(usize::MAX),
            body_max: config.body_max,
            body_idle: config.body_idle,
            expose: config.expose,
            trust: config.trust.clone(),
        };
        Self { worker, listening }
    }

    fn trusts(&self, peer: IpAddr) -> bool {
        self.listening.trust.iter().any(|network| network.contains(peer))
    }
}

impl Handler for Gate {
    type Body = Body;

    async fn handle(self: Rc<Self>, request: Request<Incoming>, peer: Peer) -> Response<Body> {
        let trusted = self.trusts(peer.remote.ip());
        let caller = Caller { address: peer.remote, trusted };
        let worker = Rc::clone(&self.worker);
        let is_head = request.method() == Method::HEAD;
        let response = proxy(worker, &self.listening, Arrival { request, caller }).await;
        if is_head { Body::for_head(response) } else { response }
    }
}
