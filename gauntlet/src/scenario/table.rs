//! One table of a scenario file: typed values out, mistakes noted with their place, and keys that
//! nobody asked for found at the end.

use std::cell::RefCell;
use std::ops::Range;
use std::time::Duration;

use toml_edit::{Item, TableLike};

use super::mistake::Mistake;
use super::units;

/// The mistakes of one file.
pub(super) struct Notes<'a> {
    file: &'a str,
    source: &'a str,
    list: RefCell<Vec<Mistake>>,
}

impl<'a> Notes<'a> {
    pub(super) const fn new(file: &'a str, source: &'a str) -> Self {
        Self { file, source, list: RefCell::new(Vec::new()) }
    }

    /// Notes one, where `span` begins.
    pub(super) fn wrong(&self, span: Range<usize>, what: impl Into<String>, mend: &str) {
        let before = self.source.get(..span.start).unwrap_or(self.source);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(line_start..).map_or(0, |part| part.chars().count()) + 1;
        let (file, line) = (self.file.to_owned(), before.matches('\n').count() + 1);
        let (what, mend) = (what.into(), mend.to_owned());
        self.list.borrow_mut().push(Mistake { file, line, column, what, mend });
    }

    /// The mistakes in the order of their places.
    pub(super) fn into_list(self) -> Vec<Mistake> {
        let mut list = self.list.into_inner();
        list.sort_by_key(|mistake| (mistake.line, mistake.column));
        list
    }
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Given<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

/// What a failed reading says: what is wrong, and the mend.
type Wrong = (String, &'static str);

/// A table that is being read.
pub(super) struct Reader<'a> {
    pub(super) notes: &'a Notes<'a>,
    /// Where it begins.
    pub(super) span: Range<usize>,
    table: &'a dyn TableLike,
    name: String,
    asked: Vec<&'static str>,
}

impl<'a> Reader<'a> {
    /// The whole file.
    pub(super) fn root(notes: &'a Notes<'a>, table: &'a dyn TableLike) -> Self {
        Self { notes, span: 0..0, table, name: String::new(), asked: Vec::new() }
    }

    /// Notes a mistake about the table as a whole.
    pub(super) fn wrong(&self, what: impl Into<String>, mend: &str) {
        self.notes.wrong(self.span.clone(), what, mend);
    }

    /// A duration.
    pub(super) fn duration(&mut self, key: &'static str) -> Option<Given<Duration>> {
        let mend = "write a number with its unit, such as \"7s\" or \"250ms\"";
        self.read(key, |item| {
            let text = item.as_str().ok_or_else(|| ("is no text with a unit".to_owned(), mend))?;
            units::duration(text).map_err(|why| (format!("is no duration: {why}"), mend))
        })
    }

    /// A share above 0.
    pub(super) fn share(&mut self, key: &'static str) -> Option<Given<f64>> {
        let mend = "write a share with its sign, such as \"50%\"";
        self.read(key, |item| {
            let text =
                item.as_str().ok_or_else(|| ("is no text with a % sign".to_owned(), mend))?;
            let share = units::share(text).map_err(|why| (format!("is no share: {why}"), mend))?;
            if share > 0.0 { Ok(share) } else { Err(("is nothing".to_owned(), mend)) }
        })
    }

    /// A number above 0.
    pub(super) fn number(&mut self, key: &'static str) -> Option<Given<f64>> {
        let mend = "write a plain number above 0, such as 300 or 1.5";
        self.read(key, |item| {
            let whole = item.as_integer().and_then(|whole| i32::try_from(whole).ok());
            let number = whole.map(f64::from).or_else(|| item.as_float());
            let number = number.filter(|n| n.is_finite() && *n > 0.0);
            number.ok_or_else(|| ("is no number above 0".to_owned(), mend))
        })
    }

    /// A whole number within a range.
    pub(super) fn whole(
        &mut self,
        key: &'static str,
        (least, most): (u32, u32),
    ) -> Option<Given<u32>> {
        let mend = "write a whole number in this range";
        self.read(key, |item| {
            let whole = item.as_integer().and_then(|whole| u32::try_from(whole).ok());
            let fitting = whole.filter(|whole| (least..=most).contains(whole));
            fitting.ok_or_else(|| (format!("is no whole number from {least} to {most}"), mend))
        })
    }

    /// A whole number that fits a byte.
    pub(super) fn small(&mut self, key: &'static str, most: u8) -> Option<Given<u8>> {
        let Given { value, span } = self.whole(key, (1, u32::from(most)))?;
        Some(Given { value: u8::try_from(value).unwrap_or(most), span })
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&'static str, T)],
    ) -> Option<Given<T>> {
        let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        self.read(key, |item| {
            let found = words.iter().find(|(name, _)| Some(*name) == item.as_str());
            let what = || format!("is none of {}", names.join(", "));
            found.map(|(_, value)| *value).ok_or_else(|| (what(), "write one of these words"))
        })
    }

    /// Text that is not empty.
    pub(super) fn text(&mut self, key: &'static str) -> Option<Given<String>> {
        let mend = "write a text in quotes";
        self.read(key, |item| {
            let text = item.as_str().map(str::trim).filter(|text| !text.is_empty());
            text.map(str::to_owned).ok_or_else(|| ("is no text".to_owned(), mend))
        })
    }

    /// Text that must be there.
    pub(super) fn needed_text(&mut self, key: &'static str) -> String {
        if !self.has(key) {
            self.wrong(format!("{key} is missing"), "add it with a text in quotes");
        }
        self.text(key).map(|given| given.value).unwrap_or_default()
    }

    /// A value of a kind that only this caller knows.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&Item) -> Result<T, Wrong>,
    ) -> Option<Given<T>> {
        self.asked.push(key);
        let item = self.table.get(key)?;
        let span = item.span().unwrap_or_else(|| self.span.clone());
        match parse(item) {
            Ok(value) => Some(Given { value, span }),
            Err((what, mend)) => {
                self.notes.wrong(span, format!("{}{key} {what}", self.name), mend);
                None
            }
        }
    }

    /// Whether the key stands there, rightly or wrongly.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The table under a key.
    pub(super) fn table(&mut self, key: &'static str) -> Option<Reader<'a>> {
        self.asked.push(key);
        let item = self.table.get(key)?;
        let inner = item.as_table_like();
        if inner.is_none() {
            let span = item.span().unwrap_or_else(|| self.span.clone());
            self.notes.wrong(span, format!("{key} is no table"), "write it as a [section]");
        }
        Some(self.inner(key, inner?, item.span()))
    }

    /// The tables of `[[key]]`.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<Reader<'a>> {
        self.asked.push(key);
        let Some(item) = self.table.get(key) else { return Vec::new() };
        let Some(list) = item.as_array_of_tables() else {
            let span = item.span().unwrap_or_else(|| self.span.clone());
            self.notes.wrong(span, format!("{key} is no list of tables"), "write [[fault]]");
            return Vec::new();
        };
        list.iter().map(|table| self.inner(key, table, table.span())).collect()
    }

    fn inner(&self, key: &str, table: &'a dyn TableLike, span: Option<Range<usize>>) -> Self {
        let span = span.unwrap_or_else(|| self.span.clone());
        Reader { notes: self.notes, span, table, name: format!("{key}."), asked: Vec::new() }
    }

    /// Notes the keys that nobody asked for.
    pub(super) fn finish(self) {
        for (key, item) in self.table.iter() {
            if self.asked.contains(&key) {
                continue;
            }
            let span = self.table.key(key).and_then(toml_edit::Key::span);
            let span = span.or_else(|| item.span()).unwrap_or_else(|| self.span.clone());
            let known = format!("known here: {}", self.asked.join(", "));
            self.notes.wrong(span, format!("{}{key} is not known", self.name), &known);
        }
    }
}
