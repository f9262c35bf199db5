//! Single values of a table: each method reads one key in one form, or notes what is wrong.

use super::forms::{self, Moment, Refusal};
use super::{Given, TableReader};
use crate::lint::Date;
use crate::nearest;
use seawall_core::ratio::Ratio;
use seawall_core::time::Duration;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use toml_edit::{Item, Key, Value};

/// What a key takes, for the message when it got something else.
#[derive(Clone, Copy)]
pub(crate) struct Expected<'e> {
    /// In words, with its article: `a duration`.
    pub(crate) what: &'e str,
    /// A valid value as it stands in a file: `"30s"` with its quotes.
    pub(crate) example: &'e str,
}

impl<'a> TableReader<'a> {
    /// A duration above zero.
    pub fn duration(&mut self, key: &'static str, example: &str) -> Option<Given<Duration>> {
        let expected = Expected { what: "a duration", example };
        self.value(key, &expected, |v| forms::above_zero(forms::duration(v)?))
    }

    /// A duration that may be zero.
    pub fn duration_or_zero(
        &mut self,
        key: &'static str,
        example: &str,
    ) -> Option<Given<Duration>> {
        self.value(key, &Expected { what: "a duration", example }, forms::duration)
    }

    /// A duration above zero, or `"off"`, which is `None`.
    pub fn duration_or_off(
        &mut self,
        key: &'static str,
        example: &str,
    ) -> Option<Given<Option<Duration>>> {
        let expected = Expected { what: "a duration or \"off\"", example };
        let read = |v: &Value| forms::above_zero(forms::duration(v)?);
        self.value(key, &expected, |v| forms::or_off(v, read))
    }

    /// A size of at least one byte.
    pub(crate) fn size(&mut self, key: &'static str, example: &str) -> Option<Given<u64>> {
        let expected = Expected { what: "a size", example };
        self.value(key, &expected, |v| forms::not_empty(forms::size(v)?))
    }

    /// A size of at least one byte, or `"off"`, which is `None`.
    pub(crate) fn size_or_off(
        &mut self,
        key: &'static str,
        example: &str,
    ) -> Option<Given<Option<u64>>> {
        let expected = Expected { what: "a size or \"off\"", example };
        self.value(key, &expected, |v| forms::or_off(v, |v| forms::not_empty(forms::size(v)?)))
    }

    /// A share above 0 % and up to 100 %.
    pub fn share(&mut self, key: &'static str, example: &str) -> Option<Given<Ratio>> {
        let expected = Expected { what: "a share", example };
        self.value(key, &expected, |v| forms::part(forms::share(v)?))
    }

    /// A share above 0 % and up to 100 %, or `"off"`, which is `None`.
    pub fn share_or_off(
        &mut self,
        key: &'static str,
        example: &str,
    ) -> Option<Given<Option<Ratio>>> {
        let expected = Expected { what: "a share or \"off\"", example };
        self.value(key, &expected, |v| forms::or_off(v, |v| forms::part(forms::share(v)?)))
    }

    /// A share that may be zero or above 100 %.
    pub fn any_share(&mut self, key: &'static str, example: &str) -> Option<Given<Ratio>> {
        self.value(key, &Expected { what: "a share", example }, forms::share)
    }

    /// A share that may be zero or above 100 %, or `"off"`, which is `None`.
    pub(crate) fn any_share_or_off(
        &mut self,
        key: &'static str,
        example: &str,
    ) -> Option<Given<Option<Ratio>>> {
        let expected = Expected { what: "a share or \"off\"", example };
        self.value(key, &expected, |v| forms::or_off(v, forms::share))
    }

    /// A quantile.
    pub fn quantile(&mut self, key: &'static str, example: &str) -> Option<Given<Ratio>> {
        self.value(key, &Expected { what: "a quantile", example }, forms::quantile)
    }

    /// A quantile, or a duration above zero.
    pub(crate) fn moment(&mut self, key: &'static str, example: &str) -> Option<Given<Moment>> {
        let expected = Expected { what: "a quantile or a duration", example };
        self.value(key, &expected, forms::moment)
    }

    /// A number that may be below 1.
    pub fn number(&mut self, key: &'static str, example: &str) -> Option<Given<Ratio>> {
        self.value(key, &Expected { what: "a number", example }, forms::number)
    }

    /// A decimal number within `range`, for what estimates and models take.
    pub fn decimal(
        &mut self,
        key: &'static str,
        range: RangeInclusive<f64>,
        example: &str,
    ) -> Option<Given<f64>> {
        let expected = Expected { what: "a number", example };
        self.value(key, &expected, |v| forms::decimal(v, &range))
    }

    /// A growth factor of at least 1.
    pub fn factor(&mut self, key: &'static str, example: &str) -> Option<Given<Ratio>> {
        let expected = Expected { what: "a factor of at least 1", example };
        self.value(key, &expected, forms::factor)
    }

    /// A rate for each second.
    pub fn rate(&mut self, key: &'static str, example: &str) -> Option<Given<u32>> {
        self.value(key, &Expected { what: "a rate", example }, forms::rate)
    }

    /// A count and the period that it is for.
    pub fn quota(&mut self, key: &'static str, example: &str) -> Option<Given<(u32, Duration)>> {
        self.value(key, &Expected { what: "a rate", example }, forms::quota)
    }

    /// Calls a second, as a plain number or with its period.
    pub(crate) fn per_second(&mut self, key: &'static str) -> Option<Given<f64>> {
        let expected = Expected { what: "a rate", example: "\"200/s\"" };
        self.value(key, &expected, forms::per_second)
    }

    /// A day.
    pub(crate) fn date(&mut self, key: &'static str) -> Option<Given<Date>> {
        let expected = Expected { what: "a date", example: "2026-01-31" };
        self.value(key, &expected, forms::date)
    }

    /// A whole number within `range`.
    pub fn count(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u32>,
        example: &str,
    ) -> Option<Given<u32>> {
        let expected = Expected { what: "a whole number", example };
        self.value(key, &expected, |v| forms::count(v, &range))
    }

    /// A whole number within `range`, or `"off"`, which is `None`.
    pub fn count_or_off(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u32>,
        example: &str,
    ) -> Option<Given<Option<u32>>> {
        let expected = Expected { what: "a whole number or \"off\"", example };
        self.value(key, &expected, |v| forms::or_off(v, |v| forms::count(v, &range)))
    }

    /// A whole number within `range`, or the word "all", which is `None`.
    pub fn count_or_all(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u32>,
        example: &str,
    ) -> Option<Given<Option<u32>>> {
        let expected = Expected { what: "a whole number or \"all\"", example };
        self.value(key, &expected, |v| match v.as_str() {
            Some("all") => Ok(None),
            _ => forms::count(v, &range).map(Some),
        })
    }

    /// An IP address with a port.
    pub(crate) fn address(
        &mut self,
        key: &'static str,
        example: &str,
    ) -> Option<Given<SocketAddr>> {
        let expected = Expected { what: "an address with a port", example };
        self.value(key, &expected, forms::address)
    }

    /// An IP address with a port, or `"off"`, which is `None`.
    pub(crate) fn address_or_off(
        &mut self,
        key: &'static str,
        example: &str,
    ) -> Option<Given<Option<SocketAddr>>> {
        let expected = Expected { what: "an address with a port or \"off\"", example };
        self.value(key, &expected, |v| forms::or_off(v, forms::address))
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &'static str, example: &str) -> Option<Given<bool>> {
        let expected = Expected { what: "true or false", example };
        self.value(key, &expected, |v| v.as_bool().ok_or(Refusal::Type))
    }

    /// Text, judged by the caller.
    pub fn text(&mut self, key: &'static str, example: &str) -> Option<Given<&'a str>> {
        let (found, item) = self.item(key)?;
        let Some(value) = item.as_str() else {
            self.not_a(found, item, &Expected { what: "text", example });
            return None;
        };
        Some(Given { value, place: self.reading.place(item.span()) })
    }

    /// Whether the file gives exactly `word` at `key`, which is known from now on.
    pub fn text_is(&mut self, key: &'static str, word: &str) -> bool {
        self.item(key).and_then(|(_, item)| item.as_str()) == Some(word)
    }

    /// One word of a fixed list.
    pub fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&'static str, T)],
    ) -> Option<Given<T>> {
        let example = words.first().map_or(String::new(), |(word, _)| format!("\"{word}\""));
        let given = self.text(key, &example)?;
        let chosen = words.iter().find(|(word, _)| *word == given.value);
        if let Some((_, value)) = chosen {
            return Some(Given { value: *value, place: given.place });
        }
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let scope = if self.path.is_empty() { "" } else { " in " };
        let what = format!("unknown {key} \"{}\"{scope}{}", given.value, self.path);
        self.wrong(given.place, what, nearest::remedy(given.value, &names, "known words"));
        None
    }

    /// The value at `key` as `read` sees it; a mistake is noted where it refuses.
    pub(crate) fn value<T>(
        &mut self,
        key: &'static str,
        expected: &Expected<'_>,
        read: impl FnOnce(&Value) -> Result<T, Refusal>,
    ) -> Option<Given<T>> {
        let (found, item) = self.item(key)?;
        match item.as_value().map_or(Err(Refusal::Type), read) {
            Ok(value) => Some(Given { value, place: self.reading.place(item.span()) }),
            Err(Refusal::Type) => {
                self.not_a(found, item, expected);
                None
            }
            Err(Refusal::Text(why)) => {
                let place = self.reading.place(item.span());
                self.wrong(place, format!("{}: {why}", self.path_of(key)), expected.remedy(key));
                None
            }
        }
    }

    /// Notes that a key got another type of value than it takes.
    pub(super) fn not_a(&self, key: &Key, item: &Item, expected: &Expected<'_>) {
        let (name, kind) = (key.get(), kind_of_item(item));
        let place = self.reading.place(item.span()).or_else(|| self.start(key));
        let what = format!("{} must be {}, not {kind}", self.path_of(name), expected.what);
        self.wrong(place, what, expected.remedy(name));
    }

    /// Notes that a key which holds a table got something else.
    pub(super) fn not_a_table(&self, key: &Key, item: &Item, what: &str) {
        let (path, kind) = (self.path_of(key.get()), kind_of_item(item));
        let place = self.reading.place(item.span()).or_else(|| self.start(key));
        let remedy = format!("write {} = {{ … }} or [{path}]", key.get());
        self.wrong(place, format!("{path} must be {what}, not {kind}"), remedy);
    }
}

impl Expected<'_> {
    /// A valid line, as the mend: `write drain = "30s"`.
    fn remedy(&self, key: &str) -> String {
        let off = if self.what.ends_with("\"off\"") { ", or \"off\" for none" } else { "" };
        format!("write {key} = {}{off}", self.example)
    }
}

/// What an item is, in words.
pub(super) fn kind_of_item(item: &Item) -> &'static str {
    match item {
        Item::None => "nothing",
        Item::Value(Value::String(_)) => "text",
        Item::Value(Value::Integer(_)) => "a bare number",
        Item::Value(Value::Float(_)) => "a decimal number",
        Item::Value(Value::Boolean(_)) => "true or false",
        Item::Value(Value::Datetime(_)) => "a date",
        Item::Value(Value::Array(_)) => "a list",
        Item::Value(Value::InlineTable(_)) | Item::Table(_) => "a table",
        Item::ArrayOfTables(_) => "a list of tables",
    }
}
