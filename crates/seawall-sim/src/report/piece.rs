//! Text in pieces that bear a style. Which escape codes a style becomes is not said here.

/// A piece of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// How it is meant to be seen.
    pub style: Style,
    /// What it says; line breaks included.
    pub text: String,
}

/// How a piece of text is meant to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Like all text.
    Plain,
    /// A heading.
    Strong,
    /// Of less weight.
    Dim,
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
}

/// Collects pieces.
#[derive(Debug, Default)]
pub(super) struct Pieces(pub(super) Vec<Piece>);

impl Pieces {
    pub(super) fn put(&mut self, style: Style, text: impl Into<String>) -> &mut Self {
        self.0.push(Piece { style, text: text.into() });
        self
    }

    pub(super) fn line(&mut self, style: Style, text: impl Into<String>) -> &mut Self {
        let mut text = text.into();
        text.push('\n');
        self.put(style, text)
    }

    /// A heading, with an empty line before it.
    pub(super) fn heading(&mut self, text: &str) -> &mut Self {
        self.put(Style::Plain, "\n").line(Style::Strong, text)
    }

    /// A table whose columns are as wide as their widest cell; the first is left-aligned, and the
    /// first row is its head.
    pub(super) fn table(&mut self, rows: &[Vec<String>]) -> &mut Self {
        let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (index, row) in rows.iter().enumerate() {
            let style = if index == 0 { Style::Dim } else { Style::Plain };
            self.line(style, aligned(row, &widths));
        }
        self
    }
}

fn aligned(row: &[String], widths: &[usize]) -> String {
    let mut line = String::from(" ");
    for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
        let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
        let (before, after) = if column == 0 { ("", &*padding) } else { (&*padding, "") };
        line = format!("{line} {before}{cell}{after} ");
    }
    line.trim_end().to_owned()
}

/// The text alone.
pub(super) fn plain(pieces: &[Piece]) -> String {
    pieces.iter().map(|piece| piece.text.as_str()).collect()
}
