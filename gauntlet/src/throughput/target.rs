//! What Seawall promises beside its peers, and whether it was kept.

use crate::peer::Product;

use super::number::{factor, kibibytes, micros, permille};
use super::results::{Results, RowResults};
use super::row::{Row, Who};

const SEAWALL: Who = Who::Plain(Product::Seawall);
const DIRECT: Who = Who::Plain(Product::Direct);

/// One promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) what: String,
    /// What was found; none where something for it was not measured.
    pub(super) found: Option<Found>,
    pub(super) bound: String,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) figure: String,
    pub(super) kept: bool,
}

/// All promises that a run can say something about.
pub(super) fn targets(results: &Results) -> Vec<Target> {
    let mut all = Vec::new();
    for row in [Row::H1x64, Row::H1x512] {
        all.push(beside_best(results, row, (SEAWALL, 1_050)));
        all.push(beside_best(results, row, (Who::LimitAndLog, 1_250)));
        all.push(beside(results, row, (Product::Envoy, 450)));
    }
    all.push(beside(results, Row::H2, (Product::Haproxy, 1_150)));
    all.extend(latency(results.row(Row::Half)));
    all.push(idle(results.row(Row::Idle)));
    all
}

/// Processor time for each request beside the better of nginx and HAProxy.
fn beside_best(results: &Results, row: Row, (who, bound): (Who, u64)) -> Target {
    let found = results.row(row).and_then(|row| {
        let cpu = |who| row.median(who).map(super::Sample::cpu);
        let peers = [Product::Nginx, Product::Haproxy].map(|product| cpu(Who::Plain(product)));
        permille(cpu(who)?, peers.into_iter().flatten().min()?)
    });
    let what =
        format!("CPU of a request, {who} ÷ the better of nginx and HAProxy; {}", row.about());
    ratio(what, found, bound)
}

/// Processor time for each request beside one peer.
fn beside(results: &Results, row: Row, (peer, bound): (Product, u64)) -> Target {
    let found = results.row(row).and_then(|row| {
        let cpu = |who| row.median(who).map(super::Sample::cpu);
        permille(cpu(SEAWALL)?, cpu(Who::Plain(peer))?)
    });
    ratio(format!("{}: CPU, seawall ÷ {peer}", row.name()), found, bound)
}

fn ratio(what: String, found: Option<u64>, bound: u64) -> Target {
    let found = found.map(|found| Found { figure: factor(found), kept: found <= bound });
    Target { what, found, bound: format!("≤ {}", factor(bound)) }
}

fn latency(row: Option<&RowResults>) -> [Target; 2] {
    const ADDED: u64 = 60_000;
    let both = row.and_then(|row| Some((row.median(SEAWALL)?, row.median(DIRECT)?)));
    let added = both.map(|(seawall, direct)| seawall.p50.saturating_sub(direct.p50));
    let added = added.map(|nanos| Found { figure: micros(nanos) + " µs", kept: nanos <= ADDED });
    let times = both.and_then(|(seawall, direct)| permille(seawall.p99, direct.p99));
    let first = "half: p50, seawall over direct".to_owned();
    let second = "half: p99, seawall ÷ direct".to_owned();
    [Target { what: first, found: added, bound: "≤ 60 µs".to_owned() }, ratio(second, times, 2_000)]
}

fn idle(row: Option<&RowResults>) -> Target {
    const EACH: u64 = 12 << 10;
    let each = row.and_then(|row| row.median(SEAWALL)).map(|sample| sample.resident);
    let found = each.map(|each| Found { figure: kibibytes(each) + " KiB", kept: each <= EACH });
    let what = "idle: memory of a connection, seawall".to_owned();
    Target { what, found, bound: "≤ 12 KiB".to_owned() }
}
