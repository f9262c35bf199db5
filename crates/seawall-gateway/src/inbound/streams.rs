//! The tasks of the streams of one HTTP/2 connection: they end with it, whatever happens.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use hyper::rt::Executor;
use tokio::task::JoinSet;

/// The streams of a connection, each a task of the worker. Dropping it ends all of them.
///
/// Ended tasks are let go when the next one begins, so no more are kept than ever ran at once,
/// which the limit of concurrent streams bounds.
#[derive(Debug, Default)]
pub(super) struct Streams {
    tasks: Rc<RefCell<JoinSet<()>>>,
}

impl Streams {
    /// What hyper begins them with.
    pub(super) fn starter(&self) -> Starter {
        Starter { tasks: Rc::downgrade(&self.tasks) }
    }
}

/// Begins streams. The tasks hold copies of it, so it must not keep them alive itself.
#[derive(Clone, Debug)]
pub(super) struct Starter {
    tasks: Weak<RefCell<JoinSet<()>>>,
}

impl<F> Executor<F> for Starter
where
    F: Future<Output = ()> + 'static,
{
    fn execute(&self, stream: F) {
        // Without the connection nobody waits for the stream any more.
        let Some(tasks) = self.tasks.upgrade() else { return };
        let mut tasks = tasks.borrow_mut();
        while tasks.try_join_next().is_some() {}
        tasks.spawn_local(stream);
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
}
