//! The order of faults, the judgement, and what is told of both.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::felt::{Parts, felt, lag};
use super::plan::{MINUTE, Slot, WARM_UP, slots};
use super::verdict::{is_settled, judge, status};
use super::*;
use crate::arena::Ground;
use crate::peer::Cost;
use crate::record::{Answered, Content, Seen};

fn host(packets: bool) -> Host {
    let packets = (!packets).then(|| "needs root".to_owned());
    Host { ground: Ground::Namespaces, packets, quotas: None }
}

fn drawn(minutes: u32, master: u64) -> Vec<Slot> {
    slots(&half_load().unwrap(), minutes, master, &host(true))
}

#[test]
fn each_third_of_half_an_hour_sees_every_fault_once() {
    let all = drawn(30, 1);
    assert_eq!(all.len(), 30);
    for third in all.chunks(10) {
        let names: BTreeSet<_> = third.iter().map(|slot| slot.name).collect();
        assert_eq!(names.len(), 10, "{names:?}");
    }
    assert_eq!(all, drawn(30, 1));
    assert_ne!(all, drawn(30, 2));
    assert_eq!(all[..7], drawn(7, 1)[..], "a shorter soak begins like a longer one");
}

#[test]
fn every_fault_lies_within_its_minute_and_leaves_time_to_come_back() {
    for (minute, slot) in (0_u32..).zip(drawn(30, 3)) {
        let begin = WARM_UP + MINUTE * minute;
        assert!(!slot.strikes.is_empty(), "{}", slot.name);
        for strike in &slot.strikes {
            assert!(begin + Duration::from_secs(10) <= strike.from, "{}", slot.name);
            assert!(strike.until <= begin + Duration::from_secs(30), "{}", slot.name);
        }
    }
}

#[test]
fn without_root_faults_of_packets_are_left_out() {
    let all = slots(&half_load().unwrap(), 30, 1, &host(false));
    let names: BTreeSet<_> = all.iter().map(|slot| slot.name).collect();
    assert_eq!((all.len(), names.len()), (30, 8));
    assert!(!names.contains("black hole"));
}

#[test]
fn the_load_is_half_of_what_the_replicas_can_do() {
    // Three replicas of eight workers and 20 ms each.
    assert!((half_load().unwrap().load.rate - 600.0).abs() < 1e-9);
}

fn reading(at: u64, resident: u64, descriptors: u64, idle: i64) -> Reading {
    let holds = BTreeMap::from([("seawall_pool_idle".to_owned(), idle)]);
    let cost = Cost { resident, descriptors, threads: 3, ..Cost::default() };
    Reading { at: Stamp(at), cost, holds }
}

fn judged(resident: [u64; 6], after: &Reading) -> Verdict {
    let during = resident.map(|resident| reading(0, resident, 500, 90));
    let during: Vec<&Reading> = during.iter().collect();
    judge(&[reading(0, 1, 10, 0), reading(0, 1, 12, 0)], &during, std::slice::from_ref(after))
}

#[test]
fn memory_may_grow_by_a_twentieth_and_no_more() {
    let quiet = reading(0, 1, 12, 0);
    let kept = judged([1_000, 1_000, 9_000, 9_000, 1_050, 1_050], &quiet);
    assert_eq!(kept.resident, Some(Change { before: 1_000, after: 1_050 }));
    assert_eq!(kept.leaks, Vec::<String>::new());
    let grown = judged([1_000, 1_000, 1_000, 1_000, 1_050, 1_052], &quiet);
    assert_eq!(grown.leaks, ["resident memory grew from 1000 to 1051 bytes"]);
    let shrunk = judged([1_000, 1_000, 1_000, 1_000, 10, 10], &quiet);
    assert_eq!(shrunk.leaks, Vec::<String>::new());
}

#[test]
fn what_is_held_in_quiet_may_not_be_more_than_before() {
    let flat = [1_000; 6];
    let grown = judged(flat, &reading(0, 1, 13, 1));
    let told = [
        "descriptors in quiet: 12 before, 13 after",
        "seawall_pool_idle in quiet: 0 before, 1 after",
    ];
    assert_eq!(grown.leaks, told);
    let before = [reading(0, 1, 12, 0)];
    assert!(is_settled(&before, &reading(0, 9_000, 12, 0)));
    assert!(!is_settled(&before, &reading(0, 1, 13, 0)));
    assert!(!is_settled(&before, &reading(0, 1, 12, 1)));
}

#[test]
fn the_fewest_readings_of_the_quiet_after_count() {
    let after = [reading(0, 1, 40, 9), reading(1, 1, 12, 0), reading(2, 1, 13, 0)];
    let verdict = judge(&[reading(0, 1, 12, 0)], &[], &after);
    assert_eq!(verdict.descriptors, Some(Change { before: 12, after: 12 }));
    assert_eq!((verdict.resident, verdict.leaks.len()), (None, 0));
}

fn answered(intended: u64, took: u64, seen: Seen) -> Answered {
    let (begun, ended) = (Stamp(intended + 1), Stamp(intended + took));
    Answered { id: 0, intended: Stamp(intended), begun, ended, seen, tries_before: 0 }
}

#[test]
fn failures_belong_to_the_minute_in_which_their_request_was_to_start() {
    let right = Seen::Answer { status: 200, replica: Some(0), body: Content::Right };
    let all = [
        answered(99, 5, Seen::Cut),
        answered(100, 5, right),
        answered(199, 500, Seen::TimedOut),
        answered(200, 30, right),
        answered(299, 5, Seen::NoAnswer),
        answered(300, 5, Seen::NoAnswer),
    ];
    let parts = Parts { from: Stamp(100), each: 100, count: 2 };
    let felt = felt(&all, parts, 20);
    let told: Vec<_> = felt.iter().map(|one| (one.requests, one.failures(), one.p99)).collect();
    assert_eq!(told, [(2, 1, Some(500)), (2, 2, Some(30))]);
    assert_eq!(felt[1].failed, BTreeMap::from([("connect", 1), ("late", 1)]));
    assert_eq!((lag(&all), lag(&[])), (Some(1), None));
}

fn soaked(product: Product, after: &Reading) -> Soaked {
    let mut failed = BTreeMap::new();
    failed.insert("late", 7);
    let felt = Felt { requests: 36_000, failed, p99: Some(31_250_000) };
    Soaked {
        product,
        settings: Settings::Default,
        version: "seawall 0.1.0".to_owned(),
        rate: 600.0,
        master: 1,
        start: Stamp(0),
        minutes: vec![Minute {
            fault: "frozen".to_owned(),
            targets: vec![2],
            felt,
            resident: Some(20 << 20),
            descriptors: Some(120),
            threads: Some(3),
        }],
        verdict: judged([20 << 20; 6], after),
        flaws: Vec::new(),
        before: Vec::new(),
        during: Vec::new(),
        after: Vec::new(),
    }
}

#[test]
fn only_what_seawall_keeps_fails_the_program() {
    let (clean, leaky) = (reading(0, 1, 12, 0), reading(0, 1, 99, 0));
    assert_eq!(status(&[soaked(Product::Seawall, &clean)], false), 0);
    assert_eq!(status(&[soaked(Product::Seawall, &leaky)], true), 1);
    assert_eq!(status(&[soaked(Product::Nginx, &leaky)], false), 0);
    assert_eq!(status(&[soaked(Product::Nginx, &clean)], true), 2);
    let flawed = Soaked { flaws: vec!["late".to_owned()], ..soaked(Product::Seawall, &clean) };
    assert_eq!(status(&[flawed], false), 2);
}

#[test]
fn the_table_tells_each_fault_with_its_failures_and_every_leak() {
    let leaky = soaked(Product::Seawall, &reading(0, 1, 99, 0));
    let text = table::text(&[leaky], &["nginx was not soaked: gone".to_owned()]);
    let lines: Vec<&str> = text.lines().collect();
    let row = lines.iter().find(|line| line.contains("frozen")).unwrap();
    let words: Vec<&str> = row.split_whitespace().collect();
    let wanted = ["1", "frozen", "2", "36000", "7", "31.3", "20.0", "120", "3", "late", "7"];
    assert_eq!(words, wanted);
    assert!(text.contains("20.0 MiB → 20.0 MiB (+0.0 %)"), "{text}");
    assert!(text.contains("LEAK: descriptors in quiet: 12 before, 99 after"), "{text}");
    assert!(!text.contains("nothing leaked") && text.contains("nginx was not soaked"), "{text}");
}
