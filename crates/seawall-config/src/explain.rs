//! The effective config as a list of settings with their origins, as a tree, and as a hash.
//!
//! Which settings there are is in `outline.rs`.

use crate::config::Config;
use crate::mistake::Place;
use crate::units::print_duration;
use seawall_core::ratio::Ratio;
use seawall_core::time::Duration;
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::fmt;
use std::hash::Hasher;
use std::net::SocketAddr;

/// One effective value of the config.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// The keys that lead to it: `["upstreams", "payments", "breaker", "open"]`.
    pub keys: Vec<String>,
    /// The value in force.
    pub value: SettingValue,
    /// Where it comes from.
    pub origin: Origin,
}

impl Setting {
    /// The keys joined by dots, as messages name them.
    #[must_use]
    pub fn path(&self) -> String {
        self.keys.join(".")
    }
}

/// A value as the config file would write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingValue {
    /// Text, durations, sizes, shares and rates with their unit, and `off`.
    Text(String),
    /// A count.
    Count(u64),
    /// A yes or no.
    Flag(bool),
    /// A list of texts.
    List(Vec<String>),
}

impl From<&str> for SettingValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for SettingValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u32> for SettingValue {
    fn from(count: u32) -> Self {
        Self::Count(count.into())
    }
}

impl From<u64> for SettingValue {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<Duration> for SettingValue {
    fn from(duration: Duration) -> Self {
        Self::Text(print_duration(duration))
    }
}

impl From<Ratio> for SettingValue {
    fn from(share: Ratio) -> Self {
        Self::Text(share.to_string())
    }
}

impl From<SocketAddr> for SettingValue {
    fn from(address: SocketAddr) -> Self {
        Self::Text(address.to_string())
    }
}

impl<T: Into<SettingValue>> From<Option<T>> for SettingValue {
    fn from(value: Option<T>) -> Self {
        value.map_or_else(|| Self::from("off"), Into::into)
    }
}

impl fmt::Display for SettingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Count(count) => count.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
            Self::List(list) => write!(f, "[{}]", list.join(", ")),
        }
    }
}

impl Serialize for SettingValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::List(list) => list.serialize(serializer),
        }
    }
}

/// Where an effective value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The file says so, here.
    File(Place),
    /// The command line says so.
    CommandLine,
    /// The class of the call says so.
    Class(&'static str),
    /// The kind of the operation says so.
    Kind(&'static str),
    /// Nothing says so; this is the built-in default and its reason.
    Default(&'static str),
}

impl Origin {
    /// The origin as text, in a file of this name: `shop.toml:7`, `class interactive`,
    /// `default: …`.
    #[must_use]
    pub fn describe(&self, file: &str) -> String {
        match self {
            Self::File(place) => format!("{file}:{}", place.line),
            Self::CommandLine => "command line".to_owned(),
            Self::Class(class) => format!("class {class}"),
            Self::Kind(kind) => format!("kind {kind}"),
            Self::Default(why) => format!("default: {why}"),
        }
    }
}

impl Config {
    /// Every effective setting with its origin, grouped by section, in a fixed order.
    #[must_use]
    pub fn explain(&self) -> Vec<Setting> {
        self.outline()
    }

    /// The origin as text: `shop.toml:7`, `class interactive`, `default: …`.
    #[must_use]
    pub fn describe_origin(&self, origin: &Origin) -> String {
        origin.describe(&self.file)
    }

    /// A hash of the effective values, the same on every machine and in every release that gives
    /// the same values. Comments, order of keys and spelled-out defaults do not change it; where
    /// the values come from does not either.
    #[must_use]
    pub fn hash(&self) -> u64 {
        let mut routes: Vec<_> = self.routes.iter().collect();
        routes.sort_by_key(|route| &route.name);
        let rungs = routes.iter().flat_map(|route| &route.policy.fallback);
        hash(&self.explain(), rungs.map(|rung| &*rung.body))
    }
}

/// A hash of settings in whatever order, and of contents that no setting shows.
pub(crate) fn hash<'a>(settings: &[Setting], contents: impl Iterator<Item = &'a [u8]>) -> u64 {
    let mut hasher = fnv::FnvHasher::default();
    let line = |setting: &Setting| format!("{}\0{}", setting.keys.join("\0"), setting.value);
    let mut lines: Vec<String> = settings.iter().map(line).collect();
    lines.sort();
    for line in lines {
        hasher.write(line.as_bytes());
        hasher.write_u8(b'\n');
    }
    contents.for_each(|bytes| hasher.write(bytes));
    hasher.finish()
}

impl Serialize for Config {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Tree { settings: &self.explain(), depth: 0 }.serialize(serializer)
    }
}

/// Settings that share their first `depth` keys, seen as a map by the next key.
struct Tree<'a> {
    settings: &'a [Setting],
    depth: usize,
}

impl Serialize for Tree<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let same = |a: &Setting, b: &Setting| a.keys.get(self.depth) == b.keys.get(self.depth);
        let mut map = serializer.serialize_map(None)?;
        for settings in self.settings.chunk_by(same) {
            let Some((first, key)) =
                settings.first().and_then(|first| Some((first, first.keys.get(self.depth)?)))
            else {
                continue;
            };
            if first.keys.len() == self.depth + 1 {
                map.serialize_entry(key, &first.value)?;
            } else {
                map.serialize_entry(key, &Tree { settings, depth: self.depth + 1 })?;
            }
        }
        map.end()
    }
}
