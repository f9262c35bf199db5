//! Tests of the bulkhead.

use std::future::{pending, ready};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use seawall_core::bulkhead::RejectCause;
use seawall_core::reason::Reason;
use tokio::time::{Duration, Instant, advance};

use super::{Wakes, ms, poll};
use crate::mechanism::{Bulkhead, Setup};
use crate::{BulkheadSettings, Error, Event, Heard, QueueOrder, Until, What};

fn settings(permits: u32, queue: u32) -> BulkheadSettings {
    BulkheadSettings { permits, queue, max_wait: ms(1_000), ..BulkheadSettings::default() }
}

fn bulkhead(permits: u32, queue: u32) -> Bulkhead {
    Bulkhead::named("db", settings(permits, queue)).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "this is the clock of the tests")]
fn now() -> Instant {
    Instant::now()
}

#[track_caller]
fn assert_nothing_held(bulkhead: &Bulkhead) {
    let snapshot = bulkhead.snapshot();
    assert_eq!((snapshot.in_use, snapshot.queued, snapshot.unclaimed), (0, 0, 0), "{snapshot:?}");
}

#[test]
fn permits_are_given_up_to_the_limit_and_come_back() {
    let bulkhead = bulkhead(2, 0);
    let one = bulkhead.try_acquire().unwrap();
    let two = bulkhead.try_acquire_owned().unwrap();
    assert_eq!(bulkhead.snapshot().in_use, 2);
    let rejected = bulkhead.try_acquire().unwrap_err();
    assert_eq!(rejected.reason, Reason::BulkheadFull);
    assert!(rejected.to_string().starts_with("db: rejected, bulkhead_full; may succeed in "));
    drop(one);
    let three = bulkhead.try_acquire().unwrap();
    drop((two, three));
    assert_nothing_held(&bulkhead);
    assert_eq!(bulkhead.snapshot().rejected.full, 1);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_gets_the_permit_that_comes_free() {
    let bulkhead = bulkhead(1, 1);
    let held = bulkhead.try_acquire().unwrap();
    let wakes = Arc::default();
    let mut acquire = pin!(bulkhead.acquire());
    assert!(poll(acquire.as_mut(), &wakes).is_pending());
    drop(held);
    assert_eq!(wakes.count(), 1);
    let Poll::Ready(Ok(permit)) = poll(acquire.as_mut(), &wakes) else { panic!("no permit") };
    drop(permit);
    assert_nothing_held(&bulkhead);
}

#[tokio::test(start_paused = true)]
async fn t95_a_waiter_dropped_at_any_point_passes_its_permit_on() {
    for woken_first in [false, true] {
        let bulkhead = bulkhead(1, 2);
        let held = bulkhead.try_acquire().unwrap();
        let (head_wakes, next_wakes) = (Arc::default(), Arc::default());
        let mut head = Box::pin(bulkhead.acquire());
        let mut next = pin!(bulkhead.acquire());
        assert!(poll(head.as_mut(), &head_wakes).is_pending());
        assert!(poll(next.as_mut(), &next_wakes).is_pending());
        if woken_first {
            drop(held);
            assert_eq!((head_wakes.count(), next_wakes.count()), (1, 0));
            drop(head);
        } else {
            drop(head);
            drop(held);
        }
        assert_eq!(next_wakes.count(), 1, "the next is woken");
        assert!(matches!(poll(next.as_mut(), &next_wakes), Poll::Ready(Ok(_))));
        assert_nothing_held(&bulkhead);
    }
}

#[tokio::test(start_paused = true)]
async fn t97_as_many_waiters_wake_as_permits_come_free() {
    let bulkhead = bulkhead(3, 5);
    let held: Vec<_> = (0..3).map(|_| bulkhead.try_acquire().unwrap()).collect();
    let wakes: Vec<Arc<Wakes>> = (0..5).map(|_| Arc::default()).collect();
    let mut waiting: Vec<_> = (0..5).map(|_| Box::pin(bulkhead.acquire())).collect();
    for (waiter, wakes) in waiting.iter_mut().zip(&wakes) {
        assert!(poll(waiter.as_mut(), wakes).is_pending());
    }
    drop(held);
    let count = |wakes: &Arc<Wakes>| wakes.count();
    let woken: Vec<u32> = wakes.iter().map(count).collect();
    assert_eq!(woken, [1, 1, 1, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn t98_a_releaser_that_comes_back_at_once_is_behind_those_who_wait() {
    let bulkhead = bulkhead(1, 2);
    let held = bulkhead.try_acquire().unwrap();
    let wakes = Arc::default();
    let mut waiter = pin!(bulkhead.acquire());
    assert!(poll(waiter.as_mut(), &wakes).is_pending());
    drop(held);
    bulkhead.try_acquire().unwrap_err();
    let mut releaser = pin!(bulkhead.acquire());
    assert!(poll(releaser.as_mut(), &wakes).is_pending());
    assert!(matches!(poll(waiter.as_mut(), &wakes), Poll::Ready(Ok(_))));
}

#[tokio::test(start_paused = true)]
async fn the_newest_is_served_first_where_the_settings_say_so() {
    let lifo = BulkheadSettings { order: QueueOrder::Lifo, ..settings(1, 2) };
    let bulkhead = Bulkhead::new(lifo).unwrap();
    let held = bulkhead.try_acquire().unwrap();
    let (old_wakes, new_wakes) = (Arc::default(), Arc::default());
    let (mut old, mut new) = (pin!(bulkhead.acquire()), pin!(bulkhead.acquire()));
    assert!(poll(old.as_mut(), &old_wakes).is_pending());
    assert!(poll(new.as_mut(), &new_wakes).is_pending());
    drop(held);
    assert_eq!((old_wakes.count(), new_wakes.count()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn bh_3_whoever_is_shed_from_a_standing_queue_hears_of_it_at_once() {
    let codel = BulkheadSettings { order: QueueOrder::CoDel, ..settings(1, 9) };
    let bulkhead = Bulkhead::new(codel).unwrap();
    let mut held = bulkhead.try_acquire().unwrap();
    let wakes = Arc::default();
    // Nobody waits for less than 10 ms from 100 ms to 200 ms.
    for (before, wait) in [(80, 20), (50, 10), (20, 20)] {
        advance(ms(before)).await;
        let mut acquire = pin!(bulkhead.acquire());
        assert!(poll(acquire.as_mut(), &wakes).is_pending());
        advance(ms(wait)).await;
        drop(held);
        let Poll::Ready(Ok(next)) = poll(acquire.as_mut(), &wakes) else { panic!("not served") };
        held = next;
    }
    advance(ms(10)).await;
    let (old_wakes, new_wakes) = (Arc::default(), Arc::default());
    let (mut old, mut new) = (pin!(bulkhead.acquire()), pin!(bulkhead.acquire()));
    assert!(poll(old.as_mut(), &old_wakes).is_pending());
    advance(ms(15)).await;
    assert!(poll(new.as_mut(), &new_wakes).is_pending());
    advance(ms(5)).await;
    drop(held);
    assert_eq!((old_wakes.count(), new_wakes.count()), (1, 1));
    assert!(matches!(poll(old.as_mut(), &old_wakes), Poll::Ready(Err(_))));
    assert!(matches!(poll(new.as_mut(), &new_wakes), Poll::Ready(Ok(_))));
    assert_eq!(bulkhead.snapshot().shed, 1);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_at_the_deadline_or_the_longest_wait() {
    let bulkhead = bulkhead(1, 2);
    let _held = bulkhead.try_acquire().unwrap();
    let start = now();
    let rejected = bulkhead.acquire_until(start + ms(300)).await.unwrap_err();
    assert_eq!((rejected.reason, rejected.until), (Reason::QueueWait, Until::Unknown));
    assert_eq!(now() - start, ms(300));
    bulkhead.acquire().await.unwrap_err();
    assert!((ms(1_300)..ms(1_310)).contains(&(now() - start)), "{:?}", now() - start);
    let snapshot = bulkhead.snapshot();
    assert_eq!((snapshot.queued, snapshot.expired, snapshot.in_use), (0, 2, 1));
    bulkhead.acquire_until(now()).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_at_once() {
    let bulkhead = bulkhead(1, 1);
    let _held = bulkhead.try_acquire().unwrap();
    let wakes = Arc::default();
    let mut waiter = pin!(bulkhead.acquire());
    assert!(poll(waiter.as_mut(), &wakes).is_pending());
    assert_eq!(bulkhead.acquire().await.unwrap_err().reason, Reason::QueueFull);
}

#[tokio::test(start_paused = true)]
async fn bh_2_the_estimate_learns_from_permits_that_were_taken_while_nobody_waited() {
    let bulkhead = bulkhead(1, 2);
    let held = bulkhead.try_acquire().unwrap();
    advance(ms(400)).await;
    let wakes = Arc::default();
    let mut waiter = pin!(bulkhead.acquire());
    assert!(poll(waiter.as_mut(), &wakes).is_pending());
    drop(held);
    assert_eq!(bulkhead.snapshot().service_time, Some(ms(400)));
    let Poll::Ready(Ok(_second)) = poll(waiter.as_mut(), &wakes) else { panic!("no permit") };
    let rejected = bulkhead.acquire_until(now() + ms(399)).await.unwrap_err();
    assert_eq!((rejected.reason, rejected.until), (Reason::QueueWait, Until::In(ms(400))));
}

#[tokio::test(start_paused = true)]
async fn t101_settings_change_under_load() {
    let bulkhead = bulkhead(2, 2);
    let held = [bulkhead.try_acquire().unwrap(), bulkhead.try_acquire().unwrap()];
    bulkhead.reconfigure(settings(1, 2)).unwrap();
    assert_eq!(bulkhead.snapshot().in_use, 2, "nobody is cancelled");
    let wakes = Arc::default();
    let mut waiter = pin!(bulkhead.acquire());
    assert!(poll(waiter.as_mut(), &wakes).is_pending());
    let [one, two] = held;
    drop(one);
    assert_eq!(wakes.count(), 0, "one is still in use, of one");
    bulkhead.reconfigure(settings(2, 2)).unwrap();
    assert_eq!(wakes.count(), 1, "a raised limit serves who waits");
    assert!(bulkhead.reconfigure(settings(0, 0)).is_err());
    drop(two);
}

#[tokio::test(start_paused = true)]
async fn a_call_holds_its_permit_until_it_has_ended_or_is_dropped() {
    let bulkhead = bulkhead(1, 0);
    assert_eq!(bulkhead.call(|| ready(Ok::<_, ()>(7))).await, Ok(7));
    let error = bulkhead.call(|| ready(Err::<(), _>("boom"))).await.unwrap_err();
    assert_eq!(error.error(), Some(&"boom"));
    assert_nothing_held(&bulkhead);
    {
        let mut call = pin!(bulkhead.call(pending::<Result<(), ()>>));
        assert!(poll(call.as_mut(), &Arc::default()).is_pending());
        assert_eq!(bulkhead.snapshot().in_use, 1);
        let error = bulkhead.call(|| ready(Ok::<_, ()>(7))).await.unwrap_err();
        assert!(matches!(error, Error::Rejected { reason: Reason::BulkheadFull, .. }));
    }
    assert_nothing_held(&bulkhead);
}

/// In use by clones on real threads, with the most that was ever seen at once.
#[derive(Default)]
struct Seen {
    now: AtomicU32,
    most: AtomicU32,
}

impl Seen {
    fn enter(&self) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
    }

    fn leave(&self) {
        self.now.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn t91_in_use_never_exceeds_the_limit_over_clones_and_threads() {
    let (bulkhead, seen) = (bulkhead(3, 0), Seen::default());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let (bulkhead, seen) = (bulkhead.clone(), &seen);
            scope.spawn(move || {
                for _ in 0..20_000 {
                    let Ok(_permit) = bulkhead.try_acquire() else { continue };
                    seen.enter();
                    seen.leave();
                }
            });
        }
    });
    assert!(seen.most.load(Ordering::SeqCst) <= 3);
    assert_nothing_held(&bulkhead);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t91_t95_t97_waiters_that_race_and_leave_lose_no_permit() {
    let patient = BulkheadSettings { max_wait: Duration::from_secs(600), ..settings(3, 1_000) };
    let (bulkhead, seen) = (Bulkhead::new(patient).unwrap(), Arc::new(Seen::default()));
    let served = Arc::new(AtomicU32::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..16_u32 {
        let (bulkhead, seen, served) = (bulkhead.clone(), Arc::clone(&seen), Arc::clone(&served));
        tasks.spawn(async move {
            for round in 0..500 {
                if (task + round) % 3 == 0 {
                    // Polled once and dropped, perhaps while it is being given a permit.
                    let mut acquire = pin!(bulkhead.acquire());
                    let _maybe = poll(acquire.as_mut(), &Arc::default());
                    continue;
                }
                let permit = bulkhead.acquire().await.unwrap();
                seen.enter();
                tokio::task::yield_now().await;
                seen.leave();
                drop(permit);
                served.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    assert!(seen.most.load(Ordering::SeqCst) <= 3);
    assert!(served.load(Ordering::Relaxed) > 5_000);
    assert_nothing_held(&bulkhead);
    assert_eq!(bulkhead.snapshot().expired, 0);
}

#[tokio::test(start_paused = true)]
async fn every_refusal_is_heard_of_also_that_of_who_waited() {
    let log: Arc<Mutex<Vec<(u64, What)>>> = Arc::default();
    let told = Arc::clone(&log);
    let note = move |event: &Event| told.lock().unwrap().push((event.sequence, event.what));
    let settings = BulkheadSettings { max_wait: ms(50), ..settings(1, 1) };
    let bulkhead = Bulkhead::with(settings, Setup::named("db").on_event(note)).unwrap();
    let mut events = bulkhead.events();
    let held = bulkhead.try_acquire().unwrap();
    let (waited, full) = tokio::join!(bulkhead.acquire(), bulkhead.acquire());
    assert!(waited.is_err() && full.is_err());
    drop(held);
    let told = log.lock().unwrap().clone();
    let causes: Vec<_> = told
        .iter()
        .map(|(sequence, what)| match what {
            What::Bulkhead(rejected) => (*sequence, rejected.cause),
            what => panic!("{what:?}"),
        })
        .collect();
    assert_eq!(causes, [(1, RejectCause::QueueFull), (2, RejectCause::Expired)]);
    let Some(Heard::Event(event)) = events.next().await else { panic!("nothing") };
    assert_eq!((event.policy.as_deref(), event.sequence), (Some("db"), 1));
}
