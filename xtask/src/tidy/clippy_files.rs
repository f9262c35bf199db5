//! Clippy reads only the nearest `clippy.toml` and merges nothing, so one inside a crate must
//! repeat at least what the root's says.

use std::collections::BTreeSet;

use toml_edit::{DocumentMut, Item, Value};

use super::findings::Finding;
use super::repository::Repository;

const ROOT: &str = "clippy.toml";

pub(super) fn check(repository: &Repository, findings: &mut Vec<Finding>) {
    let Some(root) = repository.files.get(ROOT) else { return };
    let root = entries(root);
    for (path, text) in repository.ending(ROOT).filter(|(path, _)| *path != ROOT) {
        let own = entries(text);
        for lacking in root.difference(&own) {
            let what = format!("lacks `{lacking}` of the root's {ROOT}");
            let mend = "repeat it here; nothing is merged";
            findings.push(Finding::new(path, 1, what, mend));
        }
    }
}

/// Each entry as one line: `key = value`, or `key: path` for each element of a list. Reasons of
/// bans may differ.
fn entries(text: &str) -> BTreeSet<String> {
    let document = text.parse::<DocumentMut>().unwrap_or_default();
    document.iter().flat_map(|(key, item)| entry_lines(key, item)).collect()
}

fn entry_lines(key: &str, item: &Item) -> Vec<String> {
    match item.as_value() {
        Some(Value::Array(list)) => {
            list.iter().map(|value| format!("{key}: {}", banned_path(value))).collect()
        }
        Some(value) => vec![format!("{key} = {}", scalar(value))],
        None => Vec::new(),
    }
}

fn banned_path(value: &Value) -> String {
    scalar(value.as_inline_table().and_then(|table| table.get("path")).unwrap_or(value))
}

/// Clippy's own settings are numbers, switches and strings.
fn scalar(value: &Value) -> String {
    let number = value.as_integer().map(|number| number.to_string());
    let switch = || value.as_bool().map(|switch| switch.to_string());
    number.or_else(switch).unwrap_or_else(|| value.as_str().unwrap_or_default().to_owned())
}
