//! `[[fault]]`: what happens, to whom, and when.

use std::time::Duration;

use super::check::{self, Frame};
use super::table::{Given, Reader};
use super::{Disturbance, DnsFault, Fault, RegistryFault, Target};

/// Reads one.
pub(super) fn disturbance(mut t: Reader<'_>, frame: &Frame) -> Option<Disturbance> {
    let at = t.duration("at").map_or(Duration::ZERO, |given| given.value);
    let lasts = t.duration("lasts");
    if let Some(given) = lasts.as_ref().filter(|given| given.value.is_zero()) {
        t.notes.wrong(given.span.clone(), "lasts is no time", "remove it, or write \"5s\"");
    }
    let target = target(&mut t);
    let fault = kind(&mut t);
    let lasts = lasts.map(|given| given.value);
    let to = target.as_ref().map_or(Target::Some(1), |given| given.value);
    let read = fault.map(|fault| Disturbance { at, lasts, target: to, fault });
    if let Some(read) = &read {
        check::disturbance(&t, read, target.as_ref(), frame);
    }
    t.finish();
    read
}

fn target(t: &mut Reader<'_>) -> Option<Given<Target>> {
    let mend = "write a number of replicas, or \"all\"";
    t.read("target", |item| {
        if item.as_str() == Some("all") {
            return Ok(Target::All);
        }
        let count = item.as_integer().and_then(|count| u8::try_from(count).ok());
        let count = count.filter(|count| *count > 0).map(Target::Some);
        count.ok_or_else(|| ("is neither a number of replicas nor \"all\"".to_owned(), mend))
    })
}

/// Kinds by their words.
const KINDS: [(&str, &str); 29] = [
    ("crash", ""),
    ("freeze", ""),
    ("black_holed_syn", ""),
    ("black_hole", ""),
    ("refused", ""),
    ("no_accept", ""),
    ("corrupt", ""),
    ("wrong_length", ""),
    ("gateway_killed", ""),
    ("gateway_upgraded", ""),
    ("gateway_reloaded", ""),
    ("pauses", "pause and every"),
    ("slow", "by"),
    ("slower", "times"),
    ("starved_cpu", "share"),
    ("loss", "share"),
    ("resets", "rate"),
    ("status", "share and code"),
    ("shared_lock", "hold"),
    ("rolling_restart", "drain"),
    ("flapping", "up and down"),
    ("idle_close", "after"),
    ("cut", "after_bytes"),
    ("overload", "times"),
    ("hot_tenant", "times"),
    ("poison", "one_in"),
    ("slow_clients", "count"),
    ("dns", "answer"),
    ("registry", "answer"),
];

fn kind(t: &mut Reader<'_>) -> Option<Fault> {
    let words = KINDS.map(|(word, _)| (word, word));
    if !t.has("kind") {
        t.wrong("this fault has no kind", "add kind = \"crash\", or another of the reference");
    }
    let kind = t.word("kind", &words)?;
    let read = plain(kind.value).or_else(|| timed(t, kind.value)).or_else(|| sized(t, kind.value));
    if read.is_none() {
        let needs = KINDS.iter().find(|(word, _)| *word == kind.value).map_or("", |(_, n)| n);
        let what = format!("\"{}\" needs {needs}", kind.value);
        t.notes.wrong(kind.span, what, "add what is missing, above 0 and with its unit");
    }
    read
}

/// Kinds that have no measure.
fn plain(kind: &str) -> Option<Fault> {
    Some(match kind {
        "crash" => Fault::Crash,
        "freeze" => Fault::Freeze,
        "black_holed_syn" => Fault::BlackHoledSyn,
        "black_hole" => Fault::BlackHole,
        "refused" => Fault::Refused,
        "no_accept" => Fault::NoAccept,
        "corrupt" => Fault::Corrupt,
        "wrong_length" => Fault::WrongLength,
        "gateway_killed" => Fault::GatewayKilled,
        "gateway_upgraded" => Fault::GatewayUpgraded,
        "gateway_reloaded" => Fault::GatewayReloaded,
        _ => return None,
    })
}

/// Kinds that are measured in time.
fn timed(t: &mut Reader<'_>, kind: &str) -> Option<Fault> {
    let mut time = |key| t.duration(key).map(|given| given.value).filter(|time| !time.is_zero());
    Some(match kind {
        "pauses" => {
            let (pause, every) = (time("pause"), time("every"));
            let (pause, every) = (pause?, every?);
            if pause >= every {
                t.wrong("a pause ends after the next one has begun", "let every be longer");
            }
            Fault::Pauses { pause, every }
        }
        "slow" => Fault::Slow { by: time("by")? },
        "shared_lock" => Fault::SharedLock { hold: time("hold")? },
        "rolling_restart" => Fault::RollingRestart { drain: time("drain")? },
        "flapping" => {
            let (up, down) = (time("up"), time("down"));
            Fault::Flapping { up: up?, down: down? }
        }
        "idle_close" => Fault::IdleClose { after: time("after")? },
        _ => return None,
    })
}

/// Kinds that are measured in shares, numbers or words.
fn sized(t: &mut Reader<'_>, kind: &str) -> Option<Fault> {
    Some(match kind {
        "slower" => Fault::Slower { times: t.number("times")?.value },
        "starved_cpu" => Fault::StarvedCpu { share: t.share("share")?.value },
        "loss" => Fault::Loss { share: t.share("share")?.value },
        "resets" => Fault::Resets { rate: t.number("rate")?.value },
        "status" => {
            let (share, code) = (t.share("share"), t.whole("code", (400, 599)));
            let code = u16::try_from(code?.value).unwrap_or(503);
            Fault::Status { share: share?.value, code }
        }
        "cut" => Fault::Cut { after: t.whole("after_bytes", (0, 1 << 24))?.value },
        "overload" => Fault::Overload { times: t.number("times")?.value },
        "hot_tenant" => Fault::HotTenant { times: t.number("times")?.value },
        "poison" => Fault::Poison { one_in: t.whole("one_in", (1, u32::MAX))?.value },
        "slow_clients" => Fault::SlowClients { count: t.whole("count", (1, 20_000))?.value },
        "dns" => {
            let answers = [
                ("server_failure", DnsFault::ServerFailure),
                ("silence", DnsFault::Silence),
                ("empty", DnsFault::Empty),
                ("nobody", DnsFault::Nobody),
            ];
            Fault::Dns(t.word("answer", &answers)?.value)
        }
        "registry" => {
            let answers = [
                ("down", RegistryFault::Down),
                ("empty", RegistryFault::Empty),
                ("foreign", RegistryFault::Foreign),
            ];
            Fault::Registry(t.word("answer", &answers)?.value)
        }
        _ => return None,
    })
}
