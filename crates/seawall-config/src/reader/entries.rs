//! Tables with names of the user's choice, and lists with their elements.

use super::forms::{self, Refusal};
use super::values::{Expected, kind_of_item};
use super::{Given, Plain, Reading, TableReader};
use crate::mistake::Place;
use seawall_core::ratio::Ratio;
use std::fmt;
use toml_edit::{ArrayOfTables, Item, Key, Table, TableLike, Value};

/// The most entries of a list and the most tables of a kind. Some checks compare each with each;
/// beyond this a file of a few megabytes would take minutes.
const ENTRIES_MAX: usize = 4096;

/// One element of a list: a plain value or a table.
pub struct Element<'a> {
    reading: &'a Reading<'a>,
    path: String,
    place: Option<Place>,
    content: Content<'a>,
}

enum Content<'a> {
    Value(&'a Value),
    Table(&'a Table),
    Tables(&'a ArrayOfTables),
}

impl<'a> Content<'a> {
    fn of(item: &'a Item) -> Option<Self> {
        match item {
            Item::Value(value) => Some(Self::Value(value)),
            Item::Table(table) => Some(Self::Table(table)),
            Item::ArrayOfTables(tables) => Some(Self::Tables(tables)),
            Item::None => None,
        }
    }

    fn span(&self) -> Option<std::ops::Range<usize>> {
        match self {
            Self::Value(value) => value.span(),
            Self::Table(table) => table.span(),
            Self::Tables(tables) => tables.span(),
        }
    }
}

impl<'a> Element<'a> {
    /// Notes a mistake at this element.
    pub fn wrong(&self, what: impl Into<String>, remedy: impl Into<String>) {
        self.reading.wrong(self.place, what, remedy);
    }

    /// The element as text; `None` for anything else.
    pub fn as_str(&self) -> Option<&'a str> {
        match self.content {
            Content::Value(value) => value.as_str(),
            Content::Table(_) | Content::Tables(_) => None,
        }
    }

    /// Where it begins.
    #[must_use]
    pub const fn place(&self) -> Option<Place> {
        self.place
    }

    /// Its full path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The element as a number of either kind; `None` for anything else.
    #[must_use]
    pub fn as_number(&self) -> Option<f64> {
        match self.content {
            Content::Value(value) => super::document::number(value),
            Content::Table(_) | Content::Tables(_) => None,
        }
    }

    /// The element as a truth value; `None` for anything else.
    #[must_use]
    pub fn as_flag(&self) -> Option<bool> {
        match self.content {
            Content::Value(value) => value.as_bool(),
            Content::Table(_) | Content::Tables(_) => None,
        }
    }

    /// The element as a value to be put elsewhere; `None` for a table with a head of its own.
    #[must_use]
    pub fn plain(&self) -> Option<Plain> {
        match self.content {
            Content::Value(value) => Some(Plain::of(value, self.reading.source())),
            Content::Table(_) | Content::Tables(_) => None,
        }
    }

    /// The elements of a list; `None` for anything else.
    #[must_use]
    pub fn elements(&self) -> Option<Vec<Element<'a>>> {
        let contents: Vec<Content<'a>> = match self.content {
            Content::Value(value) => value.as_array()?.iter().map(Content::Value).collect(),
            Content::Tables(tables) => tables.iter().map(Content::Table).collect(),
            Content::Table(_) => return None,
        };
        let element = |(index, content): (usize, Content<'a>)| Element {
            reading: self.reading,
            path: format!("{}[{index}]", self.path),
            place: self.reading.place(content.span()),
            content,
        };
        Some(contents.into_iter().take(ENTRIES_MAX).enumerate().map(element).collect())
    }

    /// Whether it is a table.
    #[must_use]
    pub fn is_table(&self) -> bool {
        match self.content {
            Content::Value(value) => value.is_inline_table(),
            Content::Table(_) => true,
            Content::Tables(_) => false,
        }
    }

    /// Reads the element as a table; `None` for anything else.
    pub fn table<T>(&self, read: impl FnOnce(&mut TableReader<'_>) -> T) -> Option<T> {
        let table: &dyn TableLike = match self.content {
            Content::Value(value) => value.as_inline_table()?,
            Content::Table(table) => table,
            Content::Tables(_) => return None,
        };
        Some(TableReader::run(self.reading, self.path.clone(), self.place, table, read))
    }
}

impl fmt::Debug for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Element").field("path", &self.path).finish_non_exhaustive()
    }
}

impl<'a> TableReader<'a> {
    /// What stands at `key`, in whatever form.
    pub fn element(&mut self, key: &'static str) -> Option<Element<'a>> {
        let (found, item) = self.item(key)?;
        let content = Content::of(item)?;
        let place = self.reading.place(item.span()).or_else(|| self.start(found));
        Some(Element { reading: self.reading, path: self.path_of(key), place, content })
    }

    /// All entries of a table whose keys the user chooses.
    pub fn entries(&mut self) -> Vec<(Given<String>, Element<'a>)> {
        self.open = true;
        let keys = self.table.iter().take(ENTRIES_MAX);
        let keys: Vec<_> = keys.filter_map(|(key, _)| self.table.get_key_value(key)).collect();
        let entry = |(key, item): (&'a Key, &'a Item)| {
            let content = Content::of(item)?;
            let place = self.reading.place(item.span()).or_else(|| self.start(key));
            let path = self.path_of(key.get());
            let name = Given { value: key.get().to_owned(), place: self.start(key) };
            Some((name, Element { reading: self.reading, path, place, content }))
        };
        keys.into_iter().filter_map(entry).collect()
    }

    /// Reads each table under `key` with its name: `[upstreams.NAME]`.
    pub fn named<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(Given<&str>, &mut TableReader<'_>) -> T,
    ) -> Vec<T> {
        self.labelled(key, |name, table| {
            table.check_name(name.value, name.place, key);
            read(name, table)
        })
    }

    /// As [`TableReader::named`], where names may be any text: `[assume.routes."/pay"]`.
    pub(crate) fn labelled<T>(
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

    /// Reads a table of shares by names of the user's choice: `{ a = "60%", b = "40%" }`.
    pub(crate) fn shares(&mut self, key: &'static str) -> Option<Given<Vec<(String, Ratio)>>> {
        let (found, item) = self.item(key)?;
        let Some(table) = item.as_table_like() else {
            self.not_a_table(found, item, "a table of shares");
            return None;
        };
        let value = table.iter().map(|(name, item)| {
            let share = item.as_value().ok_or(Refusal::Type).and_then(forms::share);
            if share.is_err() {
                let place = self.reading.place(item.span());
                let what = format!("{}.{name} is not a share", self.path_of(key));
                self.wrong(place, what, format!("write {name} = \"50%\""));
            }
            Some((name.to_owned(), share.ok()?))
        });
        let value: Vec<Option<_>> = value.collect();
        Some(Given { value: value.into_iter().collect::<Option<_>>()?, place: self.start(found) })
    }

    fn one_named<T>(
        &self,
        key: &'static str,
        (name, item): (&'a Key, &'a Item),
        read: &mut impl FnMut(Given<&str>, &mut TableReader<'_>) -> T,
    ) -> Option<T> {
        let (place, path) = (self.start(name), format!("{}.{}", self.path_of(key), name.get()));
        let Some(table) = item.as_table_like() else {
            let kind = kind_of_item(item);
            let what = format!("{path} must be a table, not {kind}");
            let remedy =
                format!("write [{path}] for one of that name, or put it below [{key}.NAME]");
            self.wrong(place, what, remedy);
            return None;
        };
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
    pub fn list<T>(
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
        let elements =
            contents.into_iter().take(ENTRIES_MAX).enumerate().map(|(n, c)| self.entry(key, n, c));
        let value = elements.filter_map(|element| read(&element)).collect();
        Some(Given { value, place: self.start(found) })
    }

    fn check_length(&self, key: &Key, length: usize) {
        if length > ENTRIES_MAX {
            let what = format!("{} has {length} entries", self.path_of(key.get()));
            self.wrong(self.start(key), what, format!("keep at most {ENTRIES_MAX}"));
        }
    }

    fn entry(&self, key: &str, index: usize, content: Content<'a>) -> Element<'a> {
        let path = format!("{}[{index}]", self.path_of(key));
        let span = content.span();
        let place = self.reading.place(span);
        self.reading.note_origin(path.clone(), place);
        Element { reading: self.reading, path, place, content }
    }
}
