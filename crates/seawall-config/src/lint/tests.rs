//! The rules, each by a config that fires it and one just beside it that does not.
