//! The limits of the process, from which bounds are derived that no config gives.

use rustix::process::{Resource, getrlimit};

/// Descriptors kept back for listeners, the admin side, logs and health checks.
const RESERVED: u64 = 512;

/// Where the operating system names no limit.
const OPEN_FILES_UNLIMITED: u64 = 1 << 20;

/// What the process may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resources {
    open_files: u64,
}

impl Resources {
    /// The limits in force.
    pub(crate) fn read() -> Self {
        let limit = getrlimit(Resource::Nofile).current;
        Self { open_files: limit.unwrap_or(OPEN_FILES_UNLIMITED) }
    }

    /// Attempts of one upstream at once: each needs a connection of its own and one of its
    /// caller, so half of the descriptors; beyond ten thousand other limits come first.
    pub(crate) fn attempts(self) -> u32 {
        self.half().clamp(16, 10_000)
    }

    /// Connections of callers at once.
    pub(crate) fn connections(self) -> u32 {
        self.half().clamp(16, 100_000)
    }

    fn half(self) -> u32 {
        u32::try_from(self.open_files.saturating_sub(RESERVED) / 2).unwrap_or(u32::MAX)
    }

    #[cfg(test)]
    pub(crate) fn of_test() -> Self {
        Self { open_files: 4_096 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t93_bounds_follow_from_the_descriptors() {
        assert_eq!(Resources { open_files: 4_096 }.attempts(), 1_792);
        assert_eq!(Resources { open_files: 1 << 20 }.attempts(), 10_000);
        assert_eq!(Resources { open_files: 64 }.connections(), 16);
    }
}
