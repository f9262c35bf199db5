//! What the reading of one file shares: lines, mistakes, and where each key was given.

use super::TableReader;
use crate::lines::Lines;
use crate::mistake::{Mistake, Mistakes, Place};
use std::cell::RefCell;
use std::collections::BTreeMap;
use toml_edit::TableLike;

/// Reads the file of a rung, by the path that the config gives; the text says why it cannot.
pub(crate) type ReadFile<'a> = dyn Fn(&str) -> Result<Vec<u8>, String> + 'a;

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

    /// Notes where the key at `path` is given.
    pub(super) fn note_origin(&self, path: String, place: Option<Place>) {
        self.origins.borrow_mut().insert(path, place);
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
