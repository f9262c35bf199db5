//! Everything as JSON: the results whole, so that they can be read back, and what reports say of
//! them. Keys keep the order of the types.

use serde::{Deserialize, Serialize};

use super::results::Results;
use super::targets::{Target, targets};
use super::{failings, sentence, versus};

/// Raised with every change that readers have to know of.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    summaries: Vec<Summary<'a>>,
    failings: Vec<String>,
    targets: Vec<Target>,
    beside_best_peer: Vec<versus::Row>,
    results: &'a Results,
}

#[derive(Serialize)]
struct Summary<'a> {
    scenario: &'a str,
    summary: String,
}

/// The part that is read back.
#[derive(Deserialize)]
struct Kept {
    format: u32,
    results: Results,
}

/// Why a file holds no results.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// It is no JSON, or not of this kind.
    #[error("no results of a gauntlet: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It was written by a version with another format.
    #[error("format {0}, and this version reads {FORMAT}: make the results anew")]
    Format(u32),
}

/// One JSON object and a line break. Equal results give equal bytes.
#[must_use]
pub fn json(results: &Results) -> String {
    let summaries = results.scenarios.iter().map(|scenario| Summary {
        scenario: &scenario.id,
        summary: sentence::summary(results, scenario),
    });
    let document = Document {
        format: FORMAT,
        summaries: summaries.collect(),
        failings: failings(results),
        targets: targets(results),
        beside_best_peer: versus::rows(results),
        results,
    };
    let mut text = serde_json::to_string(&document).unwrap_or_default();
    text.push('\n');
    text
}

/// Reads back what [`json`] wrote.
///
/// # Errors
/// The text is not of this kind or of another format.
pub fn read(text: &str) -> Result<Results, Unreadable> {
    let kept: Kept = serde_json::from_str(text)?;
    if kept.format == FORMAT { Ok(kept.results) } else { Err(Unreadable::Format(kept.format)) }
}
