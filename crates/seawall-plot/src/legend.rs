//! Legends: what the lines and shades of the pictures under them mean.

use crate::svg::escaped;

/// How a series is drawn, and so how its key looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A line.
    Line,
    /// A surface.
    Fill,
    /// Dots.
    Dot,
}

/// A list of classes with what they stand for; markup.
#[must_use]
pub fn legend(entries: &[(Key, &str, &str)]) -> String {
    let items: String = entries.iter().map(|entry| item(*entry)).collect();
    if items.is_empty() { items } else { format!("<ul class=\"legend\">{items}</ul>\n") }
}

fn item((key, class, text): (Key, &str, &str)) -> String {
    let shape = match key {
        Key::Line => format!("<line class=\"{class}\" x1=\"0\" y1=\"6\" x2=\"26\" y2=\"6\"/>"),
        Key::Fill => {
            format!("<rect class=\"{class}\" x=\"0\" y=\"0\" width=\"26\" height=\"12\"/>")
        }
        Key::Dot => format!("<circle class=\"{class}\" cx=\"13\" cy=\"6\" r=\"4\"/>"),
    };
    let text = escaped(text);
    format!(
        "<li><svg class=\"key\" viewBox=\"0 0 26 12\" aria-hidden=\"true\">{shape}</svg>{text}</li>"
    )
}
