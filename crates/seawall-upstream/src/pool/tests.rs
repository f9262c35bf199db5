//! Who gets a connection, who waits, and that no place is ever lost.

mod race;

use std::{
    pin::pin,
    task::{Context, Waker},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};

use super::*;
use crate::testing::{
    BlackHole, DeadEnd, FullPool, OK, Peer, Server, connect, exchange, get, late, on_worker, pass,
    until,
};

const S: Duration = Duration::from_secs(1);

fn settings(connections: u32) -> PoolSettings {
    PoolSettings { connections, ..PoolSettings::default() }
}

async fn pool(connections: u32) -> (FullPool, Server) {
    let server = Server::bind().await;
    (Pool::new(server.endpoint(), settings(connections)), server)
}

fn snapshot<B>(pool: &Pool<B>) -> PoolSnapshot {
    pool.snapshot(clock::now())
}

/// Idle, leased, dialling and waiting.
fn counts<B>(pool: &Pool<B>) -> [u32; 4] {
    let now = snapshot(pool);
    [now.idle, now.leased, now.dialling, now.waiting]
}

async fn checkout(pool: &FullPool, reuse: Reuse) -> Lease<Full<Bytes>> {
    pool.checkout(reuse, late()).await.unwrap()
}

/// Puts one connection that has served into the pool.
async fn warm(pool: &FullPool, server: &Server) -> (u64, Peer) {
    let (mut lease, mut peer) = connect(pool, server).await;
    exchange(&mut lease, &mut peer, OK).await;
    let id = lease.id();
    lease.give_back();
    (id, peer)
}

/// Polls a future once, outside any task that would be woken.
fn poll_once<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}

#[tokio::test]
async fn newest_idle_connection_is_reused_first() {
    on_worker(async {
        let (pool, server) = pool(9).await;
        let (mut first, mut peer_1) = connect(&pool, &server).await;
        let (mut second, mut peer_2) = connect(&pool, &server).await;
        exchange(&mut first, &mut peer_1, OK).await;
        exchange(&mut second, &mut peer_2, OK).await;
        let (older, newer) = (first.id(), second.id());
        first.give_back();
        pass(S / 2).await;
        second.give_back();
        pass(S / 2).await;
        let again = checkout(&pool, Reuse::Any).await;
        assert_eq!(again.id(), newer);
        let age = again.idle_age().unwrap();
        assert!(age >= S / 2 && age < S, "{age:?}");
        assert_eq!(checkout(&pool, Reuse::Any).await.id(), older);
        assert_eq!(snapshot(&pool).reused_total, 2);
        assert_eq!(snapshot(&pool).opened_total, 2);
    })
    .await;
}

#[tokio::test]
async fn idle_connection_is_dropped_at_its_limit() {
    on_worker(async {
        let (pool, server) = pool(9).await;
        let (old, mut peer) = warm(&pool, &server).await;
        pass(4 * S).await;
        let (lease, _peer) = connect(&pool, &server).await;
        assert_ne!(lease.id(), old);
        peer.closed().await;
        assert_eq!(counts(&pool), [0, 1, 0, 0]);
    })
    .await;
}

#[tokio::test]
async fn sweep_closes_what_has_expired_and_nothing_else() {
    on_worker(async {
        let (pool, server) = pool(9).await;
        let (mut lease, mut fresh) = connect(&pool, &server).await;
        let (_, mut peer) = warm(&pool, &server).await;
        pass(3 * S).await;
        exchange(&mut lease, &mut fresh, OK).await;
        lease.give_back();
        pool.sweep(clock::now());
        assert_eq!(snapshot(&pool).idle, 2);
        pass(S).await;
        pool.sweep(clock::now());
        peer.closed().await;
        assert_eq!(counts(&pool), [1, 0, 0, 0]);
    })
    .await;
}

#[tokio::test]
async fn announced_keep_alive_shortens_the_idle_time() {
    on_worker(async {
        let (pool, server) = pool(9).await;
        let (mut lease, mut peer) = connect(&pool, &server).await;
        let answer = b"HTTP/1.1 204 No Content\r\nkeep-alive: timeout=3\r\n\r\n";
        exchange(&mut lease, &mut peer, answer).await;
        lease.give_back();
        pass(S).await;
        let lease = checkout(&pool, Reuse::Any).await;
        assert!(lease.is_reused());
        lease.give_back();
        pass(S).await;
        let (_lease, _peer) = connect(&pool, &server).await;
    })
    .await;
}

#[tokio::test]
async fn idle_connections_stay_within_their_bound() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = Pool::new(server.endpoint(), PoolSettings { idle_max: 1, ..settings(9) });
        let (mut first, mut peer_1) = connect(&pool, &server).await;
        let (mut second, mut peer_2) = connect(&pool, &server).await;
        exchange(&mut first, &mut peer_1, OK).await;
        exchange(&mut second, &mut peer_2, OK).await;
        let newer = second.id();
        first.give_back();
        second.give_back();
        assert_eq!(counts(&pool), [2, 0, 0, 0], "a wave may take them again at once");
        pass(Duration::from_millis(100)).await;
        pool.sweep(clock::now());
        peer_1.closed().await;
        assert_eq!(counts(&pool), [1, 0, 0, 0]);
        assert_eq!(checkout(&pool, Reuse::Any).await.id(), newer);
    })
    .await;
}

#[tokio::test]
async fn wave_larger_than_the_idle_cap_dials_once() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = Pool::new(server.endpoint(), PoolSettings { idle_max: 1, ..settings(9) });
        let (mut first, mut peer_1) = connect(&pool, &server).await;
        let (mut second, mut peer_2) = connect(&pool, &server).await;
        for _ in 0..3 {
            exchange(&mut first, &mut peer_1, OK).await;
            exchange(&mut second, &mut peer_2, OK).await;
            first.give_back();
            second.give_back();
            second = checkout(&pool, Reuse::Any).await;
            first = checkout(&pool, Reuse::Any).await;
        }
        assert_eq!(snapshot(&pool).opened_total, 2);
    })
    .await;
}

#[tokio::test]
async fn unsafe_request_takes_a_young_connection_or_a_fresh_one() {
    on_worker(async {
        let (pool, server) = pool(9).await;
        let (id, _peer) = warm(&pool, &server).await;
        let young = checkout(&pool, Reuse::FreshOrYoung).await;
        assert_eq!((young.id(), young.is_reused()), (id, true));
        young.give_back();
        pass(S).await;
        let (fresh, _accepted) =
            tokio::join!(checkout(&pool, Reuse::FreshOrYoung), server.accept());
        assert!(!fresh.is_reused());
        assert_eq!(counts(&pool), [1, 1, 0, 0]);
    })
    .await;
}

#[tokio::test]
async fn unsafe_request_at_the_cap_replaces_the_oldest_idle_connection() {
    on_worker(async {
        let (pool, server) = pool(1).await;
        let (id, mut peer) = warm(&pool, &server).await;
        pass(S).await;
        let (fresh, _accepted) =
            tokio::join!(checkout(&pool, Reuse::FreshOrYoung), server.accept());
        assert_ne!(fresh.id(), id);
        assert!(!fresh.is_reused());
        peer.closed().await;
        assert_eq!(counts(&pool), [0, 1, 0, 0]);
    })
    .await;
}

#[tokio::test]
async fn fresh_means_fresh() {
    on_worker(async {
        let (pool, server) = pool(9).await;
        let (_, _peer) = warm(&pool, &server).await;
        let (fresh, _accepted) = tokio::join!(checkout(&pool, Reuse::Fresh), server.accept());
        assert!(!fresh.is_reused());
    })
    .await;
}

#[tokio::test]
async fn idle_connection_closed_by_the_peer_leaves_the_pool() {
    on_worker(async {
        let (pool, server) = pool(9).await;
        let (_, peer) = warm(&pool, &server).await;
        assert_eq!(counts(&pool), [1, 0, 0, 0]);
        drop(peer);
        until(|| counts(&pool) == [0, 0, 0, 0]).await;
    })
    .await;
}

/// Answers every request on every connection; each connection ends with its peer.
async fn serve(server: &Server) {
    loop {
        let mut peer = server.accept().await;
        #[expect(clippy::disallowed_methods, reason = "ends with the local set of the test")]
        let task = tokio::task::spawn_local(async move {
            while peer.head().await.is_some() {
                peer.say(OK).await;
            }
        });
        drop(task);
    }
}

/// One whole use of a connection; says how many were open meanwhile.
async fn use_once(pool: &FullPool, reuse: Reuse) -> u32 {
    let mut lease = checkout(pool, reuse).await;
    let [idle, leased, dialling, _] = counts(pool);
    let body = lease.send(get()).await.unwrap().into_body();
    body.collect().await.unwrap();
    lease.give_back();
    idle + leased + dialling
}

#[tokio::test]
async fn cap_is_exact_under_200_concurrent_checkouts() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = Pool::new(server.endpoint(), PoolSettings { dials: 3, ..settings(8) });
        let uses = (0..200).map(|n| {
            let reuse = [Reuse::Any, Reuse::FreshOrYoung, Reuse::Any, Reuse::Fresh][n % 4];
            use_once(&pool, reuse)
        });
        let all = join_all(uses.collect());
        let open = tokio::select! { open = all => open, () = serve(&server) => vec![] };
        assert_eq!(open.len(), 200);
        assert_eq!(open.iter().max(), Some(&8));
        let now = snapshot(&pool);
        assert_eq!((now.leased, now.dialling, now.waiting), (0, 0, 0));
        // A late dial opens one more than the call that it was for has used.
        assert!(now.opened_total + now.reused_total >= 200 && now.reused_total <= 150, "{now:?}");
        assert!(now.opened_total >= 50, "every fourth wants a fresh one: {now:?}");
        assert_eq!(now.refused_total, 0);
    })
    .await;
}

/// Runs futures side by side on this task.
async fn join_all<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut running: Vec<_> = futures.into_iter().map(|f| (Box::pin(f), None)).collect();
    std::future::poll_fn(|cx| {
        for (future, value) in &mut running {
            if value.is_none()
                && let std::task::Poll::Ready(ready) = future.as_mut().poll(cx)
            {
                *value = Some(ready);
            }
        }
        let is_done = running.iter().all(|(_, value)| value.is_some());
        if is_done { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    running.into_iter().filter_map(|(_, value)| value).collect()
}

#[tokio::test]
async fn waiter_gets_the_returned_connection_before_a_newcomer() {
    on_worker(async {
        let (pool, server) = pool(1).await;
        let (mut lease, mut peer) = connect(&pool, &server).await;
        let id = lease.id();
        let mut waiting = pin!(pool.checkout(Reuse::FreshOrYoung, late()));
        assert!(poll_once(waiting.as_mut()).is_none());
        assert_eq!(counts(&pool), [0, 1, 0, 1]);
        exchange(&mut lease, &mut peer, OK).await;
        lease.give_back();
        let mut newcomer = pin!(pool.checkout(Reuse::Any, late()));
        assert!(poll_once(newcomer.as_mut()).is_none());
        let lease = waiting.await.unwrap();
        assert_eq!((lease.id(), lease.is_reused()), (id, true));
        assert_eq!(snapshot(&pool).waits_total, 2);
    })
    .await;
}

#[tokio::test]
async fn waiter_dials_when_a_connection_closes() {
    on_worker(async {
        let (pool, server) = pool(1).await;
        let (lease, _peer) = connect(&pool, &server).await;
        let id = lease.id();
        let mut waiting = pin!(pool.checkout(Reuse::Any, late()));
        assert!(poll_once(waiting.as_mut()).is_none());
        drop(lease);
        let (lease, _accepted) = tokio::join!(waiting, server.accept());
        let lease = lease.unwrap();
        assert!(lease.id() != id && !lease.is_reused());
        assert_eq!(counts(&pool), [0, 1, 0, 0]);
    })
    .await;
}

#[tokio::test]
async fn returned_connection_is_closed_for_a_waiter_that_wants_a_fresh_one() {
    on_worker(async {
        let (pool, server) = pool(1).await;
        let (mut lease, mut peer) = connect(&pool, &server).await;
        let mut waiting = pin!(pool.checkout(Reuse::Fresh, late()));
        assert!(poll_once(waiting.as_mut()).is_none());
        exchange(&mut lease, &mut peer, OK).await;
        lease.give_back();
        let (lease, _accepted) = tokio::join!(waiting, server.accept());
        assert!(!lease.unwrap().is_reused());
    })
    .await;
}

#[tokio::test]
async fn t95_waiter_cancelled_after_its_grant_passes_the_connection_on() {
    on_worker(async {
        let (pool, server) = pool(1).await;
        let (mut lease, mut peer) = connect(&pool, &server).await;
        let id = lease.id();
        let mut first = Box::pin(pool.checkout(Reuse::Any, late()));
        let mut second = pin!(pool.checkout(Reuse::Any, late()));
        assert!(poll_once(first.as_mut()).is_none());
        assert!(poll_once(second.as_mut()).is_none());
        exchange(&mut lease, &mut peer, OK).await;
        lease.give_back();
        drop(first);
        assert_eq!(second.await.unwrap().id(), id);
        assert_eq!(snapshot(&pool).reused_total, 1);
    })
    .await;
}

#[tokio::test]
async fn t95_waiter_cancelled_after_being_given_a_place_passes_it_on() {
    on_worker(async {
        let (pool, server) = pool(1).await;
        let (lease, _peer) = connect(&pool, &server).await;
        let mut first = Box::pin(pool.checkout(Reuse::Any, late()));
        let mut second = pin!(pool.checkout(Reuse::Any, late()));
        assert!(poll_once(first.as_mut()).is_none());
        assert!(poll_once(second.as_mut()).is_none());
        drop(lease);
        until(|| snapshot(&pool).dialling == 1).await;
        drop(first);
        assert_eq!(counts(&pool), [0, 0, 1, 0]);
        let (lease, _accepted) = tokio::join!(second, server.accept());
        assert!(!lease.unwrap().is_reused());
    })
    .await;
}

#[tokio::test]
async fn cancelled_waiter_leaves_the_queue() {
    on_worker(async {
        let (pool, server) = pool(1).await;
        let (_lease, _peer) = connect(&pool, &server).await;
        let mut waiting = Box::pin(pool.checkout(Reuse::Any, late()));
        assert!(poll_once(waiting.as_mut()).is_none());
        drop(waiting);
        assert_eq!(counts(&pool), [0, 1, 0, 0]);
    })
    .await;
}

#[tokio::test]
async fn waiter_gives_up_at_its_deadline() {
    on_worker(async {
        let (pool, server) = pool(1).await;
        let (_lease, _peer) = connect(&pool, &server).await;
        tokio::time::pause();
        let start = clock::now();
        let error = pool.checkout(Reuse::Any, start + S).await.unwrap_err();
        assert!(
            matches!(error, CheckoutError::PoolExhausted(Exhausted::DeadlinePassed)),
            "{error:?}"
        );
        assert!(clock::now() - start < S + S / 100);
        assert_eq!(counts(&pool), [0, 1, 0, 0]);
    })
    .await;
}

#[tokio::test]
async fn queue_beyond_its_bound_is_refused_at_once() {
    on_worker(async {
        let server = Server::bind().await;
        let pool = Pool::new(server.endpoint(), PoolSettings { waiters: 1, ..settings(1) });
        let (_lease, _peer) = connect(&pool, &server).await;
        let mut waiting = pin!(pool.checkout(Reuse::Any, late()));
        assert!(poll_once(waiting.as_mut()).is_none());
        let error = poll_once(pin!(pool.checkout(Reuse::Any, late()))).unwrap().unwrap_err();
        assert!(matches!(error, CheckoutError::PoolExhausted(Exhausted::QueueFull)), "{error:?}");
        assert_eq!(snapshot(&pool).refused_total, 1);
    })
    .await;
}

#[tokio::test]
async fn checkout_cancelled_while_dialling_frees_its_place() {
    on_worker(async {
        let hole = BlackHole::open();
        let pool = FullPool::new(hole.endpoint(), settings(1));
        let mut dialling = Box::pin(pool.checkout(Reuse::Any, late()));
        assert!(poll_once(dialling.as_mut()).is_none());
        assert_eq!(counts(&pool), [0, 0, 1, 0]);
        drop(dialling);
        assert_eq!(counts(&pool), [0, 0, 0, 0]);
    })
    .await;
}

#[tokio::test]
async fn checkouts_beyond_the_bound_on_dials_wait_for_one_to_end() {
    on_worker(async {
        let hole = BlackHole::open();
        let settings = PoolSettings { dials: 1, ..settings(9) };
        let pool = FullPool::new(hole.endpoint(), settings.clone());
        let mut first = Box::pin(pool.checkout(Reuse::Any, late()));
        let mut second = Box::pin(pool.checkout(Reuse::Any, late()));
        assert!(poll_once(first.as_mut()).is_none());
        assert!(poll_once(second.as_mut()).is_none());
        assert_eq!(counts(&pool), [0, 0, 1, 1]);
        drop(first);
        assert_eq!(counts(&pool), [0, 0, 1, 0]);
        drop(second);
        assert_eq!(counts(&pool), [0, 0, 0, 0]);
    })
    .await;
}

#[tokio::test]
async fn refused_dial_is_reported_and_frees_its_place() {
    on_worker(async {
        let nobody = DeadEnd::bind();
        let pool = FullPool::new(nobody.endpoint(), settings(1));
        for failures in 1..=2 {
            let error = pool.checkout(Reuse::Any, late()).await.unwrap_err();
            assert!(matches!(error, CheckoutError::Dial(DialError::Refused)), "{error:?}");
            assert_eq!(counts(&pool), [0, 0, 0, 0]);
            assert_eq!(snapshot(&pool).dial_failures_total, failures);
        }
    })
    .await;
}

#[tokio::test]
async fn failed_dial_hands_its_place_to_the_next_waiter() {
    on_worker(async {
        let nobody = DeadEnd::bind();
        let pool = FullPool::new(nobody.endpoint(), settings(1));
        let both = [checkout_error(&pool), checkout_error(&pool)];
        for error in join_all(both.into()).await {
            assert!(matches!(error, CheckoutError::Dial(DialError::Refused)), "{error:?}");
        }
        assert_eq!(snapshot(&pool).waits_total, 1);
        assert_eq!(counts(&pool), [0, 0, 0, 0]);
    })
    .await;
}

async fn checkout_error(pool: &FullPool) -> CheckoutError {
    pool.checkout(Reuse::Any, late()).await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn dial_is_cut_by_whichever_comes_first() {
    on_worker(async {
        let hole = BlackHole::open();
        let pool = FullPool::new(hole.endpoint(), settings(1));
        let start = clock::now();
        let error = pool.checkout(Reuse::Any, start + 2 * S).await.unwrap_err();
        assert!(matches!(error, CheckoutError::Dial(DialError::TimedOut)), "{error:?}");
        let error = pool.checkout(Reuse::Any, clock::now() + S / 2).await.unwrap_err();
        assert!(matches!(error, CheckoutError::Dial(DialError::DeadlinePassed)), "{error:?}");
        let waited = clock::now() - start;
        assert!(waited >= S * 3 / 2 && waited < S * 3 / 2 + S / 50, "{waited:?}");
        let error = pool.checkout(Reuse::Any, start).await.unwrap_err();
        assert!(matches!(error, CheckoutError::Dial(DialError::DeadlinePassed)), "{error:?}");
        assert_eq!(counts(&pool), [0, 0, 0, 0]);
    })
    .await;
}

#[tokio::test]
async fn dropped_pool_closes_idle_connections_and_spares_leased_ones() {
    on_worker(async {
        let (pool, server) = pool(9).await;
        let (mut lease, mut peer) = connect(&pool, &server).await;
        let (_, mut idle) = warm(&pool, &server).await;
        let shared = Rc::downgrade(&pool.shared);
        drop(pool);
        idle.closed().await;
        exchange(&mut lease, &mut peer, OK).await;
        lease.give_back();
        peer.closed().await;
        until(|| shared.strong_count() == 0).await;
    })
    .await;
}

#[tokio::test]
async fn lowered_cap_drains_and_raised_cap_serves_those_who_wait() {
    on_worker(async {
        let (pool, server) = pool(2).await;
        let (mut first, mut peer_1) = connect(&pool, &server).await;
        let (_second, _peer_2) = connect(&pool, &server).await;
        pool.reconfigure(settings(1));
        exchange(&mut first, &mut peer_1, OK).await;
        first.give_back();
        peer_1.closed().await;
        assert_eq!(counts(&pool), [0, 1, 0, 0]);
        let mut waiting = pin!(pool.checkout(Reuse::Any, late()));
        assert!(poll_once(waiting.as_mut()).is_none());
        pool.reconfigure(settings(2));
        let (lease, _accepted) = tokio::join!(waiting, server.accept());
        assert!(!lease.unwrap().is_reused());
        assert_eq!(counts(&pool), [0, 2, 0, 0]);
    })
    .await;
}

#[tokio::test]
async fn untouched_lease_goes_back_with_its_age() {
    on_worker(async {
        let (pool, server) = pool(9).await;
        let (_, _peer) = warm(&pool, &server).await;
        pass(2 * S).await;
        checkout(&pool, Reuse::Any).await.give_back();
        pass(S).await;
        let age = checkout(&pool, Reuse::Any).await.idle_age().unwrap();
        assert!(age >= 3 * S, "{age:?}");
    })
    .await;
}
