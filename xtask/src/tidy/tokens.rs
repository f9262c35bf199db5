//! The tokens of a source file as one flat list, so that checks see through macros but not into
//! strings and comments. Syntax trees are in `rust_file`.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// One token, with groups flattened to their brackets.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) text: String,
    /// Counted from 1.
    pub(super) line: usize,
}

/// Flattens a stream.
pub(super) fn flatten(stream: TokenStream) -> Vec<Token> {
    let mut flat = Vec::new();
    push_all(stream, &mut flat);
    flat
}

fn push_all(stream: TokenStream, flat: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = brackets(group.delimiter());
                flat.push(Token { text: open.to_owned(), line });
                push_all(group.stream(), flat);
                let line = group.span_close().start().line;
                flat.push(Token { text: close.to_owned(), line });
            }
            other => flat.push(Token { text: other.to_string(), line }),
        }
    }
}

fn brackets(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    }
}

/// The positions at which `wanted` stands, token for token.
pub(super) fn positions<'a>(
    tokens: &'a [Token],
    wanted: &'a [&'a str],
) -> impl Iterator<Item = usize> + 'a {
    let windows = tokens.windows(wanted.len()).enumerate();
    windows.filter(|(_, window)| matches(window, wanted)).map(|(index, _)| index)
}

fn matches(window: &[Token], wanted: &[&str]) -> bool {
    window.iter().zip(wanted).all(|(token, text)| token.text == *text)
}

/// The tokens from the opening bracket at `open` to the bracket that closes it.
pub(super) fn group_at(tokens: &[Token], open: usize) -> &[Token] {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return &tokens[open..=index];
        }
    }
    &tokens[open..]
}
