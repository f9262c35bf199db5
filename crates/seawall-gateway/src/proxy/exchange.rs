//! The loop: carry out what the machine says, report back, until the call is over.

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use hyper::body::Incoming;

use seawall_config::Expose;
use seawall_core::call::{Action, AttemptPlan, Call, Effect, Facts, Replay, Role};
use seawall_core::hash::hash;
use seawall_core::outcome::{CallerFault, Observation, Sent};
use seawall_core::reason::Reason;
use seawall_core::shed::Priority;

use super::attempt::{Brought, Errand, Target};
use super::flight::{Flight, Recall};
use super::guard::Guarded;
use super::kept::Kept;
use super::record::Record;
use crate::alarm::Alarm;
use crate::body::{Body, Upload, UploadLimits};
use crate::live::{Match, Route};
use crate::wire::{Accepted, Caller, accept};
use crate::worker::{Listening, Worker};

/// A request as it came in.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// Head and body.
    pub(crate) request: Request<Incoming>,
    /// Who asks.
    pub(crate) caller: Caller,
}

/// A call with its request and the answer that stands by.
#[derive(Debug)]
pub(super) struct Exchange<'a> {
    pub(super) call: Box<Guarded>,
    pub(super) head: &'a Accepted,
    /// The latest answer: handed on when no attempt brings a better one.
    pub(super) latest: Option<Kept>,
    pub(super) expose: Expose,
}

/// Answers one request, whatever happens.
pub(crate) async fn proxy(
    worker: Rc<Worker>,
    listening: &Listening,
    arrival: Arrival,
) -> Response<Body> {
    let (mut parts, incoming) = arrival.request.into_parts();
    if parts.uri.path_and_query().is_some_and(|target| target.as_str().len() > listening.uri_bytes)
    {
        return worker.refuse(Reason::UriTooLong, &[], listening, &parts.headers);
    }
    let accepted = {
        let (mut rng, unix_ms) =
            (worker.rng.borrow_mut(), worker.clock.unix_ms(worker.clock.now()));
        accept(&mut parts, arrival.caller, &worker.shared.identity, unix_ms, &mut *rng)
    };
    let mut head = match accepted {
        Ok(head) => head,
        Err(reason) => return worker.refuse(reason, allowed(reason), listening, &parts.headers),
    };
    let live = worker.shared.live();
    let route = match live.router.find(head.authority.as_ref(), head.path(), &head.method) {
        Match::Route(route) => Arc::clone(route),
        Match::Methods(allow) => {
            return worker.refuse(Reason::MethodNotAllowed, &allow, listening, &head.headers);
        }
        Match::None => return worker.refuse(Reason::NoRoute, &[], listening, &head.headers),
    };
    let upload = match upload(&worker, &route, listening, incoming) {
        Ok(upload) => upload,
        Err(reason) => return worker.refuse(reason, &[], listening, &head.headers),
    };
    let facts = facts(&mut head, &route);
    let asked = (&head, facts);
    let (exchange, action) = Exchange::start((&worker, route), asked, upload, listening.expose);
    exchange.run(&worker, action).await
}

/// Never to change, and no secret: all instances of a fleet send equal keys to the same endpoint.
/// Keys that collide on purpose meet `bounded_loads`.
const AFFINITY_SEED: u64 = 0;

fn facts(head: &mut Accepted, route: &Route) -> Facts {
    let class = head.rank(route.priority);
    let field = route.affinity.as_ref();
    let effect = if head.method.is_safe() { Effect::Harmless } else { Effect::Changes };
    Facts {
        effect,
        remaining: head.remaining,
        affinity: field.and_then(|field| affinity(&head.headers, field)),
        priority: Priority::new(class, sub_level(&head.id)),
        ..Facts::of(head.safety)
    }
}

/// The key of a request, where it has one.
fn affinity(headers: &HeaderMap, field: &HeaderName) -> Option<u64> {
    headers.get(field).map(|key| hash(AFFINITY_SEED, key.as_bytes()))
}

/// Calls of one class differ in their sub-level by the id of the request, which all that they
/// cause carries: so a class is shed by degrees, and one request by every hop alike.
fn sub_level(id: &HeaderValue) -> u8 {
    u8::try_from(hash(AFFINITY_SEED, id.as_bytes()) >> 57).unwrap_or(u8::MAX)
}

impl<'a> Exchange<'a> {
    fn start(
        (worker, route): (&Rc<Worker>, Arc<Route>),
        (head, facts): (&'a Accepted, Facts),
        upload: Option<Rc<RefCell<Upload>>>,
        expose: Expose,
    ) -> (Self, Action) {
        let body = upload.as_ref().map_or(0, |upload| upload.borrow().memory_max());
        let facts = Facts { body, ..facts };
        let asked = worker.shared.recorder().map(|recorder| recorder.asked(head, &facts));
        let record = Record::new(head, asked);
        let settings = route.settings;
        let (call, action) = Guarded::start((Rc::clone(worker), route), record, upload, |ctx| {
            Call::start(settings, facts, ctx)
        });
        (Self { call, head, latest: None, expose }, action)
    }

    async fn run(mut self, worker: &'a Worker, first: Action) -> Response<Body> {
        let recall = Recall::default();
        // Dropped before the call, should the caller leave: the machine hears of the end of its
        // attempts only when they have ended.
        let place = pin!(None);
        let mut flight = Flight::new(place);
        let mut alarm = worker.alarms.lend();
        let mut action = first;
        loop {
            action = match action {
                Action::Attempt(plan) => {
                    flight.begin(plan.number, self.errand(&plan, worker, &recall).run());
                    self.watch(&mut flight, &mut alarm).await
                }
                Action::Wait => self.watch(&mut flight, &mut alarm).await,
                Action::Enqueue(_) => self.queue(&mut alarm).await,
                Action::Abandon(number) => {
                    recall.call_back(number);
                    let brought = flight.result_of(number).await;
                    self.gave_up(number, brought)
                }
                Action::Deliver(number) => {
                    flight.clear();
                    return self.deliver(number);
                }
                Action::FallBack { rung, why } => {
                    flight.clear();
                    return self.fall_back(rung, why);
                }
                Action::Finish(verdict) => {
                    flight.clear();
                    return self.refuse(verdict);
                }
            };
        }
    }

    /// What the attempt that the machine planned needs.
    fn errand<'e>(&self, plan: &AttemptPlan, worker: &'e Worker, recall: &'e Recall) -> Errand<'e>
    where
        'a: 'e,
    {
        self.count(plan);
        let endpoint = self.call.upstream().directory().find(plan.endpoint).cloned();
        let target = endpoint.map(|endpoint| Target {
            pool: worker.pools.of(&self.call.route, plan.endpoint, endpoint.address),
            endpoint,
        });
        let now = self.call.now;
        let connected = plan.deadline.min(now.after(self.call.route.connect));
        let answered = self.call.call.remaining(now).map(|left| now.after(left));
        let (number, head, upload) = (plan.number, self.head, self.call.upload.clone());
        Errand { number, worker, head, upload, target, connected, answered, recall }
    }

    fn count(&self, plan: &AttemptPlan) {
        let meters = &self.call.upstream().meters;
        meters.begun.bump();
        match plan.role {
            Role::First => meters.first_attempts.bump(),
            Role::Retry => meters.retries.bump(),
            Role::Hedge => meters.hedges.bump(),
        }
    }

    /// Waits for what comes first: the result of an attempt, or the time that the machine named. A
    /// result that is there wins. The time of an attempt does not run while the caller is still
    /// sending its body.
    async fn watch(
        &mut self,
        flight: &mut Flight<'_, impl Future<Output = Brought>>,
        alarm: &mut Alarm<'_>,
    ) -> Action {
        if flight.is_empty() {
            self.free_latest().await;
        }
        let wake = self.wake();
        let (number, brought) = tokio::select! {
            biased;
            brought = flight.next() => brought,
            () = alarm.at(wake) => {
                self.charge_caller();
                return self.timer();
            }
        };
        self.brought(number, brought)
    }

    /// Reports what an attempt brought.
    fn brought(&mut self, number: u32, brought: Brought) -> Action {
        self.charge_caller();
        let replay = self.replay();
        match brought {
            Brought::Answer(answer, seen) => {
                let action = self.call.step(|call, ctx| call.head(number, seen, replay, ctx));
                let wanted = matches!(action, Action::Deliver(_) | Action::Wait);
                self.latest = wanted.then_some(Kept::Streaming(answer));
                action
            }
            Brought::Nothing(seen) => {
                let seen = self.callers_fault().map_or(seen, Observation::CallerFault);
                self.call.step(|call, ctx| call.ended(number, seen, replay, ctx))
            }
        }
    }

    /// Reports the end of an attempt that was called back. While the service waits for the
    /// caller's body that is no fault of the service.
    fn gave_up(&mut self, number: u32, brought: Option<Brought>) -> Action {
        let waits = |upload: &Rc<RefCell<Upload>>| upload.borrow().waiting_for_caller().is_some();
        let stalled = self.call.upload.as_ref().is_some_and(waits);
        let seen = match brought {
            Some(Brought::Nothing(Observation::TimedOut { .. })) if stalled => {
                Observation::CallerFault(CallerFault::Stalled)
            }
            Some(Brought::Nothing(seen)) => seen,
            Some(Brought::Answer(..)) | None => Observation::TimedOut { sent: Sent::Maybe },
        };
        self.brought(number, Brought::Nothing(seen))
    }

    /// Puts the answer that stands by away, if nothing runs beside it: the next attempt may need
    /// its connection.
    async fn free_latest(&mut self) {
        if let Some(Kept::Streaming(answer)) = self.latest.take_if(|kept| kept.is_streaming()) {
            // Boxed: hardly any call does this, and its state would be half of every call's.
            self.latest = Some(Box::pin(self.put_by(*answer)).await);
        }
    }

    /// Whether the request could be sent again from the start.
    fn replay(&self) -> Replay {
        self.call.upload.as_ref().map_or(Replay::Possible, |upload| upload.borrow().replay())
    }

    /// Whether it could be sent again beside an attempt that may still be sending it.
    fn beside(&self) -> Replay {
        self.call.upload.as_ref().map_or(Replay::Possible, |upload| upload.borrow().beside())
    }

    /// Waits for a permit, or held for the end of an outage.
    async fn queue(&mut self, alarm: &mut Alarm<'_>) -> Action {
        self.free_latest().await;
        let wake = self.wake();
        tokio::select! {
            biased;
            () = self.call.granted() => {}
            () = alarm.at(wake) => return self.timer(),
        }
        self.call.step(|call, ctx| call.granted(ctx))
    }

    /// Tells the machine that time has passed.
    fn timer(&mut self) -> Action {
        let beside = self.beside();
        self.call.step(|call, ctx| call.timer(beside, ctx))
    }

    /// When time alone moves the call; at once where only the driver could.
    fn wake(&self) -> tokio::time::Instant {
        let clock = self.call.worker.clock;
        clock.runtime(self.call.call.next_deadline().unwrap_or_else(|| clock.now()))
    }

    /// How the caller's body failed, if it did.
    fn callers_fault(&self) -> Option<CallerFault> {
        self.call.upload.as_ref()?.borrow().fault()
    }

    /// Tells the machine how much of the attempts' time was the caller's.
    fn charge_caller(&mut self) {
        let replay = self.replay();
        self.call.charge_caller(replay);
    }
}

/// Methods that some route may take, for those that none does.
const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

fn allowed(reason: Reason) -> &'static [Method] {
    if reason == Reason::MethodNotAllowed { &METHODS } else { &[] }
}

/// The request's body, unless it has none.
fn upload(
    worker: &Worker,
    route: &Route,
    listening: &Listening,
    incoming: Incoming,
) -> Result<Option<Rc<RefCell<Upload>>>, Reason> {
    if http_body::Body::is_end_stream(&incoming) {
        return Ok(None);
    }
    let limits = UploadLimits {
        replay: route.replay,
        body_max: listening.body_max,
        idle: listening.body_idle,
    };
    let memory = worker.shared.replay_memory.clone();
    let upload = Upload::new(incoming, limits, memory, worker.clock);
    if upload.is_too_large() {
        return Err(Reason::BodyTooLarge);
    }
    Ok(Some(Rc::new(RefCell::new(upload))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_with_the_same_value_have_the_same_key() {
        let field = HeaderName::from_static("customer-id");
        let key = |value: &'static str| {
            let headers = [(field.clone(), HeaderValue::from_static(value))];
            affinity(&HeaderMap::from_iter(headers), &field)
        };
        assert!(key("a").is_some());
        assert_eq!(key("a"), key("a"));
        assert_ne!(key("a"), key("b"));
        assert_eq!(affinity(&HeaderMap::new(), &field), None);
    }

    #[test]
    fn sub_levels_spread_over_all_of_a_class() {
        let level = |n: u32| sub_level(&HeaderValue::from(n));
        assert_eq!(level(7), level(7));
        let low = (0..1_000).filter(|n| level(*n) < 64).count();
        assert!((400..=600).contains(&low), "{low} of 1000 in the lower half");
        assert!((0..1_000).all(|n| level(n) < 128));
    }
}
