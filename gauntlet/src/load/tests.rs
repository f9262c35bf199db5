//! Tests of the generator against replicas: it is open, it tells the truth about what it saw, and
//! about itself.

use std::collections::BTreeMap;

use super::*;
use crate::record::{Content, Seen};
use crate::stream::Verb;
use crate::stub::{Status, Switches};
use crate::testing::{AMPLE, Site, answer, ask, beside, generator, gets, planned, play, reserved};

/// All kinds of requests, 5 ms apart.
fn mixed(count: u64) -> Vec<Planned> {
    let planned = |id: u64| {
        let verb = match id % 4 {
            1 => Verb::Put,
            2 => Verb::Post,
            _ => Verb::Get,
        };
        let body = if verb == Verb::Get { 0 } else { 1_000 };
        Planned { verb, body, keyed: id % 8 == 2, ..planned(id, id * 5) }
    };
    (0..count).map(planned).collect()
}

#[tokio::test]
async fn two_seconds_of_all_kinds_are_all_right_and_join_with_the_log() {
    let site = Site::new(AMPLE).await;
    let folder = tempfile::tempdir().unwrap();
    let stream = mixed(400);
    let (summary, answered) = play(&generator(&folder, site.address), &stream).await;
    assert_eq!((summary.sent, summary.planned, summary.is_valid()), (400, 400, true));
    assert!(answered.iter().all(|a| a.seen == answer(200)));
    let attempts = site.attempts().await;
    let by_id: BTreeMap<u64, _> = attempts.iter().map(|a| (a.id.unwrap(), a)).collect();
    assert_eq!((attempts.len(), by_id.len(), answered.len()), (400, 400, 400));
    for (asked, seen) in stream.iter().zip(&answered) {
        let attempt = by_id[&asked.id];
        assert_eq!((seen.id, attempt.verb), (asked.id, asked.verb));
        assert_eq!(attempt.committed, asked.verb != Verb::Get);
        assert!(seen.begun >= seen.intended && seen.begun <= attempt.begun);
        assert!(attempt.worked >= asked.service);
    }
    assert_eq!(site.state().await.log_lost, 0);
}

#[tokio::test]
async fn http_2_is_answered_alike_on_few_connections() {
    let site = Site::new(AMPLE).await;
    let folder = tempfile::tempdir().unwrap();
    let args = Args { protocol: Protocol::Two, ..generator(&folder, site.address) };
    let (_, answered) = play(&args, &mixed(100)).await;
    assert!(answered.iter().all(|a| a.seen == answer(200)), "{answered:?}");
    // Requests that come while the first connection is being opened open more of them.
    assert!(site.state().await.accepted <= 50);
}

#[tokio::test]
async fn an_open_loop_does_not_wait_for_answers() {
    let site = Site::new(AMPLE).await;
    site.switch(Switches { delay: 1_000_000_000, ..Switches::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let (summary, answered) = play(&generator(&folder, site.address), &gets(50)).await;
    assert_eq!(summary.outstanding_max, 50);
    assert!(answered.iter().all(|a| a.seen == answer(200)));
    assert!(answered.iter().all(|a| a.ended.since(a.intended) >= 1_000_000_000));
}

#[tokio::test]
async fn too_many_under_way_stop_the_load_and_void_the_run() {
    let site = Site::new(AMPLE).await;
    site.switch(Switches { delay: 1_000_000_000, ..Switches::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let args = Args { outstanding_max: 10, ..generator(&folder, site.address) };
    let (summary, answered) = play(&args, &gets(50)).await;
    assert_eq!((summary.sent, summary.stopped, summary.is_valid()), (10, true, false));
    assert_eq!(answered.len(), 10);
}

#[tokio::test]
async fn who_is_not_there_gives_no_answer_and_who_says_nothing_is_given_up() {
    let (_kept, nobody) = reserved();
    assert_eq!(ask(nobody, &gets(2)).await, [Seen::NoAnswer; 2]);
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let args = Args { patience: 50, ..generator(&folder, silent.local_addr().unwrap()) };
    let (_, answered) = play(&args, &gets(2)).await;
    for answered in answered {
        assert_eq!(answered.seen, Seen::TimedOut);
        assert!(answered.ended.since(answered.intended) >= 50_000_000);
    }
}

#[tokio::test]
async fn addresses_are_asked_in_turns_and_the_last_route_aside() {
    let (a, b, aside) = (Site::new(AMPLE).await, Site::new(AMPLE).await, Site::new(AMPLE).await);
    let folder = tempfile::tempdir().unwrap();
    let (to, aside_to) = (vec![a.address, b.address], vec![aside.address]);
    let args = Args { to, aside: aside_to, ..generator(&folder, a.address) };
    let stream: Vec<Planned> = (0..30)
        .map(|id| Planned { route: u8::try_from(id % 3).unwrap(), ..planned(id, id) })
        .collect();
    let (_, answered) = play(&args, &stream).await;
    assert!(answered.iter().all(|answered| answered.seen == answer(200)));
    let attempts = [a.state().await, b.state().await, aside.state().await].map(|s| s.attempts);
    assert_eq!(attempts, [10, 10, 10]);
}

#[tokio::test]
async fn users_of_a_closed_loop_wait_think_and_try_again() {
    let site = Site::new(AMPLE).await;
    let folder = tempfile::tempdir().unwrap();
    let (users, lasts) = (Some(2), Some(1_900));
    let args = Args { users, lasts, ..generator(&folder, site.address) };
    let thinking: Vec<Planned> = (0..400).map(|id| planned(id, 20)).collect();
    let status = Some(Status { share: 1.0, code: 503 });
    site.switch(Switches { status, ..Switches::default() }).await;
    let (summary, answered) = play(&args, &thinking).await;
    assert!(summary.is_valid() && summary.outstanding_max <= 2, "{summary:?}");
    let tries: Vec<u32> = answered.iter().map(|a| a.tries_before).collect();
    assert_eq!(tries, [0, 0, 1, 1], "after a second each, and the load lasts not quite two");
    assert!(answered.iter().all(|a| a.seen == answer(503)));
}

#[tokio::test]
async fn a_closed_loop_that_runs_out_of_requests_voids_the_run() {
    let site = Site::new(AMPLE).await;
    let folder = tempfile::tempdir().unwrap();
    let (users, lasts) = (Some(2), Some(60_000));
    let args = Args { users, lasts, ..generator(&folder, site.address) };
    let (summary, answered) = play(&args, &gets(20)).await;
    assert_eq!((summary.exhausted, summary.is_valid(), answered.len()), (true, false, 20));
}

#[tokio::test]
async fn an_answer_that_no_replica_made_is_told_apart() {
    let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = other.local_addr().unwrap();
    let gateway = beside(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = other.accept().await.unwrap();
        let mut scratch = vec![0; 4_096];
        assert!(stream.read(&mut scratch).await.unwrap() > 0);
        let full = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(full).await.unwrap();
    });
    let own = Seen::Answer { status: 429, replica: None, body: Content::Right };
    assert_eq!(ask(address, &gets(1)).await, [own]);
    gateway.await.unwrap();
}

#[tokio::test]
async fn slow_clients_hold_their_connections_and_count_who_closes_them() {
    let site = Site::new(AMPLE).await;
    let folder = tempfile::tempdir().unwrap();
    let args = SlowArgs {
        count: 9,
        manner: Manner::Each,
        to: site.address,
        lasts: 2_500,
        summary: folder.path().join("summary"),
        tie: Tie::default(),
    };
    let crawling = beside({
        let args = args.clone();
        async move { slow::crawl(&args).await }
    });
    site.until(|state| state.connections == 9).await;
    assert_eq!(ask(site.address, &gets(5)).await, [answer(200); 5]);
    let held = SlowSummary { opened: 9, refused: 0, closed: 0, open: 9 };
    assert_eq!(crawling.await.unwrap(), held);
    let (_kept, nobody) = reserved();
    let refused = slow::crawl(&SlowArgs { to: nobody, ..args }).await;
    assert_eq!(refused, SlowSummary { refused: 9, ..SlowSummary::default() });
}
