//! The syntax of a key.
//!
//! A quoted string as in the draft, or a bare token as callers of Stripe send it. Both ways of
//! writing name the same key.

use alloc::string::String;

use crate::reason::Reason;

/// The most characters of a key, as at Stripe.
pub const KEY_MAX: usize = 255;

/// An idempotency key: 1 to [`KEY_MAX`] visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

/// What is wrong with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFault {
    /// There is more than one line.
    Several,
    /// It has no character.
    Empty,
    /// It has more than [`KEY_MAX`] characters.
    TooLong,
    /// A character that may not be there, or a quotation that does not end where the line does.
    Malformed,
}

impl KeyFault {
    /// The reason code of the refusal: the same for all, since the remedy is.
    #[must_use]
    pub const fn reason(self) -> Reason {
        Reason::IdempotencyKeyInvalid
    }
}

impl Key {
    /// The key of a request from the lines of its field; `None` if there is no line.
    ///
    /// # Errors
    ///
    /// More than one line, or one that [`Key::parse`] refuses.
    pub fn from_lines<'a>(
        lines: impl IntoIterator<Item = &'a str>,
    ) -> Result<Option<Self>, KeyFault> {
        let mut lines = lines.into_iter();
        match (lines.next(), lines.next()) {
            (None, _) => Ok(None),
            (Some(line), None) => Self::parse(line).map(Some),
            (Some(_), Some(_)) => Err(KeyFault::Several),
        }
    }

    /// Reads one line: a quoted string (RFC 9651 section 3.3.3) of visible characters, or a bare
    /// token. Parameters after the string are refused: the draft defines none.
    ///
    /// # Errors
    ///
    /// See [`KeyFault`].
    pub fn parse(line: &str) -> Result<Self, KeyFault> {
        let line = line.trim_matches([' ', '\t']);
        // Every character may be escaped, and there are two quotation marks.
        if line.len() > 2 * KEY_MAX + 2 {
            return Err(KeyFault::TooLong);
        }
        let text = match line.strip_prefix('"') {
            Some(rest) => unquote(rest)?,
            None if line.bytes().all(is_bare) => String::from(line),
            None => return Err(KeyFault::Malformed),
        };
        match text.len() {
            0 => Err(KeyFault::Empty),
            1..=KEY_MAX => Ok(Self(text)),
            _ => Err(KeyFault::TooLong),
        }
    }

    /// Its characters, without quotation.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What stands between the quotation marks, of which the first has been read.
fn unquote(rest: &str) -> Result<String, KeyFault> {
    let (mut text, mut chars) = (String::new(), rest.chars());
    while let Some(char) = chars.next() {
        match char {
            '"' if chars.as_str().is_empty() => return Ok(text),
            '\\' => match chars.next() {
                Some(escaped @ ('"' | '\\')) => text.push(escaped),
                _ => return Err(KeyFault::Malformed),
            },
            '"' => return Err(KeyFault::Malformed),
            char if char.is_ascii_graphic() => text.push(char),
            _ => return Err(KeyFault::Malformed),
        }
    }
    Err(KeyFault::Malformed)
}

/// The characters of a token (RFC 9651 section 3.3.4), wherever they stand, and `=` of base64.
const fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-'..=b'/')
        || matches!(byte, b':' | b'=' | b'^'..=b'`' | b'|' | b'~')
}
