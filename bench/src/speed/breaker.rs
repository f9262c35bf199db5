//! The breaker's rows: admission and record of a success, of a mix with 10 % failures, and a
//! rejection. All entries are called from the same loop of awaits around the same operation;
//! parameters are in `rivals::breaker`.

use std::hint::black_box;
use std::sync::{Arc, Mutex};

use layered::{Execute, Service as _, Stack as _};
use throttle_net::CallError;
use tower::{Layer as _, service_fn};

use super::{block_on, call_ready, clone_of, executed};
use crate::measure::{Answers, Entry, OURS, Row, awaited};
use crate::ours;
use crate::rivals::breaker::{self, Blocking, NoLimit, Plan, WINDOW};
use crate::rivals::{Answer, Fault, LONG, name, seatbelt_context};

const PLAN: Plan = Plan { cool_down: LONG, probes: 1 };

/// The guarded operation of a row: what comes of an input.
type Operation = fn(u64) -> Answer;

fn succeed(input: u64) -> Answer {
    Ok(black_box(input))
}

fn fail(input: u64) -> Answer {
    black_box(input);
    Err(Fault)
}

fn fail_every_tenth(input: u64) -> Answer {
    if input % 10 == 9 { fail(input) } else { succeed(input) }
}

pub(super) fn rows() -> [Row; 3] {
    [
        row("breaker_success", "admit, a call that succeeds, record", Case::SUCCESS),
        row("breaker_mixed", "the same with every tenth call failing", Case::MIXED),
        row("breaker_rejected", "a call refused while open", Case::OPEN),
    ]
}

/// Why we lose the rows of admissions.
const ADMISSION: &str = "recloser keeps bits in atomics and reads no clock while closed, and pays \
     for it with stale outcomes and unbounded probes (M2, M3). Ours reads it at admission, since \
     a call that fails or is given up may be judged by its time. A success swaps a word of its \
     thread's lane; a failure takes the lock, in which the lanes are closed and window, generation \
     and both rates are brought up to date";
/// What the rows of admissions come up against.
const FLOOR: &str = "one load at admission and one swap at the end, in a line of the thread's own, \
     unless the window is one of time or slow calls are counted: then the end reads the clock too";
/// Why we lose that of refusals.
const REFUSAL: &str = "a refusal of ours is decided under the lock, since it may have to begin \
     half-open, and carries the reason, the name and when to come back";

/// What happens in a row.
#[derive(Clone, Copy)]
struct Case {
    answers: Answers,
    operation: Operation,
}

impl Case {
    const SUCCESS: Self = Self { answers: Answers::Admitted, operation: succeed };
    const MIXED: Self = Self { answers: Answers::Admitted, operation: fail_every_tenth };
    const OPEN: Self = Self { answers: Answers::Refused, operation: fail };

    fn opens(self) -> bool {
        self.answers == Answers::Refused
    }
}

fn row(name: &'static str, about: &'static str, case: Case) -> Row {
    let targets = if name == "breaker_success" { (Some(25.0), Some(80.0)) } else { (None, None) };
    Row {
        name,
        about,
        answers: case.answers,
        entries: entries(case),
        // At admission. A success over a window of calls needs none at its end; a failure, every
        // tenth of one row, does.
        our_clock_reads: 1,
        targets,
        bare: (!case.opens()).then_some("bare call"),
        loss: if case.opens() { REFUSAL } else { ADMISSION },
        floor: if case.opens() { "" } else { FLOOR },
    }
}

const TIME_WINDOW: &str = "knows windows of time only: 30 s";

fn entries(case: Case) -> Vec<Entry> {
    let mut entries = vec![
        blocking(OURS, case, || ours::breaker::new(PLAN)),
        tower_resilience(case),
        seatbelt(case).note(TIME_WINDOW),
        throttle_net(case),
        blocking(name::RECLOSER, case, || breaker::recloser(PLAN)),
        failsafe(case),
        blocking(name::BREAKER_RS, case, || breaker::circuitbreaker_rs(PLAN))
            .note("counts since it last closed, not in a window"),
        blocking(name::RELIAKIT, case, || breaker::reliakit(PLAN))
            .note("takes exclusive access: behind std::sync::Mutex, time from the same clock"),
    ];
    if !case.opens() {
        entries.push(bare(case));
    }
    entries
}

fn bare(case: Case) -> Entry {
    let call = async move |_: &mut (), input| {
        let _answer = black_box((case.operation)(input));
        true
    };
    Entry::new("bare call", awaited(|| (), |()| (), call)).reference()
}

/// Failures that trip any of them, after a full window.
fn failures_first(case: Case) -> u32 {
    if case.opens() { 2 * WINDOW } else { 0 }
}

fn blocking<B: Blocking>(
    name: &'static str,
    case: Case,
    new: impl Fn() -> B + Copy + 'static,
) -> Entry {
    let build = move || {
        let breaker = new();
        for _ in 0..failures_first(case) {
            let _answer = breaker.call(|| Err(Fault));
        }
        Arc::new(breaker)
    };
    let call = async move |breaker: &mut Arc<B>, input| {
        black_box(breaker.call(|| (case.operation)(input))).is_some()
    };
    Entry::new(name, awaited(build, Arc::clone, call))
}

/// Its rate policy judges only once the window is over, so the open one is tripped by the other.
fn failsafe(case: Case) -> Entry {
    if case.opens() {
        return blocking(name::FAILSAFE, case, || breaker::failsafe_consecutive(PLAN));
    }
    blocking(name::FAILSAFE, case, || breaker::failsafe(PLAN))
        .note("a decayed rate over 30 s, judged only once that long has passed")
}

fn tower_resilience(case: Case) -> Entry {
    let build = move || {
        let layer = breaker::tower_resilience(PLAN);
        let service = layer.layer(service_fn(move |input| async move { (case.operation)(input) }));
        if case.opens() {
            block_on(service.force_open());
        }
        Mutex::new(service)
    };
    let call = async |service: &mut _, input| {
        !matches!(
            call_ready(service, input).await,
            Err(tower_resilience_circuitbreaker::CircuitBreakerError::OpenCircuit)
        )
    };
    Entry::new(name::TOWER_RESILIENCE, awaited(build, clone_of, call))
}

fn seatbelt(case: Case) -> Entry {
    let build = move || {
        let context = seatbelt_context::on_tokio();
        let stack = (
            breaker::seatbelt(PLAN, &context),
            Execute::new(move |input| async move { (case.operation)(input) }),
        );
        let service = stack.into_service();
        for _ in 0..failures_first(case) {
            let _answer = block_on(service.execute(0));
        }
        Arc::new(service)
    };
    executed(name::SEATBELT, build)
}

fn throttle_net(case: Case) -> Entry {
    let build = move || {
        let breaker = Arc::new(breaker::throttle_net(PLAN, NoLimit));
        for _ in 0..failures_first(case) {
            let _answer = block_on(breaker.call(|| async { Err::<u64, Fault>(Fault) }));
        }
        breaker
    };
    let call = async move |breaker: &mut Arc<throttle_net::CircuitBreaker<NoLimit>>, input| {
        let answer = breaker.call(|| async { (case.operation)(input) }).await;
        !matches!(black_box(answer), Err(CallError::Rejected(_)))
    };
    Entry::new(name::THROTTLE_NET, awaited(build, Arc::clone, call))
}
