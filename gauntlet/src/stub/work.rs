//! What a replica does for a request, from its first line in the log to its last. Work goes on when
//! its caller has left, as it does in real services. What is sent is made in `answer`.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use seawall_core::hash::mix;
use seawall_core::rng::Rng;
use tokio::sync::oneshot;

use super::desk::Place;
use super::replica::{Replica, count};
use super::switches::{Health, Status, Switches};
use crate::record::Attempt;
use crate::stamp::Stamp;
use crate::stream::Verb;

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    /// The request, none for a health check.
    pub(super) id: Option<u64>,
    /// Its method.
    pub(super) verb: Verb,
    /// Nanoseconds of work.
    pub(super) service: u64,
    /// Bytes of the answer.
    pub(super) length: u32,
}

/// What a request came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// The status to send.
    pub(super) status: u16,
    /// Nanoseconds that a worker was busy.
    pub(super) worked: u64,
}

impl Done {
    const fn at_once(status: u16) -> Self {
        Self { status, worked: 0 }
    }
}

/// A line of the log for a request that has come; it is written at once.
pub(super) fn begin(replica: &Replica, ask: &Ask, connection: u64) -> Attempt {
    let attempt = Attempt {
        replica: replica.number,
        id: ask.id,
        verb: ask.verb,
        begun: Stamp::now(),
        ended: None,
        serial: count(&replica.counts.attempts),
        connection,
        status: 0,
        worked: 0,
        committed: false,
        abandoned: false,
    };
    replica.log.put(attempt.clone());
    attempt
}

/// Writes that the body of a request never came: nothing was done.
pub(super) fn give_up(replica: &Replica, attempt: Attempt) {
    replica.log.put(Attempt { ended: Some(Stamp::now()), abandoned: true, ..attempt });
}

/// Starts the work on `ask`, whose body is `body`; what it came to arrives at the receiver.
#[expect(clippy::disallowed_methods, reason = "work ends by itself, after its caller has left too")]
pub(super) fn start(
    replica: &Arc<Replica>,
    ask: Ask,
    body: Bytes,
    attempt: Attempt,
) -> oneshot::Receiver<Done> {
    let (tell, told) = oneshot::channel();
    let replica = Arc::clone(replica);
    tokio::spawn(async move {
        let done = carry_out(&replica, &ask, &body).await;
        // Whoever would receive it is dropped with the connection.
        let abandoned = tell.send(done).is_err();
        replica.log.put(Attempt {
            ended: Some(Stamp::now()),
            status: if abandoned { 0 } else { done.status },
            worked: done.worked,
            committed: done.status == 200 && !matches!(ask.verb, Verb::Get),
            abandoned,
            ..attempt
        });
    });
    told
}

async fn carry_out(replica: &Replica, ask: &Ask, body: &Bytes) -> Done {
    let switches = replica.switches.borrow().clone();
    if ask.id.is_none() && switches.health == Health::Blind {
        return Done::at_once(200);
    }
    if fails(replica, switches.status.as_ref()) {
        count(&replica.counts.failed);
        return Done::at_once(switches.status.map_or(503, |status| status.code));
    }
    if let Some(id) = ask.id
        && !body.is_empty()
        && *body != crate::wire::body(id, u32::try_from(body.len()).unwrap_or(u32::MAX))
    {
        // What was sent is not what has come; users see an error of a replica.
        return Done::at_once(422);
    }
    let done = if is_known(replica, &switches, ask) {
        Done::at_once(200)
    } else {
        work(replica, ask).await
    };
    if switches.delay > 0 {
        replica.timers.until(Stamp::now().after(switches.delay)).await;
    }
    done
}

/// Draws whether a request is one of those that fail.
fn fails(replica: &Replica, status: Option<&Status>) -> bool {
    let Some(status) = status else { return false };
    let mut chance = replica.chance.lock().unwrap_or_else(PoisonError::into_inner);
    let bits = u32::try_from(chance.next_u64() >> 32).unwrap_or(u32::MAX);
    f64::from(bits) < status.share * 4_294_967_296.0
}

/// Whether the answer to a GET is remembered; from now on it is.
fn is_known(replica: &Replica, switches: &Switches, ask: &Ask) -> bool {
    let (Some(cache), Some(id), Verb::Get) = (switches.cache, ask.id, ask.verb) else {
        return false;
    };
    let key = mix(id, 0) % u64::from(cache.keys.max(1));
    let mut known = replica.known();
    if known.epoch != cache.epoch {
        known.keys.clear();
        known.epoch = cache.epoch;
    }
    !known.keys.insert(key)
}

/// Waits for a worker and keeps it busy.
async fn work(replica: &Replica, ask: &Ask) -> Done {
    let place = replica.desk().come();
    let begun = match place {
        Place::Free => Stamp::now(),
        Place::Waits(called) => match called.await {
            Ok(begun) => begun,
            // The desk is gone, and the replica with it.
            Err(_) => return Done::at_once(503),
        },
        Place::Full => {
            count(&replica.counts.refused);
            return Done::at_once(503);
        }
    };
    // The switches as they are when the work begins: a fault that was lifted meanwhile is over.
    let switches = replica.switches.borrow().clone();
    let end = plan(replica, &switches, ask, begun);
    replica.timers.until(end).await;
    let now = Stamp::now();
    replica.desk().leave(end, now);
    Done { status: 200, worked: now.since(begun) }
}

/// When work that begins at `begun` will be done.
fn plan(replica: &Replica, switches: &Switches, ask: &Ask, begun: Stamp) -> Stamp {
    let had = switches.lock.as_ref().and_then(|wanted| {
        let lock = replica.lock();
        // A lock that cannot be read is a lock that is free: the probe of the runner will see it.
        lock.as_ref().and_then(|lock| lock.reserve(wanted.hold).ok())
    });
    had.unwrap_or(begun).max(begun).after(stretched(ask.service, switches.slower))
}

/// A service time, so many times as long.
fn stretched(service: u64, times: Option<f64>) -> u64 {
    let Some(times) = times else { return service };
    let service = std::time::Duration::from_nanos(service).as_secs_f64();
    let longer = std::time::Duration::try_from_secs_f64(service * times).unwrap_or_default();
    u64::try_from(longer.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slower_work_takes_so_many_times_as_long() {
        assert_eq!(stretched(20_000_000, None), 20_000_000);
        assert_eq!(stretched(20_000_000, Some(5.0)), 100_000_000);
        assert_eq!(stretched(20_000_000, Some(f64::NAN)), 0);
    }
}
