//! Reads TOML tables by key and notes every mistake on the way, so that one run shows them all.
//!
//! Single values are in `values.rs`, lists and named tables in `entries.rs`, what a piece of text
//! means in `forms.rs`, and what a whole reading shares in `reading.rs`. Which keys exist is said
//! by the sections (`listener.rs`, `upstream/`, ...): a section asks a [`TableReader`] for each
//! key it knows, and whatever it did not ask for is unknown.
//!
//! Scenario files of the simulator are read by the same code, from a [`Document`].

mod document;
mod entries;
mod forms;
mod reading;
mod values;

use crate::mistake::Place;
use crate::nearest;
use std::fmt;
use toml_edit::{Item, Key, TableLike};

pub use crate::load::{read_bounded, read_text};
pub use document::{Document, Plain};
pub use entries::Element;
pub(crate) use forms::Moment;
pub(crate) use reading::{Origins, Scope};
pub use reading::{ReadFile, Reading};

/// A value that the file gives, with its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given<T> {
    /// What the file says.
    pub value: T,
    /// Where it says so; `None` for what did not come from a file.
    pub place: Option<Place>,
}

/// The value given, or `default` where the file is silent.
pub fn or<T>(given: Option<Given<T>>, default: T) -> T {
    given.map_or(default, |given| given.value)
}

/// Replaces a default by the value given, where there is one.
pub fn set<T>(slot: &mut T, given: Option<Given<T>>) {
    if let Some(given) = given {
        *slot = given.value;
    }
}

impl fmt::Debug for TableReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableReader").field("path", &self.path).finish_non_exhaustive()
    }
}

/// One table of the file while a section reads it.
pub struct TableReader<'a> {
    reading: &'a Reading<'a>,
    path: String,
    place: Option<Place>,
    table: &'a dyn TableLike,
    known: Vec<&'static str>,
    /// Whether every key is known, since the user chooses them.
    open: bool,
}

impl<'a> TableReader<'a> {
    fn run<T>(
        reading: &'a Reading<'a>,
        path: String,
        place: Option<Place>,
        table: &'a dyn TableLike,
        read: impl FnOnce(&mut TableReader<'_>) -> T,
    ) -> T {
        let mut reader =
            TableReader { reading, path, place, table, known: Vec::new(), open: false };
        let result = read(&mut reader);
        reader.report_unknown();
        result
    }

    /// The path of this table, `upstreams.payments`; empty for the whole document.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where this table begins.
    pub fn place(&self) -> Option<Place> {
        self.place
    }

    /// What the whole reading shares.
    pub fn reading(&self) -> &'a Reading<'a> {
        self.reading
    }

    /// Notes a mistake.
    pub fn wrong(&self, place: Option<Place>, what: impl Into<String>, remedy: impl Into<String>) {
        self.reading.wrong(place, what, remedy);
    }

    /// Whether the file gives `key`, in whatever form.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Whether the file gives text at `key`, not a table.
    pub fn is_text(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(Item::is_str)
    }

    /// Reads a key that belongs to another kind of file, only to say so with the reason.
    pub(crate) fn refuse(&mut self, key: &'static str, why: &str) {
        if let Some((found, _)) = self.item(key) {
            let (place, path) = (self.start(found), self.path_of(key));
            self.wrong(place, format!("{path} {why}"), format!("remove {key}"));
        }
    }

    /// Notes that a key which is given has no effect without another.
    pub fn pointless<T>(&self, key: &str, given: Option<Given<T>>, (needed, remedy): (&str, &str)) {
        if let Some(given) = given {
            let what = format!("{} does nothing without {needed}", self.path_of(key));
            self.wrong(given.place, what, format!("{remedy}, or remove {key}"));
        }
    }

    /// Whether the file gives a list without elements at `key`.
    pub fn is_empty_list(&self, key: &str) -> bool {
        let array = self.table.get(key).and_then(Item::as_array);
        array.is_some_and(toml_edit::Array::is_empty)
    }

    /// The full path of a key of this table.
    pub fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Reads the table at `key`, if there is one.
    pub fn table<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut TableReader<'_>) -> T,
    ) -> Option<T> {
        let (found, item) = self.item(key)?;
        let Some(table) = item.as_table_like() else {
            self.not_a_table(found, item, "a table");
            return None;
        };
        Some(TableReader::run(self.reading, self.path_of(key), self.start(found), table, read))
    }

    /// Reads the table at `key`, or `"off"`, which gives `Some(None)`.
    pub fn table_or_off<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut TableReader<'_>) -> T,
    ) -> Option<Option<T>> {
        let (found, item) = self.item(key)?;
        if item.as_str() == Some("off") {
            return Some(None);
        }
        let Some(table) = item.as_table_like() else {
            self.not_a_table(found, item, "a table or \"off\"");
            return None;
        };
        let place = self.start(found);
        Some(Some(TableReader::run(self.reading, self.path_of(key), place, table, read)))
    }

    /// The key and item at `key`, which is known from now on.
    fn item(&mut self, key: &'static str) -> Option<(&'a Key, &'a Item)> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        let (found, item) = self.table.get_key_value(key)?;
        let path = self.path_of(key);
        self.reading.note_origin(path, self.start(found));
        Some((found, item))
    }

    fn start(&self, key: &Key) -> Option<Place> {
        self.reading.place(key.span())
    }

    fn report_unknown(&self) {
        if self.open {
            return;
        }
        for (name, _) in self.table.iter().filter(|(name, _)| !self.known.contains(name)) {
            let place = self.table.key(name).and_then(|key| self.start(key));
            let scope = if self.path.is_empty() { "the file" } else { &self.path };
            let remedy = nearest::remedy(name, &self.known, "known keys");
            self.wrong(place, format!("unknown key \"{name}\" in {scope}"), remedy);
        }
    }
}
