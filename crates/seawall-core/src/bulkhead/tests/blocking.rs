//! Blocking work that nobody waits for any more.

use super::*;
use proptest::prelude::*;

fn pool(threads: u32) -> Blocking {
    Blocking::new(settings(threads, 2))
}

fn begin(pool: &mut Blocking, now: u64) -> Option<Job> {
    match pool.bulkhead().acquire(at(now), at(now)) {
        Acquired::Permit(permit) => Some(pool.begin(permit, at(now))),
        Acquired::Queued { .. } | Acquired::Refused { .. } => None,
    }
}

fn counts(pool: &Blocking) -> (u32, u32, u32) {
    let snapshot = pool.snapshot();
    (snapshot.bulkhead.in_use, snapshot.running, snapshot.zombies)
}

#[test]
fn t105_abandoned_work_keeps_its_permit_until_it_returns() {
    let (mut pool, mut events) = (pool(2), Vec::new());
    let jobs = [begin(&mut pool, 0).unwrap(), begin(&mut pool, 0).unwrap()];
    jobs.iter().for_each(|job| pool.abandon(*job, at(10), &mut events));
    assert_eq!(counts(&pool), (2, 2, 2));
    assert_eq!(begin(&mut pool, 20), None, "a hung dependency gets no third thread");
    pool.on_returned(jobs[0], at(100), &mut events);
    assert_eq!(counts(&pool), (1, 1, 1));
    assert!(begin(&mut pool, 100).is_some());
    let expected = [
        BlockingEvent::Abandoned { after: millis(10), zombies: 1 },
        BlockingEvent::Abandoned { after: millis(10), zombies: 2 },
        BlockingEvent::ZombieReturned { after: millis(90), zombies: 1 },
    ];
    assert_eq!(events, expected);
    assert_eq!(pool.snapshot().abandoned, 2);
}

#[test]
fn t105_a_returned_thread_serves_the_first_who_waits() {
    let (mut pool, mut events) = (pool(1), Vec::new());
    let job = begin(&mut pool, 0).unwrap();
    let (waiter, _) = queued(pool.bulkhead().acquire(at(0), Instant::NEVER));
    pool.abandon(job, at(1), &mut events);
    assert_eq!(pool.bulkhead().next_grant(at(1)), None);
    pool.on_returned(job, at(2), &mut events);
    assert_eq!(pool.bulkhead().next_grant(at(2)), Some(waiter));
    let permit = claimed(pool.bulkhead().claim(waiter, at(2)));
    pool.begin(permit, at(2));
    assert_eq!(pool.snapshot().bulkhead.service_time, Some(millis(2)), "zombies are slow");
}

#[test]
fn a_job_is_abandoned_once_and_returns_once() {
    let (mut pool, mut events) = (pool(2), Vec::new());
    let job = begin(&mut pool, 0).unwrap();
    pool.abandon(job, at(1), &mut events);
    pool.abandon(job, at(2), &mut events);
    pool.on_returned(job, at(3), &mut events);
    let other = begin(&mut pool, 3).unwrap();
    pool.on_returned(job, at(4), &mut events);
    pool.abandon(job, at(4), &mut events);
    assert_eq!((counts(&pool), events.len()), ((1, 1, 0), 2), "its place is another's now");
    pool.on_returned(other, at(5), &mut events);
    assert_eq!((counts(&pool), events.len()), ((0, 0, 0), 2), "and nobody gave that up");
}

#[test]
fn threads_are_bounded_and_a_lowered_number_drains() {
    let greedy = BulkheadSettings::default();
    assert_eq!(Blocking::validate(&greedy).unwrap_err().field(), "permits");
    assert_eq!(Blocking::validate(&settings(THREADS_MAX, 2)), Ok(()));
    assert_eq!(Blocking::new(greedy).snapshot().bulkhead.permits, THREADS_MAX);
    let mut pool = pool(3);
    let jobs: Vec<_> = (0..3).map(|_| begin(&mut pool, 0).unwrap()).collect();
    pool.reconfigure(settings(1, 0));
    assert_eq!(counts(&pool), (3, 3, 0));
    jobs.into_iter().for_each(|job| pool.on_returned(job, at(1), &mut Vec::new()));
    assert!(begin(&mut pool, 1).is_some() && begin(&mut pool, 1).is_none());
}

#[test]
fn a_job_that_was_given_up_before_it_began_never_begins() {
    let (mut jobs, mut events) = (Jobs::with_capacity(2), Vec::new());
    let (given_up, begun) = (jobs.hand_over("a"), jobs.hand_over("b"));
    assert_eq!(jobs.abandon(given_up, at(1), &mut events), Some("a"), "the permit comes back");
    assert_eq!(jobs.abandon(given_up, at(1), &mut events), None, "once");
    assert_eq!(jobs.start(given_up, at(2)), Started::GivenUp);
    assert_eq!(jobs.on_returned(begun, at(2), &mut events), None, "it has not begun");
    assert_eq!(
        (jobs.start(begun, at(2)), jobs.start(begun, at(3))),
        (Started::Run, Started::GivenUp)
    );
    assert_eq!(jobs.on_returned(begun, at(5), &mut events), Some(("b", millis(3))));
    assert_eq!((jobs.snapshot(), events), (JobsSnapshot::default(), Vec::new()));
}

proptest! {
    /// Each job as a line of a list: running or not, abandoned or not.
    #[test]
    fn agrees_with_a_list_of_jobs(
        operations in prop::collection::vec((0_u8..3, any::<usize>()), 1..200),
    ) {
        let mut pool = pool(5);
        let mut list: Vec<(Job, bool, bool)> = Vec::new();
        let mut events = Vec::new();
        for (now, (kind, index)) in (0..).zip(operations) {
            let picked = (!list.is_empty()).then(|| index % list.len());
            let running = list.iter().filter(|(_, running, _)| *running).count();
            match (kind, picked) {
                (0, _) => {
                    let job = begin(&mut pool, now);
                    prop_assert_eq!(job.is_some(), running < 5);
                    list.extend(job.map(|job| (job, true, false)));
                }
                (1, Some(picked)) => {
                    pool.abandon(list[picked].0, at(now), &mut events);
                    list[picked].2 = true;
                }
                (_, Some(picked)) => {
                    pool.on_returned(list[picked].0, at(now), &mut events);
                    list[picked].1 = false;
                }
                (_, None) => {}
            }
            let running = list.iter().filter(|(_, running, _)| *running).count();
            let zombies = list.iter().filter(|(_, running, gone)| *running && *gone).count();
            let expected = (running, running, zombies);
            let (in_use, running, zombies) = counts(&pool);
            prop_assert_eq!((in_use as usize, running as usize, zombies as usize), expected);
        }
    }
}
