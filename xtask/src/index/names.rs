//! Ids in the names of tests: `he_4_t85_an_unsafe_call_is_never_hedged` bears HE-4 and T85.

use std::fmt;

/// The id of a known defect (`t` and its number) or of a worked example.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    prefix: String,
    number: u32,
}

impl Id {
    pub(super) fn new(prefix: &str, number: u32) -> Self {
        Self { prefix: prefix.to_owned(), number }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { prefix, number } = self;
        match prefix.len() {
            1 => write!(f, "{}{number}", prefix.to_uppercase()),
            _ => write!(f, "{}-{number}", prefix.to_uppercase()),
        }
    }
}

/// The ids that a name begins with.
pub(super) fn ids_of(name: &str, prefixes: &[&str]) -> Vec<Id> {
    let parts: Vec<&str> = name.split('_').collect();
    let mut ids = Vec::new();
    let mut rest = parts.as_slice();
    while let Some((id, after)) = first_id(rest, prefixes) {
        ids.push(id);
        rest = after;
    }
    ids
}

fn first_id<'a>(parts: &'a [&'a str], prefixes: &[&str]) -> Option<(Id, &'a [&'a str])> {
    let (first, rest) = parts.split_first()?;
    for prefix in prefixes {
        let after = first.strip_prefix(prefix);
        if let (1, Some(number)) = (prefix.len(), after.and_then(|digits| digits.parse().ok())) {
            return Some((Id::new(prefix, number), rest));
        }
        if after == Some("")
            && let Some((number, rest)) = rest.split_first()
            && let Ok(number) = number.parse()
        {
            return Some((Id::new(prefix, number), rest));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(name: &str) -> Vec<String> {
        ids_of(name, &["t", "he", "m"]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_leading_id_is_read() {
        assert_eq!(shown("he_4_t85_an_unsafe_call_is_never_hedged"), ["HE-4", "T85"]);
        assert_eq!(shown("t70_t81_an_empty_budget"), ["T70", "T81"]);
        assert_eq!(shown("m13_hedges_when_all_is_slow"), ["M13"]);
    }

    #[test]
    fn words_are_no_ids() {
        assert!(shown("the_4_winds").is_empty());
        assert!(shown("two_t5_things").is_empty());
        assert!(shown("he_never_sleeps").is_empty());
    }
}
