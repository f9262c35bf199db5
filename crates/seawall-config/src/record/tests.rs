//! Tests of the format: what is written is read back, and what is damaged is told.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use seawall_core::call::{Role, Safety, Step, StepKind, Trail};
use seawall_core::endpoint::{EndpointId, Slot};
use seawall_core::event::Sink as _;
use seawall_core::outcome::{
    Class, ConnectFailure, Connection, GrpcCode, Observation, Pushback, Sent,
};
use seawall_core::reason::Reason;
use seawall_core::shed;
use seawall_core::time::{Duration, Instant};
use seawall_core::upstream::ChoiceReason;

use super::word::Word;
use super::*;
use crate::Config;

fn tables(routes: &[&str]) -> Tables {
    let route = |name: &&str| RouteEntry { name: (*name).to_owned(), upstream: "shop".to_owned() };
    Tables {
        config: Hex(0x0123_4567_89ab_cdef),
        routes: routes.iter().map(route).collect(),
        upstreams: vec![UpstreamEntry { name: "shop".to_owned(), endpoints: 2 }],
    }
}

fn header() -> Header {
    Header::new(1_700_000_000_000_000, tables(&["pay", "a \"b\"\n"]))
}

/// A call as short as it can be.
fn call() -> Call {
    Call {
        arrival: Micros(12),
        route: Arc::from("pay"),
        safety: Safety::Idempotent,
        priority: shed::Class::Normal,
        affinity: None,
        key: None,
        deadline: None,
        attempts: Vec::new(),
        untold: 0,
        verdict: Verdict::Rejected,
        reason: None,
        status: None,
        latency: Micros(3),
    }
}

fn attempt() -> Attempt {
    Attempt {
        endpoint: 1,
        begun: Micros(0),
        latency: Micros(5),
        role: Role::First,
        class: Class::Success,
        status: Some(200),
        grpc: None,
        retry_after: None,
        exhausted: false,
        failure: None,
        sent: None,
    }
}

fn written(lines: &[Line]) -> Vec<u8> {
    let mut out = Vec::new();
    header().encode(&mut out);
    lines.iter().for_each(|line| line.encode(&mut out));
    out
}

/// All lines of a record, and how it ends.
fn read(bytes: &[u8]) -> (Vec<Line>, Option<Tail>) {
    let mut reader = Reader::new(bytes, "day.jsonl").unwrap();
    let lines = reader.by_ref().map(Result::unwrap).collect();
    (lines, reader.tail())
}

/// What the first mistake of a record says.
fn mistake(bytes: &[u8]) -> String {
    match Reader::new(bytes, "day.jsonl") {
        Err(error) => error.to_string(),
        Ok(mut reader) => {
            let error = reader.find_map(Result::err).unwrap().to_string();
            assert!(reader.next().is_none(), "nothing is read after a mistake");
            assert_eq!(reader.tail(), None);
            error
        }
    }
}

fn any_word<T: Word + std::fmt::Debug>() -> impl Strategy<Value = T> {
    select(T::ALL)
}

fn any_attempt() -> impl Strategy<Value = Attempt> {
    let times = (any::<u32>(), any::<u64>(), any::<u64>());
    let words = (any_word(), any_word(), option::of(any_word()), option::of(any_word()));
    let answer = (option::of(100_u16..=999), option::of(0_u8..17), option::of(any::<u64>()));
    (times, words, answer, any::<bool>()).prop_map(|(times, words, answer, exhausted)| Attempt {
        endpoint: times.0,
        begun: Micros(times.1),
        latency: Micros(times.2),
        role: words.0,
        class: words.1,
        status: answer.0,
        grpc: answer.1,
        retry_after: answer.2.map(Micros),
        exhausted,
        failure: words.2,
        sent: words.3,
    })
}

fn any_call() -> impl Strategy<Value = Call> {
    let head = (any::<u64>(), select(&["pay", "a \"b\"\n"][..]), any_word(), any_word());
    let keys = option::of(any::<u64>());
    let keys = (keys.clone(), keys.clone(), keys);
    let end = (any_word(), option::of(any_word()), option::of(100_u16..=999), any::<u64>());
    let attempts = (vec(any_attempt(), 0..6), any::<u32>());
    (head, keys, attempts, end).prop_map(|(head, keys, attempts, end)| Call {
        arrival: Micros(head.0),
        route: Arc::from(head.1),
        safety: head.2,
        priority: head.3,
        affinity: keys.0.map(Hex),
        key: keys.1.map(Hex),
        deadline: keys.2.map(Micros),
        attempts: attempts.0,
        untold: attempts.1,
        verdict: end.0,
        reason: end.1,
        status: end.2,
        latency: Micros(end.3),
    })
}

fn any_line() -> impl Strategy<Value = Line> {
    let reload = (any::<u64>(), any::<u64>()).prop_map(|(at, config)| {
        let tables = Tables { config: Hex(config), ..tables(&["pay", "new"]) };
        Line::Reload(Reload { at: Micros(at), tables })
    });
    let gap =
        (any::<u64>(), any::<u64>()).prop_map(|(at, lost)| Line::Gap(Gap { at: Micros(at), lost }));
    prop_oneof![8 => any_call().prop_map(Line::Call), 1 => reload, 1 => gap]
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_equal(lines in vec(any_line(), 0..20), calls: u64, lost: u64) {
        let why = if calls % 2 == 0 { Close::Stopped } else { Close::Full };
        let end = Line::End(End { at: Micros(calls ^ lost), why, calls, lost });
        let all: Vec<Line> = lines.into_iter().chain([end]).collect();
        let bytes = written(&all);
        let reader = Reader::new(&*bytes, "day.jsonl").unwrap();
        prop_assert_eq!(reader.header(), &header());
        prop_assert_eq!(read(&bytes), (all, Some(Tail::Whole)));
    }

    #[test]
    fn a_record_cut_anywhere_gives_its_whole_lines(
        lines in vec(any_line(), 1..6), share in 0.0..1.0_f64,
    ) {
        let (bytes, first) = (written(&lines), written(&[]).len());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss,
            clippy::cast_precision_loss, reason = "a share of a length is a length")]
        let cut = first + ((bytes.len() - first) as f64 * share) as usize;
        let (got, tail) = read(&bytes[..cut]);
        let whole = bytes[first..cut].iter().filter(|byte| **byte == b'\n').count();
        prop_assert_eq!(&got[..], &lines[..whole]);
        let at_an_end = bytes[cut - 1] == b'\n';
        let line = u64::try_from(whole).unwrap() + 2;
        prop_assert_eq!(tail, Some(if at_an_end { Tail::Open } else { Tail::Cut { line } }));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in vec(any::<u8>(), 0..200), after: bool) {
        let mut all = if after { written(&[]) } else { Vec::new() };
        all.extend(bytes);
        if let Ok(reader) = Reader::new(&*all, "day.jsonl") {
            reader.for_each(drop);
        }
    }
}

#[test]
fn the_lines_of_a_record_stand_as_documented() {
    let retried = Call {
        safety: Safety::Keyed,
        priority: shed::Class::High,
        affinity: Some(Hex(1)),
        key: Some(Hex(u64::MAX)),
        deadline: Some(Micros(900_000)),
        attempts: vec![
            Attempt {
                class: Class::Failure,
                status: None,
                failure: Some(Failure::TimedOut),
                sent: Some(Sent::Maybe),
                ..attempt()
            },
            Attempt { begun: Micros(30), role: Role::Retry, ..attempt() },
        ],
        verdict: Verdict::Answer,
        status: Some(200),
        latency: Micros(40),
        ..call()
    };
    let refused = Call { reason: Some(Reason::BreakerOpen), status: Some(503), ..call() };
    let lines = [
        Line::Call(refused),
        Line::Call(retried),
        Line::Reload(Reload { at: Micros(50), tables: tables(&["pay"]) }),
        Line::Gap(Gap { at: Micros(60), lost: 3 }),
        Line::End(End { at: Micros(70), why: Close::Stopped, calls: 2, lost: 3 }),
    ];
    let text = String::from_utf8(written(&lines)).unwrap();
    assert_eq!(text, include_str!("lines.jsonl"));
}

const PAGE: &str = include_str!("../../../../docs/record.md");

#[test]
fn the_example_on_the_page_is_a_record() {
    let (_, example) = PAGE.split_once("```json\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let (lines, tail) = read(example.as_bytes());
    assert_eq!((lines.len(), tail), (5, Some(Tail::Whole)));
}

#[test]
fn the_page_names_every_word() {
    fn words<T: Word>() -> impl Iterator<Item = &'static str> {
        T::ALL.iter().map(|value| value.word())
    }
    let classes = words::<Class>().chain(words::<shed::Class>()).chain(words::<Safety>());
    let others = words::<Failure>().chain(words::<Verdict>()).chain(words::<Role>());
    let missing = classes.chain(others).chain(words::<Sent>());
    let missing: Vec<_> = missing.filter(|word| !PAGE.contains(&format!("`{word}`"))).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn a_file_that_cannot_be_read_says_which_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Reader::open(&folder.path().join("no.jsonl")).unwrap_err();
    assert!(matches!(missing, RecordError::Unreadable { .. }));
    assert!(missing.to_string().contains("no.jsonl: No such file"), "{missing}");
    let whole = folder.path().join("day.jsonl");
    std::fs::write(&whole, written(&[Line::Call(call())])).unwrap();
    assert_eq!(Reader::open(&whole).unwrap().count(), 1);
    let of_a_folder = Reader::open(folder.path()).unwrap_err();
    assert!(matches!(of_a_folder, RecordError::Unreadable { .. }), "{of_a_folder}");
}

#[test]
fn a_newer_version_is_refused_with_what_to_do() {
    let text = r#"{"seawall_record":{"version":2,"all":"is different"}}"#.to_owned() + "\n";
    let expected = "day.jsonl:1: a record of version 2, and this Seawall reads up to 1; \
                    use the Seawall that wrote it, or a newer one";
    assert_eq!(mistake(text.as_bytes()), expected);
    assert!(mistake(text.replace('2', "0").as_bytes()).contains("a version from 1 on"));
}

#[test]
fn a_file_that_is_no_record_is_told_apart() {
    let remedy = "; name a file that `seawall run --record` wrote";
    assert_eq!(mistake(b""), format!("day.jsonl:1: it is empty{remedy}"));
    let toml = mistake(b"[upstreams.a]\n");
    assert!(toml.starts_with("day.jsonl:1: not a record of Seawall: "), "{toml}");
    assert!(toml.ends_with(remedy), "{toml}");
    let cut = &written(&[])[..40];
    assert!(mistake(cut).contains("breaks off within its first line"));
}

#[test]
fn a_key_that_is_not_known_is_passed_over() {
    let bytes = String::from_utf8(written(&[Line::Call(call())])).unwrap();
    let richer = bytes.replace("\"t\":12,", "\"t\":12,\"new\":{\"a\":[1]},");
    assert_ne!(bytes, richer);
    assert_eq!(read(richer.as_bytes()).0, [Line::Call(call())]);
}

#[test]
fn each_damage_is_told_with_its_line() {
    let good = Line::Call(call());
    let after =
        |text: &str| [&*written(std::slice::from_ref(&good)), text.as_bytes(), b"\n"].concat();
    let told = |text: &str| mistake(&after(text));
    assert!(told("").starts_with("day.jsonl:3: EOF while parsing"), "{}", told(""));
    let missing = told(r#"{"call":{"t":1}}"#);
    assert!(missing.starts_with("day.jsonl:3: missing field `r` (column 15)"), "{missing}");
    assert!(missing.ends_with("cut the file there, or record anew"), "{missing}");
    assert!(told(r#"{"tell":{}}"#).contains("unknown variant `tell`"));
    let line = |route: &str, verdict: &str, key: &str| {
        format!(
            r#"{{"call":{{"t":1,"r":"{route}","m":"unsafe","k":"{key}","v":"{verdict}","l":1}}}}"#
        )
    };
    let hash = "00000000000000ff";
    assert!(told(&line("else", "answer", hash)).contains("route \"else\" is in no table"));
    assert!(told(&line("pay", "answered", hash)).contains("\"answered\" is no verdict"));
    assert!(told(&line("pay", "answer", "+0000000000000ff")).contains("16 hexadecimal digits"));
    assert_eq!(read(&after(&line("pay", "answer", hash))).0.len(), 2);
}

#[test]
fn what_no_seawall_writes_is_refused_by_its_bound() {
    let many = Call { attempts: vec![attempt(); ATTEMPTS_MAX + 1], ..call() };
    assert!(mistake(&written(&[Line::Call(many)])).contains("65 attempts, above 64"));
    let most = Call { attempts: vec![attempt(); ATTEMPTS_MAX], ..call() };
    assert_eq!(read(&written(&[Line::Call(most)])).0.len(), 1);
    let mut long = written(&[]);
    long.resize(long.len() + LINE_BYTES_MAX + 1, b' ');
    assert!(mistake(&long).starts_with("day.jsonl:2: a line above 8388608 bytes"));
    let upstream = UpstreamEntry { name: "else".to_owned(), endpoints: 1 };
    let tables = Tables { upstreams: vec![upstream], ..tables(&["pay"]) };
    let reload = Line::Reload(Reload { at: Micros(0), tables });
    assert!(mistake(&written(&[reload])).contains("the upstream \"shop\", which is not listed"));
}

#[test]
fn nothing_follows_the_last_line() {
    let end = Line::End(End { at: Micros(1), why: Close::Full, calls: 0, lost: 0 });
    assert!(mistake(&written(&[end.clone(), end])).contains("3: a line after the last one"));
}

#[test]
fn a_reload_adds_routes_and_keeps_those_that_calls_still_have() {
    let reload = Line::Reload(Reload { at: Micros(1), tables: tables(&["new"]) });
    let of = |route: &str| Line::Call(Call { route: Arc::from(route), ..call() });
    let lines = [of("pay"), reload, of("new"), of("pay")];
    let (got, _) = read(&written(&lines));
    assert_eq!(got, lines);
    let names = got.iter().filter_map(|line| match line {
        Line::Call(call) if &*call.route == "pay" => Some(Arc::clone(&call.route)),
        _ => None,
    });
    let names: Vec<_> = names.collect();
    assert!(Arc::ptr_eq(&names[0], &names[1]), "calls share the name of their route");
}

#[test]
fn tables_name_what_the_config_has_and_nothing_else() {
    let config = Config::parse(
        "[upstreams.a]\nendpoints = [\"127.0.0.1:1\", \"127.0.0.1:2\"]\n\
         [[routes]]\npath = \"/secret\"\nname = \"pay\"\nupstream = \"a\"\n",
        "test.toml",
    );
    let config = config.unwrap();
    let tables = Tables::of(&config);
    assert_eq!(tables.config, Hex(config.hash()));
    assert_eq!(tables.routes, [RouteEntry { name: "pay".to_owned(), upstream: "a".to_owned() }]);
    assert_eq!(tables.upstreams, [UpstreamEntry { name: "a".to_owned(), endpoints: 2 }]);
}

#[test]
fn times_are_cut_to_whole_microseconds() {
    assert_eq!(Micros::from(Duration::from_nanos(1_999)), Micros(1));
    assert_eq!(Micros::from(Duration::MAX), Micros(u64::MAX));
    assert_eq!(Duration::from(Micros(7)), Duration::from_micros(7));
    assert_eq!(header().unix_us(Micros(5)), 1_700_000_000_000_005);
}

#[test]
fn every_failure_is_known_by_its_word_and_comes_back_as_it_was_seen() {
    for failure in Failure::ALL {
        for sent in Sent::ALL {
            assert_eq!(Failure::of(&failure.observation(*sent)), Some(*failure));
        }
    }
    let words: std::collections::BTreeSet<_> = Failure::ALL.iter().map(|f| f.word()).collect();
    assert_eq!(words.len(), Failure::ALL.len());
}

fn trail(steps: &[(u64, StepKind)]) -> Trail {
    let mut trail = Trail::default();
    for (at, kind) in steps {
        trail.emit(Step { at: Instant::from_millis(*at), kind: *kind });
    }
    trail
}

fn begins(number: u32, role: Role) -> StepKind {
    let endpoint = EndpointId { slot: Slot::new(number + 4), generation: 0 };
    let reason = ChoiceReason::Balanced;
    StepKind::Attempt { number, role, endpoint, reason, candidates: 2 }
}

fn saw(number: u32, seen: Observation, class: Class) -> StepKind {
    StepKind::Saw { number, seen, class }
}

#[test]
fn attempts_are_gathered_from_a_trail() {
    let refused = Observation::ConnectFailed(ConnectFailure::Refused);
    let status = |code| Observation::Status { code, retry_after: None, exhausted: false };
    let trail = trail(&[
        (100, begins(0, Role::First)),
        (104, saw(0, refused, Class::Failure)),
        (104, StepKind::Retry { after: Duration::from_millis(6) }),
        (110, begins(1, Role::Retry)),
        (120, begins(2, Role::Hedge)),
        (125, saw(2, status(200), Class::Success)),
        (125, StepKind::Abandoned { number: 1 }),
        (140, saw(2, Observation::CutShort, Class::Failure)),
    ]);
    let got = attempts(&trail, Instant::from_millis(90), Instant::from_millis(141));
    let micros = |millis: u64| Micros(millis * 1_000);
    let expected = [
        Attempt {
            endpoint: 4,
            begun: micros(10),
            latency: micros(4),
            class: Class::Failure,
            status: None,
            failure: Some(Failure::ConnectRefused),
            ..attempt()
        },
        Attempt {
            endpoint: 5,
            begun: micros(20),
            latency: micros(15),
            role: Role::Retry,
            class: Class::Abandoned,
            status: None,
            ..attempt()
        },
        Attempt {
            endpoint: 6,
            begun: micros(30),
            latency: micros(5),
            role: Role::Hedge,
            class: Class::Failure,
            failure: Some(Failure::CutShort),
            ..attempt()
        },
    ];
    assert_eq!(got, expected);
    assert_eq!(got[0].observation(), Some(refused));
    assert_eq!(got[1].observation(), None);
    assert_eq!(got[2].observation(), Some(Observation::CutShort));
}

#[test]
fn an_attempt_tells_what_its_driver_saw() {
    let wait = Duration::from_millis(3);
    let seen = [
        Observation::Status { code: 503, retry_after: Some(wait), exhausted: true },
        Observation::Lost { connection: Connection::Reused, sent: Sent::No },
        Observation::TimedOut { sent: Sent::Yes },
        Observation::Grpc {
            code: GrpcCode::Unavailable,
            pushback: Some(Pushback::After(wait)),
            exhausted: false,
        },
    ];
    for seen in seen {
        let abandoned = StepKind::Abandoned { number: 0 };
        let steps =
            [(0, begins(0, Role::First)), (5, abandoned), (9, saw(0, seen, Class::Failure))];
        let got = attempts(&trail(&steps), Instant::EPOCH, Instant::from_millis(20));
        assert_eq!(got[0].observation(), Some(seen));
        assert_eq!(got[0].latency, Micros(5_000), "its time was over when it was given up");
    }
}

#[test]
fn an_attempt_still_running_at_the_end_of_its_call_was_abandoned() {
    let trail = trail(&[(3, begins(0, Role::First)), (8, StepKind::Cancelled)]);
    let got = attempts(&trail, Instant::EPOCH, Instant::from_millis(8));
    assert_eq!((got[0].class, got[0].latency), (Class::Abandoned, Micros(5_000)));
}
