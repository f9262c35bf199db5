//! Records that are written here, replayed.

use std::fmt::Write as _;

use seawall_config::Config;
use seawall_config::record::{Reader, Tail};

use super::*;
use crate::chance::Seed;
use crate::observe::End;
use crate::world::World;

/// Every endpoint is asked whatever it did, and in turn, as in the records that are written here.
const FAITHFUL: &str = "ejection = \"off\"\nendpoint_breaker = \"off\"\nbreaker = \"off\"\n\
                        balance = { algorithm = \"round-robin\" }";

const HEAD: &str = concat!(
    r#"{"seawall_record":{"version":1,"started_unix_us":0,"config":"0000000000000000","#,
    r#""routes":[{"name":"pay","upstream":"shop"},{"name":"old","upstream":"shop"},"#,
    r#"{"name":"idle","upstream":"gone"}],"#,
    r#""upstreams":[{"name":"shop","endpoints":3},{"name":"gone","endpoints":1}]}}"#,
);

fn config(upstream: &str, route: &str) -> Config {
    let endpoints = "endpoints = [\"10.0.0.1:1\", \"10.0.0.2:1\", \"10.0.0.3:1\"]";
    let text = format!(
        "[upstreams.shop]\n{endpoints}\n{upstream}\n[upstreams.gone]\n{endpoints}\n\
         [[routes]]\nname = \"pay\"\npath = \"/\"\nupstream = \"shop\"\n{route}\n\
         [[routes]]\nname = \"idle\"\npath = \"/idle\"\nupstream = \"gone\"\n"
    );
    Config::parse(&text, "new.toml").expect("a config without mistakes")
}

fn read(lines: &str) -> Result<Recording, ReplayError> {
    let reader = Reader::new(lines.as_bytes(), "day.jsonl")?;
    Recording::read(reader, &Bounds::default())
}

fn run(recording: &Recording, config: &Config) -> (Replay, Comparison) {
    let replay = recording.replay(config).expect("it can be replayed");
    let record = World::run(replay.plan.clone(), Seed::new(1));
    let comparison = compare(recording, &replay, &record);
    (replay, comparison)
}

/// A minute at 100 a second over three endpoints; the first fails a third of its calls, which a
/// retry at the second mends.
fn flaky() -> String {
    let mut lines = format!("{HEAD}\n");
    for number in 0..6_000_u64 {
        let (at, took) = (number * 10_000, 4_000 + number % 7 * 500);
        let endpoint = number % 3;
        let attempts = if endpoint == 0 && number % 9 == 0 {
            let first = r#"{"e":0,"o":20,"l":900,"c":"failure","s":503}"#;
            let second = r#""b":"retry","c":"success","s":200"#;
            format!(r#"{first},{{"e":1,"o":30000,"l":{took},{second}}}"#)
        } else {
            format!(r#"{{"e":{endpoint},"o":20,"l":{took},"c":"success","s":200}}"#)
        };
        let kind = r#""m":"idempotent""#;
        let end = r#""v":"answer","s":200"#;
        let whole = took + if attempts.contains("retry") { 30_100 } else { 120 };
        writeln!(
            lines,
            r#"{{"call":{{"t":{at},"r":"pay",{kind},"n":[{attempts}],{end},"l":{whole}}}}}"#
        )
        .expect("strings take everything");
    }
    lines
}

#[test]
fn a_day_is_told_again_and_without_retries_its_failures_show() {
    let recording = read(&flaky()).expect("it is a record");
    let (_, same) = run(&recording, &config(FAITHFUL, ""));
    let Row { was, would, .. } = &same.all;
    assert_eq!((was.calls, would.calls, would.unfinished()), (6_000, 6_000, 0));
    assert!((was.success() - 1.0).abs() < 1e-9 && would.success() > 0.998, "{}", would.success());
    let near = |a: f64, b: f64, share: f64| (a / b - 1.0).abs() < share;
    assert!(near(would.latency.quantile(0.5), was.latency.quantile(0.5), 0.05));
    assert!(near(would.attempts_per_call(), was.attempts_per_call(), 0.02), "{}", would.attempts);
    let (_, none) = run(&recording, &config(FAITHFUL, "retry = \"off\""));
    let failed = 1.0 - none.all.would.success();
    assert!((failed - 1.0 / 9.0).abs() < 0.02, "{failed}");
    assert!((none.all.would.attempts_per_call() - 1.0).abs() < 1e-9);
}

#[test]
fn the_same_seed_tells_the_same() {
    let recording = read(&flaky()).expect("it is a record");
    let (a, b) = (run(&recording, &config("", "")).1, run(&recording, &config("", "")).1);
    assert_eq!(format!("{:?}", a.all.would), format!("{:?}", b.all.would));
}

/// One call with these keys besides arrival, route, safety and length.
fn one(arrival: u32, route: &str, rest: &str) -> String {
    format!(r#"{{"call":{{"t":{arrival},"r":"{route}","m":"unsafe",{rest},"l":900000}}}}"#)
}

const ANSWERED: &str = r#""n":[{"e":0,"o":0,"l":5000,"c":"success","s":200}],"v":"answer","s":200"#;

fn lines(calls: &[String]) -> String {
    format!("{HEAD}\n{}\n", calls.join("\n"))
}

#[test]
fn the_time_of_a_body_is_kept() {
    let recording = read(&lines(&[one(5, "pay", ANSWERED)])).expect("it is a record");
    let (_, comparison) = run(&recording, &config("", ""));
    let [was, would] =
        [&comparison.all.was, &comparison.all.would].map(|tally| tally.latency.mean());
    assert!((was - 0.9).abs() < 1e-6 && (would - 0.9).abs() < 1e-6, "{was} {would}");
}

#[test]
fn callers_that_left_leave_again() {
    let gone =
        r#""n":[{"e":0,"o":0,"l":900000,"c":"abandoned","f":"caller_gone"}],"v":"cancelled""#;
    let recording = read(&lines(&[one(5, "pay", gone)])).expect("it is a record");
    let (replay, comparison) = run(&recording, &config("", ""));
    let left = End::TimedOut.index();
    assert_eq!((comparison.all.was.ends[left], comparison.all.would.ends[left]), (1, 1));
    let note = Note::GivenUp { upstream: "shop".into(), given_up: 1, of: 1 };
    assert!(replay.notes.contains(&note), "{:?}", replay.notes);
}

#[test]
fn deadlines_and_refusals_are_those_of_the_new_config() {
    let late = r#""d":0,"v":"rejected","w":"deadline_expired","s":504"#;
    let calls = [one(5, "pay", ANSWERED), one(9, "pay", late)];
    let recording = read(&lines(&calls)).expect("it is a record");
    let (_, comparison) = run(&recording, &config("", ""));
    for tally in [&comparison.all.was, &comparison.all.would] {
        assert_eq!(tally.reasons.get("deadline_expired"), Some(&1));
        assert_eq!(tally.ends[End::Refused.index()], 1);
    }
}

#[test]
fn calls_are_replayed_in_the_order_of_their_arrival() {
    let calls = [one(700, "pay", ANSWERED), one(5, "pay", ANSWERED), one(90, "pay", ANSWERED)];
    let recording = read(&lines(&calls)).expect("it is a record");
    let micros: Vec<u64> =
        recording.routes[0].arrivals.iter().map(|at| at.as_nanos() / 1_000).collect();
    assert_eq!(micros, [5, 90, 700]);
    let order: Vec<u32> = recording.routes[0].calls.iter().map(crate::trace::Asked::call).collect();
    assert_eq!(order, [1, 2, 0]);
}

#[test]
fn what_is_left_out_is_told() {
    let idle = r#""v":"rejected","w":"breaker_open","s":503"#;
    let calls = [one(5, "pay", ANSWERED), one(6, "old", ANSWERED), one(7, "idle", idle)];
    let recording = read(&lines(&calls)).expect("it is a record");
    let (replay, comparison) = run(&recording, &config("", ""));
    let told: Vec<String> = replay.notes.iter().map(ToString::to_string).collect();
    let told = told.join("\n");
    assert!(told.contains("route \"old\" is not in the config: 1 calls are left out"), "{told}");
    assert!(told.contains("no attempt at upstream \"gone\": 1 calls of route \"idle\""), "{told}");
    assert!(told.contains("the record was never closed"), "{told}");
    assert_eq!((comparison.all.was.calls, comparison.routes.len()), (1, 1));
}

#[test]
fn upstreams_that_changed_are_told() {
    let recording = read(&lines(&[one(5, "pay", ANSWERED)])).expect("it is a record");
    let text = "[upstreams.new]\nendpoints = [\"10.0.0.1:1\"]\n\
                health_check = { tcp = true, every = \"3s\" }\n\
                [[routes]]\nname = \"pay\"\npath = \"/\"\nupstream = \"new\"\n";
    let config = Config::parse(text, "new.toml").expect("a config without mistakes");
    let (replay, comparison) = run(&recording, &config);
    assert!((comparison.all.would.success() - 1.0).abs() < 1e-9);
    let notes = [
        Note::Behaves { upstream: "new".into(), like: "shop".into() },
        Note::Endpoints { upstream: "new".into(), had: 3, has: 1 },
        Note::ChecksOff("new".into()),
    ];
    for note in notes {
        assert!(replay.notes.contains(&note), "{note} is not in {:?}", replay.notes);
    }
}

#[test]
fn a_record_that_breaks_off_is_read_up_to_there() {
    let text = lines(&[one(5, "pay", ANSWERED), one(6, "pay", ANSWERED)]);
    let recording = read(&text[..text.len() - 20]).expect("it is a record");
    assert_eq!(recording.calls(), 1);
    assert_eq!(recording.notes, [Note::Tail(Tail::Cut { line: 3 })]);
}

#[test]
fn gaps_and_reloads_are_told() {
    let reload = concat!(
        r#"{"reload":{"at":6,"config":"0000000000000001","#,
        r#""routes":[{"name":"pay","upstream":"gone"}],"#,
        r#""upstreams":[{"name":"gone","endpoints":2}]}}"#,
    );
    let more =
        [r#"{"gap":{"at":8,"lost":3}}"#, r#"{"end":{"at":9,"why":"stopped","calls":3,"lost":4}}"#];
    let calls = [
        one(1, "pay", ANSWERED),
        reload.to_owned(),
        one(5, "pay", ANSWERED),
        one(7, "pay", ANSWERED),
        more.join("\n"),
    ];
    let recording = read(&lines(&calls)).expect("it is a record");
    assert_eq!(recording.notes, [Note::Missing(4), Note::Reloads(1)]);
    let seen: Vec<_> =
        recording.upstreams.iter().map(|s| (&*s.name, s.endpoints, s.attempts)).collect();
    assert_eq!(seen, [("shop", 3, 2), ("gone", 2, 1)], "by the table in force at the arrival");
}

#[test]
fn records_that_cannot_be_replayed_say_what_to_do() {
    let refused = |text: &str| read(text).expect_err("it is refused").to_string();
    assert!(refused("").contains("it is empty"));
    assert!(refused(&format!("{HEAD}\n")).contains("holds no calls"));
    let newer = HEAD.replace("\"version\":1", "\"version\":2");
    assert!(refused(&newer.clone()).contains("breaks off within its first line"));
    assert!(refused(&format!("{newer}\n")).contains("use the Seawall that wrote it"));
    assert!(refused(&format!("{HEAD}\nnonsense\n")).contains("day.jsonl:2:"));
    let text = lines(&[one(5, "old", ANSWERED)]);
    let recording = read(&text).expect("it is a record");
    let error = recording.replay(&config("", "")).expect_err("no route is left").to_string();
    assert!(error.contains("no call of the record can be replayed"), "{error}");
    let bounds = Bounds { calls: 1, ..Bounds::default() };
    let text = lines(&[one(5, "pay", ANSWERED), one(6, "pay", ANSWERED)]);
    let reader = Reader::new(text.as_bytes(), "day.jsonl").expect("it has a header");
    let error = Recording::read(reader, &bounds).expect_err("it is too large").to_string();
    assert!(error.contains("larger than a replay holds in memory (1 calls"), "{error}");
}

#[test]
fn what_is_kept_of_calls_and_attempts_is_as_small_as_stated() {
    assert_eq!(size_of::<crate::trace::Asked>(), 24);
    assert_eq!(size_of::<seawall_core::time::Instant>(), 8);
    assert_eq!(crate::trace::Tape::BYTES, 24);
}
