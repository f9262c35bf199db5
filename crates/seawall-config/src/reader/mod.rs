//! Reads TOML tables by key and notes every mistake on the way, so that one run shows them all.
//!
//! Single values are in `values.rs`, what a piece of text means in `forms.rs`. Which keys exist is
//! said by the sections (`listener.rs`, `upstream.rs`, ...): a section asks a [`TableReader`] for
//! each key it knows, and whatever it did not ask for is unknown.

mod forms;
mod values;

use crate::lines::Lines;
use crate::mistake::{Mistake, Mistakes, Place};
use crate::nearest;
use std::cell::RefCell;
use std::collections::BTreeMap;
use toml_edit::{Item, Key, Table, TableLike, Value};

use values::Expected;

/// Reads the file of a rung, by the path that the config gives; the text says why it cannot.
pub(crate) type ReadFile<'a> = dyn Fn(&str) -> Result<Vec<u8>, String> + 'a;

/// The most entries of a list and the most tables of a kind. Some checks compare each with each;
/// beyond this a file of a few megabytes would take minutes.
const ENTRIES_MAX: usize = 4096;

/// What the reading of one file shares: its lines, its mistakes, and where each key was given.
pub(crate) struct Reading<'a> {
    lines: Lines<'a>,
    read_file: &'a ReadFile<'a>,
    mistakes: RefCell<Mistakes>,
    origins: RefCell<Origins>,
}

/// Where each key of a file was given, by its full path. Bounded by the size of the file.
pub(crate) type Origins = BTreeMap<String, Option<Place>>;

impl<'a> Reading<'a> {
    pub(crate) fn new(source: &'a str, file: &str, read_file: &'a ReadFile<'a>) -> Self {
        Self {
            lines: Lines::new(source),
            read_file,
            mistakes: RefCell::new(Mistakes::new(file)),
            origins: RefCell::default(),
        }
    }

    /// Notes a mistake.
    pub(crate) fn wrong(
        &self,
        place: Option<Place>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let mistake = Mistake { place, what: what.into(), remedy: remedy.into() };
        self.mistakes.borrow_mut().push(mistake);
    }

    /// The place of a span of the source.
    pub(crate) fn place(&self, span: Option<std::ops::Range<usize>>) -> Option<Place> {
        self.lines.place(span)
    }

    /// Where the key at `path` was given, if it has been read and the file gives it.
    pub(crate) fn place_of(&self, path: &str) -> Option<Place> {
        self.origins.borrow().get(path).copied().flatten()
    }

    /// The bytes of a file named by the config.
    pub(crate) fn read_file(&self, path: &str) -> Result<Vec<u8>, String> {
        (self.read_file)(path)
    }

    /// Reads the whole document.
    pub(crate) fn root<T>(
        &self,
        table: &dyn TableLike,
        read: impl FnOnce(&mut TableReader<'_>) -> T,
    ) -> T {
        TableReader::run(self, String::new(), None, table, read)
    }

    /// Ends the reading: what was found, or the mistakes.
    pub(crate) fn finish(self) -> (Mistakes, Origins) {
        (self.mistakes.into_inner(), self.origins.into_inner())
    }
}

/// A value that the file gives, with its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Given<T> {
    pub(crate) value: T,
    pub(crate) place: Option<Place>,
}

/// The value given, or `default` where the file is silent.
pub(crate) fn or<T>(given: Option<Given<T>>, default: T) -> T {
    given.map_or(default, |given| given.value)
}

/// Replaces a default by the value given, where there is one.
pub(crate) fn set<T>(slot: &mut T, given: Option<Given<T>>) {
    if let Some(given) = given {
        *slot = given.value;
    }
}

/// One table of the file while a section reads it.
pub(crate) struct TableReader<'a> {
    reading: &'a Reading<'a>,
    path: String,
    place: Option<Place>,
    table: &'a dyn TableLike,
    known: Vec<&'static str>,
}

/// One element of a list: a plain value or a table.
pub(crate) struct Element<'a> {
    reading: &'a Reading<'a>,
    path: String,
    pub(crate) place: Option<Place>,
    content: Content<'a>,
}

enum Content<'a> {
    Value(&'a Value),
    Table(&'a Table),
}

impl<'a> Element<'a> {
    /// Notes a mistake at this element.
    pub(crate) fn wrong(&self, what: impl Into<String>, remedy: impl Into<String>) {
        self.reading.wrong(self.place, what, remedy);
    }

    /// The element as text; `None` for anything else.
    pub(crate) fn as_str(&self) -> Option<&'a str> {
        match self.content {
            Content::Value(value) => value.as_str(),
            Content::Table(_) => None,
        }
    }

    /// Reads the element as a table; `None` for anything else.
    pub(crate) fn table<T>(&self, read: impl FnOnce(&mut TableReader<'_>) -> T) -> Option<T> {
        let table: &dyn TableLike = match self.content {
            Content::Value(value) => value.as_inline_table()?,
            Content::Table(table) => table,
        };
        Some(TableReader::run(self.reading, self.path.clone(), self.place, table, read))
    }
}

impl<'a> TableReader<'a> {
    fn run<T>(
        reading: &'a Reading<'a>,
        path: String,
        place: Option<Place>,
        table: &'a dyn TableLike,
        read: impl FnOnce(&mut TableReader<'_>) -> T,
    ) -> T {
        let mut reader = TableReader { reading, path, place, table, known: Vec::new() };
        let result = read(&mut reader);
        reader.report_unknown();
        result
    }

    /// The path of this table, `upstreams.payments`; empty for the whole document.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Where this table begins.
    pub(crate) fn place(&self) -> Option<Place> {
        self.place
    }

    /// What the whole reading shares.
    pub(crate) fn reading(&self) -> &'a Reading<'a> {
        self.reading
    }

    /// Notes a mistake.
    pub(crate) fn wrong(
        &self,
        place: Option<Place>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.reading.wrong(place, what, remedy);
    }

    /// Whether the file gives `key`, in whatever form.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Whether the file gives a list without elements at `key`.
    pub(crate) fn is_empty_list(&self, key: &str) -> bool {
        let array = self.table.get(key).and_then(Item::as_array);
        array.is_some_and(toml_edit::Array::is_empty)
    }

    /// The full path of a key of this table.
    pub(crate) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Reads the table at `key`, if there is one.
    pub(crate) fn table<T>(
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
    pub(crate) fn table_or_off<T>(
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

    /// Reads each table under `key` with its name: `[upstreams.NAME]`.
    pub(crate) fn named<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(Given<&str>, &mut TableReader<'_>) -> T,
    ) -> Vec<T> {
        let Some((found, item)) = self.item(key) else { return Vec::new() };
        let Some(tables) = item.as_table_like() else {
            self.not_a_table(found, item, "a table of named tables");
            return Vec::new();
        };
        self.check_length(found, tables.len());
        let names = tables.iter().filter_map(|(name, _)| tables.get_key_value(name));
        let names = names.take(ENTRIES_MAX);
        names.filter_map(|(name, item)| self.one_named(key, (name, item), &mut read)).collect()
    }

    fn one_named<T>(
        &self,
        key: &'static str,
        (name, item): (&'a Key, &'a Item),
        read: &mut impl FnMut(Given<&str>, &mut TableReader<'_>) -> T,
    ) -> Option<T> {
        let (place, path) = (self.start(name), format!("{}.{}", self.path_of(key), name.get()));
        let Some(table) = item.as_table_like() else {
            let kind = values::kind_of_item(item);
            let what = format!("{path} must be a table, not {kind}");
            let remedy =
                format!("write [{path}] for one of that name, or put it below [{key}.NAME]");
            self.wrong(place, what, remedy);
            return None;
        };
        self.check_name(name.get(), place, key);
        let given = Given { value: name.get(), place };
        Some(TableReader::run(self.reading, path, place, table, |t| read(given, t)))
    }

    /// Names become parts of key paths, labels of metrics and parts of addresses.
    fn check_name(&self, name: &str, place: Option<Place>, key: &str) {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !(1..=64).contains(&name.len()) || !name.chars().all(plain) {
            let what = format!("\"{name}\" cannot name one of {key}");
            self.wrong(place, what, "use 1 to 64 letters, digits, \"-\" and \"_\"");
        }
    }

    /// Reads each element of the list at `key`; what `read` gives no value for is left out.
    pub(crate) fn list<T>(
        &mut self,
        key: &'static str,
        example: &str,
        mut read: impl FnMut(&Element<'_>) -> Option<T>,
    ) -> Option<Given<Vec<T>>> {
        let (found, item) = self.item(key)?;
        let contents: Vec<Content<'_>> = match (item.as_array(), item.as_array_of_tables()) {
            (Some(array), _) => array.iter().map(Content::Value).collect(),
            (_, Some(tables)) => tables.iter().map(Content::Table).collect(),
            (None, None) => {
                self.not_a(found, item, &Expected { what: "a list", example });
                return None;
            }
        };
        self.check_length(found, contents.len());
        let elements = contents
            .into_iter()
            .take(ENTRIES_MAX)
            .enumerate()
            .map(|(n, c)| self.element(key, n, c));
        let value = elements.filter_map(|element| read(&element)).collect();
        Some(Given { value, place: self.start(found) })
    }

    fn check_length(&self, key: &Key, length: usize) {
        if length > ENTRIES_MAX {
            let what = format!("{} has {length} entries", self.path_of(key.get()));
            self.wrong(self.start(key), what, format!("keep at most {ENTRIES_MAX}"));
        }
    }

    fn element(&self, key: &str, index: usize, content: Content<'a>) -> Element<'a> {
        let path = format!("{}[{index}]", self.path_of(key));
        let span = match &content {
            Content::Value(value) => value.span(),
            Content::Table(table) => table.span(),
        };
        let place = self.reading.place(span);
        self.reading.origins.borrow_mut().insert(path.clone(), place);
        Element { reading: self.reading, path, place, content }
    }

    /// The key and item at `key`, which is known from now on.
    fn item(&mut self, key: &'static str) -> Option<(&'a Key, &'a Item)> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        let (found, item) = self.table.get_key_value(key)?;
        let path = self.path_of(key);
        self.reading.origins.borrow_mut().insert(path, self.start(found));
        Some((found, item))
    }

    fn start(&self, key: &Key) -> Option<Place> {
        self.reading.place(key.span())
    }

    fn report_unknown(&self) {
        for (name, _) in self.table.iter().filter(|(name, _)| !self.known.contains(name)) {
            let place = self.table.key(name).and_then(|key| self.start(key));
            let scope = if self.path.is_empty() { "the file" } else { &self.path };
            let remedy = nearest::remedy(name, &self.known, "known keys");
            self.wrong(place, format!("unknown key \"{name}\" in {scope}"), remedy);
        }
    }
}
