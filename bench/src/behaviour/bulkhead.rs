//! M7: sixty-four threads never hold more places than there are.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use throttle_net::Bulkhead;
use tokio::sync::Semaphore;
use tower::limit::ConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::{Layer as _, Service, ServiceExt as _, service_fn};
use tower_resilience_bulkhead::BulkheadLayer;

use super::{Care, Cell, Finding, block_on};
use crate::measure::OURS;
use crate::ours;
use crate::rivals::{Answer, name};

const LIMIT: u32 = 10;
const THREADS: usize = 64;

/// How many are inside, and the most that ever were.
#[derive(Default)]
struct Inside {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Inside {
    /// Stays for a moment in which others run.
    fn visit(&self) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        thread::yield_now();
        self.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Visits if there is a place.
type Enter = Box<dyn Fn(&Arc<Inside>) + Send + Sync>;

pub(super) fn find(care: Care) -> Vec<Finding> {
    let visits = care.pick(200, 2_000);
    let cells = bulkheads().into_iter().map(|(name, enter)| cell(name, &enter, visits)).collect();
    let row = format!("most in flight with limit {LIMIT} and {THREADS} threads");
    vec![Finding { id: "M7", row, ideal: "10", cells }]
}

fn cell(name: &'static str, enter: &Enter, visits: u32) -> Cell {
    let inside = Arc::new(Inside::default());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..visits).for_each(|_| enter(&inside)));
        }
    });
    let most = inside.most.load(Ordering::SeqCst);
    Cell::new(name, most.to_string(), most <= LIMIT as usize)
}

fn bulkheads() -> Vec<(&'static str, Enter)> {
    let ours = ours::bulkhead::new(LIMIT);
    let semaphore = Semaphore::new(LIMIT as usize);
    let throttle_net = Bulkhead::new(LIMIT);
    let limit = ConcurrencyLimitLayer::new(LIMIT as usize);
    let visit = |inside: Arc<Inside>| async move {
        inside.visit();
        Answer::Ok(1)
    };
    let tower = LoadShedLayer::new().layer(limit.layer(service_fn(visit)));
    let layer = BulkheadLayer::builder().max_concurrent_calls(LIMIT as usize).reject_when_full();
    let tower_resilience = layer.build().expect("the limit is not 0").layer(service_fn(visit));
    vec![
        (OURS, Box::new(move |inside| ours.try_acquire().iter().for_each(|_| inside.visit()))),
        (
            name::TOKIO,
            Box::new(move |inside| semaphore.try_acquire().iter().for_each(|_| inside.visit())),
        ),
        (name::TOWER, of_service(tower)),
        (name::TOWER_RESILIENCE, of_service(tower_resilience)),
        (
            name::THROTTLE_NET,
            Box::new(move |inside| throttle_net.try_acquire().iter().for_each(|_| inside.visit())),
        ),
    ]
}

fn of_service<S>(service: S) -> Enter
where
    S: Service<Arc<Inside>> + Clone + Send + 'static,
{
    let service = Mutex::new(service);
    Box::new(move |inside| {
        let clone = service.lock().expect("no clone panics").clone();
        drop(block_on(clone.oneshot(Arc::clone(inside))));
    })
}
