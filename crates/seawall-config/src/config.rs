//! The whole config: reads the document section by section and checks what spans sections.
//!
//! Reading from disk is in `load.rs`, explaining in `explain.rs` and `outline.rs`.

use crate::assume::{self, Assumed, Known};
use crate::gateway::{self, AdminConfig, GatewayConfig};
use crate::lint::{Allowed, Facts};
use crate::listener::{self, ListenerConfig};
use crate::mistake::ConfigError;
use crate::policy::{PolicyLayer, merge};
use crate::reader::{Document, Origins, ReadFile, Reading, Scope, TableReader};
use crate::route::{self, RouteConfig, Targets};
use crate::upstream::{self, PoolConfig, UpstreamConfig, fit};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use toml_edit::{Array, Item, Table, TableLike, TomlError, value};

/// A config that can work, all defaults filled in.
///
/// Serialising it gives the effective values as a tree of the file's own keys, with units.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// What holds for the whole process.
    pub gateway: GatewayConfig,
    /// The admin side; `None` means off.
    pub admin: Option<AdminConfig>,
    /// At least one, in the order of the file.
    pub listeners: Vec<ListenerConfig>,
    /// At least one, in the order of the file.
    pub upstreams: Vec<UpstreamConfig>,
    /// At least one, in the order of the file, which decides nothing.
    pub routes: Vec<RouteConfig>,
    /// The name of the file, as it was given.
    pub file: String,
    /// What `[assume]` says of the world around the config. It has no effect at run time.
    pub assume: Facts,
    /// The rules that `[lint]` switches off.
    pub allowed: Vec<Allowed>,
    /// How `[assume]` calls the routes that it describes, by their names.
    pub(crate) labels: BTreeMap<String, String>,
    /// The names of all policies, used or not.
    pub(crate) policies: Vec<String>,
    pub(crate) origins: Origins,
}

/// The name that stands for the file where the command line gave everything.
const COMMAND_LINE: &str = "command line";

/// What the file says, before it is known to be free of mistakes.
type Sections = (GatewayConfig, Option<AdminConfig>, Vec<ListenerConfig>);

/// The sections of traffic, and what is said about them.
struct Traffic {
    upstreams: Vec<UpstreamConfig>,
    routes: Vec<RouteConfig>,
    policies: Vec<String>,
    assumed: Assumed,
    allowed: Vec<Allowed>,
}

impl Config {
    /// Reads a config from text; `file` is its name in messages. Rungs that name a file are
    /// mistakes here, for there is no folder to look in; [`Config::load`] reads them.
    ///
    /// # Errors
    /// [`ConfigError::Mistakes`] with everything that is wrong.
    pub fn parse(source: &str, file: &str) -> Result<Self, ConfigError> {
        Self::parse_with(source, file, &|_| Err("there is no folder to look in".to_owned()))
    }

    /// As [`Config::parse`], with a way to read the files that rungs name.
    pub(crate) fn parse_with(
        source: &str,
        file: &str,
        read_file: &ReadFile<'_>,
    ) -> Result<Self, ConfigError> {
        Self::of_document(&Document::parse(source, file)?, file, read_file)
    }

    /// Reads a config from a document that may have been changed since it was parsed; `read_file`
    /// reads the files that rungs name.
    ///
    /// # Errors
    /// [`ConfigError::Mistakes`] with everything that is wrong. What was put into the document
    /// has no place.
    pub fn of_document(
        document: &Document,
        file: &str,
        read_file: &ReadFile<'_>,
    ) -> Result<Self, ConfigError> {
        Self::read(document.table(), document.reading(Scope::Gateway, file, read_file), file)
    }

    /// A config with one listener and one upstream, everything else at its default: what
    /// `seawall run --listen ADDR --to HOST:PORT …` means. The checks are those of a file.
    ///
    /// # Errors
    /// [`ConfigError::Mistakes`]: no endpoint, one twice, or one that is no address.
    pub fn for_upstream<S: AsRef<str>>(
        listen: SocketAddr,
        endpoints: &[S],
    ) -> Result<Self, ConfigError> {
        let endpoints: Array = endpoints.iter().map(|endpoint| endpoint.as_ref()).collect();
        let mut document = Table::new();
        nest(&mut document, "listeners", ("address", value(listen.to_string())));
        nest(&mut document, "upstreams", ("endpoints", value(endpoints)));
        let no_files = |_: &str| Err("there is no folder to look in".to_owned());
        Self::read(&document, Reading::new("", COMMAND_LINE, &no_files), COMMAND_LINE)
    }

    /// The upstream of this name. Every upstream that a route names exists.
    #[must_use]
    pub fn upstream(&self, name: &str) -> Option<&UpstreamConfig> {
        self.upstreams.iter().find(|upstream| upstream.name == name)
    }

    fn read(
        document: &dyn TableLike,
        reading: Reading<'_>,
        file: &str,
    ) -> Result<Self, ConfigError> {
        let (first, traffic) =
            reading.root(document, |table| (read_first(table), read_traffic(table)));
        let (mistakes, origins) = reading.finish();
        let (gateway, admin, listeners) = first;
        let Traffic { upstreams, routes, policies, assumed, allowed } = traffic;
        mistakes.or_else(Some(Self {
            gateway,
            admin,
            listeners,
            upstreams,
            routes,
            file: file.to_owned(),
            assume: assumed.facts,
            allowed,
            labels: assumed.labels,
            policies,
            origins,
        }))
    }
}

/// Puts `[section.default]` with one key into a document.
fn nest(document: &mut Table, section: &str, (key, item): (&str, Item)) {
    let (mut outer, mut inner) = (Table::new(), Table::new());
    inner.insert(key, item);
    outer.insert("default", Item::Table(inner));
    document.insert(section, Item::Table(outer));
}

/// The parser stops at the first mistake of syntax, so there is always just one.
pub(crate) fn note_syntax(reading: &Reading<'_>, error: &TomlError) {
    let what = error.message().lines().collect::<Vec<_>>().join(", ");
    let remedy = "mend the TOML here, then check again";
    reading.wrong(reading.place(error.span()), format!("not TOML: {what}"), remedy);
}

/// The sections of the process itself.
fn read_first(table: &mut TableReader<'_>) -> Sections {
    let gateway = table.table("gateway", gateway::read_gateway).unwrap_or_default();
    let admin = table.table("admin", gateway::read_admin);
    let mut listeners = table.named("listeners", |name, t| listener::read(name.value, t));
    if listeners.is_empty() {
        listeners.push(ListenerConfig::default());
    }
    listener::check(&listeners, table.reading());
    (gateway, admin.unwrap_or_else(|| Some(AdminConfig::default())), listeners)
}

/// The sections of traffic: policies, upstreams, routes, and what a check has to know of them.
fn read_traffic(table: &mut TableReader<'_>) -> Traffic {
    let defaults = table.table("defaults", PolicyLayer::read).unwrap_or_default();
    let policies = table.named("policies", |name, t| (name.value.to_owned(), PolicyLayer::read(t)));
    let policies: BTreeMap<String, PolicyLayer> = policies.into_iter().collect();
    let mut upstreams = table.named("upstreams", |name, t| upstream::read(name.value, t));
    if upstreams.is_empty() {
        let remedy = "write [upstreams.NAME] with endpoints = [\"127.0.0.1:9001\"]";
        table.wrong(None, "there is no upstream to send requests to", remedy);
    }
    check_policies(&defaults, &policies, table.reading());
    let targets = Targets { upstreams: &upstreams, policies: &policies, defaults: &defaults };
    let routes = read_routes(&targets, table);
    route::check(&routes, table.reading());
    fit_upstreams(&mut upstreams, &routes, table.reading());
    check_keys(&upstreams, &routes, table.reading());
    let known = Known { upstreams: &upstreams, routes: &routes };
    let assumed = table.table("assume", |t| assume::read(t, known)).unwrap_or_default();
    let allowed = table.table("lint", |t| assume::read_allowed(t, known)).unwrap_or_default();
    let policies = policies.into_keys().collect();
    Traffic { upstreams, routes, policies, assumed, allowed }
}

/// Merges each policy as if a route used it, so that the mistakes of unused ones show too.
fn check_policies(
    defaults: &PolicyLayer,
    policies: &BTreeMap<String, PolicyLayer>,
    reading: &Reading<'_>,
) {
    let none = PolicyLayer::default();
    for policy in std::iter::once(&none).chain(policies.values()) {
        let layers = [defaults.clone(), policy.clone(), none.clone()];
        drop(merge(layers, PoolConfig::default().connect, reading));
    }
}

/// The routes of the file; with one upstream and no routes, one that sends everything there.
fn read_routes(targets: &Targets<'_>, table: &mut TableReader<'_>) -> Vec<RouteConfig> {
    let mut index = 0_usize;
    let given = table.list("routes", "[{ path = \"/pay\", upstream = \"payments\" }]", |element| {
        let route = element.table(|t| targets.read(index, t));
        index += 1;
        if route.is_none() {
            element.wrong("a route is no table", "write [[routes]] on a line of its own");
        }
        route
    });
    match (given, targets.upstreams) {
        (Some(given), _) if index > 0 => given.value,
        (_, [only]) => vec![targets.only(only, table.reading())],
        (_, []) => Vec::new(),
        (given, [first, ..]) => {
            let remedy = format!("write [[routes]] with path and upstream = \"{}\"", first.name);
            let place = given.and_then(|given| given.place);
            table.wrong(place, "there are several upstreams and no routes to tell which", remedy);
            Vec::new()
        }
    }
}

/// Tells each upstream the longest attempt timeout of the routes that lead to it.
fn fit_upstreams(upstreams: &mut [UpstreamConfig], routes: &[RouteConfig], reading: &Reading<'_>) {
    for upstream in upstreams {
        let leading = routes.iter().filter(|route| route.upstream == upstream.name);
        let longest = leading.map(|route| route.policy.timeouts.attempt).max();
        let longest = longest.unwrap_or(upstream.breaker.attempt_timeout);
        let path = format!("upstreams.{}", upstream.name);
        fit(upstream, longest, (&path, reading));
    }
}

/// Keyed balancing needs a key, and a key is of use to nothing else.
fn check_keys(upstreams: &[UpstreamConfig], routes: &[RouteConfig], reading: &Reading<'_>) {
    for upstream in upstreams.iter().filter(|upstream| upstream.balance.algorithm.is_keyed()) {
        let mut leading = routes.iter().filter(|route| route.upstream == upstream.name);
        let given = |route: &RouteConfig| format!("routes[{}].affinity", route.index);
        if leading.all(|route| !reading.is_given(&given(route))) {
            let path = format!("upstreams.{}.balance", upstream.name);
            let what = format!("{path} goes by the key of a request, and no route to it gives one");
            let remedy = "write affinity = \"header:Customer-Id\" in a route";
            reading.wrong(reading.place_of(&path), what, remedy);
        }
    }
    for route in routes.iter().filter(|route| route.affinity.is_some()) {
        let to = upstreams.iter().find(|upstream| upstream.name == route.upstream);
        if let Some(upstream) = to.filter(|to| !to.balance.algorithm.is_keyed()) {
            let path = format!("routes[{}].affinity", route.index);
            let name = &upstream.name;
            let what = format!("{path}: the balancing of upstream \"{name}\" goes by no key");
            let remedy = format!("write balance = \"maglev\" in [upstreams.{name}], or remove it");
            reading.wrong(reading.place_of(&path), what, remedy);
        }
    }
}

#[cfg(test)]
mod tests;
