//! The key `balance` of an upstream: a word for the algorithm, or a table with its numbers; and
//! `slow_start`.
//!
//! Zones and subsets are in `place.rs`, weights and levels of endpoints in `endpoint.rs`.

use super::place::Places;
use crate::reader::{TableReader, set};
use seawall_core::balance::{
    Algorithm, BalanceSettings, Compare, DRAWN_MAX, LevelMode, MAGLEV_ENTRIES_EACH,
};
use seawall_core::invalid::Invalid;
use seawall_core::ratio::Ratio;
use std::mem::discriminant;

/// The words of `algorithm`, with the usual numbers of each.
pub(crate) const ALGORITHMS: [(&str, Algorithm); 9] = [
    ("peak-ewma", Algorithm::PeakEwma),
    ("round-robin", Algorithm::RoundRobin),
    ("smooth-weighted", Algorithm::SmoothWeighted),
    ("random", Algorithm::Random),
    ("least-request", Algorithm::LeastRequest(Compare::All)),
    ("power-of-two", Algorithm::PowerOfTwo),
    ("ring", Algorithm::RING),
    ("maglev", Algorithm::MAGLEV),
    ("rendezvous", Algorithm::Rendezvous),
];

/// The words of `levels`.
pub(crate) const LEVELS: [(&str, LevelMode); 2] =
    [("active-passive", LevelMode::ActivePassive), ("active-active", LevelMode::ActiveActive)];

/// The word of an algorithm, whatever its numbers.
pub(crate) fn algorithm_word(algorithm: Algorithm) -> &'static str {
    let same = |known: &&(&str, Algorithm)| discriminant(&known.1) == discriminant(&algorithm);
    ALGORITHMS.iter().find(same).map_or("", |(word, _)| word)
}

/// Notes a Maglev table too small to share it out evenly among so many endpoints.
pub(super) fn check_size(table: &TableReader<'_>, algorithm: Algorithm, endpoints: usize) {
    let Algorithm::Maglev { size } = algorithm else { return };
    let needed = endpoints.saturating_mul(MAGLEV_ENTRIES_EACH);
    if usize::try_from(size).is_ok_and(|size| size < needed) {
        let permitted = "at least 100 times the endpoints";
        let found = Err(Invalid::new("size", size, permitted));
        table.reading().check(&table.path_of("balance"), found, &[]);
    }
}

/// Reads `balance`, `slow_start` and `slow_start_bend`.
pub(super) fn read(table: &mut TableReader<'_>, places: &mut Places) -> BalanceSettings {
    let mut settings = BalanceSettings::default();
    if table.is_text("balance") {
        let chosen = table.choice("balance", &ALGORITHMS);
        set(&mut settings.algorithm, chosen);
        let place = chosen.and_then(|chosen| chosen.place);
        table.reading().note_origin(table.path_of("balance.algorithm"), place);
    } else {
        table.table("balance", |t| read_table(t, &mut settings, places));
    }
    set(&mut settings.slow_start, table.duration_or_off("slow_start", "\"30s\""));
    let bend = table.number("slow_start_bend", "1");
    set(&mut settings.slow_start_bend, bend);
    if settings.slow_start.is_none() {
        table.pointless("slow_start_bend", bend, ("slow_start", "write slow_start = \"30s\""));
    }
    check(table, &settings);
    settings
}

fn read_table(table: &mut TableReader<'_>, settings: &mut BalanceSettings, places: &mut Places) {
    set(&mut settings.algorithm, table.choice("algorithm", &ALGORITHMS));
    settings.algorithm = read_numbers(table, settings.algorithm);
    set(&mut settings.decay, table.duration("decay", "\"10s\""));
    set(&mut settings.first_latency, table.duration("first_latency", "\"30ms\""));
    set(&mut settings.bounded_loads, table.any_share_or_off("bounded_loads", "\"125%\""));
    set(&mut settings.levels, table.choice("levels", &LEVELS));
    set(&mut settings.overprovisioning, table.any_share("overprovisioning", "\"140%\""));
    set(&mut settings.panic_threshold, table.any_share("panic_threshold", "\"0%\""));
    settings.zone = places.read_zone(table);
    settings.subset = places.read_subset(table);
}

/// The numbers that belong to one algorithm each.
fn read_numbers(table: &mut TableReader<'_>, algorithm: Algorithm) -> Algorithm {
    let compare = table.count_or_all("compare", 2..=DRAWN_MAX.into(), "2");
    let points = table.count("points", 1..=u32::MAX, "160");
    let size = table.count("size", 1..=u32::MAX, "65537");
    if !matches!(algorithm, Algorithm::LeastRequest(_)) {
        table.pointless("compare", compare, needs("least-request"));
    }
    if !matches!(algorithm, Algorithm::Ring { .. }) {
        table.pointless("points", points, needs("ring"));
    }
    if !matches!(algorithm, Algorithm::Maglev { .. }) {
        table.pointless("size", size, needs("maglev"));
    }
    match (algorithm, compare, points, size) {
        (Algorithm::LeastRequest(_), Some(few), ..) => {
            let few = few.value.and_then(|few| u8::try_from(few).ok());
            Algorithm::LeastRequest(few.map_or(Compare::All, Compare::Drawn))
        }
        (Algorithm::Ring { .. }, _, Some(points), _) => Algorithm::Ring { points: points.value },
        (Algorithm::Maglev { .. }, _, _, Some(size)) => Algorithm::Maglev { size: size.value },
        (algorithm, ..) => algorithm,
    }
}

/// What a key does nothing without, and what to write.
fn needs(word: &str) -> (&'static str, &'static str) {
    match word {
        "ring" => ("the ring", "write algorithm = \"ring\""),
        "maglev" => ("maglev", "write algorithm = \"maglev\""),
        _ => ("least-request", "write algorithm = \"least-request\""),
    }
}

/// The core says what can work; the two keys of slow start stand beside the table.
fn check(table: &TableReader<'_>, settings: &BalanceSettings) {
    let (path, reading) = (table.path_of("balance"), table.reading());
    let bend = BalanceSettings {
        slow_start: settings.slow_start,
        slow_start_bend: settings.slow_start_bend,
        ..BalanceSettings::default()
    };
    reading.check(table.path(), bend.validate(), &[]);
    let rest = BalanceSettings { slow_start_bend: Ratio::ONE, ..*settings };
    reading.check(&path, rest.validate(), &[]);
}
