//! The thread that writes a record.
//!
//! It looks into the queue at intervals instead of being woken: a wake-up for each call would cost
//! the worker a system call.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::thread::{JoinHandle, park_timeout};
use std::time::Duration;

use tokio::sync::oneshot;

use seawall_config::record::{Call, Close, End, Gap, Header, Line, Micros, Reload, Tables};
use seawall_core::time::Instant;

use super::spool::{Full, Kind, Spool};
use super::{QUEUE, Store};
use crate::clock::Clock;

/// Between two looks into an empty queue.
const POLL_EVERY: Duration = Duration::from_millis(10);

/// A killed process loses no more calls than those of this time.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// A writer that runs.
#[derive(Debug)]
pub(crate) struct Writing {
    ended: oneshot::Receiver<()>,
    thread: JoinHandle<()>,
}

impl Writing {
    /// Waits until the record is written to its end. Dropped earlier, it leaves the writer alone.
    pub(crate) async fn ended(self) {
        // An error means that the thread is gone, which is what is waited for.
        let _gone = self.ended.await;
        if self.thread.join().is_err() {
            tracing::error!("the writer of the record died of a bug");
        }
    }
}

pub(super) fn start<S: Store>(
    inbox: Receiver<Call>,
    spool: Spool<S>,
    header: Header,
    (clock, started): (Clock, Instant),
) -> std::io::Result<Writing> {
    let mut writer = Writer {
        inbox,
        spool,
        clock,
        started,
        flushed: started,
        line: Vec::new(),
        routes: BTreeSet::new(),
        warned: false,
    };
    let (done, ended) = oneshot::channel();
    let work = move || {
        match writer.begin(&header).map(|()| writer.run()) {
            Ok(Ok(())) => writer.close(Close::Stopped),
            Ok(Err(Full)) => writer.close(Close::Full),
            Err(Full) => writer.never_begin(),
        }
        // Whoever no longer waits has given up on the record.
        let _told = done.send(());
    };
    let thread = std::thread::Builder::new().name("record".to_owned()).spawn(work)?;
    Ok(Writing { ended, thread })
}

struct Writer<S> {
    inbox: Receiver<Call>,
    spool: Spool<S>,
    clock: Clock,
    started: Instant,
    flushed: Instant,
    line: Vec<u8>,
    /// The routes that tables have named: no reader understands calls of others.
    routes: BTreeSet<Arc<str>>,
    warned: bool,
}

/// Whether the queue can bring more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Queue {
    Busy,
    Empty,
    Closed,
}

impl<S: Store> Writer<S> {
    fn begin(&mut self, header: &Header) -> Result<(), Full> {
        self.learn(&header.tables);
        header.encode(&mut self.line);
        self.spool.push(&self.line, Kind::Table)
    }

    fn run(&mut self) -> Result<(), Full> {
        loop {
            // Asked first: what came before the stop is then still in the queue.
            let stopping = self.spool.desk().stopping.load(Ordering::Acquire);
            let queue = self.empty_queue()?;
            let now = self.clock.now();
            if now.since(self.flushed) >= FLUSH_EVERY {
                self.spool.flush();
                self.flushed = now;
            }
            if stopping || queue == Queue::Closed {
                return Ok(());
            }
            if queue == Queue::Empty {
                park_timeout(POLL_EVERY);
            }
        }
    }

    /// Takes what is in the queue, but no more than it holds: the clock wants to be looked at.
    fn empty_queue(&mut self) -> Result<Queue, Full> {
        self.write_reloads()?;
        for _ in 0..QUEUE {
            match self.inbox.try_recv() {
                Ok(call) => self.write_call(call)?,
                Err(TryRecvError::Empty) => return Ok(Queue::Empty),
                Err(TryRecvError::Disconnected) => return Ok(Queue::Closed),
            }
        }
        Ok(Queue::Busy)
    }

    fn write_call(&mut self, call: Call) -> Result<(), Full> {
        // A call under a new config comes after the word of it.
        self.write_reloads()?;
        if !self.routes.contains(&call.route) {
            self.spool.desk().dropped.bump();
            return Ok(());
        }
        self.write_gap()?;
        self.write(&Line::Call(call), Kind::Call)
    }

    fn write_reloads(&mut self) -> Result<(), Full> {
        while let Some(reload) = self.spool.desk().next_reload() {
            self.write_reload(reload)?;
        }
        Ok(())
    }

    fn write_reload(&mut self, reload: Reload) -> Result<(), Full> {
        self.learn(&reload.tables);
        self.write(&Line::Reload(reload), Kind::Table)
    }

    fn write_gap(&mut self) -> Result<(), Full> {
        let lost = self.spool.untold();
        if lost == 0 {
            return Ok(());
        }
        if !std::mem::replace(&mut self.warned, true) {
            tracing::warn!(lost, "calls are missing from the record; its metrics count them");
        }
        let at = self.now();
        self.write(&Line::Gap(Gap { at, lost }), Kind::Note)
    }

    /// A last line without a first would be no record.
    fn never_begin(&self) {
        self.want_no_more();
        tracing::warn!("the record may not even be as large as its first line, and stays empty");
    }

    fn close(&mut self, why: Close) {
        self.want_no_more();
        let (at, calls) = (self.now(), self.spool.calls());
        let lost = self.spool.desk().dropped.total();
        let last = self.write(&Line::End(End { at, why, calls, lost }), Kind::Last);
        self.spool.flush();
        match why {
            Close::Full => {
                tracing::warn!(calls, "the record is as large as it may be, and ends here");
            }
            Close::Stopped => tracing::info!(calls, lost, "the record is closed"),
        }
        debug_assert!(last.is_ok() || why == Close::Full, "room is kept for the last line");
    }

    fn want_no_more(&self) {
        self.spool.desk().over.store(true, Ordering::Release);
    }

    fn write(&mut self, line: &Line, kind: Kind) -> Result<(), Full> {
        self.line.clear();
        line.encode(&mut self.line);
        self.spool.push(&self.line, kind)
    }

    fn learn(&mut self, tables: &Tables) {
        for route in &tables.routes {
            if !self.routes.contains(&*route.name) {
                self.routes.insert(Arc::from(&*route.name));
            }
        }
    }

    fn now(&self) -> Micros {
        self.clock.now().since(self.started).into()
    }
}
