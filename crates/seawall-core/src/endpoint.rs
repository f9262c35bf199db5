//! How endpoints are named inside the core: by slot, with a generation against reuse.
//!
//! Addresses are the driver's; the core never sees one.

/// The place of an endpoint in the tables of its upstream. Reused after a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u32);

impl Slot {
    /// The slot with this index.
    #[must_use]
    pub const fn new(index: u32) -> Self {
        Self(index)
    }

    /// The index, for tables.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// One registration of one endpoint: a slot and how often that slot had been given out before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointId {
    /// Its place.
    pub slot: Slot,
    /// Tells it from earlier and later users of the same place.
    pub generation: u32,
}
