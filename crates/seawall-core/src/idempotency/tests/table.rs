//! Every state of a record under every event, as text: `table.txt` is the reviewed copy.

use super::*;
use std::format;

const MINE: Claim = Claim { owner: 1, attempt: 1 };
const OTHER: Claim = Claim { owner: 9, attempt: 9 };

type Kept = Record<&'static str>;

fn states() -> [(&'static str, Option<Kept>); 7] {
    let (claim, fingerprint, expires) = (MINE, Fingerprint([1; 32]), at(100));
    let progress = |exec_deadline| Record::InProgress { claim, fingerprint, exec_deadline };
    let done = |answer| Record::Done { claim, fingerprint, answer, expires };
    [
        ("absent", None),
        ("in progress", Some(progress(at(60)))),
        ("past its deadline", Some(progress(at(50)))),
        ("done", Some(done(Some("paid")))),
        ("done, too large", Some(done(None))),
        ("indeterminate", Some(Record::Indeterminate { claim, fingerprint, expires })),
        ("expired", Some(Record::Indeterminate { claim, fingerprint, expires: at(50) })),
    ]
}

fn next(next: &Next<&'static str>) -> String {
    match next {
        Next::Keep => "same".into(),
        Next::Remove => "absent".into(),
        Next::Put(record) => {
            let Claim { owner, attempt } = record.claim();
            let state = match record {
                Record::InProgress { .. } => "in progress",
                Record::Done { answer: Some(_), .. } => "done",
                Record::Done { answer: None, .. } => "done, too large",
                Record::Indeterminate { .. } => "indeterminate",
            };
            format!("{state} ({owner}/{attempt})")
        }
    }
}

fn arrival(record: Option<&Kept>, policy: Policy, body: u8, since: u64) -> String {
    let settings = IdempotencySettings { policy, ..Default::default() };
    let asks = Arrival { owner: 2, since: at(since), ..request(2, body, at(50)) };
    let step = arrive(record, asks, &settings, at(50));
    let says = match step.says {
        Arrived::Run(_) => "run",
        Arrived::Replay => "replay",
        Arrived::NotReplayable => "not replayable",
        Arrived::Mismatch => "mismatch",
        Arrived::Wait(_) => "wait",
        Arrived::Conflict { .. } => "conflict",
        Arrived::Indeterminate => "indeterminate",
        Arrived::Probe(_) => "probe",
    };
    format!("{says} -> {}", next(&step.next))
}

fn completion(record: Option<&Kept>, claim: Claim, ending: Ending) -> String {
    let step = complete(record, claim, (ending, Some("paid")), SECOND, at(50));
    format!("{:?} -> {}", step.says, next(&step.next))
}

fn probing(record: Option<&Kept>, found: Found<&'static str>) -> String {
    let settings = IdempotencySettings { policy: Policy::Probe, ..Default::default() };
    let step = probed(record, (MINE, found), request(2, 1, at(50)), &settings, at(50));
    format!("{:?} -> {}", step.says, next(&step.next))
}

fn rows(record: Option<&Kept>) -> [(&'static str, String); 15] {
    let done = completion(record, MINE, Ending::Keep);
    [
        ("arrives, manual", arrival(record, Policy::Manual, 1, 50)),
        ("arrives, retry safe", arrival(record, Policy::RetrySafe, 1, 50)),
        ("arrives, probe", arrival(record, Policy::Probe, 1, 50)),
        ("asks after its wait", arrival(record, Policy::Manual, 1, 48)),
        ("other request arrives", arrival(record, Policy::Manual, 2, 50)),
        ("other request, retry safe", arrival(record, Policy::RetrySafe, 2, 50)),
        ("owner ends, keep", done),
        ("owner ends, free", completion(record, MINE, Ending::Free)),
        ("owner ends, unknown", completion(record, MINE, Ending::Unknown)),
        ("other owner ends, keep", completion(record, OTHER, Ending::Keep)),
        ("other owner ends, free", completion(record, OTHER, Ending::Free)),
        ("other owner ends, unknown", completion(record, OTHER, Ending::Unknown)),
        ("probe finds it done", probing(record, Found::Done("seen"))),
        ("probe finds it not done", probing(record, Found::NotDone)),
        ("probe finds nothing out", probing(record, Found::Unknown)),
    ]
}

#[test]
fn the_table_of_records_is_the_reviewed_one() {
    let mut table = String::new();
    for (name, record) in states() {
        table.push_str(&format!("{name}\n"));
        for (event, told) in rows(record.as_ref()) {
            table.push_str(&format!("  {event:<26} {told}\n"));
        }
    }
    assert_eq!(table, include_str!("table.txt"), "\n{table}");
}
