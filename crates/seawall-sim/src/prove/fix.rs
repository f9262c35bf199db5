//! Reads the edit that a finding prints, so that what is tried is what is advised.

use seawall_config::units::{parse_duration, parse_share};
use seawall_core::ratio::Ratio;
use seawall_core::time::Duration;

use super::subject::Subject;

impl Subject<'_> {
    /// What the fix writes after a key, without quotes.
    pub(super) fn written(&self, key: &str) -> Result<&str, String> {
        let fix = self.finding.fix.as_str();
        value(fix, key).ok_or_else(|| format!("its fix is in words: {fix}"))
    }

    /// A number of the fix.
    pub(super) fn fixed_number(&self, key: &str) -> Result<f64, String> {
        let text = self.written(key)?;
        text.parse().map_err(|_| format!("its fix is in words: {}", self.finding.fix))
    }

    /// A whole number of the fix, rounded up.
    pub(super) fn fixed_count(&self, key: &str) -> Result<u32, String> {
        Ok(whole(self.fixed_number(key)?.ceil()))
    }

    /// A duration of the fix.
    pub(super) fn fixed_time(&self, key: &str) -> Result<Duration, String> {
        parse_duration(self.written(key)?)
    }

    /// A share of the fix.
    pub(super) fn fixed_share(&self, key: &str) -> Result<Ratio, String> {
        parse_share(self.written(key)?)
    }

    /// A rate of the fix, a second.
    pub(super) fn fixed_rate(&self, key: &str) -> Result<f64, String> {
        let text = self.written(key)?;
        let number = text.strip_suffix("/s").unwrap_or(text).parse();
        number.map_err(|_| format!("its fix is in words: {}", self.finding.fix))
    }
}

/// A number as a count: 0 below it and for what is none.
pub(super) fn whole(number: f64) -> u32 {
    let seconds = Duration::try_from_secs_f64(number.clamp(0.0, f64::from(u32::MAX)));
    seconds.map_or(0, |seconds| u32::try_from(seconds.as_secs()).unwrap_or(u32::MAX))
}

/// The text after `key = `, up to its closing quote or the next blank, comma or brace.
fn value<'t>(fix: &'t str, key: &str) -> Option<&'t str> {
    let pattern = format!("{key} = ");
    let starts_word = |at: &usize| {
        let before = fix.get(..*at).and_then(|before| before.chars().next_back());
        before.is_none_or(|before| !before.is_alphanumeric() && before != '_')
    };
    let mut found = fix.match_indices(&pattern).map(|(at, _)| at).filter(starts_word);
    let rest = fix.get(found.next()? + pattern.len()..)?;
    match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => rest.split([' ', ',', '}']).next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_whole_key() {
        let fix = "breaker = { failure_rate = \"15%\", window = \"10s\", min_calls = 5 } in [x]";
        assert_eq!(value(fix, "failure_rate"), Some("15%"));
        assert_eq!(value(fix, "rate"), None);
        assert_eq!(value(fix, "min_calls"), Some("5"));
        assert_eq!(value("slow_start = \"30s\" in [x]", "slow_start"), Some("30s"));
    }

    #[test]
    fn a_count_stays_within_its_range() {
        assert_eq!([-1.0, f64::NAN, 2.0, 1e300].map(whole), [0, 0, 2, u32::MAX]);
    }
}
