//! The processes of a product and what they cost, by what /proc says of its process group.

use std::fs;

use rustix::process::Signal;

use super::Cost;

/// One line of /proc/PID/stat, as far as it matters here (proc(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    state: char,
    group: u32,
    /// Clock ticks, those of ended children included.
    user: u64,
    kernel: u64,
    threads: u64,
    pages: u64,
}

impl Stat {
    /// The name of a process may contain anything, so fields are counted from its last bracket.
    fn parse(line: &str) -> Option<Self> {
        let (_, rest) = line.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        // Field 3 of the manual is the first here.
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        Some(Self {
            state: fields.first()?.chars().next()?,
            group: fields.get(2)?.parse().ok()?,
            user: number(14)? + number(16)?,
            kernel: number(15)? + number(17)?,
            threads: number(20)?,
            pages: number(24)?,
        })
    }

    fn read(process: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
    }

    /// Whether it still does something; those that nobody has waited for do not.
    const fn lives(&self) -> bool {
        !matches!(self.state, 'Z' | 'X')
    }
}

/// The living processes of a group, in order of their ids.
pub(super) fn of_group(group: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let member = |id: &u32| Stat::read(*id).is_some_and(|stat| stat.group == group && stat.lives());
    let mut found: Vec<u32> = ids.filter(member).collect();
    found.sort_unstable();
    found
}

/// Whether `process` has a handler of its own for a signal.
pub(super) fn catches(process: u32, signal: Signal) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    let number = u32::try_from(signal.as_raw()).unwrap_or(0);
    // The first signal is 1, and the first bit 0.
    number > 0 && caught.checked_shr(number - 1).unwrap_or(0) & 1 == 1
}

/// Whether `process` lives.
pub(super) fn lives(process: u32) -> bool {
    Stat::read(process).is_some_and(|stat| stat.lives())
}

/// What these processes have cost.
pub(super) fn cost(processes: &[u32]) -> Cost {
    let tick = 1_000_000_000 / rustix::param::clock_ticks_per_second().max(1);
    let page = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
    let mut sum = Cost::default();
    for process in processes {
        // One that has just ended costs nothing any more.
        let Some(stat) = Stat::read(*process) else { continue };
        sum.user += stat.user * tick;
        sum.kernel += stat.kernel * tick;
        sum.resident += stat.pages * page;
        sum.threads += stat.threads;
        sum.descriptors += descriptors(*process);
    }
    sum
}

fn descriptors(process: u32) -> u64 {
    let entries = fs::read_dir(format!("/proc/{process}/fd"));
    entries.map_or(0, |entries| u64::try_from(entries.count()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_those_of_the_manual() {
        let line = "42 (a ) b) S 1 40 40 0 -1 4194560 9 8 7 6 11 12 13 14 20 0 3 0 99 1000 55 18";
        let stat = Stat { state: 'S', group: 40, user: 24, kernel: 26, threads: 3, pages: 55 };
        assert_eq!(Stat::parse(line), Some(stat));
    }

    #[test]
    fn our_own_process_costs_something() {
        let cost = cost(&[std::process::id()]);
        assert!(cost.resident > 100_000 && cost.threads >= 1 && cost.descriptors >= 3, "{cost:?}");
        assert!(lives(std::process::id()));
        assert!(!lives(u32::MAX));
    }
}
