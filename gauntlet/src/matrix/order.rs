//! Which runs there are and in which order: drawn at random, products and scenarios interleaved, so
//! that a host that grows slower hits all alike.

use seawall_core::rng::{Rng as _, Stream};

use crate::peer::{Product, Settings};
use crate::run::Key;

/// What runs are made of.
#[derive(Clone, Debug)]
pub struct Axes<'a> {
    /// The products.
    pub products: &'a [Product],
    /// Their configs.
    pub settings: &'a [Settings],
    /// Ids of the scenarios.
    pub scenarios: &'a [String],
    /// Seeds of each.
    pub seeds: u64,
    /// What the order is drawn from.
    pub master: u64,
}

/// Every run, in the order in which they are carried out. All runs of one seed come before those of
/// the next, so that a matrix that is stopped early has whole rounds.
#[must_use]
pub fn runs(axes: &Axes<'_>) -> Vec<Key> {
    let mut chance = Stream::new(axes.master, "matrix/order");
    let mut all = Vec::new();
    for seed in 0..axes.seeds {
        let mut round = round(axes, seed);
        for last in (1..round.len()).rev() {
            let bound = u64::try_from(last).unwrap_or(0) + 1;
            round.swap(last, usize::try_from(chance.below(bound)).unwrap_or(0));
        }
        all.append(&mut round);
    }
    all
}

fn round(axes: &Axes<'_>, seed: u64) -> Vec<Key> {
    let mut round = Vec::new();
    for product in axes.products {
        for settings in axes.settings {
            // Users without a gateway have no config: one row is enough.
            if *product == Product::Direct && Some(settings) != axes.settings.first() {
                continue;
            }
            let key = |scenario: &String| Key {
                product: *product,
                settings: *settings,
                scenario: scenario.clone(),
                seed,
            };
            round.extend(axes.scenarios.iter().map(key));
        }
    }
    round
}
