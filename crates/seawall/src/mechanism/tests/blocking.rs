//! Tests of the pool of threads.

use std::cell::RefCell;
use std::pin::pin;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

use seawall_core::reason::Reason;
use tokio::time::{Duration, Instant};

use super::{ms, poll};
use crate::What;
use crate::mechanism::{BlockingError, BlockingEvent, BlockingPool, BlockingSettings, Setup};

fn pool(threads: u32, queue: u32) -> BlockingPool {
    let settings = BlockingSettings::threads(threads).queue(queue, Duration::from_secs(600));
    BlockingPool::named("disk", settings).unwrap()
}

/// Work that says when it runs, and returns when it is told to.
fn latch() -> (impl FnOnce() + Send + 'static, Receiver<()>, SyncSender<()>) {
    let ((runs, running), (release, released)) = (sync_channel(1), sync_channel(1));
    let work = move || {
        runs.send(()).unwrap();
        released.recv().unwrap();
    };
    (work, running, release)
}

/// Waits for what other threads are about to do.
async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn closures_run_in_threads_of_the_pool() {
    let pool = pool(2, 2);
    let name = || std::thread::current().name().map(str::to_owned);
    let ran_in = pool.run(name).await.unwrap().unwrap();
    assert!(ran_in.starts_with("disk-"), "{ran_in}");
    pool.join();
    let rejected = pool.run(name).await.unwrap_err();
    let BlockingError::Rejected(rejected) = rejected else { panic!("{rejected:?}") };
    assert_eq!(rejected.reason, Reason::Draining);
    assert_eq!(pool.snapshot().bulkhead.in_use, 0);
}

#[tokio::test]
async fn a_full_pool_queues_and_a_full_queue_refuses() {
    let pool = pool(1, 1);
    let (work, running, release) = latch();
    let wakes = Arc::default();
    let mut first = pin!(pool.run(work));
    assert!(poll(first.as_mut(), &wakes).is_pending());
    running.recv().unwrap();
    let mut second = pin!(pool.run(|| 2));
    assert!(poll(second.as_mut(), &wakes).is_pending());
    let rejected = pool.run(|| 3).await.unwrap_err();
    assert!(matches!(rejected, BlockingError::Rejected(r) if r.reason == Reason::QueueFull));
    release.send(()).unwrap();
    first.await.unwrap();
    assert_eq!(second.await, Ok(2));
}

#[tokio::test]
async fn t105_abandoned_work_keeps_its_permit_until_it_returns() {
    let pool = pool(1, 0);
    let (work, running, release) = latch();
    {
        let mut abandoned = pin!(pool.run(work));
        assert!(poll(abandoned.as_mut(), &Arc::default()).is_pending());
        running.recv().unwrap();
        assert_eq!(pool.snapshot().zombies, 0, "somebody waits for it");
    }
    let snapshot = pool.snapshot();
    assert_eq!((snapshot.zombies, snapshot.bulkhead.in_use), (1, 1));
    let rejected = pool.run(|| ()).await.unwrap_err();
    assert!(matches!(rejected, BlockingError::Rejected(r) if r.reason == Reason::BulkheadFull));
    release.send(()).unwrap();
    until(|| pool.snapshot().zombies == 0).await;
    until(|| pool.snapshot().bulkhead.in_use == 0).await;
    assert_eq!(pool.run(|| 4).await, Ok(4));
}

#[tokio::test]
async fn work_that_was_given_up_before_it_began_never_runs() {
    let pool = pool(1, 1);
    let (work, running, release) = latch();
    let mut first = pin!(pool.run(work));
    assert!(poll(first.as_mut(), &Arc::default()).is_pending());
    running.recv().unwrap();
    let ran = Arc::new(Mutex::new(false));
    {
        let ran = Arc::clone(&ran);
        let mut second = pin!(pool.run(move || *ran.lock().unwrap() = true));
        assert!(poll(second.as_mut(), &Arc::default()).is_pending());
    }
    release.send(()).unwrap();
    first.await.unwrap();
    pool.run(|| ()).await.unwrap();
    assert!(!*ran.lock().unwrap());
    assert_eq!(pool.snapshot().zombies, 0);
}

#[tokio::test]
async fn work_that_somebody_waited_for_was_never_a_zombie() {
    let pool = pool(2, 100);
    for number in 0..1_000 {
        assert_eq!(pool.run(move || number).await, Ok(number));
        let snapshot = pool.snapshot();
        assert_eq!((snapshot.running, snapshot.zombies, snapshot.abandoned), (0, 0, 0));
    }
}

#[test]
fn t105_threads_that_give_up_at_any_moment_leave_no_zombie_and_no_permit() {
    let pool = pool(2, 0);
    let callers: Vec<_> = (0..4_u64)
        .map(|caller| {
            let pool = pool.clone();
            std::thread::spawn(move || {
                for round in 0..200_u64 {
                    let spin = (round * (caller + 3)) % 97;
                    let work = move || (0..spin).map(std::hint::black_box).sum::<u64>();
                    let mut call = pin!(pool.run(work));
                    // Polled a few times and dropped, perhaps while a thread takes it up.
                    for _ in 0..round % 5 {
                        if poll(call.as_mut(), &Arc::default()).is_ready() {
                            break;
                        }
                        std::thread::yield_now();
                    }
                }
            })
        })
        .collect();
    callers.into_iter().for_each(|caller| caller.join().unwrap());
    pool.join();
    let snapshot = pool.snapshot();
    assert_eq!((snapshot.bulkhead.in_use, snapshot.running, snapshot.zombies), (0, 0, 0));
}

#[tokio::test]
async fn a_panic_is_the_callers_and_the_thread_lives_on() {
    let pool = pool(1, 0);
    let outcomes = [
        pool.run(|| panic!("of the closure")).await,
        pool.run(|| panic!("number {}", 7)).await,
        pool.run(|| std::panic::panic_any(7)).await,
    ];
    let messages = outcomes.map(|outcome: Result<(), _>| match outcome {
        Err(BlockingError::Panicked { message }) => message,
        other => panic!("{other:?}"),
    });
    assert_eq!(messages, [Some("of the closure".to_owned()), Some("number 7".to_owned()), None]);
    assert_eq!(pool.run(|| 1).await, Ok(1));
}

#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "this is the clock of the tests")]
async fn t105_work_past_its_deadline_is_a_zombie() {
    let pool = pool(1, 0);
    let (work, running, release) = latch();
    let mut call = pin!(pool.run_until(Instant::now() + ms(50), work));
    assert!(poll(call.as_mut(), &Arc::default()).is_pending());
    running.recv().unwrap();
    assert_eq!(call.await, Err(BlockingError::TimedOut));
    let snapshot = pool.snapshot();
    assert_eq!((snapshot.bulkhead.in_use, snapshot.zombies, snapshot.abandoned), (1, 1, 1));
    release.send(()).unwrap();
    pool.join();
    assert_eq!((pool.snapshot().zombies, pool.snapshot().bulkhead.in_use), (0, 0));
}

#[tokio::test]
async fn dropping_the_pool_blocks_nobody_and_ends_idle_threads() {
    struct Ends(SyncSender<()>);
    impl Drop for Ends {
        fn drop(&mut self) {
            self.0.send(()).unwrap();
        }
    }
    thread_local!(static ENDS: RefCell<Option<Ends>> = const { RefCell::new(None) });
    let (ends, ended) = sync_channel(1);
    let pool = pool(1, 0);
    pool.run(move || ENDS.with(|slot| *slot.borrow_mut() = Some(Ends(ends)))).await.unwrap();
    let (work, running, release) = latch();
    let mut abandoned = Box::pin(pool.run(work));
    assert!(poll(abandoned.as_mut(), &Arc::default()).is_pending());
    running.recv().unwrap();
    drop(abandoned);
    drop(pool);
    ended.try_recv().unwrap_err();
    release.send(()).unwrap();
    ended.recv().unwrap();
}

#[test]
fn settings_that_cannot_work_are_refused() {
    for threads in [0, 1_025] {
        let refused = BlockingPool::new(BlockingSettings::threads(threads)).unwrap_err();
        assert_eq!(refused.mistakes()[0].field(), "blocking.threads");
    }
    let waiting_for_nothing = BlockingSettings::threads(1).queue(1, Duration::ZERO);
    assert!(BlockingPool::new(waiting_for_nothing).is_err());
}

#[tokio::test]
async fn listeners_hear_of_work_that_runs_for_nobody() {
    let log: Arc<Mutex<Vec<What>>> = Arc::default();
    let told = Arc::clone(&log);
    let setup = Setup::named("disk").on_event(move |event| told.lock().unwrap().push(event.what));
    let pool = BlockingPool::with(BlockingSettings::threads(1), setup).unwrap();
    let (work, running, release) = latch();
    {
        let mut abandoned = pin!(pool.run(work));
        assert!(poll(abandoned.as_mut(), &Arc::default()).is_pending());
        running.recv().unwrap();
    }
    release.send(()).unwrap();
    until(|| log.lock().unwrap().len() == 2).await;
    let log = log.lock().unwrap();
    let [
        What::Blocking(BlockingEvent::Abandoned { zombies: 1, .. }),
        What::Blocking(BlockingEvent::ZombieReturned { zombies: 0, .. }),
    ] = &log[..]
    else {
        panic!("{log:?}")
    };
}
