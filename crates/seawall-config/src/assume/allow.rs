//! The section `[lint]`: rules that a file switches off, each with its reason.

use super::Known;
use crate::lint::{Allowed, Rule};
use crate::reader::{Element, TableReader, or};

const EXAMPLE: &str = "[{ rule = \"L5\", why = \"the batch job at the top needs it\" }]";

pub(crate) fn read(table: &mut TableReader<'_>, known: Known<'_>) -> Vec<Allowed> {
    let list = table.list("allow", EXAMPLE, |element| read_one(element, known));
    or(list, Vec::new())
}

fn read_one(element: &Element<'_>, known: Known<'_>) -> Option<Allowed> {
    let read = element.table(|t| read_table(t, known));
    if read.is_none() {
        element.wrong("an allowed rule is no table", format!("write allow = {EXAMPLE}"));
    }
    read.flatten()
}

fn read_table(table: &mut TableReader<'_>, known: Known<'_>) -> Option<Allowed> {
    let rule = table.text("rule", "\"L5\"");
    let why = table.text("why", "\"the batch job at the top needs it\"");
    let at = read_subject(table, known);
    for key in ["rule", "why"] {
        if !table.has(key) {
            let what = format!("{} has no {key}", table.path());
            table.wrong(table.place(), what, format!("write allow = {EXAMPLE}"));
        }
    }
    if let Some(why) = why.filter(|why| why.value.trim().is_empty()) {
        let what = format!("{} is empty", table.path_of("why"));
        table.wrong(why.place, what, "say why: who reads it next has to judge it");
    }
    let (rule, why) = (rule?, why?.value.to_owned());
    match rule.value.parse::<Rule>() {
        Ok(rule) => Some(Allowed { rule, at, why }),
        Err(none) => {
            let what = format!("{}: \"{}\" names no rule", table.path_of("rule"), rule.value);
            table.wrong(rule.place, what, none.to_string());
            None
        }
    }
}

/// A route or an upstream that the exception is for.
fn read_subject(table: &mut TableReader<'_>, known: Known<'_>) -> Option<String> {
    let given = table.text("at", "\"payments\"")?;
    if known.upstreams.iter().any(|upstream| upstream.name == given.value) {
        return Some(given.value.to_owned());
    }
    known.route(given, table.reading())
}
