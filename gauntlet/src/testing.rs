//! What tests of several processes have in common: a replica within the test, requests, and users
//! who ask them once. All on loopback, at ports that the system chooses.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::control::{self, Address};
use crate::load;
use crate::record::{Answered, Attempt, Seen, read_answered, read_attempts};
use crate::stamp::Stamp;
use crate::stream::{self, Planned, Priority, Verb};
use crate::stub::tests::start;
use crate::stub::{Capacity, End, State, Switches};

/// Room for whatever a test asks.
pub(crate) const AMPLE: Capacity = Capacity { workers: 100, queue: 1_000 };

/// A replica that runs within the test, in a folder of its own.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) control: Address,
    pub(crate) folder: tempfile::TempDir,
    told: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<End>>,
}

impl Site {
    /// Replica 1 with all switches off.
    pub(crate) async fn new(capacity: Capacity) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), capacity).await
    }

    /// The same at an address.
    pub(crate) async fn at(address: SocketAddr, capacity: Capacity) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let control = Address::File(folder.path().join("control"));
        let (tell, told) = oneshot::channel();
        let log = folder.path().join("log");
        let (address, run) = start(address, &control, &log, capacity, told).await;
        Self { address, control, folder, told: Some(tell), task: beside(run) }
    }

    pub(crate) async fn switch(&self, switches: Switches) {
        control::put(&self.control, &switches).await.unwrap();
    }

    pub(crate) async fn state(&self) -> State {
        control::state(&self.control).await.unwrap()
    }

    /// Waits until the state is as wanted; a test that waits for ever is stopped with the state.
    pub(crate) async fn until(&self, wanted: impl Fn(&State) -> bool) -> State {
        for _ in 0..500 {
            let state = self.state().await;
            if wanted(&state) {
                return state;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("not reached: {:?}", self.state().await)
    }

    /// Tells it to end, as SIGTERM does.
    pub(crate) fn tell(&mut self) {
        self.told.take().unwrap().send(()).unwrap();
    }

    pub(crate) async fn ended(self) -> End {
        self.task.await.unwrap().unwrap()
    }

    /// Ends it at once, as SIGKILL does.
    pub(crate) async fn kill(self) -> tempfile::TempDir {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
        self.folder
    }

    /// All attempts that have ended so far, as the log on the disk has them.
    pub(crate) async fn attempts(&self) -> Vec<Attempt> {
        self.until(|state| state.working == 0 && state.waiting == 0).await;
        for _ in 0..500 {
            let attempts = read_attempts(&[self.folder.path().join("log")]).unwrap();
            let wanted = self.state().await.attempts;
            let whole = attempts.iter().filter(|attempt| attempt.ended.is_some()).count();
            if u64::try_from(whole) == Ok(wanted) {
                return attempts;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("some attempts have no end in the log")
    }
}

/// An address at which nobody listens, and what keeps others from taking it. Only a listener that
/// may reuse addresses can have it.
pub(crate) fn reserved() -> (socket2::Socket, SocketAddr) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

/// Runs something beside the test.
#[expect(clippy::disallowed_methods, reason = "it ends with the runtime of the test, or before")]
pub(crate) fn beside<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(future)
}

/// A GET of a millisecond at `millis` after the start.
pub(crate) fn planned(id: u64, millis: u64) -> Planned {
    Planned {
        id,
        at: millis * 1_000_000,
        verb: Verb::Get,
        keyed: false,
        route: 0,
        tenant: 0,
        priority: Priority::Normal,
        deadline: 2_000_000_000,
        body: 0,
        answer: 100,
        service: 1_000_000,
    }
}

/// So many GETs, a millisecond apart.
pub(crate) fn gets(count: u64) -> Vec<Planned> {
    (0..count).map(|id| planned(id, id)).collect()
}

/// A generator whose files are in `folder`.
pub(crate) fn generator(folder: &tempfile::TempDir, to: SocketAddr) -> load::Args {
    let file = |name: &str| -> PathBuf { folder.path().join(name) };
    load::Args {
        stream: file("stream"),
        to: vec![to],
        aside: Vec::new(),
        out: file("answers"),
        summary: file("summary"),
        start: Stamp::now().after(20_000_000).0,
        patience: 5_000,
        users: None,
        lasts: None,
        protocol: load::Protocol::One,
        outstanding_max: 20_000,
        tie: crate::process::Tie::default(),
    }
}

/// Plays `stream` with `args`; what users saw, in order of their requests.
pub(crate) async fn play(args: &load::Args, stream: &[Planned]) -> (load::Summary, Vec<Answered>) {
    stream::write(&args.stream, stream).unwrap();
    let stream = stream::read(&args.stream).unwrap();
    let summary = load::play(args, stream).await.unwrap();
    let mut answered = read_answered(&args.out).unwrap();
    answered.sort_by_key(|answered| (answered.id, answered.tries_before));
    (summary, answered)
}

/// Plays `stream` against `to` in an open loop; what users saw, in order of their requests.
pub(crate) async fn ask(to: SocketAddr, stream: &[Planned]) -> Vec<Seen> {
    let folder = tempfile::tempdir().unwrap();
    let (summary, answered) = play(&generator(&folder, to), stream).await;
    assert!(summary.is_valid(), "{summary:?}");
    answered.into_iter().map(|answered| answered.seen).collect()
}

/// What an answer of replica 1 with a status is, when nothing is wrong with it.
pub(crate) const fn answer(status: u16) -> Seen {
    Seen::Answer { status, replica: Some(1), body: crate::record::Content::Right }
}

/// An answer that claims to be right and is not.
pub(crate) const WRONG: Seen =
    Seen::Answer { status: 200, replica: Some(1), body: crate::record::Content::Wrong };

/// The head of an answer to one GET over a connection of its own.
pub(crate) async fn head(to: SocketAddr, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = TcpStream::connect(to).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    while !bytes.windows(4).any(|window| window == b"\r\n\r\n") {
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "{bytes:?}");
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
