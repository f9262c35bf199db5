//! A policy file: the mechanisms of one upstream and one route, for programs that use the library.
//!
//! It is the same schema as the gateway's, read by the same code, with the keys of both tables at
//! the top. What only a gateway has (listeners, pools, bodies) is refused with the reason.

use crate::config::Config;
use crate::explain::{self, Setting};
use crate::mistake::ConfigError;
use crate::policy::{PolicyConfig, PolicyLayer, merge};
use crate::reader::{Document, Origins, Scope, TableReader, or};
use crate::upstream::endpoint::{Described, read_names};
use crate::upstream::place::Places;
use crate::upstream::{self, PoolConfig, UpstreamConfig};
use seawall_core::balance::EndpointInfo;
use seawall_core::call::{CallSettings, Safety};
use seawall_core::outcome::Overrides;
use seawall_core::shed::Class as Priority;
use seawall_core::upstream::{EndpointName, UpstreamSettings};

/// The words of `safety`.
pub(crate) const SAFETY: [(&str, Safety); 3] =
    [("unsafe", Safety::Unsafe), ("idempotent", Safety::Idempotent), ("keyed", Safety::Keyed)];

/// What only a gateway has, and why a program does not.
const OF_GATEWAYS: [(&str, &str); 9] = [
    ("gateway", "is for a gateway; a policy file has the mechanisms at its top"),
    ("admin", "is for a gateway; programs show what they know in their own way"),
    ("listeners", "is for a gateway; a program takes calls in its own way"),
    (
        "upstreams",
        "is for a gateway; a policy file is about one upstream, with its keys at the top",
    ),
    ("routes", "is for a gateway; a policy file is about one route, with its keys at the top"),
    ("policies", "is for a gateway; a policy file is one policy, with its keys at the top"),
    ("defaults", "is for a gateway; a policy file is one policy, with its keys at the top"),
    ("pool", "is for a gateway; a program opens its own connections"),
    ("health_check", "is for a gateway, which makes such checks"),
];

/// The number of permits where a gateway would derive it: no bound.
const UNBOUNDED: u32 = u32::MAX;

/// All that the machines of a policy take.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicySettings {
    /// Its name, for logs and metrics, where one is given.
    pub name: Option<String>,
    /// How calls are made.
    pub call: CallSettings,
    /// What protects the dependency. Without a bulkhead in the file nothing is bounded.
    pub upstream: UpstreamSettings,
    /// Statuses that are judged otherwise than by the table.
    pub overrides: Overrides,
    /// Whether calls may be executed more than once, where they do not say so one by one. Default
    /// unsafe: nobody has promised anything.
    pub safety: Safety,
    /// How important calls are, where they do not say so one by one. Default normal.
    pub priority: Priority,
    /// The endpoints, in the order of the file; `None` where the program says which there are, or
    /// has none.
    pub endpoints: Option<Vec<(EndpointName, EndpointInfo)>>,
    /// The names of zones, each at its number.
    pub zones: Vec<String>,
}

/// A policy file without mistakes.
///
/// ```
/// let policy = seawall_config::PolicyFile::parse(
///     r#"
///     kind = "query"
///     safety = "idempotent"
///     retry = { max_attempts = 2, first = "at_once_if_unsent" }
///     hedge = { after = "p95" }
///     "#,
///     "orders.toml",
/// )
/// .expect("a file without mistakes");
/// assert_eq!(policy.settings().call.max_attempts, 2);
///
/// let wrong = seawall_config::PolicyFile::parse("hedge = { aftr = \"p95\" }", "orders.toml");
/// let what = "orders.toml:1:11: unknown key \"aftr\" in hedge; did you mean \"after\"?";
/// assert_eq!(wrong.unwrap_err().to_string(), what);
/// ```
#[derive(Clone, Debug)]
pub struct PolicyFile {
    pub(crate) upstream: UpstreamConfig,
    pub(crate) policy: PolicyConfig,
    pub(crate) origins: Origins,
    pub(crate) settings: PolicySettings,
    file: String,
}

impl PolicyFile {
    /// Reads a policy from text; `file` is its name in messages.
    ///
    /// # Errors
    /// [`ConfigError::Mistakes`] with everything that is wrong.
    pub fn parse(source: &str, file: &str) -> Result<Self, ConfigError> {
        Self::of_document(&Document::parse(source, file)?, file)
    }

    /// Reads a policy from a document that may have been changed since it was parsed.
    ///
    /// # Errors
    /// [`ConfigError::Mistakes`] with everything that is wrong. What was put into the document
    /// has no place.
    pub fn of_document(document: &Document, file: &str) -> Result<Self, ConfigError> {
        let no_files = |_: &str| Err("a policy file names no others".to_owned());
        let reading = document.reading(Scope::Library, file, &no_files);
        let (upstream, policy, settings) = reading.root(document.table(), read);
        let (mistakes, origins) = reading.finish();
        let file = file.to_owned();
        mistakes.or_else(Some(Self { upstream, policy, origins, settings, file }))
    }

    /// What the machines take.
    #[must_use]
    pub const fn settings(&self) -> &PolicySettings {
        &self.settings
    }

    /// What the machines take, without the rest.
    #[must_use]
    pub fn into_settings(self) -> PolicySettings {
        self.settings
    }

    /// Class, kind, timeouts and retries as the file merges them.
    #[must_use]
    pub const fn policy(&self) -> &PolicyConfig {
        &self.policy
    }

    /// The name of the file, as it was given.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Every effective setting with its origin, in a fixed order.
    #[must_use]
    pub fn explain(&self) -> Vec<Setting> {
        self.outline()
    }

    /// A hash of the effective values, as [`Config::hash`].
    #[must_use]
    pub fn hash(&self) -> u64 {
        explain::hash(&self.explain(), std::iter::empty())
    }
}

impl Config {
    /// What the machines take for calls of this route to this upstream, so that a program can do
    /// as the gateway does; `None` if there is no such route to such an upstream.
    ///
    /// Where the gateway derives permits from the machine that it runs on, nothing is bounded.
    /// Safety is unsafe, since here the method of each request says it. The rungs of the route are
    /// answers of HTTP and left out.
    #[must_use]
    pub fn policy(&self, upstream: &str, route: &str) -> Option<PolicySettings> {
        let route = self.routes.iter().find(|known| known.name == route)?;
        let upstream = self.upstream(upstream).filter(|known| known.name == route.upstream)?;
        let endpoints =
            upstream.endpoints.iter().map(|one| (EndpointName::from(&*one.name), one.info));
        Some(PolicySettings {
            name: Some(route.name.clone()),
            call: CallSettings { rungs: 0, ..route.policy.call_settings() },
            upstream: upstream.settings(UNBOUNDED),
            overrides: upstream.overrides.clone(),
            safety: Safety::Unsafe,
            priority: route.policy.priority,
            endpoints: Some(endpoints.collect()),
            zones: upstream.places.zones.clone(),
        })
    }
}

fn read(table: &mut TableReader<'_>) -> (UpstreamConfig, PolicyConfig, PolicySettings) {
    let name = table.text("name", "\"orders\"").map(|given| given.value.to_owned());
    let safety = or(table.choice("safety", &SAFETY), Safety::Unsafe);
    let layer = PolicyLayer::read(table);
    let none = PolicyLayer::default();
    let connect = PoolConfig::default().connect;
    let policy = merge([none.clone(), none, layer], connect, table.reading());
    let mut places = Places::default();
    let endpoints = read_names(table, &mut places);
    let mut upstream =
        upstream::read_mechanisms(table, places, endpoints.as_ref().map_or(0, Vec::len));
    upstream::fit(&mut upstream, policy.timeouts.attempt, ("", table.reading()));
    OF_GATEWAYS.iter().for_each(|(key, why)| table.refuse(key, why));
    let named = |one: &Described| (EndpointName::from(&*one.name), one.info);
    let settings = PolicySettings {
        name,
        call: policy.call_settings(),
        upstream: upstream.settings(UNBOUNDED),
        overrides: upstream.overrides.clone(),
        safety,
        priority: policy.priority,
        endpoints: endpoints.map(|endpoints| endpoints.iter().map(named).collect()),
        zones: upstream.places.zones.clone(),
    };
    (upstream, policy, settings)
}

#[cfg(test)]
mod tests;
