//! The worked examples and the traps.

use super::*;
use crate::reason::Reason;

#[test]
fn id_1_a_hundred_duplicates_are_one_execution_and_99_replays() {
    let mut bench = Bench::new(IdempotencySettings::default());
    let claim = bench.run(0, at(0));
    let waits = (1..100).map(|owner| bench.ask(request(owner, 1, at(0)), at(0)));
    assert_eq!(waits.filter(|one| *one == Arrived::Wait(at(2))).count(), 99);
    assert_eq!(bench.end(claim, Ending::Keep, at(1)), Completed::Recorded);
    let replays = (1..100).map(|owner| bench.ask(request(owner, 1, at(0)), at(1)));
    assert_eq!(replays.filter(|one| *one == Arrived::Replay).count(), 99);
    assert_eq!(bench.records.answer(&key()), Some(&"paid"));
    let count = |kind| bench.events.iter().filter(|event| **event == kind).count();
    assert_eq!(count(IdempotencyEvent::Started(claim)), 1);
    assert_eq!(count(IdempotencyEvent::Replayed), 99);
}

#[test]
fn id_2_t165_a_dead_owner_makes_the_record_indeterminate_and_not_free() {
    let mut bench = Bench::new(IdempotencySettings::default());
    let claim = bench.run(0, at(0));
    assert_eq!(bench.ask(request(1, 1, at(1)), at(1)), Arrived::Wait(at(3)));
    let conflict = Arrived::Conflict { retry_at: at(8) };
    assert_eq!(bench.ask(request(1, 1, at(1)), at(3)), conflict);
    assert_eq!(bench.ask(request(2, 1, at(9)), at(9)), Arrived::Wait(at(10)));
    assert_eq!(bench.ask(request(2, 1, at(9)), at(10)), Arrived::Indeterminate);
    assert!(bench.events.contains(&IdempotencyEvent::Indeterminate(claim)));
}

#[test]
fn t165_no_deadline_means_the_longest_permitted_one() {
    let mut bench = Bench::new(IdempotencySettings::default());
    let endless = Arrival { exec_deadline: Instant::NEVER, ..request(0, 1, at(0)) };
    assert!(matches!(bench.ask(endless, at(0)), Arrived::Run(_)));
    assert_eq!(bench.ask(request(1, 1, at(299)), at(299)), Arrived::Wait(at(300)));
    assert_eq!(bench.ask(request(1, 1, at(299)), at(300)), Arrived::Indeterminate);
}

#[test]
fn t166_a_timeout_lets_nothing_run_again_unless_the_route_says_so() {
    let mut bench = Bench::new(IdempotencySettings::default());
    let claim = bench.run(0, at(0));
    bench.end(claim, Ending::Unknown, at(1));
    assert_eq!(bench.ask(request(1, 1, at(1)), at(1)), Arrived::Indeterminate);
    let policy = Policy::RetrySafe;
    bench.records.reconfigure(IdempotencySettings { policy, ..Default::default() }).unwrap();
    let second = Arrived::Run(Claim { owner: 1, attempt: 2 });
    assert_eq!(bench.ask(request(1, 1, at(1)), at(1)), second);
}

#[test]
fn id_3_t167_the_result_of_a_late_owner_is_discarded() {
    let policy = Policy::RetrySafe;
    let mut bench = Bench::new(IdempotencySettings { policy, ..Default::default() });
    let late = bench.run(0, at(0));
    let claim = bench.run(1, at(10));
    assert_eq!(claim, Claim { owner: 1, attempt: 2 });
    assert_eq!(bench.end(late, Ending::Keep, at(11)), Completed::Stale);
    assert_eq!(bench.ask(request(2, 1, at(11)), at(11)), Arrived::Wait(at(13)));
    assert_eq!(bench.end(claim, Ending::Keep, at(12)), Completed::Recorded);
    assert_eq!(bench.end(late, Ending::Free, at(13)), Completed::Stale);
    assert_eq!(bench.ask(request(2, 1, at(13)), at(13)), Arrived::Replay);
    assert_eq!(bench.records.snapshot().stale_completions, 2);
    assert!(bench.events.contains(&IdempotencyEvent::StaleCompletion(late)));
}

#[test]
fn a_late_owner_that_nobody_has_replaced_settles_the_record() {
    let mut bench = Bench::new(IdempotencySettings::default());
    let claim = bench.run(0, at(0));
    assert_eq!(bench.ask(request(1, 1, at(11)), at(11)), Arrived::Indeterminate);
    assert_eq!(bench.end(claim, Ending::Keep, at(12)), Completed::Recorded);
    assert_eq!(bench.ask(request(1, 1, at(13)), at(13)), Arrived::Replay);
}

#[test]
fn id_4_t168_one_key_for_two_requests_runs_neither_twice() {
    let mut bench = Bench::new(IdempotencySettings::default());
    let claim = bench.run(0, at(0));
    assert_eq!(bench.ask(request(1, 2, at(1)), at(1)), Arrived::Mismatch);
    bench.end(claim, Ending::Keep, at(1));
    assert_eq!(bench.ask(request(1, 2, at(2)), at(2)), Arrived::Mismatch);
    let claim = claim.owner;
    assert_eq!(bench.ask(request(claim, 1, at(2)), at(2)), Arrived::Replay);
}

#[test]
fn t168_another_tenant_or_route_has_another_key() {
    let mut bench = Bench::new(IdempotencySettings::default());
    bench.run(0, at(0));
    for other in [key_of("you", "/pay"), key_of("me", "/refund")] {
        let asks = (request(1, 2, at(0)), Need::Required);
        let arrived = bench.records.arrive(&other, asks, at(0), &mut bench.events);
        assert!(matches!(arrived, Protection::Recorded(Arrived::Run(_))), "{other:?}");
    }
}

#[test]
fn t169_an_error_frees_the_key() {
    let mut bench = Bench::new(IdempotencySettings::default());
    let claim = bench.run(0, at(0));
    assert_eq!(bench.end(claim, Ending::Free, at(1)), Completed::Recorded);
    assert_eq!(bench.run(1, at(1)), Claim { owner: 1, attempt: 1 });
}

#[test]
fn id_5_t170_without_a_store_required_keys_are_refused_and_others_unprotected() {
    let refused = Protection::Refused(Reason::StoreUnavailable);
    assert_eq!(without_store(Need::Required), refused);
    assert_eq!(without_store(Need::Optional), Protection::Unprotected);
}

#[test]
fn a_full_table_evicts_nobody_that_is_live() {
    let mut bench = Bench::new(IdempotencySettings { entries_max: 1, ..Default::default() });
    let claim = bench.run(0, at(0));
    let other = key_of("you", "/pay");
    for (need, told) in [
        (Need::Required, Protection::Refused(Reason::StoreUnavailable)),
        (Need::Optional, Protection::Unprotected),
    ] {
        let asks = (request(1, 1, at(1)), need);
        assert_eq!(bench.records.arrive(&other, asks, at(1), &mut bench.events), told);
    }
    assert_eq!(bench.end(claim, Ending::Keep, at(2)), Completed::Recorded);
    assert_eq!(bench.records.snapshot().full, 2);
    let day = at(2 + 24 * 3_600);
    let asks = (request(1, 1, day), Need::Required);
    let told = bench.records.arrive(&other, asks, day, &mut bench.events);
    assert!(matches!(told, Protection::Recorded(Arrived::Run(_))), "{told:?}");
}

#[test]
fn an_answer_beyond_the_cap_or_the_room_is_done_but_not_replayable() {
    let settings = IdempotencySettings { body_max: 10, bytes_max: 10, ..Default::default() };
    for (bytes, told) in [(10, Arrived::Replay), (11, Arrived::NotReplayable)] {
        let mut bench = Bench::new(settings);
        let claim = bench.run(0, at(0));
        let ended = (claim, Ending::Keep, Some(("paid", bytes)));
        bench.records.complete(&key(), ended, at(1), &mut bench.events);
        assert_eq!(bench.ask(request(1, 1, at(1)), at(1)), told);
        assert_eq!(bench.records.snapshot().bytes, if bytes == 10 { 10 } else { 0 });
    }
}

#[test]
fn a_result_is_forgotten_after_its_day() {
    let mut bench = Bench::new(IdempotencySettings::default());
    let claim = bench.run(0, at(0));
    bench.end(claim, Ending::Keep, at(0));
    let day = 24 * 3_600;
    let early = request(1, 1, at(day - 1));
    assert_eq!(bench.ask(early, at(day - 1)), Arrived::Replay);
    assert_eq!(bench.run(1, at(day)), Claim { owner: 1, attempt: 1 });
}

#[test]
fn a_probe_decides_what_nobody_knew() {
    let policy = Policy::Probe;
    let settings = IdempotencySettings { policy, ..Default::default() };
    let second = |owner| Arrived::Run(Claim { owner, attempt: 2 });
    // The next to find that it was not done is too late, but where nothing had been found out.
    for (found, told, next) in [
        (Found::Done(("seen", 4)), Arrived::Replay, Arrived::Replay),
        (Found::NotDone, second(1), Arrived::Wait(at(13))),
        (Found::Unknown, Arrived::Indeterminate, second(2)),
    ] {
        let mut bench = Bench::new(settings);
        let claim = bench.run(0, at(0));
        let arrival = request(1, 1, at(10));
        assert_eq!(bench.ask(arrival, at(10)), Arrived::Probe(claim));
        let probe = (claim, found, arrival);
        assert_eq!(bench.records.probed(&key(), probe, at(11), &mut bench.events), told);
        let probe = (claim, Found::NotDone, request(2, 1, at(11)));
        assert_eq!(bench.records.probed(&key(), probe, at(11), &mut bench.events), next);
    }
}

#[test]
fn a_person_frees_what_nobody_knows_but_not_what_runs() {
    let mut bench = Bench::new(IdempotencySettings::default());
    let claim = bench.run(0, at(0));
    bench.records.forget(&key());
    assert!(bench.records.record(&key()).is_some());
    bench.end(claim, Ending::Unknown, at(1));
    bench.records.forget(&key());
    assert_eq!(bench.run(1, at(1)).attempt, 1);
}
