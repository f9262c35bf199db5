//! A processor share that is left to a process, by a cgroup of version 1 or 2.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The shortest quota that the kernel takes, in microseconds.
const QUOTA_MIN: u64 = 1_000;

/// A short period keeps bursts short: a process sleeps often and briefly, as on a busy machine.
const PERIOD_MIN: u64 = 10_000;

/// Where cgroups with a processor quota are made, and which files say what.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Version {
    /// A hierarchy for the processor alone.
    One,
    /// One hierarchy for all.
    Two,
}

/// A process under a quota. Dropping it lifts the quota.
#[derive(Debug)]
pub(super) struct Quota {
    folder: PathBuf,
    version: Version,
    pid: u32,
}

/// Why there can be no quota here.
pub(super) fn missing() -> Option<String> {
    match place() {
        Some((root, _)) if rustix::fs::access(&root, rustix::fs::Access::WRITE_OK).is_ok() => None,
        Some((root, _)) => Some(format!("{} cannot be written; run as root", root.display())),
        None => Some("there is no cgroup with a processor quota on this host".to_owned()),
    }
}

fn place() -> Option<(PathBuf, Version)> {
    for root in ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"] {
        if Path::new(root).join("cpu.cfs_quota_us").exists()
            || Path::new(root).join("cpu.shares").exists()
        {
            return Some((PathBuf::from(root), Version::One));
        }
    }
    let root = PathBuf::from("/sys/fs/cgroup");
    let controllers = fs::read_to_string(root.join("cgroup.controllers")).ok()?;
    let has = controllers.split_whitespace().any(|name| name == "cpu");
    has.then_some((root, Version::Two))
}

/// Quota and period in microseconds.
fn lengths(share: f64) -> (u64, u64) {
    let period = if share < 0.1 { PERIOD_MIN * 10 } else { PERIOD_MIN };
    let quota = std::time::Duration::from_micros(period).mul_f64(share.clamp(0.0, 1.0));
    let quota = u64::try_from(quota.as_micros()).unwrap_or(period);
    (quota.clamp(QUOTA_MIN, period), period)
}

impl Quota {
    /// Leaves `share` of a processor to a process and those that it starts later.
    pub(super) fn set(pid: u32, name: &str, share: f64) -> io::Result<Self> {
        let (root, version) =
            place().ok_or_else(|| io::Error::other("there is no cgroup with a quota"))?;
        let folder = root.join(format!("gauntlet-{}-{name}", std::process::id()));
        let (quota, period) = lengths(share);
        if version == Version::Two {
            fs::write(root.join("cgroup.subtree_control"), "+cpu")?;
        }
        fs::create_dir(&folder)?;
        let made = Self { folder, version, pid };
        match made.version {
            Version::One => {
                made.write("cpu.cfs_period_us", &period.to_string())?;
                made.write("cpu.cfs_quota_us", &quota.to_string())?;
            }
            Version::Two => made.write("cpu.max", &format!("{quota} {period}"))?,
        }
        made.write("cgroup.procs", &pid.to_string())?;
        Ok(made)
    }

    fn write(&self, file: &str, text: &str) -> io::Result<()> {
        fs::write(self.folder.join(file), text)
    }

    /// Where the kernel keeps it.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// What the kernel says of the quota in `folder`: the quota as text, and how often it has held the
/// process back.
pub(super) fn read(folder: &Path) -> Option<(String, u64)> {
    let file = |name: &str| fs::read_to_string(folder.join(name)).ok();
    let quota = file("cpu.cfs_quota_us").or_else(|| file("cpu.max"))?.trim().to_owned();
    let stat = file("cpu.stat")?;
    let held = stat.lines().find_map(|line| line.strip_prefix("nr_throttled "))?;
    Some((quota, held.trim().parse().ok()?))
}

impl Drop for Quota {
    /// A cgroup with a process in it cannot be removed; a process that has ended left it.
    fn drop(&mut self) {
        if let Some(parent) = self.folder.parent() {
            let _may_have_ended = fs::write(parent.join("cgroup.procs"), self.pid.to_string());
        }
        let _may_be_gone = fs::remove_dir(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_are_within_what_the_kernel_takes() {
        assert_eq!(lengths(0.1), (1_000, 10_000));
        assert_eq!(lengths(0.5), (5_000, 10_000));
        assert_eq!(lengths(0.01), (1_000, 100_000));
        assert_eq!(lengths(0.000_1), (1_000, 100_000));
        assert_eq!(lengths(1.0), (10_000, 10_000));
    }
}
