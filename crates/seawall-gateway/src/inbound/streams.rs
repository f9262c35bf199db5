//! The tasks of the streams of one HTTP/2 connection: they end with it, whatever happens.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use hyper::rt::Executor;
use tokio::task::{AbortHandle, spawn_local};

/// The streams of a connection, each a task of the worker. Dropping it ends all of them.
///
/// A place is kept for as many as ever ran at once, which the limit of concurrent streams bounds.
/// Not a `JoinSet`: that one allocates for each task and takes three locks, to tell of ends that
/// nobody asks about.
#[derive(Debug, Default)]
pub(super) struct Streams {
    tasks: Rc<RefCell<Tasks>>,
}

/// Running tasks, by place.
#[derive(Debug, Default)]
struct Tasks {
    running: Vec<Option<AbortHandle>>,
    free: Vec<usize>,
}

impl Tasks {
    fn take_place(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.running.push(None);
            self.running.len() - 1
        })
    }

    fn put(&mut self, place: usize, task: AbortHandle) {
        if let Some(running) = self.running.get_mut(place) {
            *running = Some(task);
        }
    }

    fn leave(&mut self, place: usize) {
        self.running.get_mut(place).map(Option::take);
        self.free.push(place);
    }
}

impl Streams {
    /// What hyper begins them with.
    pub(super) fn starter(&self) -> Starter {
        Starter { tasks: Rc::downgrade(&self.tasks) }
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        for task in self.tasks.borrow().running.iter().flatten() {
            task.abort();
        }
    }
}

/// Begins streams. The tasks hold copies of it, so it must not keep them alive itself.
#[derive(Clone, Debug)]
pub(super) struct Starter {
    tasks: Weak<RefCell<Tasks>>,
}

/// The place of a task, which leaves it when it ends.
struct Place {
    tasks: Weak<RefCell<Tasks>>,
    place: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(tasks) = self.tasks.upgrade() {
            tasks.borrow_mut().leave(self.place);
        }
    }
}

impl<F> Executor<F> for Starter
where
    F: Future<Output = ()> + 'static,
{
    #[expect(
        clippy::disallowed_methods,
        reason = "ends with the stream; `Streams` aborts it when dropped"
    )]
    fn execute(&self, stream: F) {
        // Without the connection nobody waits for the stream any more.
        let Some(tasks) = self.tasks.upgrade() else { return };
        let place = tasks.borrow_mut().take_place();
        let held = Place { tasks: Weak::clone(&self.tasks), place };
        let task = spawn_local(async move {
            let _held = held;
            stream.await;
        });
        tasks.borrow_mut().put(place, task.abort_handle());
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::{LocalSet, yield_now};

    use super::*;

    #[tokio::test]
    async fn streams_end_with_their_owner_though_each_can_begin_more() {
        let test = async {
            let (streams, held) = (Streams::default(), Rc::new(()));
            for _ in 0..3 {
                let (starter, held) = (streams.starter(), Rc::clone(&held));
                streams.starter().execute(async move {
                    std::future::pending::<()>().await;
                    drop((starter, held));
                });
            }
            yield_now().await;
            assert_eq!(Rc::strong_count(&held), 4);
            drop(streams);
            yield_now().await;
            assert_eq!(Rc::strong_count(&held), 1);
        };
        LocalSet::new().run_until(test).await;
    }

    #[tokio::test]
    async fn places_of_streams_that_ended_are_taken_again() {
        let test = async {
            let streams = Streams::default();
            for _ in 0..5 {
                streams.starter().execute(async {});
                streams.starter().execute(async {});
                yield_now().await;
            }
            let tasks = streams.tasks.borrow();
            assert_eq!((tasks.running.len(), tasks.free.len()), (2, 2));
            assert!(tasks.running.iter().all(Option::is_none));
        };
        LocalSet::new().run_until(test).await;
    }
}
