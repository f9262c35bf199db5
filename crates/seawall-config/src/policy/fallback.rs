//! The list `fallback`: static answers that stand in when no attempt succeeds.

use crate::reader::{Given, TableReader, or};
use std::fmt;
use std::sync::Arc;

/// One step of the fallback ladder: a fixed answer.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rung {
    /// The status of the answer, 200 to 599. Default 200.
    pub status: u16,
    /// Its `Content-Type`. Default by the name of the file; plain text for a `body`.
    pub content_type: String,
    /// Its body, at most 1 MiB, read when the config was.
    pub body: Arc<[u8]>,
    /// The file that the body came from, as the config names it.
    pub file: Option<String>,
}

impl fmt::Debug for Rung {
    /// Without the body, which may be a megabyte.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rung")
            .field("status", &self.status)
            .field("content_type", &self.content_type)
            .field("bytes", &self.body.len())
            .field("file", &self.file)
            .finish()
    }
}

const EXAMPLE: &str = "[{ status = 200, content_type = \"application/json\", body = \"[]\" }]";

/// Statuses whose answers never carry a body (RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5).
const BODILESS: [u32; 3] = [204, 205, 304];

/// Endings of file names whose type needs no word.
const TYPES: [(&str, &str); 4] = [
    (".json", "application/json"),
    (".html", "text/html; charset=utf-8"),
    (".txt", "text/plain; charset=utf-8"),
    (".xml", "application/xml"),
];

pub(super) fn read(table: &mut TableReader<'_>) -> Option<Vec<Rung>> {
    if table.text_is("fallback", "off") {
        return Some(Vec::new());
    }
    let mut seen = 0_usize;
    let given = table.list("fallback", EXAMPLE, |element| {
        seen += 1;
        if seen == 2 {
            let what = "a second rung is never reached, since a static answer cannot fail";
            element.wrong(what, "keep one rung");
        }
        let rung = element.table(read_rung);
        if rung.is_none() {
            element.wrong("a rung is no table", format!("write fallback = {EXAMPLE}"));
        }
        rung.flatten()
    });
    given.map(|given| given.value)
}

fn read_rung(table: &mut TableReader<'_>) -> Option<Rung> {
    let status = or(table.count("status", 200..=599, "200"), 200);
    let content_type = read_content_type(table);
    let body = table.text("body", "\"[]\"").map(|given| given.value.to_owned());
    let file = table.text("file", "\"bestsellers.json\"");
    if let (Some(_), Some(file)) = (&body, file) {
        table.wrong(file.place, "a rung has both body and file", "keep one of them");
    }
    let contents = match file {
        Some(file) => read_contents(table, file)?,
        None => body.unwrap_or_default().into_bytes(),
    };
    if !contents.is_empty() && BODILESS.contains(&status) {
        let what = format!("an answer with status {status} has no body");
        table.wrong(table.place(), what, "remove the body, or write status = 200");
    }
    let file = file.map(|given| given.value.to_owned());
    Some(Rung {
        status: u16::try_from(status).ok()?,
        content_type: content_type.unwrap_or_else(|| type_of(file.as_deref()).to_owned()),
        body: contents.into(),
        file,
    })
}

fn read_contents(table: &TableReader<'_>, file: Given<&str>) -> Option<Vec<u8>> {
    let contents = table.reading().read_file(file.value);
    let wrong = |why| {
        let what = format!("cannot read the rung \"{}\": {why}", file.value);
        table.wrong(file.place, what, "name a readable file, relative to the config file");
    };
    contents.map_err(wrong).ok()
}

fn read_content_type(table: &mut TableReader<'_>) -> Option<String> {
    let given = table.text("content_type", "\"application/json\"")?;
    let visible = given.value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if given.value.is_empty() || !visible {
        let what = format!("{} cannot stand in a header", table.path_of("content_type"));
        table.wrong(given.place, what, "write content_type = \"application/json\"");
    }
    Some(given.value.to_owned())
}

fn type_of(file: Option<&str>) -> &'static str {
    let Some(file) = file else { return "text/plain; charset=utf-8" };
    let known = TYPES.iter().find(|(ending, _)| file.ends_with(ending));
    known.map_or("application/octet-stream", |(_, kind)| kind)
}
