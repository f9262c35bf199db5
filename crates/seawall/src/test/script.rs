//! A dependency that answers by a script, and remembers what reached it.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::ManualClock;

/// A dependency for tests. Each call takes the next step of its script: an answer, an error, or no
/// answer at all, each [after](Self::after) a time. Clones are the same dependency.
///
/// It is called as a function, [`call`](Self::call), or as a Tower service that is always ready.
///
/// ```
/// use std::time::Duration;
/// use seawall::test::{ManualClock, Script};
///
/// let clock = ManualClock::new();
/// let store = Script::on(&clock)
///     .answers(1).after(Duration::from_secs(3))
///     .fails("down").times(2);
///
/// assert_eq!(clock.run(store.call("a")), Ok(1));
/// assert_eq!(clock.run(store.call("b")), Err("down"));
/// assert_eq!(clock.run(store.call("c")), Err("down"));
/// assert_eq!(clock.elapsed(), Duration::from_secs(3));
/// store.assert_spent();
/// ```
pub struct Script<Req, T, E> {
    clock: ManualClock,
    state: Arc<Mutex<State<Req, T, E>>>,
}

struct State<Req, T, E> {
    steps: VecDeque<Step<T, E>>,
    seen: Vec<Seen<Req>>,
}

#[derive(Clone)]
struct Step<T, E> {
    /// `None`: there never is one.
    result: Option<Result<T, E>>,
    after: Duration,
}

/// A request that reached a [`Script`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Seen<Req> {
    /// The request.
    pub request: Req,
    /// When, on the clock of the script.
    pub at: Duration,
    /// How it ended.
    pub ending: Ending,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is still awaited.
    Running,
    /// It was answered, or failed, at this time.
    Done(Duration),
    /// Whoever awaited it gave it up at this time.
    Dropped(Duration),
}

impl<Req, T: Clone, E: Clone> Script<Req, T, E> {
    /// A dependency without a step yet, on `clock`.
    #[must_use]
    pub fn on(clock: &ManualClock) -> Self {
        let state = State { steps: VecDeque::new(), seen: Vec::new() };
        Self { clock: clock.clone(), state: Arc::new(Mutex::new(state)) }
    }

    /// The next call is answered.
    #[must_use]
    pub fn answers(self, value: T) -> Self {
        self.then(Some(Ok(value)))
    }

    /// The next call fails.
    #[must_use]
    pub fn fails(self, error: E) -> Self {
        self.then(Some(Err(error)))
    }

    /// The next call is never answered.
    #[must_use]
    pub fn hangs(self) -> Self {
        self.then(None)
    }

    /// The step before takes so long. Without this it ends at once.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        if let Some(step) = self.lock().steps.back_mut() {
            step.after = time;
        }
        self
    }

    /// The step before is taken so many times in all: 0 takes it away.
    #[must_use]
    pub fn times(self, number: usize) -> Self {
        let mut state = self.lock();
        if let Some(step) = state.steps.pop_back() {
            state.steps.extend(std::iter::repeat_n(step, number));
        }
        drop(state);
        self
    }

    /// Takes the next step. The request counts as seen when the future is first polled.
    ///
    /// # Panics
    ///
    /// The future panics if there is no step left: more reached the dependency than the test
    /// expected.
    pub fn call(&self, request: Req) -> impl Future<Output = Result<T, E>> + use<Req, T, E> {
        let script = self.clone();
        async move {
            let (number, step) = script.begin(request);
            let mut watch = Watch { script, number, ending: Ending::Dropped };
            watch.script.clock.sleep(step.after).await;
            let Some(result) = step.result else { return pending().await };
            watch.ending = Ending::Done;
            result
        }
    }

    fn then(self, result: Option<Result<T, E>>) -> Self {
        self.lock().steps.push_back(Step { result, after: Duration::ZERO });
        self
    }

    fn begin(&self, request: Req) -> (usize, Step<T, E>) {
        let at = self.clock.elapsed();
        let mut state = self.lock();
        let (number, next) = (state.seen.len(), state.steps.pop_front());
        state.seen.push(Seen { request, at, ending: Ending::Running });
        drop(state);
        let step = next.unwrap_or_else(|| surplus(number + 1, at));
        (number, step)
    }
}

#[expect(clippy::panic, reason = "a test that expected less has failed")]
fn surplus(number: usize, at: Duration) -> ! {
    panic!("call {number} reached the dependency at {at:?}, and the script has no step left for it")
}

impl<Req, T, E> Script<Req, T, E> {
    /// Everything that reached it so far, in order.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen<Req>>
    where
        Req: Clone,
    {
        self.lock().seen.clone()
    }

    /// When each call reached it.
    #[must_use]
    pub fn times_seen(&self) -> Vec<Duration> {
        self.lock().seen.iter().map(|seen| seen.at).collect()
    }

    /// Everything in the script has happened.
    ///
    /// # Panics
    ///
    /// If a step is left: less reached the dependency than the test expected.
    #[track_caller]
    pub fn assert_spent(&self) {
        let (left, seen) = self.counts();
        assert!(left == 0, "{left} steps of the script are left after {seen} calls");
    }

    /// Nothing that reached it is still awaited.
    ///
    /// # Panics
    ///
    /// If a call runs.
    #[track_caller]
    pub fn assert_idle(&self) {
        let running = |seen: &&Seen<Req>| seen.ending == Ending::Running;
        let running = self.lock().seen.iter().filter(running).count();
        assert!(running == 0, "{running} calls still run");
    }

    /// Steps that are left, and calls that were seen.
    fn counts(&self) -> (usize, usize) {
        let state = self.lock();
        (state.steps.len(), state.seen.len())
    }

    fn lock(&self) -> MutexGuard<'_, State<Req, T, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Req, T, E> Clone for Script<Req, T, E> {
    fn clone(&self) -> Self {
        Self { clock: self.clock.clone(), state: Arc::clone(&self.state) }
    }
}

impl<Req, T, E> fmt::Debug for Script<Req, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (left, seen) = self.counts();
        f.debug_struct("Script").field("left", &left).field("seen", &seen).finish_non_exhaustive()
    }
}

/// Writes down how a call ended, also when it is dropped.
struct Watch<Req, T, E> {
    script: Script<Req, T, E>,
    number: usize,
    ending: fn(Duration) -> Ending,
}

impl<Req, T, E> Drop for Watch<Req, T, E> {
    fn drop(&mut self) {
        let at = self.script.clock.elapsed();
        if let Some(seen) = self.script.lock().seen.get_mut(self.number) {
            seen.ending = (self.ending)(at);
        }
    }
}

/// A service that is always ready. Its future is boxed.
impl<Req, T, E> tower_service::Service<Req> for Script<Req, T, E>
where
    Req: Send + 'static,
    T: Clone + Send + 'static,
    E: Clone + Send + 'static,
{
    type Response = T;
    type Error = E;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), E>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        Box::pin(Self::call(self, request))
    }
}
