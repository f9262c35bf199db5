//! What the shop consists of: the kinds of services, how many replicas each has, how long one
//! piece of work takes. How they are started is in `processes`, what they answer in `service`.

use std::fmt;
use std::time::Duration;

/// One kind of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Kind {
    /// Takes payments, once for each idempotency key.
    Payments,
    /// Says how many pieces are in stock.
    Inventory,
    /// Finds products.
    Search,
    /// Suggests products; nice to have.
    Recommendations,
    /// Assembles a page from the three above.
    Storefront,
}

impl Kind {
    /// The kinds that fail in the demo, in the order of their start.
    pub(super) const BACKENDS: [Self; 4] =
        [Self::Payments, Self::Inventory, Self::Search, Self::Recommendations];

    /// The name in addresses, configs and messages.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Payments => "payments",
            Self::Inventory => "inventory",
            Self::Search => "search",
            Self::Recommendations => "recommendations",
            Self::Storefront => "storefront",
        }
    }

    /// How many replicas the shop runs. One storefront belongs to each side of the comparison.
    pub(super) const fn replicas(self) -> usize {
        match self {
            Self::Payments | Self::Inventory => 3,
            Self::Search | Self::Recommendations => 2,
            Self::Storefront => 1,
        }
    }

    /// How long one piece of work takes on a good day.
    pub(super) const fn work(self) -> Duration {
        match self {
            Self::Payments => Duration::from_millis(12),
            Self::Inventory => Duration::from_millis(8),
            Self::Search => Duration::from_millis(15),
            Self::Recommendations => Duration::from_millis(10),
            // The storefront only waits for the others.
            Self::Storefront => Duration::ZERO,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The two ways through which the same load reaches the same replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    /// Plain round robin over the replicas.
    Direct,
    /// Through the gateway.
    Seawall,
}

impl Side {
    /// The name in reports and in idempotency keys.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Seawall => "seawall",
        }
    }
}
