//! Reads the gateway's own counters from its Prometheus text. What they count is documented by
//! the admin side; here they are only summed over their labels.

use serde::Serialize;

/// What the gateway did to keep the shop alive.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Effort {
    /// Attempts for each call that got as far as a first one, rounded up to thousandths: 1.0 is
    /// no extra attempt. Absent if there was no attempt.
    pub(super) amplification: Option<f64>,
    /// Attempts after an earlier one of the same call.
    pub(super) retries: u64,
    /// Endpoints taken out of choice.
    pub(super) ejections: u64,
    /// Times that a breaker tripped.
    pub(super) breaker_opens: u64,
    /// Calls answered by a fallback rung.
    pub(super) fallbacks: u64,
}

impl Effort {
    /// Reads the counters from the text of `/metrics`.
    pub(super) fn read(text: &str) -> Self {
        let attempts = sum(text, "seawall_attempts_total");
        let first = sum(text, "seawall_first_attempts_total");
        Self {
            amplification: ratio(attempts, first),
            retries: sum(text, "seawall_retries_total"),
            ejections: sum(text, "seawall_ejections_total"),
            breaker_opens: sum(text, "seawall_breaker_opened_total"),
            fallbacks: sum(text, "seawall_fallbacks_total"),
        }
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    let thousandths = part.saturating_mul(1_000).checked_add(whole.checked_sub(1)?)? / whole;
    Some(f64::from(u32::try_from(thousandths).ok()?) / 1_000.0)
}

/// The sum of all samples of the counter `name`, whatever their labels. A counter that is not
/// there has counted nothing.
fn sum(text: &str, name: &str) -> u64 {
    text.lines().filter_map(|line| sample(line.strip_prefix(name)?)).sum()
}

/// The value in the rest of a sample line after its name: labels in braces, value, and perhaps a
/// time stamp or exemplar. Counters of whole things are whole numbers, with or without `.0`.
fn sample(rest: &str) -> Option<u64> {
    let value = match rest.strip_prefix('{') {
        Some(labels) => labels.split_once("} ")?.1,
        None => rest.strip_prefix(' ')?,
    };
    let number = value.split_ascii_whitespace().next()?;
    number.strip_suffix(".0").unwrap_or(number).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# HELP seawall_attempts Attempts by upstream and outcome.
# TYPE seawall_attempts counter
seawall_attempts_total{upstream=\"payments\",outcome=\"success\"} 90
seawall_attempts_total{upstream=\"payments\",outcome=\"failure\"} 11.0
seawall_attempts_total{upstream=\"search\",outcome=\"success\"} 100 # {trace=\"a b\"} 1.0
seawall_first_attempts_total{upstream=\"payments\"} 95
seawall_first_attempts_total{upstream=\"search\"} 100
seawall_retries_total{upstream=\"payments\"} 6
seawall_retries_total_of_something_else 1000
seawall_ejections_total 2
seawall_fallbacks_total{route=\"/recommendations\"} 40 1700000000
# EOF
";

    #[test]
    fn counters_are_summed_over_their_labels() {
        assert_eq!(sum(TEXT, "seawall_attempts_total"), 201);
        assert_eq!(sum(TEXT, "seawall_retries_total"), 6);
        assert_eq!(sum(TEXT, "seawall_ejections_total"), 2);
        assert_eq!(sum(TEXT, "seawall_breaker_opened_total"), 0);
    }

    #[test]
    fn amplification_is_attempts_for_each_first_attempt_rounded_up() {
        let effort = Effort::read(TEXT);
        assert_eq!(effort.amplification.map(|value| value.to_string()).as_deref(), Some("1.031"));
        assert_eq!(effort.fallbacks, 40);
        assert_eq!(Effort::read("").amplification, None);
    }
}
