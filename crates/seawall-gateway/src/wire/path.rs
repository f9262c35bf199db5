//! Request paths: resolved once, so that what is matched is what is sent.

use std::borrow::Cow;

use seawall_core::reason::Reason;

/// Resolves dot segments and decodes needlessly encoded unreserved characters (RFC 3986 sections
/// 5.2.4 and 6.2.2). `%2F` and `%5C` stay as they are, the query is not touched.
///
/// # Errors
/// [`Reason::MalformedRequest`] for an invalid percent triplet, `%00`, a raw byte outside
/// printable ASCII, or a path that does not begin with `/`.
pub(crate) fn normalise(path: &str) -> Result<Cow<'_, str>, Reason> {
    if !path.starts_with('/') || path.bytes().any(|byte| !(0x21..=0x7e).contains(&byte)) {
        return Err(Reason::MalformedRequest);
    }
    let decoded = decode_unreserved(path)?;
    if !decoded.contains("/.") {
        return Ok(decoded);
    }
    Ok(Cow::Owned(resolve_dots(&decoded)))
}

fn decode_unreserved(path: &str) -> Result<Cow<'_, str>, Reason> {
    let Some(first) = path.find('%') else { return Ok(Cow::Borrowed(path)) };
    let (mut text, mut rest) = (String::with_capacity(path.len()), path);
    let mut next = Some(first);
    while let Some(at) = next {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        let triplet = from.get(..3).ok_or(Reason::MalformedRequest)?;
        let byte = decode_triplet(triplet).ok_or(Reason::MalformedRequest)?;
        match byte {
            0 => return Err(Reason::MalformedRequest),
            byte if is_unreserved(byte) => text.push(char::from(byte)),
            _ => text.push_str(&triplet.to_ascii_uppercase()),
        }
        rest = from.get(3..).unwrap_or_default();
        next = rest.find('%');
    }
    text.push_str(rest);
    Ok(Cow::Owned(text))
}

fn decode_triplet(triplet: &str) -> Option<u8> {
    let digits = triplet.get(1..)?;
    let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Never climbs above the root.
fn resolve_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let last = path.rsplit('/').next().unwrap_or_default();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            _ => kept.push(segment),
        }
    }
    let mut text = format!("/{}", kept.join("/"));
    if matches!(last, "." | "..") && !text.ends_with('/') {
        text.push('/');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dots_are_resolved_and_never_leave_the_root() {
        for (given, expected) in [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("/a/./b", "/a/b"),
            ("/a/../b", "/b"),
            ("/a/b/..", "/a/"),
            ("/a/b/.", "/a/b/"),
            ("/../../etc", "/etc"),
            ("/a/%2e%2e/b", "/b"),
            ("/a//b/", "/a//b/"),
            ("/.well-known/x", "/.well-known/x"),
            ("/..", "/"),
        ] {
            assert_eq!(normalise(given).as_deref(), Ok(expected), "{given}");
        }
    }

    #[test]
    fn only_unreserved_characters_are_decoded() {
        assert_eq!(normalise("/%61%2f%5c%20").as_deref(), Ok("/a%2F%5C%20"));
    }

    #[test]
    fn broken_paths_are_refused() {
        for given in ["", "a", "*", "/%", "/%2", "/%zz", "/%00", "/\u{7f}", "/a b", "/é", "/%+1"] {
            assert_eq!(normalise(given), Err(Reason::MalformedRequest), "{given}");
        }
    }

    proptest! {
        #[test]
        fn a_second_pass_changes_nothing(path in "/[a-zA-Z0-9./%~-]{0,40}") {
            if let Ok(once) = normalise(&path) {
                prop_assert_eq!(normalise(&once), Ok(Cow::Borrowed(once.as_ref())));
                prop_assert!(!once.split('/').any(|segment| segment == ".."));
            }
        }
    }
}
