//! Many threads on one policy: bounds hold, and everything comes back.

use std::future::Future;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use seawall::{Error, Policy, Retry};

use crate::world::{assert_nothing_held, ms, permits, s, touchy};

const THREADS: u32 = 64;

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

/// Counts those inside, and the most that were there at once.
#[derive(Default)]
struct Inside {
    now: AtomicU32,
    most: AtomicU32,
}

struct Visit<'a>(&'a Inside);

impl Inside {
    fn enter(&self) -> Visit<'_> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        Visit(self)
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

fn on_all_threads(act: impl Fn(u32) + Sync) {
    let barrier = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for index in 0..THREADS {
            let (barrier, act) = (&barrier, &act);
            scope.spawn(move || {
                barrier.wait();
                act(index);
            });
        }
    });
}

#[test]
fn t91_permits_are_never_exceeded_and_all_come_back() {
    let policy = Policy::builder()
        .total_timeout(s(60))
        .bulkhead(seawall::BulkheadSettings { max_wait: s(60), ..permits(10, THREADS) })
        .build()
        .unwrap();
    let (inside, served) = (Inside::default(), AtomicU32::new(0));
    on_all_threads(|_| {
        block_on(async {
            for _ in 0..50 {
                let ended = policy.call(|_| async {
                    let _visit = inside.enter();
                    tokio::task::yield_now().await;
                    Ok::<_, String>(())
                });
                ended.await.unwrap();
                served.fetch_add(1, Ordering::SeqCst);
            }
        });
    });
    assert!(inside.most.load(Ordering::SeqCst) <= 10);
    assert_eq!(served.load(Ordering::SeqCst), THREADS * 50, "no wake-up was lost");
    assert_nothing_held(&policy);
}

/// M4 and M7: calls that are given up at any poll, among others that wait.
#[test]
fn t95_a_storm_of_cancelled_calls_leaks_no_permit() {
    let policy = Policy::builder()
        .total_timeout(s(60))
        .retry(Retry::default())
        .idempotent()
        .bulkhead(permits(10, THREADS))
        .build()
        .unwrap();
    let inside = Inside::default();
    on_all_threads(|index| {
        block_on(async {
            for round in 0..100 {
                let call = policy.call(|_| async {
                    let _visit = inside.enter();
                    for _ in 0..3 {
                        tokio::task::yield_now().await;
                    }
                    if (index + round) % 3 == 0 { Err("down") } else { Ok(()) }
                });
                // Between no poll and a handful.
                let patience = (index * 7 + round) % 9;
                let _ended = tokio::select! {
                    biased;
                    () = yields(patience) => None,
                    ended = call => Some(ended),
                };
            }
        });
    });
    assert!(inside.most.load(Ordering::SeqCst) <= 10);
    assert_eq!(inside.now.load(Ordering::SeqCst), 0);
    assert_nothing_held(&policy);
}

async fn yields(times: u32) {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}

#[test]
fn br_7_t6_one_probe_is_let_through_of_sixty_four_that_race() {
    let breaker = seawall::BreakerSettings {
        cool_down: seawall::CoolDown { base: ms(1), ..touchy().cool_down },
        ..touchy()
    };
    let policy = Policy::builder().breaker(breaker).build().unwrap();
    block_on(async {
        for _ in 0..2 {
            let _failed = policy.call(|_| async { Err::<(), _>("down") }).await;
        }
        tokio::time::sleep(ms(5)).await;
    });
    let (probes, rejected) = (AtomicU32::new(0), AtomicU32::new(0));
    let all_asked = Barrier::new(THREADS as usize);
    on_all_threads(|_| {
        let (probes, rejected, all_asked) = (&probes, &rejected, &all_asked);
        let mut asked = false;
        let ended = block_on(policy.call(|_| {
            probes.fetch_add(1, Ordering::SeqCst);
            // The probe stays out until everybody has asked.
            all_asked.wait();
            std::future::ready(Ok::<_, String>(()))
        }));
        if let Err(Error::Rejected { .. }) = ended {
            rejected.fetch_add(1, Ordering::SeqCst);
            asked = true;
        }
        if asked {
            all_asked.wait();
        }
    });
    assert_eq!((probes.into_inner(), rejected.into_inner()), (1, 63));
}
