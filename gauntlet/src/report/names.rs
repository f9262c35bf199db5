//! Names and numbers as reports write them.

use seawall_plot::words;

use crate::measure::{Metric, Spread, Unit, When};
use crate::peer::{Product, Settings};

use super::results::Entrant;

/// A product's name.
#[must_use]
pub(super) const fn product(product: Product) -> &'static str {
    match product {
        Product::Direct => "no gateway",
        Product::Seawall => "Seawall",
        Product::Nginx => "nginx",
        Product::Haproxy => "HAProxy",
        Product::Envoy => "Envoy",
        Product::Pingora => "Pingora",
    }
}

/// An entrant's name: default settings go without saying.
#[must_use]
pub(super) fn entrant(entrant: &Entrant) -> String {
    match entrant.settings {
        Settings::Default => product(entrant.product).to_owned(),
        Settings::Tuned => format!("{} tuned", product(entrant.product)),
    }
}

/// A class of style sheets for an entrant, the same in all plots.
#[must_use]
pub(super) fn class(entrant: &Entrant) -> String {
    let name = match entrant.product {
        Product::Direct => "direct",
        Product::Seawall => "seawall",
        Product::Nginx => "nginx",
        Product::Haproxy => "haproxy",
        Product::Envoy => "envoy",
        Product::Pingora => "pingora",
    };
    match entrant.settings {
        Settings::Default => format!("of-{name}"),
        Settings::Tuned => format!("of-{name} tuned"),
    }
}

/// A value of a metric with its unit.
#[must_use]
pub(super) fn value(metric: &Metric, value: f64) -> String {
    match metric.unit {
        Unit::Count => words::number(value),
        Unit::Time => words::time(value / 1e9),
        Unit::Share => words::share(value),
        Unit::Factor => format!("{value:.2}"),
        Unit::Bytes => format!("{}B", words::number(value)),
    }
}

/// A spread as its middle, and its range where there is one.
#[must_use]
pub(super) fn spread(spread: &Spread, told: impl Fn(f64) -> String) -> String {
    let (median, least, most) = (told(spread.median), told(spread.least), told(spread.most));
    if least == most { median } else { format!("{median} ({least}–{most})") }
}

/// The middle of when something happened in several runs.
#[must_use]
pub(super) fn when(mut all: Vec<When>) -> String {
    all.retain(|when| *when != When::Unknown);
    all.sort_by_key(|when| match when {
        When::After(nanos) => (false, *nanos),
        When::NotWithin(nanos) => (true, *nanos),
        When::Unknown => (true, u64::MAX),
    });
    // Of two in the middle the later one, so that half of the runs are never told better than
    // they were.
    match all.get(all.len() / 2) {
        None | Some(When::Unknown) => "–".to_owned(),
        Some(When::After(nanos)) => words::time(crate::measure::seconds(*nanos)),
        Some(When::NotWithin(nanos)) => {
            format!("not in {}", words::time(crate::measure::seconds(*nanos)))
        }
    }
}
