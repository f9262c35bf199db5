//! What the vocabulary means, and what it refuses.

use alloc::string::ToString;

use super::{Direction, Fault, Shape, Target, Which};
use crate::ratio::Ratio;
use crate::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn percent(percent: u32) -> Ratio {
    Ratio::from_percent(percent)
}

fn one_of_each() -> [Fault; 14] {
    [
        Fault::Crash,
        Fault::Freeze,
        Fault::BlackHole(Direction::Both),
        Fault::Refuse,
        Fault::Reset(percent(10)),
        Fault::Errors(percent(10)),
        Fault::Latency { added: SECOND, jitter: SECOND / 2 },
        Fault::Slower(percent(300)),
        Fault::Capacity(percent(20)),
        Fault::Restart { down: SECOND, warm_up: SECOND, cold: percent(400) },
        Fault::Drain,
        Fault::Flush,
        Fault::Surge(percent(200)),
        Fault::Reload,
    ]
}

#[test]
fn every_kind_has_the_name_of_its_place() {
    assert_eq!(one_of_each().map(|fault| fault.name()), Fault::NAMES);
    for fault in one_of_each() {
        assert_eq!(fault.validate(), Ok(()), "{}", fault.name());
        assert_eq!(fault.at(Ratio::ONE), Some(fault), "{}", fault.name());
        assert_eq!(fault.at(Ratio::ZERO), None, "{}", fault.name());
    }
}

#[test]
fn half_of_a_fault_lies_half_way_to_health() {
    let half = |fault: Fault| fault.at(percent(50)).unwrap();
    assert_eq!(half(Fault::Errors(percent(10))), Fault::Errors(percent(5)));
    assert_eq!(half(Fault::Slower(percent(300))), Fault::Slower(percent(200)));
    assert_eq!(half(Fault::Capacity(percent(20))), Fault::Capacity(percent(60)));
    assert_eq!(half(Fault::Surge(percent(200))), Fault::Surge(percent(150)));
    let slow = Fault::Latency { added: SECOND, jitter: Duration::ZERO };
    assert_eq!(half(slow), Fault::Latency { added: SECOND / 2, jitter: Duration::ZERO });
    assert_eq!(half(Fault::Freeze), Fault::Freeze);
}

#[test]
fn parameters_that_mean_nothing_are_refused_by_name() {
    let field = |fault: Fault| fault.validate().unwrap_err().field();
    assert_eq!(field(Fault::Errors(Ratio::ZERO)), "share");
    assert_eq!(field(Fault::Reset(percent(101))), "share");
    assert_eq!(field(Fault::Capacity(percent(101))), "share");
    assert_eq!(field(Fault::Slower(percent(99))), "factor");
    assert_eq!(field(Fault::Surge(percent(100_001))), "factor");
    assert_eq!(field(Fault::Latency { added: Duration::ZERO, jitter: Duration::ZERO }), "added");
    assert_eq!(field(Fault::Latency { added: SECOND, jitter: 2 * SECOND }), "jitter");
    let restart = |down, cold| Fault::Restart { down, warm_up: SECOND, cold };
    assert_eq!(field(restart(Duration::ZERO, percent(100))), "down");
    assert_eq!(field(restart(SECOND, percent(99))), "cold");
    let field = |shape: Shape| shape.validate().unwrap_err().field();
    assert_eq!(field(Shape::Saw(Duration::ZERO)), "period");
    assert_eq!(field(Shape::Square { period: SECOND, duty: Ratio::ONE }), "duty");
}

#[test]
fn shapes_pass_through_their_corners() {
    let at = |shape: Shape| {
        [0, 250, 500, 750, 1000, 1500].map(|ms| shape.at(Duration::from_millis(ms)).ppm() / 10_000)
    };
    assert_eq!(at(Shape::Constant), [100; 6]);
    assert_eq!(at(Shape::Ramp(SECOND)), [0, 25, 50, 75, 100, 100]);
    assert_eq!(at(Shape::Saw(SECOND)), [0, 25, 50, 75, 0, 50]);
    assert_eq!(at(Shape::Spike(SECOND)), [0, 50, 100, 50, 0, 0]);
    let square = Shape::Square { period: SECOND, duty: percent(30) };
    assert_eq!(at(square), [100, 100, 0, 0, 100, 0]);
    // sin² of 45 degrees is a half; the approximation gives 48.4 %... 50.2 % around it.
    let sine = at(Shape::Sine(SECOND));
    assert_eq!((sine[0], sine[2], sine[4], sine[5]), (0, 100, 0, 100));
    assert!((48..=52).contains(&sine[1]) && sine[1] == sine[3], "{sine:?}");
    assert_eq!(Shape::Constant.tick(), None);
    assert_eq!(Shape::Saw(SECOND).tick(), Some(SECOND / 50));
}

#[test]
fn targets_read_back_as_they_are_written() {
    for text in ["upstream:shop", "upstream:shop#2", "service:db#1", "zone:a", "load:x", "gateway"]
    {
        assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
    }
    let third = Target::Upstream("shop".into(), Which::Number(3));
    assert_eq!("upstream:shop#3".parse(), Ok(third));
}

#[test]
fn what_is_no_target_is_told_the_forms() {
    for text in ["shop", "upstream:", "upstream:shop#0", "upstream:a#b", "zone:a#1", "disk:x", ""] {
        let why = text.parse::<Target>().unwrap_err();
        assert!(why.contains("upstream:NAME#2"), "{why}");
    }
}
