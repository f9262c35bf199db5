//! The list of all effective settings: each key once, with its value and the reason of its default.
//!
//! Upstreams and routes have files of their own here; what the list is used for is in `explain.rs`.

mod balance;
mod breaker;
mod overload;
mod route;
mod upstream;

use crate::config::Config;
use crate::explain::{Origin, Setting, SettingValue};
use crate::listener::{Expose, ListenerConfig};
use crate::policy_file::{PolicyFile, SAFETY};
use crate::reader::{Origins, Scope};
use crate::units::print_size;
use seawall_core::balance::EndpointInfo;
use seawall_core::upstream::EndpointName;

/// Settings collected so far, and the section that the next ones belong to.
struct Outline<'a> {
    origins: &'a Origins,
    settings: Vec<Setting>,
    section: Vec<String>,
    /// Paths in the file where a key of this section may stand, the decisive one first.
    sources: Vec<String>,
    /// What fills in a value that the file does not give: class or kind.
    preset: Option<Origin>,
}

impl PolicyFile {
    /// Every effective setting, with the keys of the file.
    pub(crate) fn outline(&self) -> Vec<Setting> {
        let mut outline = Outline::new(&self.origins);
        let out = &mut outline;
        out.enter(&[]);
        if let Some(name) = &self.settings.name {
            out.put("name", name.as_str(), "as given");
        }
        let safety = word(&SAFETY, self.settings.safety);
        out.put("safety", safety, "nobody has promised that calls may be repeated");
        self.policy.outline_calls(Scope::Library, out);
        if let Some(endpoints) = &self.settings.endpoints {
            let described = |(name, info): &(EndpointName, EndpointInfo)| {
                upstream::describe(name.as_str(), *info, &self.upstream.places)
            };
            let endpoints = endpoints.iter().map(described).collect();
            out.put("endpoints", SettingValue::List(endpoints), "as given");
        }
        self.upstream.outline_mechanisms(out);
        outline.settings
    }
}

impl Config {
    /// Every effective setting, grouped by section.
    pub(crate) fn outline(&self) -> Vec<Setting> {
        let mut outline = Outline::new(&self.origins);
        self.outline_process(&mut outline);
        self.listeners.iter().for_each(|listener| listener.outline(&mut outline));
        self.upstreams.iter().for_each(|upstream| upstream.outline(&mut outline));
        self.routes.iter().for_each(|route| route.outline(&mut outline));
        outline.settings
    }

    fn outline_process(&self, out: &mut Outline<'_>) {
        let gateway = &self.gateway;
        out.enter(&["gateway"]);
        out.put("name", gateway.name.as_str(), "how headers name this proxy");
        out.put("workers", count_or(gateway.workers, "one per core"), "all cores, no more");
        out.put("announce", gateway.announce, "only a balancer in front needs the delay");
        out.put("drain", gateway.drain, "three times the total timeout of class standard");
        out.enter(&["admin"]);
        let admin = self.admin.as_ref();
        let address = admin.map_or_else(off, |admin| admin.address.into());
        out.put("address", address, "reachable from this machine only");
    }
}

impl ListenerConfig {
    fn outline(&self, out: &mut Outline<'_>) {
        out.enter(&["listeners", &self.name]);
        out.put("address", self.address, "reachable from this machine only");
        let trust = self.trust.iter().map(ToString::to_string).collect::<Vec<_>>();
        out.put("trust", SettingValue::List(trust), "no peer is trusted unasked");
        out.put("expose", word(&Expose::WORDS, self.expose), "a code to act on, no insides");
        out.put("header_timeout", self.header_timeout, "slow heads hold connections");
        out.put("idle_timeout", self.idle_timeout, "above the 60s of balancers in front");
        out.put("header_bytes", size(self.header_bytes), "room for large cookies");
        out.put("uri_bytes", size(self.uri_bytes), "what most servers behind accept");
        let body_max = self.body_max.map_or_else(off, size);
        out.put("body_max", body_max, "bodies are streamed, never held");
        out.put("body_idle", self.body_idle, "a silent client holds a permit");
        out.put("write_stall", self.write_stall, "a client that stops reading holds memory");
        let connections = count_or(self.connections, "derived");
        out.put("connections", connections, "half of the open files, at most 100000");
        out.put("h2_streams", self.h2_streams, "the least that RFC 9113 advises");
    }
}

impl<'a> Outline<'a> {
    fn new(origins: &'a Origins) -> Self {
        let (section, sources) = (Vec::new(), Vec::new());
        Self { origins, settings: Vec::new(), section, sources, preset: None }
    }

    /// Starts a section whose keys stand under `keys` in the file.
    fn enter(&mut self, keys: &[&str]) {
        self.section = keys.iter().map(|&key| key.to_owned()).collect();
        self.sources = vec![keys.join(".")];
        self.preset = None;
    }

    /// Adds a setting; dots in `key` lead into tables. `why` is the reason of its default.
    fn put(&mut self, key: &str, value: impl Into<SettingValue>, why: &'static str) {
        let given = self.sources.iter().find_map(|source| self.origins.get(&under(source, key)));
        let origin = match (given, &self.preset) {
            (Some(Some(place)), _) => Origin::File(*place),
            (Some(None), _) => Origin::CommandLine,
            (None, Some(preset)) => preset.clone(),
            (None, None) => Origin::Default(why),
        };
        let keys = self.section.iter().cloned().chain(key.split('.').map(str::to_owned)).collect();
        self.settings.push(Setting { keys, value: value.into(), origin });
    }

    /// Adds a mechanism that is off; `why` is the reason where that is its default.
    fn put_off(&mut self, key: &str, why: &'static str) {
        let mode = format!("{key}.mode");
        let by_mode = self.sources.iter().any(|s| self.origins.contains_key(&under(s, &mode)));
        self.put(if by_mode { &mode } else { key }, "off", why);
    }
}

/// The path of a key under a table; the top of a file has no name.
fn under(table: &str, key: &str) -> String {
    if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") }
}

/// The word of the config file for `value`.
fn word<T: PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    words.iter().find(|(_, meaning)| *meaning == value).map_or("", |(word, _)| word)
}

fn off() -> SettingValue {
    "off".into()
}

fn size(bytes: u64) -> SettingValue {
    print_size(bytes).into()
}

fn count_or(count: Option<u32>, otherwise: &'static str) -> SettingValue {
    count.map_or_else(|| otherwise.into(), SettingValue::from)
}
