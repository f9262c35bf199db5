//! Tests of the recorder: traffic is never held, and the file tells the truth whatever fails.

use std::io;
use std::sync::atomic::AtomicUsize;
use std::sync::{Condvar, MutexGuard};
use std::time::Duration;

use super::spool::{Full, Kind, Spool};
use super::*;
use seawall_config::record::{Close, End, Line, Reader, RouteEntry, Tail, UpstreamEntry, Verdict};

/// A file in memory that fails on demand. Copies are the same file.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<Platter>);

#[derive(Debug, Default)]
struct Platter {
    bytes: Mutex<Vec<u8>>,
    /// Bytes that still fit; none: as many as one likes.
    room: Mutex<Option<usize>>,
    cannot_cut: AtomicBool,
    hangs: Mutex<bool>,
    released: Condvar,
    appends: AtomicUsize,
}

impl Disk {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.bytes.lock().unwrap()
    }

    fn make_room(&self, room: Option<usize>) {
        *self.0.room.lock().unwrap() = room;
    }

    fn hang(&self, hangs: bool) {
        *self.0.hangs.lock().unwrap() = hangs;
        self.0.released.notify_all();
    }

    /// All lines, and how the record ends.
    fn read(&self) -> (Vec<Line>, Option<Tail>) {
        let bytes = self.bytes().clone();
        let mut reader = Reader::new(&*bytes, "memory").unwrap();
        (reader.by_ref().map(Result::unwrap).collect(), reader.tail())
    }
}

impl Store for Disk {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.appends.fetch_add(1, Ordering::Relaxed);
        let hangs = self.0.hangs.lock().unwrap();
        drop(self.0.released.wait_while(hangs, |hangs| *hangs).unwrap());
        let mut room = self.0.room.lock().unwrap();
        let fits = room.map_or(bytes.len(), |room| room.min(bytes.len()));
        self.bytes().extend_from_slice(&bytes[..fits]);
        if let Some(room) = &mut *room {
            *room -= fits;
        }
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        if fits < bytes.len() { Err(full()) } else { Ok(()) }
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        if self.0.cannot_cut.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.bytes().truncate(usize::try_from(length).unwrap());
        Ok(())
    }
}

fn tables(routes: &[&str]) -> Tables {
    let route = |name: &&str| RouteEntry { name: (*name).to_owned(), upstream: "u".to_owned() };
    Tables {
        config: Hex(1),
        routes: routes.iter().map(route).collect(),
        upstreams: vec![UpstreamEntry { name: "u".to_owned(), endpoints: 1 }],
    }
}

fn call(arrival: u64, route: &str) -> Call {
    Call {
        arrival: Micros(arrival),
        route: Arc::from(route),
        safety: Safety::Idempotent,
        priority: Class::Normal,
        affinity: None,
        key: None,
        deadline: None,
        attempts: Vec::new(),
        untold: 0,
        verdict: Verdict::Answer,
        reason: None,
        status: Some(200),
        latency: Micros(1),
    }
}

const ROOMY: u64 = 1 << 30;

fn start(disk: &Disk, bytes_max: u64) -> (Recorder, Writing) {
    Recorder::start(disk.clone(), bytes_max, (Clock::start(), tables(&["pay"]))).unwrap()
}

/// Returns once the writer has ended by itself.
fn wait_for(writing: Writing) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let ended = async { tokio::time::timeout(Duration::from_secs(30), writing.ended()).await };
    runtime.block_on(ended).unwrap();
}

fn finish((recorder, writing): (Recorder, Writing)) -> (u64, u64) {
    recorder.stop();
    wait_for(writing);
    recorder.totals()
}

fn calls_of(lines: &[Line]) -> Vec<u64> {
    let arrival = |line: &Line| match line {
        Line::Call(call) => Some(call.arrival.0),
        _ => None,
    };
    lines.iter().filter_map(arrival).collect()
}

fn gaps_of(lines: &[Line]) -> Vec<u64> {
    let lost = |line: &Line| match line {
        Line::Gap(gap) => Some(gap.lost),
        _ => None,
    };
    lines.iter().filter_map(lost).collect()
}

#[test]
fn what_was_offered_before_the_stop_is_in_the_record() {
    let disk = Disk::default();
    let recording = start(&disk, ROOMY);
    for at in 0..1_000 {
        recording.0.offer(call(at, "pay"));
    }
    assert_eq!(finish(recording), (1_000, 0));
    let (lines, tail) = disk.read();
    assert_eq!(calls_of(&lines), (0..1_000).collect::<Vec<_>>());
    let last = lines.last().unwrap();
    assert!(
        matches!(last, Line::End(End { why: Close::Stopped, calls: 1_000, lost: 0, .. })),
        "{last:?}"
    );
    assert_eq!(tail, Some(Tail::Whole));
}

#[test]
fn a_disk_that_hangs_holds_nobody_and_what_finds_no_room_is_counted() {
    let disk = Disk::default();
    disk.hang(true);
    let recording = start(&disk, ROOMY);
    let total = 5 * u64::try_from(QUEUE).unwrap();
    // It returns at all only because nobody waits.
    for at in 0..total {
        recording.0.offer(call(at, "pay"));
    }
    let (written, dropped) = recording.0.totals();
    assert!(written == 0 && dropped > 0, "{written} written, {dropped} dropped");
    disk.hang(false);
    let (written, dropped) = finish(recording);
    assert_eq!(written + dropped, total);
    let (lines, tail) = disk.read();
    assert_eq!(u64::try_from(calls_of(&lines).len()).unwrap(), written);
    let Some(Line::End(end)) = lines.last() else { panic!("{:?}", lines.last()) };
    assert_eq!((end.calls, end.lost, tail), (written, dropped, Some(Tail::Whole)));
}

#[test]
fn a_call_under_a_new_config_comes_after_the_word_of_it() {
    let disk = Disk::default();
    let recording = start(&disk, ROOMY);
    recording.0.offer(call(1, "pay"));
    recording.0.reload(tables(&["new"]));
    recording.0.offer(call(2, "new"));
    recording.0.offer(call(3, "pay"));
    assert_eq!(finish(recording), (3, 0));
    let (lines, _) = disk.read();
    let place = |wanted: fn(&Line) -> bool| lines.iter().position(wanted).unwrap();
    let reload = place(|line| matches!(line, Line::Reload(_)));
    assert!(reload < place(|line| matches!(line, Line::Call(call) if &*call.route == "new")));
    assert_eq!(calls_of(&lines), [1, 2, 3]);
}

#[test]
fn a_call_of_a_route_that_no_table_names_is_left_out() {
    let disk = Disk::default();
    let recording = start(&disk, ROOMY);
    recording.0.offer(call(1, "lost"));
    recording.0.offer(call(2, "pay"));
    assert_eq!(finish(recording), (1, 1));
    let (lines, _) = disk.read();
    assert_eq!((calls_of(&lines), gaps_of(&lines)), (vec![2], vec![1]));
}

#[test]
fn a_record_ends_at_its_size_and_says_so() {
    let disk = Disk::default();
    let (recorder, writing) = start(&disk, 4_096);
    for at in 0..1_000 {
        recorder.offer(call(at, "pay"));
    }
    wait_for(writing);
    let (written, dropped) = recorder.totals();
    recorder.offer(call(1_000, "pay"));
    assert_eq!((recorder.totals(), dropped), ((written, 0), 0), "what follows is no loss");
    assert!(disk.bytes().len() <= 4_096, "{} bytes", disk.bytes().len());
    let (lines, tail) = disk.read();
    assert!((10..100).contains(&written), "{written}");
    assert_eq!(u64::try_from(calls_of(&lines).len()).unwrap(), written);
    assert!(matches!(lines.last(), Some(Line::End(End { why: Close::Full, .. }))));
    assert_eq!(tail, Some(Tail::Whole));
}

#[test]
fn a_size_without_room_for_the_header_gives_an_empty_file() {
    for size in [0, 10, 300] {
        let disk = Disk::default();
        let recording = start(&disk, size);
        recording.0.offer(call(1, "pay"));
        finish(recording);
        assert_eq!(disk.bytes().len(), 0, "of {size} bytes");
    }
}

fn line(call: Call) -> Vec<u8> {
    let mut bytes = Vec::new();
    Line::Call(call).encode(&mut bytes);
    bytes
}

/// A spool with its header pushed.
fn spool(disk: &Disk) -> Spool<Disk> {
    let mut spool = Spool::new(disk.clone(), ROOMY, Arc::default());
    let mut bytes = Vec::new();
    Header::new(0, tables(&["pay"])).encode(&mut bytes);
    spool.push(&bytes, Kind::Table).unwrap();
    spool
}

#[test]
fn a_full_disk_loses_calls_and_never_a_table() {
    let disk = Disk::default();
    let mut spool = spool(&disk);
    spool.push(&line(call(1, "pay")), Kind::Call).unwrap();
    disk.make_room(Some(100));
    spool.flush();
    assert_eq!((disk.bytes().len(), spool.untold()), (0, 1), "half a line is cut off");
    spool.flush();
    disk.make_room(None);
    spool.push(&line(call(2, "pay")), Kind::Call).unwrap();
    spool.flush();
    assert_eq!(calls_of(&disk.read().0), [2], "the header came first after all");
    assert_eq!((spool.calls(), spool.desk().dropped.total()), (1, 1));
    disk.make_room(Some(10));
    spool.push(&line(call(3, "pay")), Kind::Call).unwrap();
    spool.flush();
    disk.make_room(None);
    spool.push(&line(call(4, "pay")), Kind::Call).unwrap();
    spool.flush();
    assert_eq!(calls_of(&disk.read().0), [2, 4]);
    assert_eq!((spool.calls(), spool.desk().dropped.total()), (2, 2));
}

#[test]
fn a_note_of_a_gap_that_is_lost_is_owed_again() {
    let disk = Disk::default();
    let mut spool = spool(&disk);
    spool.desk().dropped.add(5);
    assert_eq!((spool.untold(), spool.untold()), (5, 0));
    spool.push(b"the note\n", Kind::Note).unwrap();
    disk.make_room(Some(0));
    spool.flush();
    assert_eq!(spool.untold(), 5);
    disk.make_room(None);
    spool.push(b"the note\n", Kind::Note).unwrap();
    spool.flush();
    assert_eq!(spool.untold(), 0);
}

#[test]
fn where_a_failure_cannot_be_undone_nothing_follows_it() {
    let disk = Disk::default();
    let mut spool = spool(&disk);
    spool.push(&line(call(1, "pay")), Kind::Call).unwrap();
    spool.flush();
    disk.0.cannot_cut.store(true, Ordering::Relaxed);
    disk.make_room(Some(10));
    spool.push(&line(call(2, "pay")), Kind::Call).unwrap();
    spool.flush();
    disk.make_room(None);
    let appends = disk.0.appends.load(Ordering::Relaxed);
    for at in 3..2_000 {
        spool.push(&line(call(at, "pay")), Kind::Call).unwrap();
    }
    spool.flush();
    assert_eq!(disk.0.appends.load(Ordering::Relaxed), appends, "nothing was tried");
    assert_eq!((spool.calls(), spool.desk().dropped.total()), (1, 1_998));
    let (lines, tail) = disk.read();
    assert_eq!((calls_of(&lines), tail), (vec![1], Some(Tail::Cut { line: 3 })));
}

#[test]
fn the_last_line_has_room_where_a_call_has_none() {
    let disk = Disk::default();
    let mut spool = Spool::new(disk, 300, Arc::default());
    spool.push(&[b'x'; 44], Kind::Call).unwrap();
    assert_eq!(spool.push(b"y", Kind::Call), Err(Full));
    assert_eq!(spool.push(&[b'z'; 257], Kind::Last), Err(Full));
    assert_eq!(spool.push(&[b'z'; 256], Kind::Last), Ok(()));
}

#[test]
fn equal_keys_have_equal_hashes_in_one_record_and_others_in_the_next() {
    let disk = Disk::default();
    let (one, other) = (start(&disk, ROOMY), start(&Disk::default(), ROOMY));
    let hash = |of: &(Recorder, Writing), purpose, key: &str| of.0.hash(purpose, key.as_bytes());
    let key = Purpose::Idempotency;
    assert_eq!(hash(&one, key, "order-1"), hash(&one, key, "order-1"));
    assert_ne!(hash(&one, key, "order-1"), hash(&one, key, "order-2"));
    assert_ne!(hash(&one, key, "order-1"), hash(&one, Purpose::Affinity, "order-1"));
    assert_ne!(hash(&one, key, "order-1"), hash(&other, key, "order-1"));
    finish(one);
    finish(other);
}

#[test]
fn a_writer_ends_with_its_recorder() {
    let disk = Disk::default();
    let (recorder, writing) = start(&disk, ROOMY);
    recorder.offer(call(1, "pay"));
    drop(recorder);
    wait_for(writing);
    assert_eq!(calls_of(&disk.read().0), [1]);
}
