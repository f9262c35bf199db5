//! What shows that a fault holds or is gone: which state is read back, and what a probe sees.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::look::{Hope, Look, Trace};
use super::probe::Sign;
use super::switch::Whose;
use super::{Faults, Process, Strike, name, packets, quota, switch, table};
use crate::arena::Seat;
use crate::control::Address;
use crate::run::{Scene, ask};
use crate::scenario::Fault;
use crate::{relay, stub};

impl Faults {
    /// The look at one target of a strike; none where the generator's records have to show it.
    pub(super) fn look_at(
        &self,
        (index, strike): (usize, &Strike),
        target: Option<u8>,
        hope: Hope,
        scene: &mut Scene<'_>,
    ) -> io::Result<Option<Look>> {
        let Some(target) = target else {
            return Ok(self.look_at_product(index, strike, hope, scene));
        };
        let trace = self.trace((index, strike), target, hope, scene)?;
        let sign = match hope {
            Hope::Gone => Sign::Well,
            Hope::InForce => sign(&strike.fault),
        };
        let (name, to) = (format!("{}, replica {target}", name(strike)), scene.way_to(target));
        Ok(Some(Look { name, hope, trace, sign, from: Seat::Gateway, to: Some(to) }))
    }

    fn look_at_product(
        &self,
        index: usize,
        strike: &Strike,
        hope: Hope,
        scene: &Scene<'_>,
    ) -> Option<Look> {
        if let Fault::SlowClients { .. } = strike.fault {
            return slow_clients(strike, hope, scene);
        }
        let (name, sign, to) = (name(strike), Sign::Well, Some(scene.product.address()));
        let from = Seat::Client;
        if strike.fault == Fault::GatewayReloaded {
            // One that did not take it has failed when it was told to.
            let trace: Trace = Box::new(|_| Ok("it took its config over".to_owned()));
            return Some(Look { name, hope, trace, sign, from, to });
        }
        if !matches!(strike.fault, Fault::GatewayKilled | Fault::GatewayUpgraded) {
            return None;
        }
        let former = self.former.get(&index).cloned().unwrap_or_default();
        let now = scene.product.pids();
        let trace: Trace = Box::new(move |_| {
            let gone = former.iter().filter(|pid| Process::of(**pid) == Process::Ended).count();
            let told = format!("{gone} of its processes {former:?} have ended, now {now:?}");
            if now == former { Err(told) } else { Ok(told) }
        });
        Some(Look { name, hope, trace, sign, from, to })
    }

    fn trace(
        &self,
        (index, strike): (usize, &Strike),
        target: u8,
        hope: Hope,
        scene: &mut Scene<'_>,
    ) -> io::Result<Trace> {
        if packets::rules(&strike.fault).is_some() {
            return Ok(hits(table(index), target, hope));
        }
        match switch::whose(&strike.fault, scene.path) {
            Some(Whose::Stub) => {
                let replica = scene.replica(target)?;
                return Ok(stub_switches(replica.control(), replica.switches()));
            }
            Some(Whose::Relay) => {
                let link = scene.link(target)?;
                return Ok(relay_switches(link.control(), link.switches(), hope));
            }
            None => {}
        }
        if let Fault::StarvedCpu { .. } = strike.fault {
            let folder = self.quotas.get(&(index, target)).map(|quota| quota.folder().to_owned());
            return Ok(quota_of(folder, hope));
        }
        let replica = scene.replica(target)?;
        let (former, now) = (replica.former(), replica.pid());
        Ok(match (&strike.fault, hope) {
            (Fault::Freeze, Hope::InForce) => state(now, Process::Stopped),
            (Fault::Crash | Fault::RollingRestart { .. }, Hope::InForce) => {
                state(former.unwrap_or(now), Process::Ended)
            }
            _ => state(now, Process::Alive),
        })
    }
}

/// What a probe sees while a fault holds.
const fn sign(fault: &Fault) -> Sign {
    match fault {
        Fault::Crash
        | Fault::Freeze
        | Fault::BlackHoledSyn
        | Fault::BlackHole
        | Fault::Refused
        | Fault::NoAccept => Sign::Dead,
        Fault::Slow { by } => Sign::Slow(*by),
        // The probe's own work is that of a request of the base profile; twice that is felt.
        Fault::Slower { .. } => Sign::Slow(Duration::from_millis(40)),
        Fault::SharedLock { hold } => Sign::Slow(*hold),
        Fault::Status { code, .. } => Sign::Status(*code),
        Fault::Cut { .. } | Fault::Corrupt | Fault::WrongLength => Sign::Broken,
        Fault::IdleClose { after } => Sign::Closes(*after),
        _ => Sign::Any,
    }
}

/// How many connections they have is up to the product; that they are there is up to us.
fn slow_clients(strike: &Strike, hope: Hope, scene: &Scene<'_>) -> Option<Look> {
    let pid = scene.slow.as_ref().map_or(0, |slow| slow.0.id());
    let trace: Trace = Box::new(move |_| {
        let open = std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
        let told = format!("{open} descriptors of slow clients are open");
        if (open > 0) == (hope == Hope::InForce) { Ok(told) } else { Err(told) }
    });
    let (name, sign, from) = (name(strike), Sign::Any, Seat::Client);
    Some(Look { name, hope, trace, sign, from, to: None })
}

fn state(pid: u32, wanted: Process) -> Trace {
    Box::new(move |_| {
        let now = Process::of(pid);
        let told = format!("process {pid} is {now:?}");
        if now == wanted { Ok(told) } else { Err(format!("{told}, not {wanted:?}")) }
    })
}

fn hits(table: String, target: u8, hope: Hope) -> Trace {
    Box::new(move |arena| match (packets::hits(arena, target, &table), hope) {
        (Some(hits), Hope::InForce) if hits > 0 => Ok(format!("rules have hit {hits} packets")),
        (Some(0), Hope::InForce) => Err("rules have hit no packet".to_owned()),
        (None, Hope::InForce) => Err("the rules are not there".to_owned()),
        (None, Hope::Gone) => Ok("the rules are gone".to_owned()),
        (Some(hits), _) => Err(format!("the rules are still there, with {hits} hits")),
    })
}

fn stub_switches(control: Address, wanted: stub::Switches) -> Trace {
    Box::new(move |_| {
        let state: stub::State = ask(&control).map_err(|error| error.to_string())?;
        let told = format!("switches read back, {} attempts failed so far", state.failed);
        if state.switches == wanted { Ok(told) } else { Err(format!("{:?}", state.switches)) }
    })
}

fn relay_switches(control: Address, wanted: relay::Switches, hope: Hope) -> Trace {
    Box::new(move |_| {
        let state: relay::State = ask(&control).map_err(|error| error.to_string())?;
        let hits = state.delayed + state.cut + state.corrupted + state.lengthened + state.resets;
        let told = format!("switches read back, {hits} hits so far");
        match hope {
            _ if state.switches != wanted => Err(format!("{:?}", state.switches)),
            Hope::InForce if hits == 0 => Err("the relay has hit nothing".to_owned()),
            Hope::InForce | Hope::Gone => Ok(told),
        }
    })
}

fn quota_of(folder: Option<PathBuf>, hope: Hope) -> Trace {
    Box::new(move |_| match (folder.as_deref().and_then(quota::read), hope) {
        (Some((quota, held)), Hope::InForce) if held > 0 => {
            Ok(format!("quota {quota}, held back {held} times"))
        }
        (Some((quota, _)), Hope::InForce) => Err(format!("quota {quota} has held nobody back")),
        (None, Hope::InForce) => Err("there is no quota".to_owned()),
        (None, Hope::Gone) => Ok("the quota is gone".to_owned()),
        (Some(_), Hope::Gone) => Err("the quota is still there".to_owned()),
    })
}
