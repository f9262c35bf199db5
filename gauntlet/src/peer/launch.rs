//! The command lines of the products.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use super::config::{check_path, file};
use super::wanted::{Extras, Protocol, Wanted};
use super::{Product, Settings};

/// Which start of a product it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// Nobody is there before it.
    Fresh,
    /// It takes over from the one before; so many have been there.
    TakeOver(u32),
}

/// How long an old process may finish what it has begun, in seconds: as long as any request here.
const DRAIN: &str = "5";
/// When it is ended all the same.
const SHUTDOWN: &str = "6";

/// The arguments that start `product`.
pub(super) fn arguments(
    product: Product,
    wanted: &Wanted,
    folder: &Path,
    (start, serial): (Start, u32),
) -> Vec<OsString> {
    let config = file(product, folder);
    let config = config.as_os_str();
    match product {
        Product::Direct => Vec::new(),
        Product::Seawall => words(&["run", "-c"]).with(config),
        Product::Nginx => words(&["-p"]).with(folder.as_os_str()).and("-c").with(config),
        // -W: a master that is told to reload, and a worker.
        Product::Haproxy => words(&["-W", "-q", "-f"]).with(config),
        Product::Envoy => envoy(start, serial).with(config),
        Product::Pingora => pingora(wanted, folder, start),
    }
}

/// The arguments that let `product` judge its config, if it can.
pub(super) fn check_arguments(
    product: Product,
    wanted: &Wanted,
    folder: &Path,
) -> Option<Vec<OsString>> {
    let config = file(product, folder);
    let config = config.as_os_str();
    Some(match product {
        Product::Direct => return None,
        Product::Seawall => words(&["check"]).with(config),
        Product::Nginx => {
            words(&["-t", "-q", "-p"]).with(folder.as_os_str()).and("-c").with(config)
        }
        Product::Haproxy => words(&["-c", "-q", "-f"]).with(config),
        Product::Envoy => words(&["--mode", "validate", "--log-level", "error", "-c"]).with(config),
        Product::Pingora => pingora(wanted, folder, Start::Fresh).and("--test"),
    })
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

/// Chaining of arguments.
trait Words {
    fn with(self, word: &std::ffi::OsStr) -> Self;
    fn and(self, word: &str) -> Self;
}

impl Words for Vec<OsString> {
    fn with(mut self, word: &std::ffi::OsStr) -> Self {
        self.push(word.to_owned());
        self
    }

    fn and(self, word: &str) -> Self {
        self.with(word.as_ref())
    }
}

/// Epochs of one base id hand their sockets over to each other.
fn envoy(start: Start, serial: u32) -> Vec<OsString> {
    let epoch = match start {
        Start::Fresh => 0,
        Start::TakeOver(before) => before,
    };
    let (base, epoch) = (serial.to_string(), epoch.to_string());
    let fixed = words(&["--concurrency", "1", "--log-level", "critical"]);
    let drain = words(&["--drain-time-s", DRAIN, "--parent-shutdown-time-s", SHUTDOWN]);
    let id = words(&["--base-id", &base, "--restart-epoch", &epoch, "-c"]);
    [fixed, drain, id].concat()
}

fn pingora(wanted: &Wanted, folder: &Path, start: Start) -> Vec<OsString> {
    let mut arguments = words(&["--listen", &wanted.listen.to_string()]);
    for endpoint in &wanted.endpoints {
        arguments = arguments.and("--endpoint").and(&endpoint.to_string());
    }
    if let Some(aside) = &wanted.aside {
        arguments = arguments.and("--route").and(&aside.path);
        for endpoint in &aside.endpoints {
            arguments = arguments.and("--endpoint").and(&endpoint.to_string());
        }
    }
    if let Some(path) = check_path(wanted) {
        arguments = arguments.and("--check").and(path);
    }
    if wanted.settings == Settings::Tuned {
        let deadline = wanted.deadline.as_millis().to_string();
        arguments = arguments.and("--tuned").and("--deadline-ms").and(&deadline);
    }
    if wanted.protocol == Protocol::Http2 {
        arguments = arguments.and("--h2");
    }
    if start != Start::Fresh {
        arguments = arguments.and("--upgrade");
    }
    arguments.and("--upgrade-socket").with(folder.join("upgrade.sock").as_os_str())
}

/// What products read from their environment: how much they write.
pub(super) fn set_environment(command: &mut Command, product: Product, wanted: &Wanted) {
    if product == Product::Seawall {
        let log = match wanted.extras {
            Extras::None => "error",
            Extras::LimitAndLog => "error,seawall::access=debug",
        };
        command.env("SEAWALL_LOG", log).env("NO_COLOR", "1");
    }
}
