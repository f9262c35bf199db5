//! Bounds on the values of labels: memory of exporters grows with each new one, for ever.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// What stands for all values past the bound.
pub(super) const OVERFLOW: &str = "overflow";
/// Distinct names of policies in one process: each is a dependency that somebody wrote down.
pub(super) const POLICIES_MAX: usize = 256;
/// Distinct names of endpoints that one policy has ever had: what it can have at one time.
pub(super) const ENDPOINTS_MAX: usize = 1_024;

/// The values that a label has had.
#[derive(Debug)]
pub(super) struct Label {
    most: usize,
    known: Mutex<BTreeSet<Arc<str>>>,
}

impl Label {
    pub(super) const fn new(most: usize) -> Self {
        Self { most, known: Mutex::new(BTreeSet::new()) }
    }

    /// The value itself while there are few, [`OVERFLOW`] from then on.
    pub(super) fn bounded(&self, value: &Arc<str>) -> Arc<str> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(value) {
            return Arc::clone(known);
        }
        if known.len() >= self.most {
            return OVERFLOW.into();
        }
        known.insert(Arc::clone(value));
        Arc::clone(value)
    }
}
