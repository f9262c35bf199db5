//! Every phase of the default algorithm under everything that can come, as text.
//!
//! Each cell is the limit after it and why it is that. When a change is wanted, the failing test
//! prints the new table; read the difference, then replace the copy.

use super::*;
use std::format;
use std::string::String;

/// Searching, at 40.
fn doubling() -> Bench {
    let mut bench = Bench::new(LimitSettings::default());
    bench.round(sample(millis(10), 20));
    bench
}

/// Past the first congestion, at 38.
fn settled() -> Bench {
    let mut bench = doubling();
    bench.round(sample(millis(20), 40));
    bench
}

/// At half of what it was.
fn dip() -> Bench {
    let mut bench = settled();
    while bench.limit.cause() != Cause::Dip {
        let limit = bench.limit.limit();
        let latency = if limit > 40 { 20 } else { 12 };
        bench.round(sample(millis(latency), limit));
    }
    bench
}

fn cell(mut bench: Bench, act: fn(&mut Bench, u32)) -> String {
    let before = bench.limit.limit();
    bench.events.clear();
    act(&mut bench, before);
    let dips = bench.events.iter().any(|event| matches!(event, LimitEvent::Dip { .. }));
    let way = match bench.limit.limit().cmp(&before) {
        core::cmp::Ordering::Less => "down",
        core::cmp::Ordering::Equal if dips => return String::from("same, doubled and dips"),
        core::cmp::Ordering::Equal => return String::from("same"),
        core::cmp::Ordering::Greater => "up",
    };
    format!("{way}, {:?}", bench.limit.cause())
}

#[test]
fn the_table_of_phases_is_the_reviewed_one() {
    type Act = fn(&mut Bench, u32);
    let acts: [(&str, Act); 7] = [
        ("in use", |bench, limit| _ = bench.round(sample(millis(10), limit))),
        ("idle", |bench, limit| _ = bench.round(sample(millis(10), limit / 3))),
        ("slow", |bench, limit| _ = bench.round(sample(millis(40), limit))),
        ("drops", |bench, limit| _ = bench.round(dropped(millis(40), limit))),
        ("nothing said", |bench, limit| _ = bench.round(said_nothing(limit))),
        ("a minute idle", |bench, _| {
            bench.wait(Duration::from_mins(1)).round(sample(millis(10), 2));
        }),
        ("ten minutes", |bench, limit| {
            bench.wait(Duration::from_mins(10)).round(sample(millis(10), limit));
        }),
    ];
    let mut table = String::new();
    for (name, act) in acts {
        let cells = [doubling, settled, dip].map(|scene| cell(scene(), act));
        table.push_str(&format!("{name} | {}\n", cells.join(" | ")));
    }
    assert_eq!(table, include_str!("table.txt"), "{table}");
}
