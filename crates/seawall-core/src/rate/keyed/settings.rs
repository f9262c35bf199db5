//! Settings of a keyed limiter: how large, which tiers.
//!
//! The memory that follows from them is laid out in `table.rs`.

use super::table::{BUCKET_BYTES, OVERFLOW_BYTES, WAYS};
use crate::Mode;
use crate::invalid::Invalid;
use crate::rate::Quota;

/// The most keys: 3 GiB of them.
const KEYS_MAX: u32 = 1 << 26;
/// The most tiers.
const TIERS_MAX: usize = 1 << 16;

/// How large the table is. It is allocated whole and never grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// So many keys that owe something at the same time, with twice as many places, 24 bytes each:
    /// when they all do, one in a hundred shares the overflow. A million keys take 46 MiB.
    Keys(u32),
    /// So many bytes, the overflow of 64 KiB included.
    Bytes(u64),
}

impl Capacity {
    /// Sets of places.
    pub(super) fn buckets(self) -> usize {
        let buckets = match self {
            Self::Keys(keys) => (u64::from(keys.min(KEYS_MAX)) * 2).div_ceil(WAYS as u64),
            Self::Bytes(bytes) => bytes.saturating_sub(OVERFLOW_BYTES) / BUCKET_BYTES,
        };
        usize::try_from(buckets.max(1)).unwrap_or(usize::MAX)
    }
}

/// Settings of a keyed limiter, beside its tiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyedSettings {
    /// How large. Default 100 000 keys, 4.6 MiB. Only at construction: a table is not resized.
    pub capacity: Capacity,
    /// Enforce, shadow or off. Shadow keeps the same keys under the same bounds.
    pub mode: Mode,
}

impl Default for KeyedSettings {
    fn default() -> Self {
        Self { capacity: Capacity::Keys(100_000), mode: Mode::Enforce }
    }
}

impl KeyedSettings {
    /// Refuses what cannot work.
    ///
    /// # Errors
    ///
    /// [`Invalid`] for no keys, more than 67 million, too few bytes for a single set of places, no
    /// tier, more than 65 536, or a tier whose quota is invalid.
    pub fn validate(&self, tiers: &[Quota]) -> Result<(), Invalid> {
        match self.capacity {
            Capacity::Keys(keys) if keys == 0 || keys > KEYS_MAX => {
                return Err(Invalid::new("keys", keys, "1 to 67108864"));
            }
            Capacity::Bytes(bytes)
                if bytes < OVERFLOW_BYTES + BUCKET_BYTES || self.capacity.buckets() > 1 << 24 =>
            {
                return Err(Invalid::new("bytes", bytes, "65728 to 3 GiB"));
            }
            Capacity::Keys(_) | Capacity::Bytes(_) => {}
        }
        if tiers.is_empty() || tiers.len() > TIERS_MAX {
            return Err(Invalid::new("tiers", tiers.len(), "1 to 65536"));
        }
        tiers.iter().try_for_each(Quota::validate)
    }
}
