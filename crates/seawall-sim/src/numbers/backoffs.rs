//! Backoff and jitter under contention: clients that write one row with optimistic concurrency.
//!
//! No service of a plan is a row with a version, so this is a small world of its own, on the same
//! queue of events; the waits are those of the core.

use seawall_core::backoff::{Backoff, BackoffSettings, Jitter};
use seawall_core::rng::{Rng, Stream};
use seawall_core::time::{Duration, Instant, nanos};

use super::build::MS;
use super::case::{Case, Run, Runs};
use super::judge::Rule;
use super::stats::real;
use crate::agenda::Agenda;
use crate::dist::Distribution;

/// What reaches whom.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A client begins, or begins again.
    Start(usize),
    /// A read is at the row.
    Read(usize),
    /// The version is at the client.
    Seen(usize, u64),
    /// A write with a version is at the row.
    Write(usize, u64),
    /// The client hears of its write.
    Heard(usize, Written),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    Yes,
    Conflict,
}

/// A row, and clients that all want to write it once.
struct Contest {
    agenda: Agenda<Event>,
    now: Instant,
    version: u64,
    writes: u64,
    waits: BackoffSettings,
    clients: Vec<(Backoff, u32)>,
    leg: Distribution,
    network: Stream,
    jitter: Stream,
}

impl Contest {
    fn new(clients: usize, waits: BackoffSettings, run: Run) -> Self {
        let mut agenda = Agenda::default();
        for client in 0..clients {
            agenda.enter(Instant::EPOCH, Event::Start(client));
        }
        Self {
            agenda,
            now: Instant::EPOCH,
            version: 0,
            writes: 0,
            waits,
            clients: (0..clients).map(|_| (Backoff::new(), 0)).collect(),
            leg: Distribution::Normal(10 * MS, 2 * MS),
            network: run.seed.stream("network"),
            jitter: run.seed.stream("jitter"),
        }
    }

    /// How many writes it took, and how many milliseconds.
    fn result(mut self) -> Vec<f64> {
        while let Some((now, event)) = self.agenda.take() {
            self.now = now;
            self.happen(event);
        }
        vec![real(self.writes), real(nanos(self.now.since(Instant::EPOCH))) / 1e6]
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Start(client) => self.travel(Event::Read(client), Duration::ZERO),
            Event::Read(client) => self.travel(Event::Seen(client, self.version), Duration::ZERO),
            Event::Seen(client, version) => {
                self.travel(Event::Write(client, version), Duration::ZERO);
            }
            Event::Write(client, version) => {
                self.writes += 1;
                let is_first = version == self.version;
                self.version += u64::from(is_first);
                let written = if is_first { Written::Yes } else { Written::Conflict };
                self.travel(Event::Heard(client, written), Duration::ZERO);
            }
            Event::Heard(_, Written::Yes) => {}
            Event::Heard(client, Written::Conflict) => {
                let Some((backoff, retries)) = self.clients.get_mut(client) else { return };
                *retries += 1;
                let wait = backoff.next(&self.waits, *retries, self.jitter.draw());
                self.travel(Event::Read(client), wait);
            }
        }
    }

    /// An event after a wait and a leg of the network.
    fn travel(&mut self, event: Event, wait: Duration) {
        let leg = self.leg.draw(&mut self.network);
        self.agenda.enter(self.now.after(wait).after(leg), event);
    }
}

/// The waits of the table's columns. Its formula doubles before the first retry already.
fn columns() -> [(&'static str, BackoffSettings); 5] {
    let cap = Duration::from_secs(2);
    let doubling = BackoffSettings::exponential(10 * MS, cap);
    let from_base = BackoffSettings::exponential(5 * MS, cap);
    [
        ("none", BackoffSettings::none()),
        ("exponential", doubling),
        ("equal jitter", doubling.jittered(Jitter::Equal)),
        ("full jitter", doubling.jittered(Jitter::Full)),
        ("decorrelated", from_base.jittered(Jitter::Decorrelated)),
    ]
}

/// Calls and milliseconds of each column.
type Line = [(&'static str, &'static str); 5];

/// By the number of clients.
const TABLE: [(usize, Line); 10] = [
    (10, [("50.7", "382"), ("51.0", "3590"), ("42.4", "733"), ("38.7", "465"), ("37.9", "435")]),
    (20, [("151", "596"), ("151", "14817"), ("108", "1684"), ("99.9", "1012"), ("102", "803")]),
    (30, [("287", "773"), ("278", "22487"), ("183", "2674"), ("171", "1634"), ("180", "1261")]),
    (50, [("687", "1133"), ("625", "36238"), ("347", "4303"), ("332", "2922"), ("376", "2165")]),
    (80, [("1609", "1681"), ("1310", "53884"), ("620", "5778"), ("603", "4114"), ("732", "3664")]),
    (
        100,
        [("2422", "2027"), ("1854", "62863"), ("812", "6659"), ("797", "4879"), ("1003", "4531")],
    ),
    (
        120,
        [("3395", "2373"), ("2490", "72755"), ("1013", "7292"), ("999", "5554"), ("1295", "5484")],
    ),
    (
        140,
        [("4519", "2705"), ("3183", "81201"), ("1220", "7943"), ("1210", "6125"), ("1598", "6192")],
    ),
    (
        160,
        [("5804", "3046"), ("3931", "89707"), ("1430", "8636"), ("1429", "6720"), ("1928", "6835")],
    ),
    (
        180,
        [("7236", "3374"), ("4720", "97458"), ("1649", "9188"), ("1656", "7136"), ("2273", "7603")],
    ),
];

pub(super) fn cases() -> Vec<Case> {
    let cell = |(clients, stated): &(usize, Line)| {
        let clients = *clients;
        let pairs = columns().into_iter().zip(*stated);
        pairs
            .map(move |((name, waits), stated)| contest(clients, (name, waits), stated))
            .collect::<Vec<_>>()
    };
    TABLE.iter().flat_map(cell).collect()
}

fn contest(
    clients: usize,
    (name, waits): (&str, BackoffSettings),
    (calls, millis): (&str, &str),
) -> Case {
    let near = Rule::Near(if clients <= 30 { 0.04 } else { 0.02 });
    let wide = Rule::Near(match clients {
        ..=10 => 0.16,
        11..=20 => 0.12,
        _ => 0.09,
    });
    let model = move |run: Run| Contest::new(clients, waits, run).result();
    Case::new("A", format!("N {clients} {name}"), Runs { full: 100, quick: 12, share: 1.0 }, model)
        .from("aws-samples/aws-arch-backoff-simulator")
        .claims("calls", calls, near)
        .claims("ms", millis, wide)
}
