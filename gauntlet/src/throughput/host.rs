//! Where and when it was measured.

use std::fs;
use std::process::Command;

use serde::Serialize;

use crate::arena::Cores;
use crate::peer::{self, Product};

/// The machine, the day and the versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Host {
    /// The day in UTC, as `date` says it.
    pub date: String,
    /// The model of the processor.
    pub processor: String,
    /// The kernel's release.
    pub kernel: String,
    /// The core of the product, if it had one of its own.
    pub product_core: Option<usize>,
    /// The cores of load and backend; none where nothing was pinned.
    pub other_cores: Vec<usize>,
    /// What each product says of itself.
    pub versions: Vec<String>,
}

impl Host {
    pub(super) fn of(cores: &Cores, products: &[Product]) -> Self {
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let found = products.iter().filter_map(|product| peer::found(*product));
        Self {
            date: said("date", &["-u", "+%F"]),
            processor: processor(),
            kernel: release.trim().to_owned(),
            product_core: cores.product(),
            other_cores: cores.rest().to_vec(),
            versions: found.map(|installed| installed.version).collect(),
        }
    }
}

fn processor() -> String {
    let described = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = described.lines().find(|line| line.starts_with("model name"));
    let name = named.and_then(|line| line.split_once(": ")).map_or("unknown", |(_, name)| name);
    name.trim().to_owned()
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let said = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&said).trim().to_owned()
}
