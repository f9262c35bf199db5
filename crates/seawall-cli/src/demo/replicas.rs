//! The running shop: all replicas of all services and the two storefronts. Starting them, and
//! carrying out the steps of the schedule on them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;

use http::StatusCode;

use super::client::{Ask, BETWEEN_SERVICES, Client, Targets};
use super::config::shipped_address;
use super::processes::Process;
use super::schedule::{Fault, Step, Turn, Victims};
use super::shop::{Kind, Side};
use super::trouble::Trouble;

/// One service process and where it listens.
#[derive(Debug)]
struct Replica {
    kind: Kind,
    place: usize,
    address: SocketAddr,
    process: Process,
}

/// The running shop.
#[derive(Debug)]
pub(super) struct Replicas {
    backends: Vec<Replica>,
    storefronts: BTreeMap<Side, Replica>,
    control: Client,
}

/// What a service finds the shop's other parts by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surroundings {
    /// The ledger.
    pub(super) ledger: SocketAddr,
    /// Where the gateway will listen.
    pub(super) gateway: SocketAddr,
    /// Seeds the failures of the services.
    pub(super) seed: u64,
}

impl Replicas {
    /// Starts them all and waits until each listens.
    pub(super) async fn start(around: &Surroundings) -> Result<Self, Trouble> {
        let control = Client::new(BETWEEN_SERVICES);
        let mut shop = Self { backends: Vec::new(), storefronts: BTreeMap::new(), control };
        for kind in Kind::BACKENDS {
            for place in 0..kind.replicas() {
                shop.backends.push(backend(kind, place, around).await?);
            }
        }
        for side in [Side::Direct, Side::Seawall] {
            let storefront = shop.storefront(side, around).await?;
            shop.storefronts.insert(side, storefront);
        }
        Ok(shop)
    }

    /// The two storefronts differ in this alone: where they find the others.
    async fn storefront(&self, side: Side, around: &Surroundings) -> Result<Replica, Trouble> {
        let mut args = Vec::new();
        for (option, kind) in [
            ("--stock", Kind::Inventory),
            ("--search", Kind::Search),
            ("--recommendations", Kind::Recommendations),
        ] {
            let at = match side {
                Side::Direct => self.addresses(kind),
                Side::Seawall => vec![around.gateway],
            };
            let list: Vec<String> = at.iter().map(SocketAddr::to_string).collect();
            args.extend([option.into(), list.join(",").into()]);
        }
        let name = format!("storefront-{}", side.name());
        launch(Kind::Storefront, 0, name, args).await
    }

    fn addresses(&self, kind: Kind) -> Vec<SocketAddr> {
        let same = self.backends.iter().filter(|replica| replica.kind == kind);
        same.map(|replica| replica.address).collect()
    }

    /// Where customers of the direct side read pages and pay.
    pub(super) fn direct_targets(&self) -> (Targets, Targets) {
        let storefront = self.storefronts.get(&Side::Direct).map(|replica| replica.address);
        let payments = self.addresses(Kind::Payments);
        (Targets::new(storefront.into_iter().collect()), Targets::new(payments))
    }

    /// The real address for each address of a replica in the shipped config. The gateway's
    /// storefront is the one of its own side.
    pub(super) fn real_addresses(&self) -> BTreeMap<String, SocketAddr> {
        let behind = self.backends.iter().chain(self.storefronts.get(&Side::Seawall));
        let pair =
            |replica: &Replica| (shipped_address(replica.kind, replica.place), replica.address);
        behind.map(pair).collect()
    }

    /// Carries out one step of the schedule.
    pub(super) async fn perform(&mut self, step: &Step) -> Result<(), Trouble> {
        let hit =
            |replica: &&mut Replica| replica.kind == step.kind && step.victims.hit(replica.place);
        for victim in self.backends.iter_mut().filter(hit) {
            victim.suffer(step.fault, step.turn, &self.control).await?;
        }
        Ok(())
    }

    /// An error if a service has ended although no step of the schedule killed it.
    pub(super) fn check(&mut self) -> Result<(), Trouble> {
        for replica in self.backends.iter_mut().chain(self.storefronts.values_mut()) {
            if let Some(status) = replica.process.ended_unasked() {
                return Err(replica.process.trouble(format!("ended: {status}")));
            }
        }
        Ok(())
    }

    /// Ends them all, frozen ones too.
    pub(super) async fn close(&mut self) -> Result<(), Trouble> {
        for replica in self.backends.iter_mut().chain(self.storefronts.values_mut()) {
            replica.process.kill().await?;
        }
        Ok(())
    }
}

impl Victims {
    fn hit(self, place: usize) -> bool {
        match self {
            Self::All => true,
            Self::One(one) => one == place,
        }
    }
}

impl Replica {
    async fn suffer(&mut self, fault: Fault, turn: Turn, control: &Client) -> Result<(), Trouble> {
        match (fault, turn) {
            (Fault::Crash, Turn::Inject) => self.process.kill().await,
            (Fault::Crash, Turn::Lift) => self.process.start_service().await.map(|_| ()),
            (Fault::Freeze, Turn::Inject) => self.process.freeze(),
            (Fault::Freeze, Turn::Lift) => self.process.thaw(),
            (Fault::Slow(factor), Turn::Inject) => {
                self.turn(control, &format!("delay_factor={factor}")).await
            }
            (Fault::Refuse(percent), Turn::Inject) => {
                self.turn(control, &format!("fail_percent={percent}")).await
            }
            (Fault::Slow(_) | Fault::Refuse(_), Turn::Lift) => self.turn(control, "reset").await,
        }
    }

    async fn turn(&self, control: &Client, dials: &str) -> Result<(), Trouble> {
        let ask = Ask::post(format!("/_control?{dials}"), "");
        match control.ask_at(self.address, &ask).await {
            Ok(answer) if answer.status == StatusCode::OK => Ok(()),
            Ok(answer) => Err(self.process.trouble(format!("refused {dials}: {}", answer.status))),
            Err(mishap) => Err(self.process.trouble(format!("took no {dials}: {}", mishap.name()))),
        }
    }
}

async fn backend(kind: Kind, place: usize, around: &Surroundings) -> Result<Replica, Trouble> {
    let own_seed = around.seed.wrapping_add(u64::try_from(place).unwrap_or_default());
    let mut args: Vec<OsString> = vec!["--seed".into(), own_seed.to_string().into()];
    if kind == Kind::Payments {
        args.extend(["--ledger".into(), around.ledger.to_string().into()]);
    }
    launch(kind, place, format!("{kind}-{}", place + 1), args).await
}

/// Starts a service on a port that the system chooses, which it keeps over restarts.
async fn launch(
    kind: Kind,
    place: usize,
    name: String,
    more: Vec<OsString>,
) -> Result<Replica, Trouble> {
    let parent = std::process::id().to_string();
    let args: [OsString; 7] = [
        "demo-service".into(),
        "--kind".into(),
        kind.name().into(),
        "--name".into(),
        name.clone().into(),
        "--parent".into(),
        parent.into(),
    ];
    let mut process = Process::new(name, args.into_iter().chain(more).collect())?;
    let address = process.start_service().await?;
    process.add_args(["--port".into(), address.port().to_string().into()]);
    Ok(Replica { kind, place, address, process })
}
