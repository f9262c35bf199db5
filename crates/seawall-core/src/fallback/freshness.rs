//! Whether a stored answer may be served: as fresh, as stale, or not at all.
//!
//! The rules of RFC 9111 section 4.2 and RFC 5861 section 4 as far as they need no clock on the
//! wall. Parsing `Cache-Control`, `Age` and `Date` is the driver's; so is what a key consists of.

use crate::time::{Duration, Instant};

/// A word of the answer against storing or serving it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directive {
    /// `no-store`: never keep it.
    NoStore,
    /// `no-cache`: never serve it unasked.
    NoCache,
    /// `must-revalidate`: never serve it stale.
    MustRevalidate,
    /// `private`: only for the principal that it was made for.
    Private,
}

/// A set of [`Directive`]s. Default: none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forbids(u8);

impl Forbids {
    /// Nothing is forbidden.
    pub const NONE: Self = Self(0);

    /// With one more directive.
    #[must_use]
    pub const fn with(self, directive: Directive) -> Self {
        Self(self.0 | 1 << directive as u8)
    }

    /// Whether it is in the set.
    #[must_use]
    pub const fn has(self, directive: Directive) -> bool {
        self.0 & (1 << directive as u8) != 0
    }
}

/// Who may get what is stored under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Anybody: the key says nothing of a principal.
    Shared,
    /// Only the principal that is part of the key.
    Principal,
}

/// On which terms stored answers are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// No answer is served longer after the end of its freshness. The directive of a request can
    /// only shorten it.
    pub max_staleness: Duration,
    /// Who else may get it.
    pub sharing: Sharing,
}

/// What a stored answer allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// When it was made: the instant of its arrival, less the age that it arrived with.
    pub stored_at: Instant,
    /// It is fresh while younger than this.
    pub fresh_for: Duration,
    /// How long after the end of its freshness it may stand in for an error (`stale-if-error`);
    /// zero where the answer did not say so.
    pub stale_for: Duration,
    /// What forbids it.
    pub forbids: Forbids,
}

/// How a stored answer may be served now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serve {
    /// As it is.
    Fresh {
        /// Its age.
        age: Duration,
    },
    /// Only in the place of an error.
    Stale {
        /// Its age.
        age: Duration,
        /// How far it is past its freshness.
        over: Duration,
    },
    /// Not at all.
    Not(Unservable),
}

/// Why a stored answer may not be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unservable {
    /// It should never have been kept.
    NoStore,
    /// It belongs to one principal, and the key does not.
    Private,
    /// It must not be served without asking first.
    Revalidate,
    /// Past the end of freshness and staleness.
    TooOld,
}

impl Freshness {
    /// How it may be served at `now` on `terms`. The end of freshness is excluded, as in RFC 9111
    /// (fresh while the lifetime exceeds the age), the end of staleness included.
    #[must_use]
    pub fn serve(&self, now: Instant, terms: Terms) -> Serve {
        if let Some(never) = self.never(terms.sharing) {
            return Serve::Not(never);
        }
        let age = now.since(self.stored_at);
        if age < self.fresh_for {
            return Serve::Fresh { age };
        }
        let over = age.saturating_sub(self.fresh_for);
        if self.forbids.has(Directive::MustRevalidate) {
            return Serve::Not(Unservable::Revalidate);
        }
        if over > terms.max_staleness.min(self.stale_for) {
            return Serve::Not(Unservable::TooOld);
        }
        Serve::Stale { age, over }
    }

    /// Whether it may be kept under a key of this kind at all.
    #[must_use]
    pub fn may_be_kept(&self, sharing: Sharing) -> bool {
        self.never(sharing).is_none()
    }

    fn never(&self, sharing: Sharing) -> Option<Unservable> {
        if self.forbids.has(Directive::NoStore) {
            return Some(Unservable::NoStore);
        }
        if self.forbids.has(Directive::Private) && sharing == Sharing::Shared {
            return Some(Unservable::Private);
        }
        self.forbids.has(Directive::NoCache).then_some(Unservable::Revalidate)
    }
}
