//! Faults: setting, lifting, and showing that they hold or are gone.
//!
//! Here: which means serves which fault. When what is done is in `plan`, who is struck in
//! `strike`, the means are in `packets`, `quota`, `switch` and `signals`, the showing in `look`
//! and `probe`, and what cannot be done on this host in `needs`.

mod look;
mod needs;
mod packets;
mod plan;
pub mod probe;
mod quota;
mod sign;
mod signals;
mod strike;
mod switch;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

pub use look::Hope;
pub use needs::{Host, unmet};
pub use plan::{Act, plan};
use quota::Quota;
use signals::Process;
pub(crate) use signals::send;
pub use strike::{Strike, order, strikes};
use switch::{Turn, Whose};

use crate::record::{Deed, What};
use crate::run::{Scene, begin};
use crate::scenario::Fault;
use crate::stamp::Stamp;

/// The faults of one run as they are in force.
#[derive(Debug)]
pub struct Faults {
    strikes: Vec<Strike>,
    quotas: BTreeMap<(usize, u8), Quota>,
    looks: look::Looks,
    /// The product's processes before it was killed or upgraded.
    former: BTreeMap<usize, Vec<u32>>,
    deeds: Vec<Deed>,
}

impl Faults {
    /// None is in force yet.
    #[must_use]
    pub fn new(strikes: Vec<Strike>) -> Self {
        Self {
            strikes,
            quotas: BTreeMap::new(),
            looks: look::Looks::default(),
            former: BTreeMap::new(),
            deeds: Vec::new(),
        }
    }

    /// Does what is to be done now, and writes it down.
    ///
    /// A fault that cannot be set is written down as unproven; the run goes on and does not count.
    /// A phase begins at its time, also when an act before it took longer than planned.
    pub fn act(&mut self, at: Stamp, act: Act, scene: &mut Scene<'_>) {
        match act {
            Act::Phase(phase) => {
                let (what, note) = (What::Phase(phase), format!("{phase:?} begins"));
                self.deeds.push(Deed { at, what, note });
            }
            Act::Set(index) => self.turn(index, Turn::On, scene),
            Act::Lift(index) => self.turn(index, Turn::Off, scene),
            Act::Prove(index) => self.look(index, Hope::InForce, scene),
            Act::ProveGone(index) => self.look(index, Hope::Gone, scene),
        }
    }

    /// Writes down something else that happened.
    pub fn note(&mut self, what: What, note: String) {
        self.deeds.push(Deed { at: Stamp::now(), what, note });
    }

    /// Waits for all looks and gives every deed in order of time.
    #[must_use]
    pub fn into_deeds(mut self) -> Vec<Deed> {
        let seen = self.looks.end();
        self.deeds.extend(seen);
        self.deeds.sort_by_key(|deed| deed.at);
        std::mem::take(&mut self.deeds)
    }

    fn turn(&mut self, index: usize, turn: Turn, scene: &mut Scene<'_>) {
        let Some(strike) = self.strikes.get(index).cloned() else { return };
        let at = Stamp::now();
        let done = if strike.targets.is_empty() {
            self.turn_elsewhere(index, &strike, turn, scene)
        } else {
            let mut turned = strike.targets.iter();
            turned.try_for_each(|target| self.turn_one((index, &strike), *target, turn, scene))
        };
        let what = if turn == Turn::On { What::Set } else { What::Lifted };
        let name = name(&strike);
        match done {
            Ok(()) => self.deeds.push(Deed { at, what, note: name }),
            Err(error) => self.note(What::Unproven, format!("{name}: {what:?} failed: {error}")),
        }
    }

    fn turn_one(
        &mut self,
        (index, strike): (usize, &Strike),
        target: u8,
        turn: Turn,
        scene: &mut Scene<'_>,
    ) -> io::Result<()> {
        let (fault, on) = (&strike.fault, turn == Turn::On);
        let table = table(index);
        if let Some(rules) = packets::rules(fault) {
            return if on {
                packets::set(scene.arena, target, &table, &rules)
            } else {
                packets::lift(scene.arena, target, &table)
            };
        }
        match switch::whose(fault, scene.path) {
            Some(Whose::Stub) => return turn_stub(fault, turn, target, scene),
            Some(Whose::Relay) => return turn_relay(strike, turn, target, scene),
            None => {}
        }
        let replica = scene.replica(target)?;
        match (fault, turn) {
            (Fault::Crash, Turn::On) => replica.kill(),
            (Fault::Crash | Fault::RollingRestart { .. }, Turn::Off) => replica.start_anew(),
            (Fault::Freeze, Turn::On) => signals::stop(replica.pid()),
            (Fault::Freeze, Turn::Off) => signals::go_on(replica.pid()),
            (Fault::RollingRestart { drain }, Turn::On) => {
                let drain = u64::try_from(drain.as_nanos()).unwrap_or(u64::MAX);
                replica.switch(|set| set.drain = drain)?;
                replica.terminate()
            }
            (Fault::StarvedCpu { share }, Turn::On) => {
                let quota = Quota::set(replica.pid(), &format!("{index}-{target}"), *share)?;
                self.quotas.insert((index, target), quota);
                Ok(())
            }
            (Fault::StarvedCpu { .. }, Turn::Off) => {
                self.quotas.remove(&(index, target));
                Ok(())
            }
            _ => Err(io::Error::other("nothing here can do this to a replica")),
        }
    }

    fn turn_elsewhere(
        &mut self,
        index: usize,
        strike: &Strike,
        turn: Turn,
        scene: &mut Scene<'_>,
    ) -> io::Result<()> {
        if turn == Turn::Off {
            scene.slow = None;
            return Ok(());
        }
        self.former.insert(index, scene.product.pids());
        let done = match strike.fault {
            Fault::GatewayKilled => scene.product.restart_hard(),
            Fault::GatewayUpgraded => scene.product.upgrade(),
            Fault::GatewayReloaded => scene.product.reload(),
            Fault::SlowClients { count } => return slow_clients(strike, count, scene),
            // The generator does these by itself: they are part of the stream.
            _ => Ok(()),
        };
        done.map_err(|trouble| io::Error::other(trouble.to_string()))
    }

    /// Begins a look at each target.
    fn look(&mut self, index: usize, hope: Hope, scene: &mut Scene<'_>) {
        let Some(strike) = self.strikes.get(index).cloned() else { return };
        let targets = strike.targets.iter().map(|target| Some(*target));
        let product = strike.targets.is_empty().then_some(None);
        for target in targets.chain(product).collect::<Vec<_>>() {
            let look = self.look_at((index, &strike), target, hope, scene);
            let begun = match look {
                Ok(Some(look)) => self.looks.begin(look, scene.arena),
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = begun {
                self.note(What::Unproven, format!("{}: cannot look: {error}", name(&strike)));
            }
        }
    }
}

fn slow_clients(strike: &Strike, count: u32, scene: &mut Scene<'_>) -> io::Result<()> {
    let lasts = strike.until.saturating_sub(strike.from);
    let words = [
        ("--count", count.to_string()),
        ("--to", scene.product.address().to_string()),
        ("--lasts", lasts.as_millis().to_string()),
        ("--summary", scene.folder.join("slow.json").display().to_string()),
    ];
    scene.slow = Some(begin(scene, "slow", &words)?);
    Ok(())
}

fn turn_stub(fault: &Fault, turn: Turn, target: u8, scene: &mut Scene<'_>) -> io::Result<()> {
    let folder = scene.folder.clone();
    let replica = scene.replica(target)?;
    replica.switch(|set| switch::turn_stub(fault, turn, &folder, set))
}

fn turn_relay(strike: &Strike, turn: Turn, target: u8, scene: &mut Scene<'_>) -> io::Result<()> {
    let links = u8::try_from(strike.targets.len()).unwrap_or(u8::MAX);
    let link = scene.link(target)?;
    link.switch(|set| switch::turn_relay(&strike.fault, turn, links, set))
}

/// The nft table of a strike.
fn table(index: usize) -> String {
    format!("gauntlet{index}")
}

/// A strike in words.
fn name(strike: &Strike) -> String {
    let targets: Vec<String> = strike.targets.iter().map(u8::to_string).collect();
    let whom =
        if targets.is_empty() { String::new() } else { format!(" of {}", targets.join("+")) };
    format!("{:?}{whom} at {:?}", strike.fault, rounded(strike.from))
}

const fn rounded(time: Duration) -> Duration {
    Duration::from_millis(time.as_secs() * 1_000 + time.subsec_millis() as u64)
}
