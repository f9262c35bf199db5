//! A TOML document as a whole: parsed once, values of it replaced, and read again and again.
//!
//! Scenario files vary values of themselves and of the config that they name; what a key means is
//! said by whoever reads the document.

use std::sync::Arc;

use toml_edit::{Array, InlineTable, Item, Table, TableLike, Value};

use super::{ReadFile, Reading, Scope, TableReader};
use crate::config::note_syntax;
use crate::mistake::ConfigError;
use crate::nearest;

/// Sections whose tables have names of the user's choice: such a table is never made by a path
/// that has a slip in it.
const NAMED: [&str; 5] = ["load", "upstreams", "services", "policies", "listeners"];

/// A document that is TOML; whether it makes sense is not known yet.
#[derive(Clone, Debug)]
pub struct Document {
    source: Arc<str>,
    table: Table,
}

/// A value of TOML.
#[derive(Clone, Debug)]
pub struct Plain {
    value: Value,
    written: String,
}

impl Plain {
    /// Text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self { value: text.into(), written: text.to_owned() }
    }

    /// A number; a whole one where it is whole, since counts take no other.
    #[must_use]
    pub fn number(number: f64) -> Self {
        let written = number.to_string();
        let value = written.parse::<i64>().map_or_else(|_| Value::from(number), Value::from);
        Self { value, written }
    }

    pub(super) fn of(value: &Value, source: &str) -> Self {
        let own = value.span().and_then(|span| source.get(span)).unwrap_or_default();
        let written = value.as_str().unwrap_or(own).to_owned();
        Self { value: value.clone(), written }
    }

    /// The value as it was written; text without its quotes.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.value.as_str()
    }

    /// The number, if it is one.
    #[must_use]
    pub fn as_number(&self) -> Option<f64> {
        number(&self.value)
    }
}

/// A number of either kind.
pub(super) fn number(value: &Value) -> Option<f64> {
    match (value.as_integer(), value.as_float()) {
        (Some(whole), _) => whole.to_string().parse().ok(),
        (_, decimal) => decimal,
    }
}

impl Document {
    /// Parses a document; `file` is its name in messages.
    ///
    /// # Errors
    /// [`ConfigError::Mistakes`] with the one place where it is no TOML.
    pub fn parse(source: &str, file: &str) -> Result<Self, ConfigError> {
        match toml_edit::Document::parse(source) {
            Ok(document) => Ok(Self { source: source.into(), table: document.into_table() }),
            Err(error) => {
                let reading = Reading::new(source, file, &no_files);
                note_syntax(&reading, &error);
                reading.finish().0.or_else(None)
            }
        }
    }

    /// The table at a path of keys as a document of its own, with the places of this one.
    #[must_use]
    pub fn part(&self, path: &[&str]) -> Option<Self> {
        let table = self.at(path)?.clone().into_table().ok()?;
        Some(Self { source: Arc::clone(&self.source), table })
    }

    /// The text at a path of keys, if that is what stands there.
    #[must_use]
    pub fn text(&self, path: &[&str]) -> Option<&str> {
        self.at(path)?.as_str()
    }

    /// The keys of the table at `key`; none without one.
    #[must_use]
    pub fn keys(&self, key: &str) -> Vec<String> {
        let table = self.table.get(key).and_then(Item::as_table_like);
        table.iter().flat_map(|table| table.iter()).map(|(key, _)| key.to_owned()).collect()
    }

    fn at(&self, path: &[&str]) -> Option<&Item> {
        let (last, tables) = path.split_last()?;
        let mut table: &dyn TableLike = &self.table;
        for key in tables {
            table = table.get(key)?.as_table_like()?;
        }
        table.get(last)
    }

    /// Replaces the value at a path such as `upstreams.payments.workers`; tables on the way are
    /// made where they are missing. An entry of a list is named by its position from 0, or by its
    /// `name` or `path`; a segment with a dot in it stands in quotes.
    ///
    /// # Errors
    /// Why there can be no value at the path, as the end of a sentence.
    pub fn set(&mut self, path: &str, value: &Plain) -> Result<(), String> {
        let segments = split(path)?;
        let section = segments.first().map(String::as_str).unwrap_or_default();
        if let (Some(name), true) = (segments.get(1), NAMED.contains(&section)) {
            self.must_have(section, name)?;
        }
        place(&mut self.table, &segments, &value.value)
    }

    fn must_have(&self, section: &str, name: &str) -> Result<(), String> {
        let table = self.table.get(section).and_then(Item::as_table_like);
        let names: Vec<&str> = table.iter().flat_map(|table| table.iter()).map(|e| e.0).collect();
        if names.contains(&name) {
            return Ok(());
        }
        let remedy = nearest::remedy(name, &names, &format!("known {section}"));
        Err(format!("there is no {section}.{name}; {remedy}"))
    }

    /// Reads the document with the strictness of config files: a key that `read` does not ask for
    /// is a mistake. Gives what `read` gives if nothing was wrong.
    ///
    /// # Errors
    /// [`ConfigError::Mistakes`] with everything that is wrong.
    pub fn read<T>(
        &self,
        (file, read_file): (&str, &ReadFile<'_>),
        read: impl FnOnce(&mut TableReader<'_>) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let reading = self.reading(Scope::Gateway, file, read_file);
        let value = reading.root(&self.table, read);
        let (mistakes, _) = reading.finish();
        mistakes.or_else(value)
    }

    pub(crate) fn reading<'a>(
        &'a self,
        scope: Scope,
        file: &str,
        read_file: &'a ReadFile<'a>,
    ) -> Reading<'a> {
        Reading::of(scope, &self.source, file, read_file)
    }

    pub(crate) const fn table(&self) -> &Table {
        &self.table
    }
}

fn no_files(_: &str) -> Result<Vec<u8>, String> {
    Err("there is no folder to look in".to_owned())
}

/// `a."b.c".d` as its segments.
fn split(path: &str) -> Result<Vec<String>, String> {
    let (mut segments, mut current, mut quoted) = (Vec::new(), String::new(), false);
    for c in path.chars() {
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted => segments.push(std::mem::take(&mut current)),
            c => current.push(c),
        }
    }
    segments.push(current);
    if quoted || segments.iter().any(String::is_empty) {
        return Err(format!("\"{path}\" is no path of keys"));
    }
    Ok(segments)
}

fn place(table: &mut dyn TableLike, segments: &[String], value: &Value) -> Result<(), String> {
    let Some((key, rest)) = segments.split_first() else { return Ok(()) };
    if rest.is_empty() {
        table.insert(key, Item::Value(value.clone()));
        return Ok(());
    }
    if !table.contains_key(key) {
        // An inline table fits into every kind of table.
        table.insert(key, Item::Value(Value::InlineTable(InlineTable::new())));
    }
    let item = table.get_mut(key).ok_or_else(|| format!("{key} cannot hold a table"))?;
    let within: &mut dyn TableLike = match item {
        Item::ArrayOfTables(list) => {
            let (name, _) = rest.split_first().ok_or("it ends in a list")?;
            let mut tables = (0..).zip(list.iter_mut());
            let found = tables.find(|(index, table)| is_called(name, *index, *table));
            let (_, table) = found.ok_or_else(|| format!("{key} has no entry \"{name}\""))?;
            return place(table, rest.get(1..).unwrap_or_default(), value);
        }
        Item::Value(Value::Array(list)) => return place_in_list(list, (key, rest), value),
        item => {
            item.as_table_like_mut().ok_or_else(|| format!("{key} holds a value, not a table"))?
        }
    };
    place(within, rest, value)
}

fn place_in_list(
    list: &mut Array,
    (key, rest): (&str, &[String]),
    value: &Value,
) -> Result<(), String> {
    let (name, rest) = rest.split_first().ok_or("it ends in a list")?;
    for (index, entry) in (0..).zip(list.iter_mut()) {
        let Some(table) = entry.as_inline_table_mut() else { continue };
        if is_called(name, index, table) {
            return place(table, rest, value);
        }
    }
    Err(format!("{key} has no entry \"{name}\""))
}

/// Whether an entry of a list is meant by a segment of a path.
fn is_called(segment: &str, index: usize, table: &dyn TableLike) -> bool {
    let has = |key| table.get(key).and_then(Item::as_str) == Some(segment);
    has("name") || has("path") || segment.parse() == Ok(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "[load.shop]\nrate = 5\n[[routes]]\npath = \"/v1.2\"\nretry = { a = 1 }\n";

    fn set(path: &str, number: f64) -> Result<String, String> {
        let mut document = Document::parse(SOURCE, "x.toml").map_err(|e| e.to_string())?;
        document.set(path, &Plain::number(number))?;
        Ok(format!("{:?}", document.table))
    }

    #[test]
    fn a_path_reaches_values_tables_and_entries_of_lists() {
        let mut document = Document::parse(SOURCE, "x.toml").unwrap();
        for path in ["load.shop.rate", "load.shop.client.attempts", "routes.\"/v1.2\".retry.a"] {
            document.set(path, &Plain::number(7.0)).unwrap();
        }
        let shop = &document.table["load"]["shop"];
        assert_eq!(shop["rate"].as_integer(), Some(7));
        assert_eq!(shop["client"]["attempts"].as_integer(), Some(7));
        let route = document.table["routes"].as_array_of_tables().unwrap().get(0).unwrap();
        assert_eq!(route["retry"]["a"].as_integer(), Some(7));
    }

    #[test]
    fn a_path_that_leads_nowhere_says_where_it_ends() {
        let why = |path| set(path, 1.0).unwrap_err();
        assert_eq!(why("load.shp.rate"), "there is no load.shp; did you mean \"shop\"?");
        assert_eq!(why("load.shop.rate.x"), "rate holds a value, not a table");
        assert_eq!(why("routes./x.retry"), "routes has no entry \"/x\"");
        assert_eq!(why("load..x"), "\"load..x\" is no path of keys");
    }

    #[test]
    fn whole_numbers_stay_whole() {
        assert_eq!(Plain::number(3.0).value.as_integer(), Some(3));
        assert_eq!(Plain::number(0.5).value.as_float(), Some(0.5));
        assert_eq!(Plain::number(0.5).written(), "0.5");
    }
}
