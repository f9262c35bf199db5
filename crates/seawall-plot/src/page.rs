//! The frame of a page: head, sections, figures.

use crate::svg::escaped;

/// The style sheet of all pages.
pub const STYLE: &str = include_str!("page.css");

/// A section with its heading; `body` is markup. Nothing, where there is nothing in it.
#[must_use]
pub fn section(heading: &str, body: &str) -> String {
    if body.is_empty() {
        return String::new();
    }
    format!("<section>\n<h2>{}</h2>\n{body}</section>\n", escaped(heading))
}

/// A picture with the sentence that says how to read it. Title and caption are text, the picture is
/// markup.
#[must_use]
pub fn figure(title: &str, picture: &str, caption: &str) -> String {
    let (title, caption) = (escaped(title), escaped(caption));
    format!("<figure>\n<h3>{title}</h3>\n{picture}<figcaption>{caption}</figcaption>\n</figure>\n")
}

/// What stands above a page.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// The title, as text.
    pub title: &'a str,
    /// What made the page, as text.
    pub origin: &'a str,
    /// Style beyond [`STYLE`].
    pub style: &'a str,
}

/// A whole page; `body` is markup.
#[must_use]
pub fn document(head: Head<'_>, body: &str) -> String {
    let (title, origin) = (escaped(head.title), escaped(head.origin));
    let style = head.style;
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <title>{title}</title>\n<style>\n{STYLE}{style}</style>\n</head>\n<body>\n<main>\n\
         <h1>{title}</h1>\n<p class=\"origin\">{origin}</p>\n{body}</main>\n</body>\n</html>\n"
    )
}
