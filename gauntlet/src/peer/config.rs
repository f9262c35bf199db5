//! Filling the templates of `gauntlet/peers/` in, and asking each product what it thinks of them.
//!
//! Pingora has no config file; its arguments are in `launch`.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use crate::scenario::Checks;

use super::program::Installed;
use super::wanted::{Extras, Protocol, Wanted};
use super::{Missing, Product, Settings, launch};

/// Where health checks ask. What they learn there is the replica's to say.
pub(super) const CHECK_PATH: &str = "/healthz";

/// Any free port.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// What templates may refer to.
#[derive(Debug, Serialize)]
struct Facts {
    listen: String,
    listen_host: String,
    listen_port: u16,
    /// The most particular path comes first, `/` last.
    upstreams: Vec<Upstream>,
    checks: Option<&'static str>,
    deadline_ms: u64,
    deadline_seconds: String,
    /// A quarter of the deadline: three attempts and the waits between them fit into it.
    attempt_ms: u64,
    attempt_seconds: String,
    client: String,
    h2: bool,
    limited: bool,
    folder: String,
    admin: String,
}

#[derive(Debug, Serialize)]
struct Upstream {
    name: &'static str,
    path: String,
    endpoints: Vec<Endpoint>,
}

#[derive(Debug, Serialize)]
struct Endpoint {
    name: String,
    address: String,
    host: String,
    port: u16,
}

impl Facts {
    fn new(wanted: &Wanted, folder: &Path) -> Self {
        let deadline_ms = u64::try_from(wanted.deadline.as_millis()).unwrap_or(u64::MAX);
        Self {
            listen: wanted.listen.to_string(),
            listen_host: wanted.listen.ip().to_string(),
            listen_port: wanted.listen.port(),
            upstreams: upstreams(wanted),
            checks: check_path(wanted),
            deadline_ms,
            deadline_seconds: seconds(deadline_ms),
            attempt_ms: deadline_ms / 4,
            attempt_seconds: seconds(deadline_ms / 4),
            client: wanted.client.to_string(),
            h2: wanted.protocol == Protocol::Http2,
            limited: wanted.extras == Extras::LimitAndLog,
            folder: folder.display().to_string(),
            // A port that the system gives, where nobody is going to ask.
            admin: wanted.admin.unwrap_or(NOWHERE).to_string(),
        }
    }
}

/// The path of health checks, where there are any.
pub(super) const fn check_path(wanted: &Wanted) -> Option<&'static str> {
    match wanted.checks {
        Checks::Off => None,
        Checks::On | Checks::Blind => Some(CHECK_PATH),
    }
}

fn seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

fn upstreams(wanted: &Wanted) -> Vec<Upstream> {
    let aside = wanted.aside.as_ref().map(|aside| Upstream {
        name: "aside",
        path: aside.path.clone(),
        endpoints: endpoints("aside", &aside.endpoints),
    });
    let main = Upstream {
        name: "replicas",
        path: "/".to_owned(),
        endpoints: endpoints("replica", &wanted.endpoints),
    };
    aside.into_iter().chain([main]).collect()
}

fn endpoints(name: &str, addresses: &[SocketAddr]) -> Vec<Endpoint> {
    let endpoint = |(index, address): (usize, &SocketAddr)| Endpoint {
        name: format!("{name}{index}"),
        address: address.to_string(),
        host: address.ip().to_string(),
        port: address.port(),
    };
    addresses.iter().enumerate().map(endpoint).collect()
}

/// The template of a product, and the name of the file that it becomes.
const fn template(product: Product, settings: Settings) -> Option<(&'static str, &'static str)> {
    Some(match (product, settings) {
        (Product::Direct | Product::Pingora, _) => return None,
        (Product::Seawall, Settings::Default) => {
            ("seawall.toml", include_str!("../../peers/seawall/default.toml"))
        }
        (Product::Seawall, Settings::Tuned) => {
            ("seawall.toml", include_str!("../../peers/seawall/tuned.toml"))
        }
        (Product::Nginx, Settings::Default) => {
            ("nginx.conf", include_str!("../../peers/nginx/default.conf"))
        }
        (Product::Nginx, Settings::Tuned) => {
            ("nginx.conf", include_str!("../../peers/nginx/tuned.conf"))
        }
        (Product::Haproxy, Settings::Default) => {
            ("haproxy.cfg", include_str!("../../peers/haproxy/default.cfg"))
        }
        (Product::Haproxy, Settings::Tuned) => {
            ("haproxy.cfg", include_str!("../../peers/haproxy/tuned.cfg"))
        }
        (Product::Envoy, Settings::Default) => {
            ("envoy.yaml", include_str!("../../peers/envoy/default.yaml"))
        }
        (Product::Envoy, Settings::Tuned) => {
            ("envoy.yaml", include_str!("../../peers/envoy/tuned.yaml"))
        }
    })
}

/// Where the config of a product lies in `folder`; the folder itself where it has none.
pub(super) fn file(product: Product, folder: &Path) -> PathBuf {
    match template(product, Settings::Default) {
        Some((name, _)) => folder.join(name),
        None => folder.to_owned(),
    }
}

/// Writes the config of `product` into `folder`, and says where it is.
///
/// # Errors
/// When the template has a mistake, or the file cannot be written.
pub fn write(product: Product, wanted: &Wanted, folder: &Path) -> Result<PathBuf, Missing> {
    let path = file(product, folder);
    if let Some((_, text)) = template(product, wanted.settings) {
        let filled = fill(text, &Facts::new(wanted, folder));
        let filled = filled.map_err(|why| Missing::Config { product, said: format!("{why:#}") })?;
        let writing = || format!("cannot write {}", path.display());
        fs::write(&path, filled).map_err(Missing::system(product, writing()))?;
    }
    Ok(path)
}

fn fill(text: &str, facts: &Facts) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    // A name that nobody knows is a mistake and no empty text.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // HAProxy refuses a file whose last line has no end, and templates lose theirs.
    Ok(environment.render_str(text, minijinja::value::Serde(facts))? + "\n")
}

/// Asks the product itself whether it would take the config in `folder`.
///
/// # Errors
/// When it would not; the error has its words.
pub fn validate(
    product: Product,
    installed: &Installed,
    wanted: &Wanted,
    folder: &Path,
) -> Result<(), Missing> {
    let Some(arguments) = launch::check_arguments(product, wanted, folder) else { return Ok(()) };
    let mut command = Command::new(&installed.program);
    let output = command
        .args(arguments)
        .output()
        .map_err(Missing::system(product, installed.program.display().to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let mut said = String::from_utf8_lossy(&output.stderr).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stdout));
    Err(Missing::Config { product, said: said.trim().to_owned() })
}
