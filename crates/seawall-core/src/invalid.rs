//! What a setting that cannot work is answered with.
//!
//! Every settings type has a `validate` that returns the first contradiction it finds as an
//! [`Invalid`]; machines may rely on settings that passed. Where the value stood in a file is
//! known to the crate that read the file.

use alloc::format;
use alloc::string::{String, ToString};
use core::error::Error;
use core::fmt;

/// A setting that cannot work: which, what it was, and what is permitted.
///
/// The user must mend it; trying again cannot help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    section: Option<&'static str>,
    field: &'static str,
    value: String,
    permitted: &'static str,
}

impl Invalid {
    /// `field` is the name of the setting as users write it (`max_probes`, nested ones with dots),
    /// `value` what was given, and `permitted` the range that would do, in words
    /// (`"1 to 65536"`, `"at least base"`).
    #[must_use]
    pub fn new(field: &'static str, value: impl fmt::Display, permitted: &'static str) -> Self {
        Self { section: None, field, value: value.to_string(), permitted }
    }

    /// The same for a setting that stands within `section` (`breaker`, `retry.backoff`), which
    /// whoever put the settings together knows.
    #[must_use]
    pub fn within(self, section: &'static str) -> Self {
        Self { section: Some(section), ..self }
    }

    /// The setting with the section that it stands in: `breaker.max_probes`.
    #[must_use]
    pub fn path(&self) -> String {
        let Some(section) = self.section else { return self.field.to_string() };
        match self.field.strip_prefix(section) {
            // Some settings say where they belong by themselves.
            Some(rest) if rest.is_empty() || rest.starts_with('.') => self.field.to_string(),
            Some(_) | None => format!("{section}.{}", self.field),
        }
    }

    /// The setting, as its own section knows it.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }

    /// What it was.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// What would do.
    #[must_use]
    pub const fn permitted(&self) -> &'static str {
        self.permitted
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, Self { value, permitted, .. }) = (self.path(), self);
        write!(f, "`{path}` is {value}, but must be {permitted}")
    }
}

impl Error for Invalid {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_the_field_the_value_and_what_is_permitted() {
        let invalid = Invalid::new("max_probes", 0, "at least 1");
        assert_eq!(invalid.to_string(), "`max_probes` is 0, but must be at least 1");
    }

    #[test]
    fn a_section_stands_before_its_settings_once() {
        let within = |field| Invalid::new(field, 0, "at least 1").within("throttle");
        for (field, path) in [
            ("cap", "throttle.cap"),
            ("throttle.cap", "throttle.cap"),
            ("throttle", "throttle"),
            ("throttled", "throttle.throttled"),
        ] {
            assert_eq!(within(field).path(), path);
        }
    }
}
