//! Tests of a whole relay between users and a replica: idle it passes everything, and every fault
//! is seen by users as what it is.

use super::*;
use crate::record::Seen;
use crate::stream::{Planned, Verb};
use crate::testing::{AMPLE, Site, WRONG, answer, ask, beside, gets, planned, reserved};

/// A relay before a replica.
struct Way {
    address: SocketAddr,
    control: Address,
    tasks: JoinSet<()>,
    _kept: (tempfile::TempDir, socket2::Socket),
}

impl Way {
    async fn to(replica: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let control = Address::File(folder.path().join("control"));
        let listener = control::Listener::bind(&control).await.unwrap();
        let hub = Arc::new(Hub::new().unwrap());
        let (kept, address) = reserved();
        let mut tasks = JoinSet::new();
        let links = Arc::clone(&hub);
        tasks.spawn(async move { relay(&links, address, replica).await.unwrap() });
        tasks.spawn(async move { match control::serve(listener, hub).await {} });
        Self { address, control, tasks, _kept: (folder, kept) }
    }

    /// The same, once it listens.
    async fn open(replica: SocketAddr) -> Self {
        let way = Self::to(replica).await;
        way.until(|state| state.listening).await;
        way
    }

    async fn switch(&self, switches: Switches) {
        control::put(&self.control, &switches).await.unwrap();
    }

    async fn until(&self, wanted: impl Fn(&State) -> bool) -> State {
        for _ in 0..500 {
            let state: State = control::state(&self.control).await.unwrap();
            if wanted(&state) {
                return state;
            }
            time::sleep(Duration::from_millis(10)).await;
        }
        panic!("not reached: {:?}", control::state::<State>(&self.control).await)
    }
}

#[tokio::test]
async fn an_idle_relay_passes_everything() {
    let site = Site::new(AMPLE).await;
    let mut way = Way::open(site.address).await;
    let stream: Vec<Planned> = (0..40)
        .map(|id| Planned { verb: Verb::Post, body: 70_000, answer: 70_000, ..planned(id, id) })
        .collect();
    assert_eq!(ask(way.address, &stream).await, [answer(200); 40]);
    let state = way.until(|state| state.open == 0).await;
    assert!(state.asked > 40 * 70_000 && state.answered > 40 * 70_000);
    assert_eq!((state.cut, state.delayed, state.corrupted, state.lengthened), (0, 0, 0, 0));
    way.tasks.abort_all();
}

#[tokio::test]
async fn cut_falsified_and_lengthened_answers_are_seen_as_such_and_counted() {
    let site = Site::new(AMPLE).await;
    let way = Way::open(site.address).await;
    for (switches, seen) in [
        (Switches { cut_after: 200, ..Switches::OFF }, Seen::Cut),
        (Switches { cut_after: 5, ..Switches::OFF }, Seen::Cut),
        (Switches { corrupt: true, ..Switches::OFF }, WRONG),
        (Switches { longer: 3, ..Switches::OFF }, Seen::Cut),
        (Switches::OFF, answer(200)),
    ] {
        way.switch(switches).await;
        assert_eq!(ask(way.address, &gets(4)).await, [seen; 4], "{switches:?}");
    }
    let state = way.until(|state| state.open == 0).await;
    assert_eq!((state.cut, state.corrupted, state.lengthened), (8, 4, 4));
    let attempts = site.attempts().await;
    assert_eq!(attempts.len(), 20);
    assert!(attempts.iter().all(|a| a.status == 200), "the replica did nothing wrong");
}

#[tokio::test]
async fn answers_are_delayed_and_keep_their_order() {
    let site = Site::new(AMPLE).await;
    let way = Way::open(site.address).await;
    way.switch(Switches { delay: 80_000_000, jitter: 20_000_000, ..Switches::OFF }).await;
    let large = Planned { answer: 100_000, ..planned(0, 0) };
    let begin = crate::stamp::Stamp::now();
    assert_eq!(ask(way.address, &[large]).await, [answer(200)], "in many pieces, still whole");
    assert!(crate::stamp::Stamp::now().since(begin) >= 80_000_000);
    assert!(way.until(|state| state.delayed >= 1).await.delayed >= 1);
}

#[tokio::test]
async fn a_storm_of_resets_ends_requests_in_flight() {
    let site = Site::new(AMPLE).await;
    let way = Way::open(site.address).await;
    let stream = [Planned { service: 60_000_000_000, ..planned(0, 0) }];
    let address = way.address;
    let user = beside(async move { ask(address, &stream).await });
    site.until(|state| state.working == 1).await;
    way.switch(Switches { resets: 100.0, ..Switches::OFF }).await;
    assert_eq!(user.await.unwrap(), [Seen::NoAnswer]);
    assert_eq!(way.until(|state| state.open == 0).await.resets, 1);
    way.switch(Switches::OFF).await;
    assert_eq!(ask(way.address, &gets(3)).await, [answer(200); 3]);
}

#[tokio::test]
async fn a_relay_refuses_while_its_replica_does() {
    let site = Site::new(AMPLE).await;
    let replica = site.address;
    let way = Way::open(replica).await;
    assert_eq!(ask(way.address, &gets(1)).await, [answer(200)]);
    site.kill().await;
    way.until(|state| !state.listening && state.unreachable > 0).await;
    let refused = TcpStream::connect(way.address).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    let _again = Site::at(replica, AMPLE).await;
    way.until(|state| state.listening).await;
    assert_eq!(ask(way.address, &gets(2)).await, [answer(200); 2]);
}

#[tokio::test]
async fn switches_that_make_no_sense_are_refused() {
    let site = Site::new(AMPLE).await;
    let way = Way::to(site.address).await;
    let refused = control::put(&way.control, &serde_json::json!({ "cut": 1 })).await.unwrap_err();
    assert!(refused.to_string().contains("unknown field `cut`"), "{refused}");
    let backwards = Switches { resets: -1.0, ..Switches::OFF };
    let refused = control::put(&way.control, &backwards).await.unwrap_err();
    assert!(refused.to_string().contains("resets is -1"), "{refused}");
}
