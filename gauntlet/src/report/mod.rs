//! Reports of a gauntlet: for a terminal, as JSON, as the Markdown page of the repository and as
//! one HTML page with plots.
//!
//! Everything here is a pure function of [`Results`]: equal results give equal bytes. Nothing is
//! computed that `measure` does not say, and nothing is left out because it does not please: where
//! a peer is ahead the summary says so.

mod failings;
mod html;
mod json;
mod markdown;
mod matrix;
mod names;
mod results;
mod rows;
mod sentence;
mod subject;
mod targets;
mod text;
mod versus;

#[cfg(test)]
mod tests;

pub use failings::{Ending, ending, failings};
pub use html::html;
pub use json::{Unreadable, json, read};
pub use markdown::markdown;
pub use results::{Entrant, Host, Measured, NotRun, Results, Told};
pub use subject::Subject;
pub use targets::{Met, Target, targets};
pub use text::table;
