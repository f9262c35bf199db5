//! All breakers behind one interface of blocking calls, so that one procedure serves them all.
//! Their parameters are in `rivals::breaker`.

use std::cell::RefCell;
use std::future::Future;
use std::sync::{Arc, Mutex};

use layered::{Execute, Service, Stack as _};
use throttle_net::{CallError, CircuitBreaker};
use tokio::runtime::Runtime;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_resilience_circuitbreaker::CircuitBreakerError;

use super::runtime;
use crate::measure::OURS;
use crate::ours;
use crate::rivals::breaker::{self, Blocking, NoLimit, Plan, REJECTED};
use crate::rivals::{Answer, Fault, name, seatbelt_context};

/// What a guarded call does.
pub(super) type Operation = Arc<dyn Fn() -> Answer + Send + Sync>;

/// A breaker that any thread may call.
pub(super) trait Guarded: Send + Sync {
    /// Runs the operation if it may; says whether it was admitted.
    fn admits(&self, operation: Operation) -> bool;

    fn admits_success(&self) -> bool {
        self.admits(Arc::new(|| Ok(1)))
    }

    fn admits_failure(&self) -> bool {
        self.admits(Arc::new(|| Err(Fault)))
    }

    /// How many failures are admitted before the first rejection, at most `limit`.
    fn failures_to_open(&self, limit: u32) -> u32 {
        (0..limit).find(|_| !self.admits_failure()).unwrap_or(limit)
    }
}

/// A crate and how its breaker is made.
pub(super) struct Candidate {
    pub(super) name: &'static str,
    pub(super) make: fn(Plan) -> Box<dyn Guarded>,
}

pub(super) const CANDIDATES: [Candidate; 8] = [
    Candidate { name: OURS, make: |plan| Box::new(Closure(ours::breaker::new(plan))) },
    Candidate { name: name::TOWER_RESILIENCE, make: tower_resilience },
    Candidate { name: name::SEATBELT, make: seatbelt },
    Candidate { name: name::THROTTLE_NET, make: throttle_net },
    Candidate { name: name::RECLOSER, make: |plan| Box::new(Closure(breaker::recloser(plan))) },
    Candidate {
        name: name::FAILSAFE,
        make: |plan| Box::new(Closure(breaker::failsafe_consecutive(plan))),
    },
    Candidate {
        name: name::BREAKER_RS,
        make: |plan| Box::new(Closure(breaker::circuitbreaker_rs(plan))),
    },
    Candidate { name: name::RELIAKIT, make: |plan| Box::new(Closure(breaker::reliakit(plan))) },
];

/// Breakers whose calls are closures.
struct Closure<B>(B);

impl<B: Blocking> Guarded for Closure<B> {
    fn admits(&self, operation: Operation) -> bool {
        self.0.call(|| operation()).is_some()
    }
}

thread_local! {
    /// A runtime for each thread that calls an asynchronous breaker.
    static LOCAL: RefCell<Option<Runtime>> = const { RefCell::new(None) };
}

fn on_this_thread<T>(future: impl Future<Output = T>) -> T {
    LOCAL.with_borrow_mut(|local| local.get_or_insert_with(|| runtime(false)).block_on(future))
}

/// Asynchronous breakers: `call` says whether the operation was admitted.
struct Awaited<C> {
    call: C,
    /// Seatbelt's clock has a task in the runtime that made it.
    _home: Option<Runtime>,
}

impl<C, F> Guarded for Awaited<C>
where
    C: Fn(Operation) -> F + Send + Sync,
    F: Future<Output = bool>,
{
    fn admits(&self, operation: Operation) -> bool {
        on_this_thread((self.call)(operation))
    }
}

fn tower_resilience(plan: Plan) -> Box<dyn Guarded> {
    let service = service_fn(|operation: Operation| async move { operation() });
    let shared = Mutex::new(breaker::tower_resilience(plan).layer(service));
    let call = move |operation| {
        let clone = shared.lock().expect("no clone panics").clone();
        async move {
            let answer = clone.oneshot(operation).await;
            !matches!(answer, Err(CircuitBreakerError::OpenCircuit))
        }
    };
    Box::new(Awaited { call, _home: None })
}

fn seatbelt(plan: Plan) -> Box<dyn Guarded> {
    let home = runtime(false);
    let entered = home.enter();
    let context = seatbelt_context::on_tokio();
    drop(entered);
    let operation = Execute::new(|operation: Operation| async move { operation() });
    let service = Arc::new((breaker::seatbelt(plan, &context), operation).into_service());
    let call = move |operation| {
        let service = Arc::clone(&service);
        async move { service.execute(operation).await != Ok(REJECTED) }
    };
    Box::new(Awaited { call, _home: Some(home) })
}

fn throttle_net(plan: Plan) -> Box<dyn Guarded> {
    let breaker: Arc<CircuitBreaker<NoLimit>> = Arc::new(breaker::throttle_net(plan, NoLimit));
    let call = move |operation: Operation| {
        let breaker = Arc::clone(&breaker);
        async move {
            let answer = breaker.call(|| async { operation() }).await;
            !matches!(answer, Err(CallError::Rejected(_)))
        }
    };
    Box::new(Awaited { call, _home: None })
}
