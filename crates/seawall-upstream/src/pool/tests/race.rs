//! A checkout's own dial against the connections that others return.
//!
//! On loopback a connect is done only once the reactor has turned, so that the first poll of a
//! dial always leaves it pending.

use super::*;

type FullLease = Lease<Full<Bytes>>;

/// A pool with one lease out that has served.
async fn one_out(settings: PoolSettings) -> (FullPool, Server, FullLease, Peer) {
    let server = Server::bind().await;
    let pool = Pool::new(server.endpoint(), settings);
    let (mut lease, mut peer) = connect(&pool, &server).await;
    exchange(&mut lease, &mut peer, OK).await;
    (pool, server, lease, peer)
}

/// A checkout that has been polled once and waits.
fn begun(pool: &FullPool, reuse: Reuse) -> std::pin::Pin<Box<impl Future<Output = Checkout>>> {
    let mut checkout = Box::pin(pool.checkout(reuse, late()));
    assert!(poll_once(checkout.as_mut()).is_none());
    checkout
}

type Checkout = Result<FullLease, CheckoutError>;

fn one_dial(connections: u32) -> PoolSettings {
    PoolSettings { dials: 1, ..patient(connections) }
}

/// No machine is so slow that a dial into a black hole ends within this by itself.
const PATIENCE: Duration = Duration::from_secs(20);

fn patient(connections: u32) -> PoolSettings {
    PoolSettings { connect: PATIENCE, ..settings(connections) }
}

#[tokio::test]
async fn returned_connection_beats_a_black_holed_dial() {
    on_worker(async {
        let (pool, server, lease, mut peer) = one_out(patient(9)).await;
        let _hole = server.overflow();
        let id = lease.id();
        let second = begun(&pool, Reuse::Any);
        assert_eq!(counts(&pool), [0, 1, 1, 0]);
        lease.give_back();
        let mut lease = second.await.unwrap();
        assert_eq!((lease.id(), lease.is_reused()), (id, true));
        assert_eq!(counts(&pool), [0, 1, 1, 0], "the late dial keeps its place");
        pass(PATIENCE).await;
        until(|| counts(&pool) == [0, 1, 0, 0]).await;
        assert_eq!(snapshot(&pool).dial_failures_total, 1);
        exchange(&mut lease, &mut peer, OK).await;
    })
    .await;
}

#[tokio::test]
async fn burst_whose_syns_are_dropped_is_served_by_the_connection_that_is_there() {
    on_worker(async {
        let (pool, server, lease, mut peer) = one_out(patient(256)).await;
        let _hole = server.overflow();
        let uses = (0..16).map(|n| use_once(&pool, [Reuse::Any, Reuse::FreshOrYoung][n % 2]));
        let mut all = pin!(join_all(uses.collect()));
        assert!(poll_once(all.as_mut()).is_none());
        assert_eq!(counts(&pool), [0, 1, 16, 0]);
        lease.give_back();
        let answers = async {
            loop {
                peer.answer(OK).await;
            }
        };
        tokio::select! { _ = all => {}, () = answers => {} }
        assert_eq!(counts(&pool), [1, 0, 16, 0]);
        let now = snapshot(&pool);
        assert_eq!((now.opened_total, now.reused_total, now.dial_failures_total), (1, 16, 0));
    })
    .await;
}

#[tokio::test]
async fn late_dial_brings_its_connection_into_the_pool() {
    on_worker(async {
        let (pool, server, lease, _peer) = one_out(settings(2)).await;
        let second = begun(&pool, Reuse::Any);
        lease.give_back();
        let lease = second.await.unwrap();
        let mut peer = server.accept().await;
        until(|| counts(&pool) == [1, 1, 0, 0]).await;
        let mut late = checkout(&pool, Reuse::Any).await;
        assert!(late.id() != lease.id() && late.is_reused(), "it was idle, if for a moment");
        exchange(&mut late, &mut peer, OK).await;
        assert_eq!(snapshot(&pool).opened_total, 2);
    })
    .await;
}

#[tokio::test]
async fn late_dial_serves_the_first_waiter_with_a_fresh_connection() {
    on_worker(async {
        let (pool, server, lease, _peer) = one_out(one_dial(2)).await;
        let second = begun(&pool, Reuse::Any);
        let third = begun(&pool, Reuse::Fresh);
        assert_eq!(counts(&pool), [0, 1, 1, 1]);
        lease.give_back();
        let _second = second.await.unwrap();
        let (third, _peer) = tokio::join!(third, server.accept());
        assert!(!third.unwrap().is_reused());
        assert_eq!(snapshot(&pool).opened_total, 2);
        until(|| counts(&pool) == [0, 1, 0, 0]).await;
    })
    .await;
}

#[tokio::test]
async fn dial_that_wins_leaves_the_returned_connection_to_the_pool() {
    on_worker(async {
        let (pool, server, lease, _peer) = one_out(settings(2)).await;
        let (second, _accepted) = tokio::join!(checkout(&pool, Reuse::Any), server.accept());
        assert!(!second.is_reused());
        lease.give_back();
        assert_eq!(counts(&pool), [1, 1, 0, 0]);
    })
    .await;
}

#[tokio::test]
async fn fresh_is_not_served_by_a_returned_connection_while_it_dials() {
    on_worker(async {
        let (pool, server, lease, _peer) = one_out(settings(2)).await;
        let fresh = begun(&pool, Reuse::Fresh);
        let id = lease.id();
        lease.give_back();
        assert_eq!(counts(&pool), [1, 0, 1, 0], "its dial is on the way; nothing needs closing");
        let (fresh, _accepted) = tokio::join!(fresh, server.accept());
        let fresh = fresh.unwrap();
        assert!(fresh.id() != id && !fresh.is_reused());
    })
    .await;
}

#[tokio::test]
async fn unsafe_request_that_dials_takes_a_returned_connection_only_if_it_is_young() {
    on_worker(async {
        let (pool, server, lease, mut peer) = one_out(patient(2)).await;
        let _hole = server.overflow();
        lease.give_back();
        pass(S).await;
        let old = checkout(&pool, Reuse::Any).await;
        let id = old.id();
        let mut unsafe_one = begun(&pool, Reuse::FreshOrYoung);
        old.give_back();
        assert!(poll_once(unsafe_one.as_mut()).is_none());
        assert_eq!(counts(&pool), [1, 0, 1, 0]);
        let mut young = checkout(&pool, Reuse::Any).await;
        exchange(&mut young, &mut peer, OK).await;
        young.give_back();
        assert_eq!(unsafe_one.await.unwrap().id(), id);
    })
    .await;
}

#[tokio::test]
async fn returned_connections_serve_those_who_dial_and_wait_in_their_order() {
    on_worker(async {
        let (pool, server, lease, _peer) = one_out(one_dial(9)).await;
        let _hole = server.overflow();
        let first = begun(&pool, Reuse::Any);
        let mut second = begun(&pool, Reuse::Any);
        let mut third = begun(&pool, Reuse::Any);
        lease.give_back();
        assert!(poll_once(third.as_mut()).is_none());
        assert!(poll_once(second.as_mut()).is_none());
        first.await.unwrap().give_back();
        assert!(poll_once(third.as_mut()).is_none());
        second.await.unwrap().give_back();
        third.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn bound_on_dials_closes_no_returned_connection() {
    on_worker(async {
        let (pool, server, lease, _peer) = one_out(one_dial(9)).await;
        let _hole = server.overflow();
        let _dialling = begun(&pool, Reuse::Fresh);
        let _waiting = begun(&pool, Reuse::Fresh);
        let any = begun(&pool, Reuse::Any);
        assert_eq!(counts(&pool), [0, 1, 1, 2]);
        lease.give_back();
        any.await.unwrap().give_back();
        assert_eq!(counts(&pool), [1, 0, 1, 1]);
    })
    .await;
}

#[tokio::test]
async fn idle_connection_makes_room_for_a_waiter_that_wants_a_fresh_one() {
    on_worker(async {
        let (pool, server, lease, mut peer) = one_out(one_dial(3)).await;
        let all = (0..3).map(|_| begun(&pool, Reuse::Fresh)).collect();
        lease.give_back();
        assert_eq!(counts(&pool), [1, 0, 1, 2]);
        let accepting = async { (server.accept().await, server.accept().await) };
        let (leases, _accepted) = tokio::join!(join_all(all), accepting);
        peer.closed().await;
        assert!(leases.iter().all(|lease| !lease.as_ref().unwrap().is_reused()));
        assert_eq!(counts(&pool), [0, 3, 0, 0]);
    })
    .await;
}

#[tokio::test]
async fn failed_dial_fails_only_its_own_checkout() {
    on_worker(async {
        let (pool, server, lease, _peer) = one_out(patient(9)).await;
        let _hole = server.overflow();
        let mut hurried = Box::pin(pool.checkout(Reuse::Any, clock::now() + S));
        assert!(poll_once(hurried.as_mut()).is_none());
        let second = begun(&pool, Reuse::Any);
        pass(S).await;
        let error = hurried.await.unwrap_err();
        assert!(matches!(error, CheckoutError::Dial(DialError::DeadlinePassed)), "{error:?}");
        assert_eq!(counts(&pool), [0, 1, 1, 0]);
        lease.give_back();
        second.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn cancelled_while_it_dials_a_checkout_leaves_the_queue_too() {
    on_worker(async {
        let (pool, server, lease, _peer) = one_out(patient(9)).await;
        let _hole = server.overflow();
        drop(begun(&pool, Reuse::Any));
        assert_eq!(counts(&pool), [0, 1, 0, 0]);
        lease.give_back();
        assert_eq!(counts(&pool), [1, 0, 0, 0]);
    })
    .await;
}

#[tokio::test]
async fn cancelled_once_served_a_dialling_checkout_passes_the_connection_on() {
    on_worker(async {
        let (pool, server, lease, _peer) = one_out(patient(9)).await;
        let _hole = server.overflow();
        let id = lease.id();
        let first = begun(&pool, Reuse::Any);
        let second = begun(&pool, Reuse::Any);
        lease.give_back();
        drop(first);
        assert_eq!(counts(&pool), [0, 1, 1, 0], "its own dial ends with it");
        assert_eq!(second.await.unwrap().id(), id);
        assert_eq!(snapshot(&pool).reused_total, 1);
    })
    .await;
}

#[tokio::test]
async fn cancelled_between_place_and_connection_a_waiter_passes_on_both() {
    on_worker(async {
        let (pool, server, lease, _peer) = one_out(one_dial(9)).await;
        let _hole = server.overflow();
        let first = begun(&pool, Reuse::Fresh);
        let second = begun(&pool, Reuse::Any);
        let mut third = begun(&pool, Reuse::Fresh);
        drop(first);
        lease.give_back();
        assert_eq!(counts(&pool), [0, 1, 1, 1]);
        drop(second);
        assert_eq!(counts(&pool), [1, 0, 1, 0]);
        assert!(poll_once(third.as_mut()).is_none());
        drop(third);
        assert_eq!(counts(&pool), [1, 0, 0, 0]);
    })
    .await;
}

#[tokio::test]
async fn waiter_with_both_takes_the_connection_and_passes_on_the_place() {
    on_worker(async {
        let (pool, server, lease, _peer) = one_out(one_dial(9)).await;
        let _hole = server.overflow();
        let first = begun(&pool, Reuse::Fresh);
        let second = begun(&pool, Reuse::Any);
        drop(first);
        lease.give_back();
        let lease = second.await.unwrap();
        assert!(lease.is_reused());
        assert_eq!(counts(&pool), [0, 1, 0, 0], "no dial had begun in that place");
    })
    .await;
}

#[tokio::test]
async fn cancelled_after_its_turn_to_dial_a_waiter_frees_its_place() {
    on_worker(async {
        let (pool, server, lease, _peer) = one_out(one_dial(9)).await;
        let _hole = server.overflow();
        let first = begun(&pool, Reuse::Any);
        let mut second = begun(&pool, Reuse::Any);
        drop(first);
        assert!(poll_once(second.as_mut()).is_none());
        assert_eq!(counts(&pool), [0, 1, 1, 0]);
        drop(second);
        assert_eq!(counts(&pool), [0, 1, 0, 0]);
        lease.give_back();
        assert_eq!(counts(&pool), [1, 0, 0, 0]);
    })
    .await;
}

#[tokio::test]
async fn connection_that_closed_on_its_way_to_a_cancelled_checkout_is_not_kept() {
    on_worker(async {
        let (pool, server, lease, peer) = one_out(settings(1)).await;
        let waiting = begun(&pool, Reuse::Any);
        lease.give_back();
        drop(peer);
        until(|| counts(&pool) == [0, 0, 0, 0]).await;
        drop(waiting);
        assert_eq!(counts(&pool), [0, 0, 0, 0]);
        connect(&pool, &server).await;
    })
    .await;
}

#[tokio::test]
async fn late_dial_does_not_outlive_its_time_when_the_pool_is_dropped() {
    on_worker(async {
        let (pool, server, lease, _peer) = one_out(patient(9)).await;
        let _hole = server.overflow();
        let second = begun(&pool, Reuse::Any);
        lease.give_back();
        drop(second.await.unwrap());
        let shared = Rc::downgrade(&pool.shared);
        drop(pool);
        pass(PATIENCE).await;
        until(|| shared.strong_count() == 0).await;
    })
    .await;
}

#[tokio::test]
async fn late_connection_is_closed_when_the_pool_is_dropped() {
    on_worker(async {
        let (pool, server, lease, _peer) = one_out(patient(9)).await;
        let second = begun(&pool, Reuse::Any);
        lease.give_back();
        drop(second.await.unwrap());
        drop(pool);
        server.accept().await.closed().await;
    })
    .await;
}

#[tokio::test]
async fn cap_is_exact_under_200_concurrent_checkouts_with_slow_dials() {
    on_worker(async {
        let (pool, server, lease, mut peer) = one_out(patient(8)).await;
        let hole = server.overflow();
        let reuses = |n: usize| [Reuse::Any, Reuse::FreshOrYoung, Reuse::Any, Reuse::Fresh][n % 4];
        let uses = (0..200).map(|n| use_once(&pool, reuses(n)));
        let mut all = pin!(join_all(uses.collect()));
        assert!(poll_once(all.as_mut()).is_none());
        assert_eq!(counts(&pool), [0, 1, 7, 193]);
        lease.give_back();
        let answers = async {
            while peer.head().await.is_some() {
                peer.say(OK).await
            }
        };
        let served = async {
            server.recover(hole).await;
            tokio::join!(serve(&server), answers)
        };
        let open = tokio::select! { open = all => open, _ = served => vec![] };
        assert_eq!((open.len(), open.iter().max()), (200, Some(&8)));
        until(|| snapshot(&pool).dialling == 0).await;
        let now = snapshot(&pool);
        assert_eq!((now.leased, now.waiting, now.dial_failures_total), (0, 0, 0));
        assert!(now.idle <= 8 && now.opened_total + now.reused_total >= 200, "{now:?}");
    })
    .await;
}
