//! Where the config of `seawall run` comes from: a file, or the command line alone.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgGroup, Args};

use seawall_config::Config;
use seawall_gateway::GatewayError;

/// A file, or an address and endpoints.
#[derive(Debug, Args)]
#[group(skip)]
#[command(group(ArgGroup::new("source").required(true).args(["config", "to"])))]
pub(super) struct SourceArgs {
    /// The config file
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// An endpoint to stand in front of, instead of a file: an IP address or localhost, and a
    /// port; may be repeated
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "config")]
    to: Vec<String>,

    /// Where to accept traffic, with --to
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", conflicts_with = "config")]
    listen: SocketAddr,

    /// Where the admin side listens (loopback), or "off", with --to
    #[arg(
        long,
        value_name = "ADDR",
        default_value = "127.0.0.1:9900",
        conflicts_with = "config",
        value_parser = admin
    )]
    admin: Admin,
}

/// Where the admin side listens.
#[derive(Clone, Copy, Debug)]
enum Admin {
    Off,
    On(SocketAddr),
}

fn admin(text: &str) -> Result<Admin, String> {
    if text == "off" {
        return Ok(Admin::Off);
    }
    let address: SocketAddr =
        text.parse().map_err(|_| "write an address such as 127.0.0.1:9900, or \"off\"")?;
    if address.ip().is_loopback() {
        return Ok(Admin::On(address));
    }
    Err("the admin side listens on loopback only in this version".to_owned())
}

/// Where a config comes from.
#[derive(Debug)]
pub(super) enum Source {
    /// This file.
    File(PathBuf),
    /// The command line, which never changes.
    Line(Box<Config>),
}

impl Source {
    /// The source that the arguments name; those of the command line are checked at once.
    pub(super) fn from(args: &SourceArgs) -> Result<Self, GatewayError> {
        if let Some(file) = &args.config {
            return Ok(Self::File(file.clone()));
        }
        let mut config = Config::for_upstream(args.listen, &args.to)?;
        match (args.admin, &mut config.admin) {
            (Admin::Off, admin) => *admin = None,
            (Admin::On(address), Some(admin)) => admin.address = address,
            (Admin::On(_), None) => {}
        }
        Ok(Self::Line(Box::new(config)))
    }

    /// The config as it is now.
    pub(super) fn read(&self) -> Result<Config, GatewayError> {
        match self {
            Self::File(file) => Ok(Config::load(file)?),
            Self::Line(config) => Ok((**config).clone()),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "config {}", file.display()),
            Self::Line(config) => {
                let endpoints = config.upstreams.iter().flat_map(|upstream| &upstream.endpoints);
                let names: Vec<_> = endpoints.map(|endpoint| endpoint.name.as_str()).collect();
                write!(f, "in front of {}", names.join(", "))
            }
        }
    }
}
