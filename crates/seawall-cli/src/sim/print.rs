//! The outcome of a scenario where it goes: a terminal, standard output, files.
//!
//! What a report says is in `seawall_sim::report`.

use std::io::Write;
use std::path::Path;

use anstream::print;
use anstyle::{AnsiColor, Style};

use seawall_sim::outcome::Outcome;
use seawall_sim::report::{Piece, Style as Meant, summary};

/// Prints the summary, in colours where there is a terminal that wants them.
pub(super) fn show(outcome: &Outcome) {
    for Piece { style, text } in summary(outcome) {
        let style = seen(style);
        print!("{style}{text}{style:#}");
    }
}

/// How a style is seen on a terminal.
const fn seen(meant: Meant) -> Style {
    match meant {
        Meant::Plain => Style::new(),
        Meant::Strong => Style::new().bold(),
        Meant::Dim => Style::new().dimmed(),
        Meant::Good => AnsiColor::Green.on_default(),
        Meant::Bad => AnsiColor::Red.on_default(),
    }
}

/// Writes a report to a file, or to standard output for `-`.
pub(super) fn write(path: &Path, text: &str) -> Result<(), String> {
    let wrote = if path == Path::new("-") {
        std::io::stdout().write_all(text.as_bytes())
    } else {
        std::fs::write(path, text)
    };
    wrote.map_err(|error| format!("cannot write {}: {error}", path.display()))
}
