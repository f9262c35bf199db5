//! Hints of servers: the worked example, the traps, and any text from the network.

use super::*;
use std::format;
use std::string::ToString;

#[test]
fn bo_4_a_hint_outweighs_a_shorter_backoff_and_is_spread_upwards() {
    let hint = Duration::from_secs(2);
    assert_eq!(with_hint(millis(80), hint, Draw::HALF), millis(2_500));
    assert_eq!(with_hint(millis(80), hint, Draw::ZERO), hint);
    assert_eq!(with_hint(millis(9_000), hint, Draw::HALF), millis(9_000));
    assert_eq!(with_hint(millis(80), Duration::ZERO, Draw::ALMOST_ONE), millis(80));
}

#[test]
fn bo_4_a_hint_that_does_not_fit_is_handed_to_the_caller() {
    let hint = delta_seconds("2").unwrap();
    let followed = |left| follow(millis(80), hint, left, Draw::HALF);
    assert_eq!(followed(Some(millis(1_800))), Err(HintTooFar { hint }));
    assert_eq!(followed(Some(millis(2_500))), Ok(millis(2_500)), "exactly fitting fits");
    assert_eq!(followed(Some(millis(2_499))), Err(HintTooFar { hint }));
    assert_eq!(followed(None), Ok(millis(2_500)));
}

#[test]
fn t41_a_hint_above_five_minutes_is_not_followed_even_without_a_deadline() {
    let follow = |hint| follow(millis(80), hint, None, Draw::ALMOST_ONE);
    assert!(follow(HINT_MAX).is_ok());
    let hint = HINT_MAX + Duration::from_nanos(1);
    assert_eq!(follow(hint), Err(HintTooFar { hint }));
    assert_eq!(follow(Duration::MAX), Err(HintTooFar { hint: Duration::MAX }));
}

#[test]
fn t41_only_whole_seconds_are_a_hint() {
    assert_eq!(delta_seconds("2"), Some(Duration::from_secs(2)));
    assert_eq!(delta_seconds(" 120\t"), Some(Duration::from_secs(120)));
    assert_eq!(delta_seconds("0"), Some(Duration::ZERO));
    assert_eq!(delta_seconds("99999999999999999999999"), Some(Duration::from_secs(u64::MAX)));
    let texts = ["-1", "+1", "1.5", "1e3", "soon", "", "  ", "1 2", "٣", "NaN", "inf"];
    for text in texts {
        assert_eq!(delta_seconds(text), None, "{text:?}");
    }
    assert_eq!(delta_seconds("Sun, 06 Nov 1994 08:49:37 GMT"), None, "clocks are not compared");
}

#[test]
fn an_absurd_hint_saturates() {
    assert_eq!(with_hint(millis(1), Duration::MAX, Draw::ALMOST_ONE), Duration::MAX);
}

proptest! {
    #[test]
    fn a_hint_is_never_undercut_nor_stretched_by_more_than_half(
        delay in any::<u64>(), hint in any::<u64>(), bits in any::<u64>(),
    ) {
        let (delay, hint) = (Duration::from_nanos(delay), Duration::from_nanos(hint));
        let wait = with_hint(delay, hint, Draw::from_bits(bits));
        prop_assert!(wait >= hint && wait >= delay);
        prop_assert!(wait <= delay.max(hint + hint / 2));
    }

    #[test]
    fn t41_no_text_makes_a_call_wait_beyond_its_deadline_or_without_end(
        text in prop_oneof!["\\PC{0,24}", "[0-9]{1,30}", "-?[0-9]{1,4}"],
        delay in 0_u64..20_000, left in prop::option::of(0_u64..600_000), bits in any::<u64>(),
    ) {
        let (delay, left) = (millis(delay), left.map(millis));
        if let Some(hint) = delta_seconds(&text)
            && let Ok(wait) = follow(delay, hint, left, Draw::from_bits(bits))
        {
            prop_assert!(wait >= hint && wait >= delay, "early");
            prop_assert!(wait <= delay.max(HINT_MAX + HINT_MAX / 2), "without end");
            prop_assert!(left.is_none_or(|left| wait <= left), "beyond the deadline");
        }
    }

    #[test]
    fn t41_what_is_written_as_seconds_or_milliseconds_is_read_as_that(number in any::<u64>()) {
        let text = number.to_string();
        prop_assert_eq!(delta_seconds(&text), Some(Duration::from_secs(number)));
        prop_assert_eq!(delta_seconds(&format!("-{text}")), None);
    }
}
