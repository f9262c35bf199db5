//! One closure on its way through the pool, and the caller's end of it.
//!
//! Where it runs is in `workers.rs`.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::oneshot;

use super::BlockingError;
use crate::mechanism::Permit;
use crate::mechanism::atomic::fate::Fate;

/// What a thread runs. Never panics.
pub(super) type Job = Box<dyn FnOnce() + Send>;

/// How many closures run for nobody.
#[derive(Clone, Debug, Default)]
pub(super) struct Zombies(Arc<AtomicU32>);

impl Zombies {
    pub(super) fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The caller's end. Dropped before the answer is there, it gives the job up.
#[derive(Debug)]
pub(super) struct Answer<T> {
    receiver: oneshot::Receiver<Result<T, BlockingError>>,
    fate: Arc<Fate>,
    zombies: Zombies,
}

/// A job that runs `work` under `permit`, and where its answer comes.
pub(super) fn pair<T, F>(work: F, permit: Permit<'static>, zombies: &Zombies) -> (Job, Answer<T>)
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let (sender, receiver) = oneshot::channel();
    let fate = Arc::new(Fate::new());
    let answer = Answer { receiver, fate: Arc::clone(&fate), zombies: zombies.clone() };
    let zombies = zombies.clone();
    let job = move || {
        if !fate.start() {
            return;
        }
        let result = catch_unwind(AssertUnwindSafe(work)).map_err(panicked);
        // Free before the caller hears of it, who may come back at once.
        drop(permit);
        fate.finish(&zombies.0);
        let unheard = sender.send(result).err();
        // A value that nobody waits for is dropped here, and may panic too.
        let _contained = catch_unwind(AssertUnwindSafe(|| drop(unheard)));
    };
    (Box::new(job), answer)
}

impl<T> Answer<T> {
    pub(super) async fn wait(mut self) -> Result<T, BlockingError> {
        // A job is dropped without an answer only where its thread is gone.
        (&mut self.receiver).await.unwrap_or(Err(BlockingError::Panicked { message: None }))
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        self.fate.abandon(&self.zombies.0);
    }
}

fn panicked(payload: Box<dyn Any + Send>) -> BlockingError {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let message = text.or_else(|| payload.downcast_ref::<String>().cloned());
    // Dropping what was thrown may panic once more.
    let _contained = catch_unwind(AssertUnwindSafe(|| drop(payload)));
    BlockingError::Panicked { message }
}
