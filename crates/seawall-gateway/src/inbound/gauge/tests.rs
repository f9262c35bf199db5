//! The gauge alone, told the time: which wait ends when, and what ends none.

use super::*;
use crate::clock;

const SECOND: Duration = Duration::from_secs(1);

fn gauge(protocol: Protocol) -> (Gauge, Instant) {
    let start = clock::now();
    let gauge = Gauge::new(&InboundSettings::default(), start);
    gauge.on_protocol(protocol, start);
    (gauge, start)
}

/// The next verdict and the seconds until it, counted from `start`.
fn next(gauge: &Gauge, start: Instant) -> Option<(u64, Verdict)> {
    gauge.next().map(|(at, verdict)| ((at - start).as_secs(), verdict))
}

#[test]
fn progress_of_writes_puts_the_stall_off() {
    let (gauge, start) = gauge(Protocol::Http1);
    gauge.on_call();
    assert_eq!(next(&gauge, start), None);
    gauge.on_blocked(|| start);
    gauge.on_blocked(|| start + 10 * SECOND);
    assert_eq!(next(&gauge, start), Some((30, Verdict::Close(Closed::WriteStall))));
    gauge.on_written(|| start + 20 * SECOND);
    assert_eq!(next(&gauge, start), None);
    gauge.on_blocked(|| start + 20 * SECOND);
    assert_eq!(next(&gauge, start), Some((50, Verdict::Close(Closed::WriteStall))));
}

#[test]
fn unsent_bytes_of_an_ended_call_are_no_idle_time() {
    let (gauge, start) = gauge(Protocol::Http1);
    gauge.on_call();
    gauge.on_blocked(|| start);
    gauge.on_call_ended(start);
    assert!(!gauge.is_quiet());
    assert_eq!(next(&gauge, start), Some((30, Verdict::Close(Closed::WriteStall))));
    gauge.on_written(|| start + 25 * SECOND);
    assert!(gauge.is_quiet());
    gauge.on_rest(Resting::Yes);
    assert_eq!(next(&gauge, start), Some((100, Verdict::Depart(Closed::Idle))));
}

#[test]
fn only_an_idle_http1_connection_is_told_to_rest_and_only_once() {
    let (gauge, start) = gauge(Protocol::Http1);
    assert_eq!(next(&gauge, start), Some((10, Verdict::Close(Closed::HeaderTimeout))));
    gauge.on_call();
    gauge.on_call_ended(start + SECOND);
    assert_eq!(next(&gauge, start), Some((2, Verdict::Rest)));
    gauge.on_rest(Resting::Yes);
    assert_eq!(next(&gauge, start), Some((76, Verdict::Depart(Closed::Idle))));
    gauge.on_rest(Resting::No);
    gauge.on_read(b"G", || start + 5 * SECOND);
    assert_eq!(next(&gauge, start), Some((15, Verdict::Close(Closed::HeaderTimeout))));

    let (other, start) = self::gauge(Protocol::Http2);
    other.on_call();
    other.on_call_ended(start);
    assert_eq!(next(&other, start), Some((75, Verdict::Depart(Closed::Idle))));
}

#[test]
fn bytes_of_a_head_do_not_move_its_clock() {
    let (gauge, start) = gauge(Protocol::Http1);
    gauge.on_read(b"G", || start);
    gauge.on_read(b"E", || start + 9 * SECOND);
    assert_eq!(next(&gauge, start), Some((10, Verdict::Close(Closed::HeaderTimeout))));
}

#[test]
fn http2_waits_on_a_stream_that_takes_nothing_while_nothing_is_written() {
    let (gauge, start) = gauge(Protocol::Http2);
    gauge.on_call();
    gauge.on_offer(start);
    assert_eq!(next(&gauge, start), Some((30, Verdict::Close(Closed::WriteStall))));
    gauge.on_written(|| start + 5 * SECOND);
    assert_eq!(next(&gauge, start), Some((35, Verdict::Close(Closed::WriteStall))));
    gauge.on_offer_taken(start + 6 * SECOND);
    assert_eq!(next(&gauge, start), None);
}

#[test]
fn a_departed_connection_has_a_last_wait_that_calls_hold_up() {
    let (gauge, start) = gauge(Protocol::Http2);
    gauge.on_call();
    gauge.on_depart(Closed::Drained, start);
    assert_eq!(next(&gauge, start), None);
    gauge.on_call_ended(start + 40 * SECOND);
    assert_eq!(next(&gauge, start), Some((70, Verdict::Close(Closed::Drained))));
}

#[test]
fn a_long_request_line_dooms_only_without_a_line_end() {
    let (gauge, start) = gauge(Protocol::Http1);
    gauge.on_read(b"GET / HTTP/1.1\r\n", || start);
    gauge.on_read(&[b'a'; 64 << 10], || start);
    assert_eq!(gauge.doomed(), None);
    gauge.on_call();
    gauge.on_call_ended(start);
    gauge.on_read(&[b'a'; 16 << 10], || start);
    assert_eq!(gauge.doomed(), None);
    gauge.on_read(&[b'a'; 16 << 10], || start);
    assert_eq!(gauge.doomed(), Some(Closed::UriTooLong));
}
