//! Reports: an [`Outcome`] as text for a terminal, as JSON for programs, and as one HTML file with
//! plots that needs nothing else.
//!
//! Everything here is a pure function of outcomes: equal outcomes give equal bytes. Nothing is
//! judged or computed that `verdict` does not say; colours of a terminal are up to whoever prints.

mod bands;
mod comparison;
mod html;
mod json;
mod piece;
mod sentence;
mod shown;
mod text;
mod tree;
pub(crate) mod words;

#[cfg(test)]
mod tests;

pub use comparison::{Comparison, compare};
pub use piece::{Piece, Style};

use crate::outcome::Outcome;

/// The version that reports name.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The summary for a terminal, without colours; ends with a line break.
#[must_use]
pub fn text(outcome: &Outcome) -> String {
    piece::plain(&summary(outcome))
}

/// The same summary in pieces, each with the style it is meant to be seen in.
#[must_use]
pub fn summary(outcome: &Outcome) -> Vec<Piece> {
    text::summary(outcome)
}

/// Everything as one JSON object: verdicts of all runs, and all series of those whose record was
/// kept. Its keys have a fixed order, and seeds are strings, since many readers keep 53 bits only.
#[must_use]
pub fn json(outcome: &Outcome) -> String {
    json::document(outcome).written()
}

/// One self-contained page with plots, light or dark as its reader prefers, fit to print.
#[must_use]
pub fn html(outcome: &Outcome) -> String {
    html::whole(outcome, None)
}

/// The same page, with the latencies of a control drawn beside: the same scenario without what
/// befalls it, or under another config.
#[must_use]
pub fn html_against(outcome: &Outcome, control: &Outcome) -> String {
    html::whole(outcome, Some(control))
}
