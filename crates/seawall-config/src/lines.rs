//! From byte offsets, which the parser gives, to lines and columns, which people read.

use crate::mistake::Place;
use std::ops::Range;

/// Where each line of a source begins.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    source: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(source: &'a str) -> Self {
        let after_breaks = source.match_indices('\n').map(|(at, _)| at + 1);
        Self { source, starts: std::iter::once(0).chain(after_breaks).collect() }
    }

    /// The source itself.
    pub(crate) const fn source(&self) -> &'a str {
        self.source
    }

    /// The place where `span` begins; `None` for what did not come from a source.
    pub(crate) fn place(&self, span: Option<Range<usize>>) -> Option<Place> {
        let offset = span?.start.min(self.source.len());
        let line = self.starts.partition_point(|&start| start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied()?;
        let column = self.source.get(start..offset)?.chars().count() + 1;
        Some(Place { line, column })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_not_bytes() {
        let lines = Lines::new("a\nü = 1\n");
        assert_eq!(lines.place(Some(0..1)), Some(Place { line: 1, column: 1 }));
        assert_eq!(lines.place(Some(5..6)), Some(Place { line: 2, column: 3 }));
        assert_eq!(lines.place(Some(99..99)), Some(Place { line: 3, column: 1 }));
        assert_eq!(lines.place(None), None);
    }
}
