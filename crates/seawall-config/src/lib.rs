//! The config file of Seawall as types: parsing with spans, validation, defaults.
