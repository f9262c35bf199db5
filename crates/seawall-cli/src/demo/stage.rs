//! The course of the demo: build everything, play the schedule while both sides are under load,
//! report, take everything down. The parts are in the files beside this one.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;

use super::arrivals::Arrivals;
use super::client::Targets;
use super::clock::Clock;
use super::config::{self, Scratch, with_addresses};
use super::gateway::{Gateway, free_address};
use super::ledger::Ledger;
use super::load::Arm;
use super::replicas::{Replicas, Surroundings};
use super::report::{Guarded, Numbers, Summary};
use super::screen::{Audience, Opening, Screen};
use super::shop::Side;
use super::trouble::Trouble;
use super::{DemoArgs, ledger_http, schedule, server};

/// How the demo ended.
pub(super) enum Ending {
    /// Played to the end, or interrupted by this signal while under load.
    Played(Box<Summary>, Option<Interrupt>),
    /// Interrupted before the load began: there is nothing to report.
    NotBegun(Interrupt),
}

/// A signal that asks the demo to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interrupt {
    number: u8,
}

impl Interrupt {
    /// The exit status of a program that a signal ended, as shells count: 128 and its number.
    pub(super) fn exit_code(self) -> ExitCode {
        ExitCode::from(128 + self.number)
    }
}

/// The signals that end the demo in good order.
struct Interrupts {
    hangup: Signal,
    interrupt: Signal,
    terminate: Signal,
}

impl Interrupts {
    fn listen() -> Result<Self, Trouble> {
        let open = |kind| signal(kind).map_err(Trouble::system("listen for signals"));
        Ok(Self {
            hangup: open(SignalKind::hangup())?,
            interrupt: open(SignalKind::interrupt())?,
            terminate: open(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> Interrupt {
        let number = tokio::select! {
            _ = self.hangup.recv() => 1,
            _ = self.interrupt.recv() => 2,
            _ = self.terminate.recv() => 15,
        };
        Interrupt { number }
    }
}

/// Everything that runs.
struct Stage {
    args: DemoArgs,
    replicas: Replicas,
    gateway: Gateway,
    ledger: Arc<Ledger>,
    web: std::net::SocketAddr,
    _scratch: Scratch,
    /// The ledger's server; it ends with the stage.
    _background: JoinSet<()>,
}

/// Runs the demo. Whatever this returns, and also if it is dropped half-way, no process is left.
pub(super) async fn perform(args: &DemoArgs, screen: &mut Screen) -> Result<Ending, Trouble> {
    let mut interrupts = Interrupts::listen()?;
    let mut stage = tokio::select! {
        built = Stage::build(args) => built?,
        interrupt = interrupts.next() => return Ok(Ending::NotBegun(interrupt)),
    };
    stage.open(screen)?;
    let (clock, seconds) = (Clock::start(), stage.args.seconds());
    let arms = stage.arms(clock);
    let interrupt = tokio::select! {
        played = stage.play(&arms, clock, screen) => played.map(|()| None)?,
        interrupt = interrupts.next() => Some(interrupt),
    };
    let summary = stage.summarise(&arms, seconds, interrupt.is_none()).await;
    stage.close().await?;
    Ok(Ending::Played(Box::new(summary), interrupt))
}

/// Both sides.
struct Arms {
    direct: Arc<Arm>,
    seawall: Arc<Arm>,
}

impl Stage {
    async fn build(args: &DemoArgs) -> Result<Self, Trouble> {
        let scratch = Scratch::new()?;
        let (ledger, mut background) = (Arc::new(Ledger::default()), JoinSet::new());
        let listening = TcpListener::bind("127.0.0.1:0").await;
        let listener = listening.map_err(Trouble::system("listen for the ledger"))?;
        let at = listener.local_addr().map_err(Trouble::system("listen for the ledger"))?;
        let books = Arc::clone(&ledger);
        background.spawn(server::serve(listener, move |request| {
            ledger_http::answer(Arc::clone(&books), request)
        }));

        let web = free_address(None)?;
        let around = Surroundings { ledger: at, gateway: web, seed: args.seed };
        let replicas = Replicas::start(&around).await?;
        let admin = free_address(config::ADMIN.parse().ok())?;
        let mut real = replicas.real_addresses();
        real.extend([(config::WEB.to_owned(), web), (config::ADMIN.to_owned(), admin)]);
        let file = scratch.write("shop.toml", &with_addresses(config::SHOP, &real))?;
        let gateway = Gateway::start(&scratch, file, admin).await?;
        let (args, _scratch, _background) = (args.clone(), scratch, background);
        Ok(Self { args, replicas, gateway, ledger, web, _scratch, _background })
    }

    fn open(&self, screen: &mut Screen) -> Result<(), Trouble> {
        screen.opening(&Opening {
            audience: if self.args.headless { Audience::Program } else { Audience::Person },
            seconds: self.args.seconds(),
            rate: self.args.rate,
            seed: self.args.seed,
            admin: self.gateway.admin(),
            web: self.web,
        })
    }

    fn arms(&self, clock: Clock) -> Arms {
        let (pages, payments) = self.replicas.direct_targets();
        let web = || Targets::new(vec![self.web]);
        Arms {
            direct: Arc::new(Arm::new(Side::Direct, clock, pages, payments)),
            seawall: Arc::new(Arm::new(Side::Seawall, clock, web(), web())),
        }
    }

    async fn play(
        &mut self,
        arms: &Arms,
        clock: Clock,
        screen: &mut Screen,
    ) -> Result<(), Trouble> {
        let end = Duration::from_secs(self.args.seconds().into());
        let mut load = JoinSet::new();
        for arm in [&arms.direct, &arms.seawall] {
            let arrivals = Arrivals::new(self.args.seed, self.args.rate);
            load.spawn(Arc::clone(arm).drive(arrivals, end));
        }
        self.conduct(arms, clock, screen).await?;
        // The last requests still have the customer's patience to end in.
        while load.join_next().await.is_some() {}
        Ok(())
    }

    /// Carries out the schedule and shows the numbers of each second.
    async fn conduct(
        &mut self,
        arms: &Arms,
        clock: Clock,
        screen: &mut Screen,
    ) -> Result<(), Trouble> {
        let seconds = self.args.seconds();
        let mut steps = schedule::steps(seconds).into_iter().peekable();
        for second in 1..=seconds {
            let tick = Duration::from_secs(second.into());
            while let Some(step) = steps.next_if(|step| step.at < tick) {
                clock.wait_until(step.at).await;
                screen.step(&step)?;
                self.replicas.perform(&step).await?;
            }
            clock.wait_until(tick).await;
            let direct = arms.direct.tally().take_slice();
            let seawall = arms.seawall.tally().take_slice();
            screen.second(second, &direct, &seawall)?;
            self.replicas.check()?;
            self.gateway.check()?;
        }
        Ok(())
    }

    async fn summarise(&self, arms: &Arms, seconds: u32, complete: bool) -> Summary {
        let effort = self.gateway.effort().await;
        let (direct, seawall) = (arms.direct.tally(), arms.seawall.tally());
        let keys = |arm: &Arm, numbers: &std::collections::BTreeSet<u64>| {
            numbers.iter().map(|number| arm.key(*number)).collect::<Vec<_>>()
        };
        let mut confirmed = keys(&arms.direct, &direct.confirmed);
        confirmed.extend(keys(&arms.seawall, &seawall.confirmed));
        Summary {
            seconds,
            seed: self.args.seed,
            rate: self.args.rate,
            complete,
            direct: Numbers::of(&direct),
            seawall: Guarded { numbers: Numbers::of(&seawall), effort },
            payments: self.ledger.audit(confirmed.iter().map(String::as_str)),
        }
    }

    async fn close(&mut self) -> Result<(), Trouble> {
        self.gateway.close().await?;
        self.replicas.close().await
    }
}
