//! `client`: the habits of those who call, in the words that the config has for retries.

use seawall_config::reader::{TableReader, or};
use seawall_core::backoff::{BackoffSettings, Jitter};
use seawall_core::ratio::Ratio;
use seawall_core::time::Duration;

use crate::plan::{Caller, Cancel, Guard, Network, Pick, Pool, Target};

const JITTER: [(&str, Jitter); 4] = [
    ("full", Jitter::Full),
    ("equal", Jitter::Equal),
    ("decorrelated", Jitter::Decorrelated),
    ("none", Jitter::None),
];

const PICKS: [(&str, Pick); 4] = [
    ("random", Pick::Random),
    ("round_robin", Pick::RoundRobin),
    ("least_loaded", Pick::LeastLoaded),
    ("shorter_of_two", Pick::ShorterOfTwo),
];

/// The words of `backoff`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Schedule {
    None,
    Constant,
    Exponential,
}

const SCHEDULES: [(&str, Schedule); 3] = [
    ("exponential", Schedule::Exponential),
    ("constant", Schedule::Constant),
    ("none", Schedule::None),
];

/// More attempts of one call than anybody makes.
const ATTEMPTS_MAX: u32 = 1_000;

/// Processes of one kind; each has some bytes of state.
const INSTANCES_MAX: u32 = 1_000_000;

/// Reads `client`; whom it calls is not known yet, and stays what it is in `caller`.
pub(super) fn read(table: &mut TableReader<'_>, caller: &mut Caller) {
    table.table("client", |t| read_table(t, caller));
}

fn read_table(table: &mut TableReader<'_>, caller: &mut Caller) {
    caller.instances = or(table.count("instances", 1..=INSTANCES_MAX, "10"), caller.instances);
    caller.attempts = or(table.count("attempts", 1..=ATTEMPTS_MAX, "3"), caller.attempts);
    caller.timeout = table.duration("timeout", "\"1s\"").map(|given| given.value);
    caller.wait = wait(table);
    caller.guard = guard(table);
    caller.pick = or(table.choice("pick", &PICKS), caller.pick);
    if let Some(cancel) = table.flag("cancel", "true") {
        caller.cancel = if cancel.value { Cancel::OnTimeout } else { Cancel::Never };
    }
    caller.pool = table.table("pool", pool);
}

fn pool(table: &mut TableReader<'_>) -> Pool {
    Pool {
        connections: or(table.count("connections", 1..=INSTANCES_MAX, "10"), 10),
        queue: or(table.count("queue", 0..=INSTANCES_MAX, "100"), 100) as usize,
    }
}

fn wait(table: &mut TableReader<'_>) -> BackoffSettings {
    let schedule = table.choice("backoff", &SCHEDULES).map(|given| given.value);
    let base = table.duration_or_zero("base", "\"50ms\"");
    let max = table.duration_or_zero("max", "\"2s\"");
    let factor = table.factor("factor", "2");
    let jitter = table.choice("jitter", &JITTER);
    let given = base.is_some() || max.is_some() || factor.is_some() || jitter.is_some();
    let schedule = schedule.unwrap_or(if given { Schedule::Exponential } else { Schedule::None });
    let usual = BackoffSettings::transient();
    let base = or(base, usual.base);
    let jitter = or(jitter, usual.jitter);
    let settings = match schedule {
        Schedule::None => return BackoffSettings::none(),
        Schedule::Constant => BackoffSettings::constant(base).jittered(jitter),
        Schedule::Exponential => {
            let growing = BackoffSettings::exponential(base, or(max, usual.cap.max(base)));
            BackoffSettings { factor: or(factor, usual.factor), ..growing }.jittered(jitter)
        }
    };
    table.reading().check(table.path(), settings.validate(), &[("cap", "max")]);
    settings
}

/// A bucket of tokens for retries, or a share of failures above which there are none.
fn guard(table: &mut TableReader<'_>) -> Guard {
    let budget = table.share("budget", "\"10%\"");
    let tokens = table.count("budget_tokens", 1..=1_000_000, "10");
    let stop = table.share("stop_above", "\"10%\"");
    if budget.is_none() {
        table.pointless("budget_tokens", tokens, ("budget", "write budget = \"10%\""));
    }
    match (budget, stop) {
        (Some(budget), Some(_)) => {
            let what = format!("{} has both budget and stop_above", table.path());
            table.wrong(budget.place, what, "keep one of them");
            Guard::None
        }
        (Some(budget), None) => Guard::Bucket {
            full: or(tokens, 10).saturating_mul(1000),
            gain: thousandths(budget.value),
            above: 0,
        },
        (None, Some(stop)) => Guard::FailureShare(thousandths(stop.value)),
        (None, None) => Guard::None,
    }
}

const fn thousandths(share: Ratio) -> u32 {
    share.ppm() / 1000
}

/// Somebody whose target is filled in later.
pub(super) fn nobody(network: Network) -> Caller {
    Caller { network, ..Caller::of(Target::Service(crate::plan::ServiceId(0))) }
}

/// The longest time that a scenario may name for a deadline.
pub(super) fn deadline(table: &mut TableReader<'_>) -> Option<Duration> {
    table.duration("deadline", "\"2s\"").map(|given| given.value)
}
