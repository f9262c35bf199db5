//! A JSON value whose keys keep the order in which they were given, whatever features of the JSON
//! crate other crates ask for.

use serde::ser::{Serialize, Serializer};

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    None,
    Yes(bool),
    Count(u64),
    Number(f64),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Tree {
    /// The JSON text, and a line break.
    pub(super) fn written(&self) -> String {
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            // What is no number has no JSON.
            Self::Number(number) if !number.is_finite() => serializer.serialize_none(),
            Self::None => serializer.serialize_none(),
            Self::Yes(yes) => serializer.serialize_bool(*yes),
            Self::Count(count) => serializer.serialize_u64(*count),
            // Adding zero takes the sign from a negative zero.
            Self::Number(number) => serializer.serialize_f64(number + 0.0),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(all) => serializer.collect_seq(all),
            Self::Object(all) => {
                serializer.collect_map(all.iter().map(|(key, value)| (key, value)))
            }
        }
    }
}

/// An object.
pub(super) fn object<const N: usize>(entries: [(&str, Tree); N]) -> Tree {
    Tree::Object(entries.map(|(key, value)| (key.to_owned(), value)).into())
}

/// A list.
pub(super) fn list<T: Into<Tree>>(all: impl IntoIterator<Item = T>) -> Tree {
    Tree::List(all.into_iter().map(Into::into).collect())
}

/// Something, or nothing.
pub(super) fn maybe<T: Into<Tree>>(value: Option<T>) -> Tree {
    value.map_or(Tree::None, Into::into)
}

impl From<bool> for Tree {
    fn from(yes: bool) -> Self {
        Self::Yes(yes)
    }
}

impl From<u64> for Tree {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<u32> for Tree {
    fn from(count: u32) -> Self {
        Self::Count(count.into())
    }
}

impl From<usize> for Tree {
    fn from(count: usize) -> Self {
        Self::Count(count as u64)
    }
}

impl From<f64> for Tree {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Tree {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Tree {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<String> for Tree {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
