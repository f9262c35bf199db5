//! The products: how each is configured, started, told to reload, measured and stopped.
//!
//! Here: which there are. Their configs are files in `gauntlet/peers/`, each line with its reason.
//! What a run wants of one is in `wanted`, where its program comes from in `program`, how it is
//! started in `launch`, and what can be done to it while it runs in `running`.

mod build;
mod config;
mod holds;
mod launch;
mod missing;
mod processes;
mod program;
mod ready;
mod reload;
mod running;
#[cfg(test)]
mod tests;
mod upgrade;
mod wait;
mod wanted;
mod wheel;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use config::{validate, write as write_config};
pub use missing::Missing;
pub(crate) use program::on_path;
pub use program::{Installed, found, present};
pub use running::{Running, start};
pub(crate) use wait::pause;
pub use wanted::{Aside, Extras, Protocol, Wanted};

/// A product under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Product {
    /// No gateway: users know the replicas and take turns.
    Direct,
    /// Ours.
    Seawall,
    /// nginx of the distribution.
    Nginx,
    /// HAProxy of the distribution.
    Haproxy,
    /// Envoy's released binary.
    Envoy,
    /// A small program over Pingora, in `gauntlet/peers/pingora`.
    Pingora,
}

impl Product {
    /// All of them, the way they are shown.
    pub const ALL: [Self; 6] =
        [Self::Direct, Self::Seawall, Self::Nginx, Self::Haproxy, Self::Envoy, Self::Pingora];

    /// Its name on the command line and in file names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Seawall => "seawall",
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Envoy => "envoy",
            Self::Pingora => "pingora",
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Which of its two configs a product runs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settings {
    /// The shortest config that works.
    Default,
    /// Best practice of its own documentation, the same for all scenarios.
    Tuned,
}

/// What a product costs, read from /proc over all its processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Nanoseconds of processor time in user space since its start.
    pub user: u64,
    /// Nanoseconds in the kernel.
    pub kernel: u64,
    /// Resident bytes.
    pub resident: u64,
    /// Open descriptors.
    pub descriptors: u64,
    /// Threads.
    pub threads: u64,
}
