//! What the reading of one file shares: lines, mistakes, and where each key was given.

use super::TableReader;
use crate::lines::Lines;
use crate::mistake::{Mistake, Mistakes, Place};
use seawall_core::invalid::Invalid;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use toml_edit::TableLike;

/// Reads the file of a rung, by the path that the config gives; the text says why it cannot.
pub type ReadFile<'a> = dyn Fn(&str) -> Result<Vec<u8>, String> + 'a;

/// For whom a file is, which decides what in it would have no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The gateway: listeners, upstreams, routes.
    Gateway,
    /// A program that uses the library: the mechanisms of one upstream and one route.
    Library,
}

/// What the reading of one file shares: its lines, its mistakes, and where each key was given.
pub struct Reading<'a> {
    scope: Scope,
    lines: Lines<'a>,
    read_file: &'a ReadFile<'a>,
    mistakes: RefCell<Mistakes>,
    origins: RefCell<Origins>,
}

/// Where each key of a file was given, by its full path. Bounded by the size of the file.
pub(crate) type Origins = BTreeMap<String, Option<Place>>;

impl<'a> Reading<'a> {
    pub(crate) fn new(source: &'a str, file: &str, read_file: &'a ReadFile<'a>) -> Self {
        Self::of(Scope::Gateway, source, file, read_file)
    }

    /// As [`Reading::new`], for a file of another scope.
    pub(crate) fn of(
        scope: Scope,
        source: &'a str,
        file: &str,
        read_file: &'a ReadFile<'a>,
    ) -> Self {
        Self {
            scope,
            lines: Lines::new(source),
            read_file,
            mistakes: RefCell::new(Mistakes::new(file)),
            origins: RefCell::default(),
        }
    }

    /// For whom the file is.
    pub(crate) const fn scope(&self) -> Scope {
        self.scope
    }

    /// Notes a mistake.
    pub fn wrong(&self, place: Option<Place>, what: impl Into<String>, remedy: impl Into<String>) {
        let mistake = Mistake { place, what: what.into(), remedy: remedy.into() };
        self.mistakes.borrow_mut().push(mistake);
    }

    /// The text of the file.
    pub(super) const fn source(&self) -> &'a str {
        self.lines.source()
    }

    /// The place of a span of the source.
    pub(crate) fn place(&self, span: Option<std::ops::Range<usize>>) -> Option<Place> {
        self.lines.place(span)
    }

    /// Notes where the key at `path` is given.
    pub(crate) fn note_origin(&self, path: String, place: Option<Place>) {
        self.origins.borrow_mut().insert(path, place);
    }

    /// Where the key at `path` was given, if it has been read and the file gives it.
    pub fn place_of(&self, path: &str) -> Option<Place> {
        self.origins.borrow().get(path).copied().flatten()
    }

    /// Whether the key at `path` has been read and given, in a file or on the command line.
    pub(crate) fn is_given(&self, path: &str) -> bool {
        self.origins.borrow().contains_key(path)
    }

    /// How many mistakes have been noted, so that what follows from one is not told of again.
    pub fn noted(&self) -> usize {
        self.mistakes.borrow().noted()
    }

    /// Notes what the core finds wrong with the settings of the table at `path`. `keys` says which
    /// key of the table holds a field, where the two are not named alike.
    pub fn check(&self, path: &str, found: Result<(), Invalid>, keys: &[(&str, &str)]) {
        let Err(invalid) = found else { return };
        let (field, permitted) = (invalid.field(), invalid.permitted());
        let renamed = keys.iter().find(|(known, _)| *known == field);
        let key = renamed.map_or(field, |(_, key)| key);
        let full = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        // A value that nobody wrote is wrong beside one that somebody did, in the same table.
        let tables =
            std::iter::successors(Some(full.as_str()), |path| Some(path.rsplit_once('.')?.0));
        let place = tables.into_iter().find_map(|path| self.place_of(path));
        let what = format!("{full} is {}", invalid.value());
        self.wrong(place, what, format!("it must be {permitted}"));
    }

    /// The bytes of a file named by the config.
    pub fn read_file(&self, path: &str) -> Result<Vec<u8>, String> {
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

impl fmt::Debug for Reading<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("mistakes", &self.mistakes).finish_non_exhaustive()
    }
}
