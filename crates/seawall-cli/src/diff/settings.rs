//! Which effective settings of two configs differ, and where each comes from.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use seawall_config::{Config, Setting};

/// A setting that is not the same in both.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    path: String,
    /// `None` where there is no such setting.
    old: Option<Said>,
    new: Option<Said>,
}

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    value: String,
    origin: String,
}

/// All of them, in the order of the first config, then what only the second has.
pub(super) fn changes(old: &Config, new: &Config) -> Vec<Change> {
    let (before, after) = (old.explain(), new.explain());
    let by_path = |all: &[Setting], config: &Config| -> BTreeMap<String, Said> {
        all.iter().map(|setting| (setting.path(), said(config, setting))).collect()
    };
    let (mut known, mut coming) = (by_path(&before, old), by_path(&after, new));
    let paths = before.iter().chain(&after).map(Setting::path);
    let changes = paths.filter_map(|path| {
        let (old, new) = (known.remove(&path), coming.remove(&path));
        let same = old.as_ref().map(|said| &said.value) == new.as_ref().map(|said| &said.value);
        (!same).then_some(Change { path, old, new })
    });
    changes.collect()
}

fn said(config: &Config, setting: &Setting) -> Said {
    Said { value: setting.value.to_string(), origin: config.describe_origin(&setting.origin) }
}

impl Change {
    /// `upstreams.a.retry: 3 (default: …) → 2 (new.toml:4)`.
    pub(super) fn line(&self) -> String {
        let shown = |said: &Option<Said>| match said {
            Some(Said { value, origin }) => format!("{value} ({origin})"),
            None => "absent".to_owned(),
        };
        format!("{}: {} → {}", self.path, shown(&self.old), shown(&self.new))
    }

    pub(super) fn json(&self) -> Value {
        let shown = |said: &Option<Said>| {
            said.as_ref().map(|said| json!({ "value": said.value, "origin": said.origin }))
        };
        json!({ "path": self.path, "old": shown(&self.old), "new": shown(&self.new) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTED: &str =
        "[upstreams.a]\nendpoints = [\"127.0.0.1:1\"]\n[[routes]]\nupstream = \"a\"\n";

    fn lines(old: &str, new: &str) -> Vec<String> {
        let config = |rest: &str, file| Config::parse(&format!("{ROUTED}{rest}"), file).unwrap();
        let all = changes(&config(old, "old.toml"), &config(new, "new.toml"));
        all.iter().map(Change::line).collect()
    }

    #[test]
    fn a_default_that_is_spelled_out_is_no_difference() {
        assert_eq!(lines("", "timeouts = { attempt = \"3s\" }\n"), Vec::<String>::new());
    }

    #[test]
    fn a_difference_has_both_values_with_their_lines() {
        let old = "timeouts = { attempt = \"2s\" }\n";
        let new = "\ntimeouts = { attempt = \"1s\" }\n";
        let expected = "routes./.timeouts.attempt: 2s (old.toml:5) → 1s (new.toml:6)";
        assert!(lines(old, new).iter().any(|line| line == expected), "{:?}", lines(old, new));
    }

    #[test]
    fn what_only_one_has_is_absent_in_the_other() {
        let more = "[upstreams.b]\nendpoints = [\"127.0.0.1:2\"]\n";
        let added = lines("", more);
        assert!(added.iter().all(|line| line.contains(": absent → ")), "{added:?}");
        let removed = lines(more, "");
        assert_eq!(added.len(), removed.len());
        assert!(removed.iter().all(|line| line.ends_with(" → absent")), "{removed:?}");
    }
}
