//! All that is there during one run: the arena, the replicas, their relays and the product.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path as FilePath, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;

use super::service::{Place, Service};
use super::{Failure, Order};
use crate::arena::{Arena, Seat};
use crate::control::Address;
use crate::fault::send;
use crate::peer::{self, Running, Wanted};
use crate::scenario::{Checks, Path, Scenario};
use crate::{relay, stub};

/// The port of a replica.
const REPLICA: u16 = 8080;
/// The port of the relay before it, at the same seat.
const RELAY: u16 = 8081;
/// The port of the product.
const PRODUCT: u16 = 8000;
/// The port at which the product tells of itself.
const ADMIN: u16 = 9901;

/// Everything of one run. Dropping it ends and removes all of it.
#[derive(Debug)]
pub struct Scene<'a> {
    // In the order in which they end: the product first, so that it does not see the others go.
    /// The product under test.
    pub product: Running<'a>,
    links: Vec<Service<relay::Switches>>,
    replicas: Vec<Service<stub::Switches>>,
    /// Clients that are slow on purpose, while there are any.
    pub slow: Option<Guarded>,
    /// The places.
    pub arena: &'a Arc<Arena>,
    /// Whether there are relays.
    pub path: Path,
    /// Where replicas write their logs.
    pub folder: PathBuf,
    /// The program that replicas, relays and generator are parts of.
    pub program: PathBuf,
    _sockets: Sockets,
}

impl<'a> Scene<'a> {
    /// Starts everybody in `arena`.
    ///
    /// # Errors
    /// What could not be had, or could not be started.
    pub fn build(order: &Order<'_>, arena: &'a Arc<Arena>) -> Result<Self, Failure> {
        let scenario = order.scenario;
        let sockets = Sockets::make().map_err(|why| Failure::Arena(why.to_string()))?;
        let mut replicas = Vec::new();
        let mut links = Vec::new();
        for index in 0..scenario.replicas.all() {
            let place = replica(order, arena, &sockets, index);
            let started = Service::start(arena, place, first_switches(scenario));
            replicas.push(started.map_err(|why| Failure::Replica(index, why))?);
            if scenario.path == Path::Relay {
                let place = link(order, arena, &sockets, index);
                let started = Service::start(arena, place, relay::Switches::default());
                links.push(started.map_err(|why| Failure::Relay(index, why))?);
            }
        }
        let product = start_product(order, arena)?;
        Ok(Self {
            product,
            links,
            replicas,
            slow: None,
            arena,
            path: scenario.path,
            folder: order.folder.to_owned(),
            program: order.program.to_owned(),
            _sockets: sockets,
        })
    }

    /// A replica.
    ///
    /// # Errors
    /// When there is none of this number.
    pub fn replica(&mut self, index: u8) -> io::Result<&mut Service<stub::Switches>> {
        self.replicas.get_mut(usize::from(index)).ok_or_else(|| nobody(index))
    }

    /// The relay before a replica.
    ///
    /// # Errors
    /// When there is none.
    pub fn link(&mut self, index: u8) -> io::Result<&mut Service<relay::Switches>> {
        self.links.get_mut(usize::from(index)).ok_or_else(|| nobody(index))
    }

    /// Where the product finds a replica.
    #[must_use]
    pub fn way_to(&self, index: u8) -> SocketAddr {
        endpoint(self.arena, self.path, index)
    }

    /// The replicas that ended though nobody told them to.
    pub fn fallen(&mut self) -> Vec<u8> {
        let numbered = (0_u8..).zip(&mut self.replicas);
        numbered.filter_map(|(index, one)| one.has_ended().then_some(index)).collect()
    }

    /// Whom the generator asks: the product, or every replica where there is none.
    #[must_use]
    pub fn asked(&self, order: &Order<'_>) -> Vec<SocketAddr> {
        if order.key.product == peer::Product::Direct {
            return endpoints(self.arena, order.scenario);
        }
        vec![self.product.address()]
    }

    /// Whom it asks on the last route, where that has replicas of its own and users know them.
    #[must_use]
    pub fn asked_aside(&self, order: &Order<'_>) -> Vec<SocketAddr> {
        let knows = order.key.product == peer::Product::Direct;
        if knows { aside(self.arena, order.scenario) } else { Vec::new() }
    }
}

fn nobody(index: u8) -> io::Error {
    io::Error::other(format!("there is nobody of number {index}"))
}

fn endpoint(arena: &Arena, path: Path, index: u8) -> SocketAddr {
    let port = if path == Path::Relay { RELAY } else { REPLICA };
    arena.address(Seat::Replica(index), port)
}

fn endpoints(arena: &Arena, scenario: &Scenario) -> Vec<SocketAddr> {
    (0..scenario.replicas.count).map(|index| endpoint(arena, scenario.path, index)).collect()
}

/// The replicas that the last route has for itself.
fn aside(arena: &Arena, scenario: &Scenario) -> Vec<SocketAddr> {
    let has = scenario.replicas;
    (has.count..has.all()).map(|index| endpoint(arena, scenario.path, index)).collect()
}

/// The same as products are told of it; none where the last route is like the others.
fn route_aside(arena: &Arena, scenario: &Scenario) -> Option<peer::Aside> {
    let path = format!("/r{}", scenario.load.routes.saturating_sub(1));
    let endpoints = aside(arena, scenario);
    (!endpoints.is_empty()).then_some(peer::Aside { path, endpoints })
}

fn first_switches(scenario: &Scenario) -> stub::Switches {
    let health = match scenario.health_checks {
        Checks::Blind => stub::Health::Blind,
        Checks::On | Checks::Off => stub::Health::Honest,
    };
    stub::Switches { health, ..stub::Switches::default() }
}

fn replica(order: &Order<'_>, arena: &Arena, sockets: &Sockets, index: u8) -> Place {
    let (seat, has) = (Seat::Replica(index), order.scenario.replicas);
    let address = arena.address(seat, REPLICA);
    let control = sockets.file(&format!("replica{index}"));
    let log = order.folder.join(attempts_file(index));
    let words = [
        ("--replica", index.to_string()),
        ("--listen", address.to_string()),
        ("--control", control.display().to_string()),
        ("--log", log.display().to_string()),
        ("--workers", has.workers.to_string()),
        ("--queue", has.queue.to_string()),
    ];
    Place {
        words: command(order.program, "stub", &words),
        seat,
        address,
        control: Address::File(control),
        first: Some(order.folder.join(format!("replica{index}.switches"))),
        log: order.folder.join(format!("replica{index}.err")),
    }
}

fn link(order: &Order<'_>, arena: &Arena, sockets: &Sockets, index: u8) -> Place {
    let seat = Seat::Replica(index);
    let address = arena.address(seat, RELAY);
    let control = sockets.file(&format!("relay{index}"));
    let words = [
        ("--listen", address.to_string()),
        ("--to", arena.address(seat, REPLICA).to_string()),
        ("--control", control.display().to_string()),
    ];
    Place {
        words: command(order.program, "relay", &words),
        seat,
        address,
        control: Address::File(control),
        first: None,
        log: order.folder.join(format!("relay{index}.err")),
    }
}

/// The words of one of our own processes.
fn command(program: &FilePath, part: &str, words: &[(&str, String)]) -> Vec<String> {
    let mut all = vec![program.display().to_string(), part.to_owned(), "--tied".to_owned()];
    for (name, value) in words {
        all.extend([(*name).to_owned(), value.clone()]);
    }
    all
}

/// The file of the attempts at a replica.
pub(crate) fn attempts_file(index: u8) -> String {
    format!("attempts{index}.jsonl")
}

fn start_product<'a>(order: &Order<'_>, arena: &'a Arc<Arena>) -> Result<Running<'a>, Failure> {
    let (scenario, listen) = (order.scenario, arena.address(Seat::Gateway, PRODUCT));
    let is_ours = order.key.product == peer::Product::Seawall;
    let wanted = Wanted {
        aside: route_aside(arena, scenario),
        checks: scenario.health_checks,
        deadline: scenario.load.deadline,
        client: arena.source(Seat::Client),
        program: order.seawall.filter(|_| is_ours).map(FilePath::to_owned),
        // On loopback of its own namespace: nobody else is to be told.
        admin: Some((Ipv4Addr::LOCALHOST, arena.address(Seat::Gateway, ADMIN).port()).into()),
        ..Wanted::new(order.key.settings, listen, endpoints(arena, scenario))
    };
    let started = peer::start(order.key.product, &wanted, arena, &order.folder.join("product"));
    started.map_err(|why| Failure::Product(why.to_string()))
}

/// A folder of control sockets. In the temporary folder, as paths of sockets are short.
#[derive(Debug)]
struct Sockets(PathBuf);

impl Sockets {
    fn make() -> io::Result<Self> {
        use std::sync::atomic::{AtomicU32, Ordering};
        static MADE: AtomicU32 = AtomicU32::new(0);
        let serial = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("gauntlet-{}-{serial}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        let _left_for_the_system = std::fs::remove_dir_all(&self.0);
    }
}

/// Starts one of our own processes at the users' seat.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn begin(
    scene: &Scene<'_>,
    part: &str,
    words: &[(&str, String)],
) -> io::Result<Guarded> {
    let words = command(&scene.program, part, words);
    let (program, words) = words.split_first().ok_or_else(|| io::Error::other("no program"))?;
    let log = std::fs::File::create(scene.folder.join(format!("{part}.err")))?;
    let mut command = scene.arena.command(Seat::Client, program);
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log);
    let child = scene.arena.spawn(&mut command)?;
    Ok(Guarded(child, Arc::clone(scene.arena)))
}

/// A child that is killed when nobody wants it any more.
#[derive(Debug)]
pub struct Guarded(pub Child, pub Arc<Arena>);

impl Drop for Guarded {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            let _may_have_ended = send(self.0.id(), rustix::process::Signal::KILL);
        }
        let _status = self.0.wait();
        let _told = self.1.release(self.0.id());
    }
}
