//! The behaviour table. Filled below.
pub(crate) struct Cell { pub(crate) name: &'static str, pub(crate) value: String, pub(crate) ok: Option<bool> }
pub(crate) struct Finding { pub(crate) id: &'static str, pub(crate) row: String, pub(crate) ideal: &'static str, pub(crate) cells: Vec<Cell> }
pub(crate) struct Measurement { pub(crate) id: &'static str, pub(crate) about: &'static str, pub(crate) find: fn(bool) -> Vec<Finding> }
pub(crate) const MEASUREMENTS: [Measurement; 0] = [];
