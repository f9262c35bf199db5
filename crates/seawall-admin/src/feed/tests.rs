//! Order, numbers, gaps, silence and end of the event stream, with the paused clock.

use http_body_util::BodyExt;
use tokio::sync::{Semaphore, broadcast};
use tokio::time::timeout;

use super::*;

fn event(seq: u64) -> EventRecord {
    EventRecord {
        seq,
        at_unix_ms: 1000 + seq,
        mechanism: "breaker",
        upstream: Some("payments".to_owned()),
        endpoint: None,
        kind: "opened",
        detail: "two\nlines".to_owned(),
    }
}

struct Bench {
    live: Option<broadcast::Sender<Arc<EventRecord>>>,
    closing: watch::Sender<bool>,
    places: Arc<Semaphore>,
    feed: Feed,
}

/// A reader that has seen `seen`, of a ring of events with the numbers `recent`.
fn bench(recent: std::ops::RangeInclusive<u64>, seen: Option<u64>) -> Bench {
    let (live, receiver) = broadcast::channel(4);
    let (closing, is_closing) = watch::channel(false);
    let places = Arc::new(Semaphore::new(1));
    let place = places.clone().try_acquire_owned().unwrap();
    let feed = Feed::new((recent.map(event).collect(), receiver), seen, is_closing, place);
    Bench { live: Some(live), closing, places, feed }
}

impl Bench {
    fn send(&self, seq: u64) {
        self.live.as_ref().unwrap().send(Arc::new(event(seq))).unwrap();
    }

    async fn text(&mut self) -> Option<String> {
        let frame = self.feed.frame().await?.unwrap();
        Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
    }

    async fn ids(&mut self) -> Vec<u64> {
        ids(&self.text().await.unwrap())
    }
}

fn ids(text: &str) -> Vec<u64> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("id: "));
    lines.map(|id| id.parse().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn recent_events_come_first_and_live_ones_follow_without_repeats() {
    let mut bench = bench(3..=5, None);
    assert_eq!(bench.ids().await, [3, 4, 5]);
    // The first two were copied into the ring while the reader had subscribed already.
    for seq in [4, 5, 6, 7] {
        bench.send(seq);
    }
    assert_eq!(bench.ids().await, [6]);
    assert_eq!(bench.ids().await, [7]);
}

#[tokio::test(start_paused = true)]
async fn an_event_is_one_data_line_of_json_with_its_number() {
    let mut bench = bench(1..=1, None);
    let text = bench.text().await.unwrap();
    assert!(text.starts_with("retry: 1000\n\nid: 1\ndata: {") && text.ends_with("}\n\n"), "{text}");
    let line = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let record: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(record["detail"], "two\nlines");
    assert_eq!(record["seq"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_returning_reader_gets_only_what_it_has_not_seen() {
    assert_eq!(bench(3..=6, Some(4)).ids().await, [5, 6]);
    assert!(bench(3..=6, Some(6)).ids().await.is_empty());
    assert_eq!(bench(3..=6, Some(2)).ids().await, [3, 4, 5, 6]);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_was_away_too_long_learns_how_many_it_missed() {
    let text = bench(13..=14, Some(10)).text().await.unwrap();
    assert!(text.contains("event: lagged\ndata: {\"missed\":2}\n\nid: 13\n"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_number_from_before_a_restart_means_everything_is_new() {
    let mut bench = bench(1..=2, Some(900));
    assert_eq!(bench.ids().await, [1, 2]);
    bench.send(3);
    assert_eq!(bench.ids().await, [3]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_learns_how_many_it_missed_and_goes_on() {
    let mut bench = bench(1..=1, None);
    assert_eq!(bench.ids().await, [1]);
    for seq in 2..=9 {
        bench.send(seq);
    }
    assert_eq!(bench.text().await.unwrap(), "event: lagged\ndata: {\"missed\":4}\n\n");
    assert_eq!(bench.ids().await, [6]);
}

#[tokio::test(start_paused = true)]
async fn fifteen_seconds_of_silence_are_broken_by_a_comment() {
    let mut bench = bench(1..=1, None);
    bench.ids().await;
    let moment = Duration::from_millis(1);
    for _ in 0..2 {
        assert!(timeout(HEARTBEAT - moment, bench.text()).await.is_err());
        let text = timeout(2 * moment, bench.text()).await.unwrap();
        assert_eq!(text.unwrap(), ": alive\n\n");
    }
}

#[tokio::test(start_paused = true)]
async fn the_stream_ends_with_the_gateway_and_with_the_admin_side() {
    let mut gone = bench(1..=1, None);
    gone.ids().await;
    gone.live = None;
    assert_eq!(gone.text().await, None);
    assert_eq!(gone.text().await, None);

    let mut closed = bench(1..=1, None);
    closed.ids().await;
    closed.closing.send_replace(true);
    assert_eq!(closed.text().await, None);
    assert_eq!(closed.places.available_permits(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_stream_gives_its_place_back() {
    let Bench { places, feed, live, closing } = bench(1..=1, None);
    assert_eq!(places.available_permits(), 0);
    drop(feed);
    assert_eq!(places.available_permits(), 1);
    drop((live, closing));
}
