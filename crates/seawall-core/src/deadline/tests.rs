//! The worked examples and traps of deadlines, and the header against a naive reading.

use super::*;
use crate::backoff::{BackoffSettings, Jitter};
use crate::timeout::{OperationClass, OperationKind};
use proptest::prelude::*;
use std::format;
use std::string::ToString;

const SECOND: Duration = Duration::from_secs(1);

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn sent(now: Instant, deadline: Instant) -> Option<Duration> {
    left(now, deadline).map(outgoing)
}

#[test]
fn to_3_t76_a_retry_sends_what_is_left_then() {
    let deadline = begin(at(0), Some(SECOND), None).unwrap();
    let queued = at(200);
    assert_eq!(sent(queued, deadline), Some(millis(795)));
    let retried = at(500).after(millis(100));
    assert_eq!(sent(retried, deadline), Some(millis(395)));
}

#[test]
fn to_4_an_attempt_that_usually_takes_longer_than_is_left_does_not_start() {
    let useful = min_useful(Some(millis(60)));
    assert!(!can_finish(at(0), Duration::ZERO, useful, at(40)));
    assert!(can_finish(at(0), Duration::ZERO, useful, at(60)), "exactly enough is enough");
    assert!(!can_finish(at(0), millis(1), useful, at(60)), "the wait counts");
}

#[test]
fn t76_nothing_left_is_still_sent_as_a_millisecond() {
    for left in [0, 1, 4, 5, 6] {
        assert_eq!(sent(at(0), at(left)), Some(LEAST_SENT), "{left} ms");
    }
    assert_eq!(sent(at(0), at(7)), Some(millis(2)));
    assert_eq!(sent(at(9), at(7)), Some(LEAST_SENT), "over already");
}

#[test]
fn t77_zero_refuses_and_no_limit_is_no_zero() {
    let zero = Some(Duration::ZERO);
    for (own, incoming) in [(zero, None), (None, zero), (zero, zero), (Some(SECOND), zero)] {
        assert_eq!(begin(at(3), own, incoming), Err(Expired), "{own:?} {incoming:?}");
    }
    assert_eq!(begin(at(3), None, None), Ok(Instant::NEVER));
    assert_eq!(left(at(3), Instant::NEVER), None);
    assert_eq!(sent(at(3), Instant::NEVER), None);
}

#[test]
fn t77_what_overflows_is_never() {
    let far = Some(Duration::MAX);
    assert_eq!(begin(at(3), far, None), Ok(Instant::NEVER));
    assert_eq!(begin(at(3), far, Some(SECOND)), Ok(at(1_003)));
    assert_eq!(of_attempt(at(3), Duration::MAX, Instant::NEVER), Instant::NEVER);
    assert!(can_finish(at(3), Duration::MAX, Duration::MAX, Instant::NEVER));
    assert!(!can_finish(at(3), Duration::MAX, Duration::MAX, at(u64::from(u32::MAX))));
    assert_eq!(of_queue(Instant::NEVER, SECOND), Instant::NEVER);
}

#[test]
fn a_deadline_is_only_ever_shortened() {
    assert_eq!(begin(at(10), Some(SECOND), Some(millis(300))), Ok(at(310)));
    assert_eq!(begin(at(10), Some(millis(300)), Some(SECOND)), Ok(at(310)));
    assert_eq!(begin(at(10), None, Some(SECOND)), Ok(at(1_010)));
    assert_eq!(of_attempt(at(10), SECOND, at(400)), at(400));
    assert_eq!(of_attempt(at(10), millis(100), at(400)), at(110));
}

#[test]
fn a_queue_is_left_while_an_attempt_can_still_be_of_use() {
    let useful = millis(30);
    assert_eq!(of_queue(at(100), useful), at(70));
    assert!(can_finish(of_queue(at(100), useful), Duration::ZERO, useful, at(100)));
    assert_eq!(of_queue(at(10), useful), Instant::EPOCH);
}

#[test]
fn an_attempt_of_unknown_length_needs_a_millisecond() {
    assert_eq!(min_useful(None), millis(1));
    assert_eq!(min_useful(Some(Duration::from_micros(3))), millis(1));
}

#[test]
fn t80_a_total_too_short_for_its_attempts_is_found() {
    let tries = Tries { attempts: 3, attempt: SECOND, backoff: BackoffSettings::transient() };
    // 3 s of attempts, then 50 ms and 100 ms between them.
    let needed = millis(3_150);
    assert_eq!(tries.longest(), needed);
    assert_eq!(fits(Some(needed), &tries), Ok(()));
    let total = needed - Duration::from_nanos(1);
    assert_eq!(fits(Some(total), &tries), Err(Shortfall { needed, total }));
    assert_eq!(fits(None, &tries), Ok(()));
}

#[test]
fn t80_every_class_and_preset_fits_its_own_attempts() {
    let backoff = BackoffSettings::transient();
    for class in OperationClass::ALL {
        let limits = class.limits();
        let tries = Tries { attempts: 3, attempt: limits.attempt, backoff };
        assert_eq!(fits(limits.total, &tries), Ok(()), "{}", class.name());
    }
    for kind in OperationKind::ALL {
        let preset = kind.preset();
        let tries = Tries { attempts: preset.attempts, attempt: preset.attempt, backoff };
        assert_eq!(fits(Some(preset.total), &tries), Ok(()), "{}", kind.name());
    }
}

#[test]
fn t80_decorrelated_waits_are_taken_at_their_largest() {
    let backoff = BackoffSettings::transient().jittered(Jitter::Decorrelated);
    let waits = |attempts| Tries { attempts, attempt: Duration::ZERO, backoff }.longest();
    assert_eq!(waits(2), millis(150));
    assert_eq!(waits(4), millis(150 + 450 + 1_350));
    assert_eq!(waits(6), millis(150 + 450 + 1_350 + 2_000 + 2_000), "the cap holds");
}

#[test]
fn t80_any_number_of_attempts_is_summed() {
    let backoff = BackoffSettings::transient();
    let many = Tries { attempts: u32::MAX, attempt: SECOND, backoff };
    assert!(many.longest() >= SECOND * u32::MAX);
    let endless = Tries { attempt: Duration::MAX, ..many };
    assert_eq!(endless.longest(), Duration::MAX);
    let none = Tries { attempts: 0, ..many };
    assert_eq!(none.longest(), Duration::ZERO);
    let instant = Tries { attempts: u32::MAX, attempt: Duration::ZERO, backoff };
    // 1.55 s until the waits reach their cap at the seventh retry.
    assert_eq!(instant.longest(), millis(3_150) + SECOND * 2 * (u32::MAX - 7));
}

#[test]
fn a_grpc_timeout_is_written_in_the_finest_unit_of_eight_digits() {
    let written = |left| GrpcTimeout::new(left).to_string();
    assert_eq!(written(millis(1)), "1000000n");
    assert_eq!(written(Duration::from_nanos(99_999_999)), "99999999n");
    assert_eq!(written(millis(395)), "395000u");
    assert_eq!(written(Duration::from_nanos(100_000_999)), "100000u", "rounded down");
    assert_eq!(written(SECOND * 10), "10000000u");
    assert_eq!(written(SECOND * 3_600), "3600000m");
    assert_eq!(written(SECOND * 86_400 * 30), "2592000S");
    assert_eq!(written(Duration::MAX), "5124095H");
    assert_eq!(written(Duration::ZERO), "0n");
}

#[test]
fn a_grpc_timeout_is_read_in_every_unit() {
    let hour = SECOND * 3_600;
    let units = [
        ("7n", Duration::from_nanos(7)),
        ("7u", Duration::from_micros(7)),
        ("7m", millis(7)),
        ("7S", SECOND * 7),
        ("7M", SECOND * 420),
        ("7H", hour * 7),
        ("00000001H", hour),
        ("0S", Duration::ZERO),
    ];
    for (text, expected) in units {
        assert_eq!(parse_grpc_timeout(text), Some(expected), "{text}");
    }
}

#[test]
fn t77_a_grpc_timeout_beyond_all_time_is_never() {
    let far = parse_grpc_timeout("99999999H");
    assert_eq!(far, Some(Duration::MAX));
    assert_eq!(begin(at(3), None, far), Ok(Instant::NEVER));
}

#[test]
fn an_unreadable_grpc_timeout_is_absent() {
    let texts =
        ["", "n", "7", "7s", "7h", "-7S", "+7S", " 7S", "7 S", "7S ", "7.5S", "123456789n", "٣S"];
    for text in texts {
        assert_eq!(parse_grpc_timeout(text), None, "{text:?}");
    }
}

proptest! {
    #[test]
    fn a_written_grpc_timeout_never_promises_more_than_there_is(left in any::<u64>()) {
        let left = Duration::from_nanos(left);
        let text = GrpcTimeout::new(left).to_string();
        prop_assert!(text.len() <= 9);
        let read = parse_grpc_timeout(&text).unwrap();
        prop_assert!(read <= left);
        prop_assert!(left - read <= left / 1_000_000, "{text} loses more than its last digit");
    }

    #[test]
    fn a_read_grpc_timeout_agrees_with_the_text(number in 0_u64..100_000_000, unit in 0_usize..6) {
        let letter = ["n", "u", "m", "S", "M", "H"][unit];
        let width = [1, 1_000, 1_000_000, 1_000_000_000, 60_000_000_000, 3_600_000_000_000][unit];
        let exact = u128::from(number) * width;
        let read = parse_grpc_timeout(&format!("{number}{letter}")).unwrap();
        match u64::try_from(exact) {
            Ok(exact) => prop_assert_eq!(read, Duration::from_nanos(exact)),
            Err(_) => prop_assert_eq!(read, Duration::MAX),
        }
    }

    #[test]
    fn any_text_is_read_without_panic(text in "\\PC{0,12}") {
        let digits = text.len().saturating_sub(1);
        let read = parse_grpc_timeout(&text);
        prop_assert!(read.is_none() || (1..=8).contains(&digits));
    }

    #[test]
    fn what_is_sent_lies_between_a_millisecond_and_what_is_left(
        now in any::<u64>(), deadline in any::<u64>(),
    ) {
        let (now, deadline) = (Instant::from_nanos(now), Instant::from_nanos(deadline));
        if let Some(sent) = sent(now, deadline) {
            prop_assert!(sent >= LEAST_SENT);
            let left = deadline.since(now);
            prop_assert!(sent == LEAST_SENT || sent + HOP_MARGIN == left);
        } else {
            prop_assert!(deadline.is_never());
        }
    }
}
