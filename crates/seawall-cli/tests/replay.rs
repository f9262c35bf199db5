//! The check of the replay's method: a day is recorded by a real process on loopback, and replayed
//! in virtual time. Under the same config it must come to what was recorded; without retries it
//! must show the failures that they had hidden.
//!
//! Records themselves are tested in `record.rs`, the parts of a replay in the simulator's crate.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail like the test itself")]

#[expect(dead_code, reason = "shared by all end-to-end tests; this file needs a part of it")]
mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::Signal;

use seawall_config::Config;
use seawall_sim::chance::Seed;
use seawall_sim::replay::{Bounds, Note, Recording, Row, compare};
use seawall_sim::verdict::share;
use seawall_sim::world::World;

use support::backend::{Backend, Turn};
use support::gateway::{Gateway, finish, seawall};
use support::load::{Came, Plan, fire};
use support::shop::Shop;

/// Requests a second, evenly spaced.
const RATE: u32 = 300;
/// What a replica takes for a good answer; a bad one comes at once.
const WORK: Duration = Duration::from_millis(10);
/// The schedule, in seconds: when the first replica begins to fail, when it stops, the end.
const SCHEDULE: [u32; 3] = [1, 5, 6];
/// Longer than a stop of an idle gateway takes, by more than ten times.
const STOP: Duration = Duration::from_secs(30);

/// Every endpoint is asked whatever it did, so that the record knows each at any time.
const FAITHFUL: &str = "ejection = \"off\"\nendpoint_breaker = \"off\"\nbreaker = \"off\"\n\
                        balance = { algorithm = \"round-robin\" }";

/// Records a day whose first replica fails a third of its calls while it is ill, which is within
/// the budget of retries; says how many answers were bad.
fn record(shop: &Shop, file: &Path) -> (String, u64) {
    let (ill, bad) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let backends: Vec<Backend> = (0..3)
        .map(|replica| {
            let (ill, bad) = (Arc::clone(&ill), Arc::clone(&bad));
            let fails = move |nth: usize| replica == 0 && nth.is_multiple_of(3);
            Backend::start(move |seen| match fails(seen.nth) && ill.load(Ordering::Relaxed) {
                true => {
                    bad.fetch_add(1, Ordering::Relaxed);
                    Turn::status(503)
                }
                false => Turn::slow(WORK),
            })
        })
        .collect();
    let addresses: Vec<SocketAddr> = backends.iter().map(Backend::address).collect();
    let config = shop.config(&addresses);
    let mut gateway = Gateway::with_config_and_args(&config, &["--record", file.to_str().unwrap()]);
    let [begins, ends, over] = SCHEDULE;
    let plan = Plan { per_second: RATE, ..Plan::gets(gateway.address(), over * RATE) };
    let results = fire(&plan, |results| {
        results.wait_for((begins * RATE) as usize);
        ill.store(true, Ordering::Relaxed);
        results.wait_for((ends * RATE) as usize);
        ill.store(false, Ordering::Relaxed);
    });
    let good = results.count(|came| *came == Came::Answer(200));
    assert_eq!(good, (over * RATE) as usize, "retries hide what fails: {:?}", results.bad());
    gateway.signal(Signal::INT);
    assert_eq!(gateway.wait(STOP).code(), Some(0));
    (config, bad.load(Ordering::Relaxed))
}

/// What a config would have made of the day.
fn replayed(recording: &Recording, config: &str) -> (Row, Vec<Note>) {
    let config = Config::parse(config, "new.toml").unwrap();
    let replay = recording.replay(&config).unwrap();
    let would = World::run(replay.plan.clone(), Seed::new(1));
    (compare(recording, &replay, &would).all, replay.notes)
}

#[test]
fn the_same_config_comes_to_the_same_and_without_retries_failures_show() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("day.jsonl");
    let shop = Shop { upstream: FAITHFUL, ..Shop::default() };
    let (config, bad) = record(&shop, &file);
    let recording = Recording::open(&file, &Bounds::default()).unwrap();

    let (Row { was, would, .. }, notes) = replayed(&recording, &config);
    let quantiles = [0.5, 0.9, 0.99].map(|q| (was.latency.quantile(q), would.latency.quantile(q)));
    eprintln!("same: {} -> {}, {quantiles:?}", was.success(), would.success());
    eprintln!("attempts {} -> {}", was.attempts_per_call(), would.attempts_per_call());
    assert!(notes.contains(&Note::SameConfig), "{notes:?}");
    assert_eq!(was.calls, would.calls);
    assert!((was.success() - would.success()).abs() <= 0.02, "the success is another");
    let (p50_was, p50_would) = quantiles[0];
    assert!((p50_would / p50_was - 1.0).abs() <= 0.2, "{p50_was} {p50_would}");
    let apart = (was.attempts_per_call() - would.attempts_per_call()).abs();
    assert!(apart <= 0.02, "{} {}", was.attempts_per_call(), would.attempts_per_call());

    let (Row { was, would, .. }, notes) = replayed(&recording, &config_without_retries(&config));
    let (failed, hidden) = (1.0 - would.success(), share(bad, was.calls));
    eprintln!("without retries {failed} fail; retries hid {hidden}");
    assert!(!notes.contains(&Note::SameConfig), "{notes:?}");
    assert!(hidden > 0.05, "too little failed to tell: {bad}");
    assert!((failed - hidden).abs() <= 0.02, "{failed} fail, {hidden} were hidden");
    assert_eq!(would.attempts, would.calls);
    assert_told(folder.path(), &config);
}

/// One attempt for each call: no retries, and none beside it.
fn config_without_retries(config: &str) -> String {
    let config = config.replace("ejection = ", "hedge = \"off\"\nejection = ");
    format!("{config}\nretry = \"off\"\n")
}

/// The command says the same as the library, and the same again.
#[track_caller]
fn assert_told(folder: &Path, config: &str) {
    let [old, new] = ["old.toml", "new.toml"].map(|name| folder.join(name));
    std::fs::write(&old, config).unwrap();
    std::fs::write(&new, config_without_retries(config)).unwrap();
    let (day, old, new) = (folder.join("day.jsonl"), old.to_str().unwrap(), new.to_str().unwrap());
    let replay = ["sim", "--replay", day.to_str().unwrap(), "-c", new, "--seed", "1"];
    let json = finish(seawall(&[&replay[..], &["--old", old, "--json", "-"]].concat()));
    assert_eq!(json.code, Some(0), "{json:?}");
    let told: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let success = |of: &str| told["all"][of]["success_rate"].as_f64().unwrap();
    assert!(success("was") > success("would") + 0.05, "{told:#}");
    assert!((success("was") - success("check")).abs() <= 0.02, "{told:#}");
    assert_eq!(told["same_config"], false);
    let text = finish(seawall(&replay));
    assert_eq!(text.code, Some(0), "{text:?}");
    for part in ["was", "would be", "attempts per call", "--seed 1"] {
        assert!(text.stdout.contains(part), "{part} is not in\n{}", text.stdout);
    }
    assert_eq!(finish(seawall(&replay)).stdout, text.stdout);
}

#[test]
fn what_cannot_be_replayed_is_refused_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let [empty, config] = ["empty.jsonl", "new.toml"].map(|name| folder.path().join(name));
    std::fs::write(&empty, "").unwrap();
    let shop = Shop::default().config(&["127.0.0.1:1".parse().unwrap()]);
    std::fs::write(&config, shop).unwrap();
    let (empty, config) = (empty.to_str().unwrap(), config.to_str().unwrap());
    for (args, told) in [
        (&["--replay", empty, "-c", config][..], "it is empty"),
        (&["--replay", "nowhere.jsonl", "-c", config], "cannot read nowhere.jsonl"),
        (&["--replay", empty, "-c", "nowhere.toml"], "nowhere.toml"),
        (&["--replay", empty], "--config"),
        (&["--old", config], "--replay"),
        (&["--replay", empty, "-c", config, "scenario.toml"], "cannot be used with"),
    ] {
        let ended = finish(seawall(&[&["sim"], args].concat()));
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(told), "{told:?} is not in\n{}", ended.stderr);
    }
}
