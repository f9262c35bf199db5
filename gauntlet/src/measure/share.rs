//! How a product shares its attempts out among replicas: how fast it notices that one is broken,
//! how fast it lets it back, and whom it left out without a reason.

use serde::{Deserialize, Serialize};

use super::ledger::Ledger;
use super::number::{SECOND, number};
use super::pools::Pool;
use super::span::Span;
use super::traffic::Traffic;
use super::when::When;

/// When the share of a broken replica fell and rose. Unknown where no replica was struck, or where
/// all of them were, so that there was nobody to turn to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shares {
    /// From the fault to the first quarter of a second in which the targets' share is below half
    /// of what is due to them, and stays there for a second.
    pub detect: When,
    /// The same, below a twentieth.
    pub eject: When,
    /// From the removal until the share of the healed is at least 80 %, and stays there for 5 s.
    pub comeback: When,
    /// Replica-seconds of fault and observation in which a replica that nothing struck had less
    /// than a twentieth of its share, over all replica-seconds.
    pub false_ejection: Option<f64>,
}

/// The grain of detection.
const QUARTER: u64 = SECOND / 4;

/// Attempts that a share is judged by at the least, for each replica: with 5 due to each, a
/// replica that is not left out has none at all in fewer than 1 of 100 seconds.
const ENOUGH: f64 = 5.0;

impl Shares {
    /// With `blind` the targets' share while the fault held is not known.
    pub(crate) fn of(ledger: &Ledger<'_>, traffic: &Traffic, blind: bool) -> Self {
        let harm = ledger.spans.harm();
        let after = Span { from: ledger.spans.removed, to: ledger.spans.observation.to };
        let seen = |span: Span, grain: u64, held: usize, fits: &dyn Fn(f64) -> bool| {
            let partly = ledger.pools.struck().filter(|pool| !pool.is_all_struck());
            let each = partly.map(|pool| {
                let pieces = span.pieces(grain).map(|piece| due(traffic, pool, piece));
                let fitting: Vec<bool> = pieces.map(|share| share.is_some_and(fits)).collect();
                When::at(first_held(&fitting, held), grain, span.nanos())
            });
            each.reduce(When::later).unwrap_or_default()
        };
        let fallen = |bound: f64| {
            if blind { When::Unknown } else { seen(harm, QUARTER, 4, &move |share| share < bound) }
        };
        Self {
            detect: fallen(0.5),
            eject: fallen(0.05),
            comeback: seen(after, SECOND, 5, &|share| share >= 0.8),
            false_ejection: false_ejection(ledger, traffic),
        }
    }
}

/// The share of a pool's targets over what an even one would be; none without attempts.
fn due(traffic: &Traffic, pool: &Pool, span: Span) -> Option<f64> {
    let all = traffic.over(&pool.replicas, span);
    let even = number(pool.targets.len() as u64) / number(pool.replicas.len() as u64);
    (all > 0.0).then(|| traffic.over(&pool.targets, span) / all / even)
}

/// Where the first run of so many begins.
fn first_held(fitting: &[bool], held: usize) -> Option<usize> {
    fitting.windows(held).position(|window| window.iter().all(|fits| *fits))
}

fn false_ejection(ledger: &Ledger<'_>, traffic: &Traffic) -> Option<f64> {
    let (mut left_out, mut all) = (0_u64, 0_u64);
    for second in ledger.spans.felt().pieces(SECOND) {
        for pool in ledger.pools.0.iter() {
            let replicas = number(pool.replicas.len() as u64);
            let attempts = traffic.over(&pool.replicas, second);
            if attempts < ENOUGH * replicas {
                continue;
            }
            all += pool.replicas.len() as u64;
            let spared = pool.replicas.difference(&pool.targets);
            let bound = attempts / replicas * 0.05;
            left_out += spared.filter(|one| traffic.at(**one, second) < bound).count() as u64;
        }
    }
    super::number::ratio(left_out, all)
}
