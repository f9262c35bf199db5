use seawall::mechanism::*;
use seawall::{BreakerSettings, BulkheadSettings, WindowKind};
use std::hint::black_box;
use std::time::{Duration, Instant};

fn bench(name: &str, threads: usize, f: impl Fn() + Sync) {
    const N: u32 = 3_000_000;
    let mut best = f64::MAX;
    for _ in 0..3 {
        let barrier = std::sync::Barrier::new(threads);
        let times: Vec<f64> = std::thread::scope(|s| {
            let hs: Vec<_> = (0..threads)
                .map(|_| {
                    s.spawn(|| {
                        barrier.wait();
                        let t = Instant::now();
                        for _ in 0..N {
                            f();
                        }
                        t.elapsed().as_nanos() as f64 / N as f64
                    })
                })
                .collect();
            hs.into_iter().map(|h| h.join().unwrap()).collect()
        });
        best = best.min(times.iter().cloned().fold(0.0, f64::max));
    }
    println!("{name:40} {threads} thread(s): {best:7.1} ns");
}

fn main() {
    let m = std::sync::Mutex::new(0u64);
    let b = Breaker::new(BreakerSettings {
        window: WindowKind::Calls(100),
        ..BreakerSettings::for_endpoint()
    })
    .unwrap();
    let t = Breaker::new(BreakerSettings::for_endpoint()).unwrap();
    let k = Bulkhead::new(BulkheadSettings { permits: 10, ..Default::default() }).unwrap();
    let q = Bulkhead::new(BulkheadSettings {
        permits: 10,
        queue: 10,
        max_wait: Duration::from_secs(1),
        ..Default::default()
    })
    .unwrap();
    let full = Bulkhead::new(BulkheadSettings { permits: 1, ..Default::default() }).unwrap();
    let _held = full.try_acquire().unwrap();
    for n in [1, 2] {
        bench("clock", n, || {
            black_box(tokio::time::Instant::now());
        });
        bench("mutex", n, || {
            *m.lock().unwrap() += 1;
        });
        bench("breaker calls admit+succeed", n, || b.try_admit().unwrap().succeed());
        bench("breaker time admit+succeed", n, || t.try_admit().unwrap().succeed());
        bench("bulkhead acquire+release", n, || drop(k.try_acquire().unwrap()));
        bench("bulkhead owned", n, || drop(k.try_acquire_owned().unwrap()));
        bench("bulkhead with queue", n, || drop(q.try_acquire().unwrap()));
        bench("bulkhead full, refused", n, || drop(black_box(full.try_acquire().unwrap_err())));
    }
}
