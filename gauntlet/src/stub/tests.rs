//! Tests of a whole replica: every switch as a user sees it, and what the log says of it.

use std::path::Path;

use super::*;
use crate::control::put;
use crate::load;
use crate::record::{Attempt, Seen};
use crate::stream::{Planned, Verb};
use crate::testing::{
    AMPLE, Site, WRONG, answer, ask, beside, generator, gets, head, planned, play,
};

/// A replica on listeners that are there; where it is, and its whole life.
pub(crate) async fn start(
    address: SocketAddr,
    control: &Address,
    log: &Path,
    capacity: Capacity,
    told: tokio::sync::oneshot::Receiver<()>,
) -> (SocketAddr, impl Future<Output = io::Result<End>> + Send + use<>) {
    let listener = serve::listen(address).unwrap();
    let control = control::Listener::bind(control).await.unwrap();
    let replica = Replica::new(1, capacity, Writer::append(log).unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let told = async {
        // A test that has dropped its side wants the replica to live.
        if told.await.is_err() {
            std::future::pending().await
        }
    };
    (address, run(replica, listener, control, told))
}

fn post(id: u64, at: u64) -> Planned {
    Planned { verb: Verb::Post, body: 300, ..planned(id, at) }
}

#[tokio::test]
async fn a_share_of_answers_has_the_status_and_was_no_work() {
    let site = Site::new(AMPLE).await;
    let status = Some(Status { share: 0.5, code: 500 });
    site.switch(Switches { status, ..Switches::default() }).await;
    let seen = ask(site.address, &gets(200)).await;
    let failed = seen.iter().filter(|seen| **seen == answer(500)).count();
    assert!((60..=140).contains(&failed), "{failed} of about 100");
    assert!(seen.iter().all(|seen| [answer(500), answer(200)].contains(seen)));
    let attempts = site.attempts().await;
    assert!(attempts.iter().all(|a| (a.status == 500) == (a.worked == 0)));
    assert_eq!(site.state().await.failed, u64::try_from(failed).unwrap());
}

#[tokio::test]
async fn answers_that_are_falsified_are_seen_as_such() {
    let site = Site::new(AMPLE).await;
    for (answers, seen) in [
        (Answers::Truncated, Seen::Cut),
        (Answers::Short, WRONG),
        (Answers::Corrupt, WRONG),
        (Answers::Right, answer(200)),
    ] {
        site.switch(Switches { answers, ..Switches::default() }).await;
        assert_eq!(ask(site.address, &gets(3)).await, [seen; 3], "{answers:?}");
    }
}

#[tokio::test]
async fn delay_keeps_no_worker_busy_and_slower_work_does() {
    let site = Site::new(AMPLE).await;
    site.switch(Switches { delay: 500_000_000, ..Switches::default() }).await;
    assert_eq!(ask(site.address, &gets(1)).await, [answer(200)]);
    site.switch(Switches { slower: Some(40.0), ..Switches::default() }).await;
    assert_eq!(ask(site.address, &gets(1)).await, [answer(200)]);
    let [delayed, slower] = &site.attempts().await[..] else { panic!("two attempts") };
    assert!(delayed.ended.unwrap().since(delayed.begun) >= 501_000_000);
    assert!(delayed.worked < 500_000_000, "the delay is no work: {}", delayed.worked);
    assert!(slower.worked >= 40_000_000, "{}", slower.worked);
}

#[tokio::test]
async fn requests_queue_for_the_shared_lock_with_a_worker_waiting() {
    let site = Site::new(AMPLE).await;
    let file = site.folder.path().join("lock");
    let lock = Some(Lock { file, hold: 300_000_000 });
    site.switch(Switches { lock, ..Switches::default() }).await;
    let address = site.address;
    let users = beside(async move { ask(address, &gets(3)).await });
    site.until(|state| state.working == 3).await;
    assert_eq!(users.await.unwrap(), [answer(200); 3]);
    let attempts = site.attempts().await;
    let last = attempts.iter().filter_map(|a| a.ended).max().unwrap();
    assert!(last.since(attempts[0].begun) >= 901_000_000, "three turns and the work");
}

#[tokio::test]
async fn a_replica_refuses_what_finds_no_place() {
    let site = Site::new(Capacity { workers: 1, queue: 1 }).await;
    let stream: Vec<Planned> =
        (0..3).map(|id| Planned { service: 1_000_000_000, ..planned(id, 0) }).collect();
    let seen = ask(site.address, &stream).await;
    assert_eq!(seen.iter().filter(|seen| **seen == answer(503)).count(), 1, "{seen:?}");
    assert_eq!(site.state().await.refused, 1);
    let worked: Vec<bool> = site.attempts().await.iter().map(|a| a.worked > 0).collect();
    assert_eq!(worked.iter().filter(|worked| **worked).count(), 2);
}

#[tokio::test]
async fn work_goes_on_when_its_caller_has_left() {
    let site = Site::new(AMPLE).await;
    let mut caller = tokio::net::TcpStream::connect(site.address).await.unwrap();
    let request = b"POST /r0/0 HTTP/1.1\r\nhost: x\r\ngauntlet-id: 0\r\n\
        gauntlet-service: 1000000000\r\ncontent-length: 0\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut caller, request).await.unwrap();
    site.until(|state| state.working == 1).await;
    drop(caller);
    let [attempt] = &site.attempts().await[..] else { panic!("one attempt") };
    let Attempt { abandoned, committed, status, .. } = attempt;
    assert_eq!((*abandoned, *committed, *status), (true, true, 0));
    assert!(attempt.worked >= 1_000_000_000);
}

#[tokio::test]
async fn what_is_not_safe_takes_effect_when_its_work_ends_well() {
    let site = Site::new(AMPLE).await;
    let stream = [planned(0, 0), post(1, 5), Planned { verb: Verb::Put, ..post(2, 10) }];
    assert_eq!(ask(site.address, &stream).await, [answer(200); 3]);
    let status = Some(Status { share: 1.0, code: 503 });
    site.switch(Switches { status, ..Switches::default() }).await;
    assert_eq!(ask(site.address, &[post(3, 0)]).await, [answer(503)]);
    let committed: Vec<bool> = site.attempts().await.iter().map(|a| a.committed).collect();
    assert_eq!(committed, [false, true, true, false]);
}

#[tokio::test]
async fn a_poisonous_request_ends_the_replica_and_its_beginning_is_in_the_log() {
    let site = Site::new(AMPLE).await;
    site.switch(Switches { poison: 1, ..Switches::default() }).await;
    assert_eq!(ask(site.address, &gets(1)).await, [Seen::NoAnswer]);
    let log = site.folder.path().join("log");
    assert!(matches!(
        control::state::<State>(&site.control).await,
        Err(control::Unheard::Gone(..))
    ));
    let attempts = crate::record::read_attempts(&[log]).unwrap();
    assert_eq!((attempts.len(), attempts[0].id, attempts[0].ended), (1, Some(0), None));
    assert_eq!(site.ended().await, End::Poisoned);
}

#[tokio::test]
async fn a_replica_that_is_killed_leaves_what_it_began_in_its_log() {
    let site = Site::new(AMPLE).await;
    let address = site.address;
    let stream = [Planned { service: 60_000_000_000, ..planned(0, 0) }];
    let user = beside(async move { ask(address, &stream).await });
    site.until(|state| state.working == 1).await;
    let log = site.folder.path().join("log");
    // The thread of the log may come a little later; nothing of the replica's end is needed for it.
    while crate::record::read_attempts(&[&log]).unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let folder = site.kill().await;
    assert_eq!(user.await.unwrap(), [Seen::NoAnswer]);
    let attempts = crate::record::read_attempts(&[folder.path().join("log")]).unwrap();
    assert_eq!((attempts.len(), attempts[0].ended), (1, None));
}

#[tokio::test]
async fn idle_connections_are_closed_and_a_user_who_sees_it_opens_another() {
    let site = Site::new(AMPLE).await;
    site.switch(Switches { idle_close: 30_000_000, ..Switches::default() }).await;
    let stream = [planned(0, 0), planned(1, 1_500)];
    assert_eq!(ask(site.address, &stream).await, [answer(200); 2]);
    site.until(|state| state.connections == 0).await;
    let connections: Vec<u64> = site.attempts().await.iter().map(|a| a.connection).collect();
    assert_eq!(connections, [0, 1]);
}

#[tokio::test]
async fn a_replica_that_accepts_nobody_is_connected_to_and_says_nothing() {
    let site = Site::new(AMPLE).await;
    site.switch(Switches { accept: Accept::Off, ..Switches::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let args = load::Args { patience: 300, ..generator(&folder, site.address) };
    let (_, answered) = play(&args, &gets(6)).await;
    assert!(answered.iter().all(|a| a.seen == Seen::TimedOut), "{answered:?}");
    assert_eq!(site.state().await.attempts, 0);
    site.switch(Switches::default()).await;
    assert_eq!(ask(site.address, &gets(3)).await, [answer(200); 3]);
}

#[tokio::test]
async fn connections_that_are_open_are_closed_where_none_is_accepted() {
    let site = Site::new(AMPLE).await;
    let open = tokio::net::TcpStream::connect(site.address).await.unwrap();
    site.until(|state| state.connections == 1).await;
    site.switch(Switches { accept: Accept::Off, ..Switches::default() }).await;
    site.until(|state| state.connections == 0).await;
    drop(open);
}

#[tokio::test]
async fn health_checks_see_what_users_see_unless_they_are_blind() {
    let site = Site::new(AMPLE).await;
    assert!(head(site.address, "/healthz").await.starts_with("HTTP/1.1 200"));
    let status = Some(Status { share: 1.0, code: 503 });
    site.switch(Switches { status, ..Switches::default() }).await;
    assert!(head(site.address, "/healthz").await.starts_with("HTTP/1.1 503"));
    site.switch(Switches { status, health: Health::Blind, ..Switches::default() }).await;
    assert!(head(site.address, "/healthz").await.starts_with("HTTP/1.1 200"));
    assert_eq!(ask(site.address, &gets(1)).await, [answer(503)]);
    let ids: Vec<Option<u64>> = site.attempts().await.iter().map(|a| a.id).collect();
    assert_eq!(ids, [None, None, None, Some(0)]);
}

#[tokio::test]
async fn a_draining_replica_serves_on_and_says_that_it_leaves() {
    let mut site = Site::new(AMPLE).await;
    site.switch(Switches { drain: 2_000_000_000, ..Switches::default() }).await;
    let address = site.address;
    site.tell();
    let health = head(address, "/healthz").await;
    assert!(health.starts_with("HTTP/1.1 503"), "{health}");
    assert!(health.contains("connection: close"), "{health}");
    assert_eq!(ask(address, &gets(5)).await, [answer(200); 5]);
    let late = [Planned { service: 2_500_000_000, ..planned(9, 0) }];
    assert_eq!(ask(address, &late).await, [answer(200)], "what is in flight may end");
    assert_eq!(site.ended().await, End::Told);
    assert_eq!(ask(address, &gets(1)).await, [Seen::NoAnswer]);
}

#[tokio::test]
async fn a_draining_replica_says_goodbye_on_http_2_at_once() {
    let mut site = Site::new(AMPLE).await;
    site.switch(Switches { drain: 60_000_000_000, ..Switches::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let protocol = load::Protocol::Two;
    let args = load::Args { protocol, ..generator(&folder, site.address) };
    let stream = [planned(0, 0), Planned { service: 1_500_000_000, ..planned(1, 10) }];
    let user = beside(async move { play(&args, &stream).await });
    site.until(|state| state.working == 1 && state.attempts == 2).await;
    site.tell();
    let (_, answered) = user.await.unwrap();
    assert!(answered.iter().all(|a| a.seen == answer(200)), "{answered:?}");
    site.until(|state| state.connections == 0).await;
}

#[tokio::test]
async fn a_known_answer_costs_no_worker_until_all_is_forgotten() {
    let site = Site::new(AMPLE).await;
    for epoch in [0, 0, 1] {
        let cache = Some(Cache { keys: 1, epoch });
        site.switch(Switches { cache, ..Switches::default() }).await;
        assert_eq!(ask(site.address, &gets(1)).await, [answer(200)]);
    }
    let worked: Vec<bool> = site.attempts().await.iter().map(|a| a.worked > 0).collect();
    assert_eq!(worked, [true, false, true]);
}

#[tokio::test]
async fn a_request_whose_body_was_changed_on_the_way_is_refused() {
    let site = Site::new(AMPLE).await;
    let request = "/r0/1 HTTP/1.1\r\ngauntlet-id: 1\r\ncontent-length: 3\r\n\r\nabc";
    // The rest of the request line is put behind by the test's own client.
    assert!(head(site.address, request).await.starts_with("HTTP/1.1 422"));
}

#[tokio::test]
async fn switches_that_make_no_sense_are_refused_and_change_nothing() {
    let site = Site::new(AMPLE).await;
    let delay = Switches { delay: 1, ..Switches::default() };
    site.switch(delay.clone()).await;
    let refused = put(&site.control, &serde_json::json!({ "dealy": 5 })).await.unwrap_err();
    assert!(refused.to_string().contains("unknown field `dealy`"), "{refused}");
    let nowhere = Lock { file: site.folder.path().join("a/b"), hold: 1 };
    let nowhere = Switches { lock: Some(nowhere), ..Switches::default() };
    assert!(matches!(put(&site.control, &nowhere).await, Err(control::Unheard::Refused(..))));
    for (switches, mistake) in [
        (Switches { slower: Some(0.0), ..Switches::default() }, "slower is 0"),
        (
            Switches { status: Some(Status { share: 1.5, code: 503 }), ..Switches::default() },
            "status.share is 1.5",
        ),
        (
            Switches { status: Some(Status { share: 0.5, code: 200 }), ..Switches::default() },
            "status.code is 200",
        ),
    ] {
        let refused = put(&site.control, &switches).await.unwrap_err();
        assert!(refused.to_string().contains(mistake), "{refused}");
    }
    assert_eq!(site.state().await.switches, delay);
}

#[test]
fn a_taken_address_is_told_by_name() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let address = taken.local_addr().unwrap();
    let told = serve(Args {
        replica: 0,
        listen: address,
        control: Address::File(folder.path().join("control")),
        log: folder.path().join("log"),
        capacity: AMPLE,
        switches: None,
        tie: Tie::default(),
    });
    let told = told.unwrap_err().to_string();
    assert!(told.contains(&format!("cannot listen at {address}")), "{told}");
}
