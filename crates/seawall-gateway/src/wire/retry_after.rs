//! `Retry-After` of a service, in seconds (RFC 9110 section 10.2.3).

use http::HeaderMap;
use http::header::RETRY_AFTER;

use seawall_core::backoff::delta_seconds;
use seawall_core::time::Duration;

/// The service's hint. Negative and unreadable values are no hint, and neither is a date: the
/// clocks of two hosts are never compared.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    delta_seconds(headers.get(RETRY_AFTER)?.to_str().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, value.parse().unwrap());
        retry_after(&headers)
    }

    #[test]
    fn t41_only_whole_seconds_are_a_hint() {
        assert_eq!(parse("2"), Some(Duration::from_secs(2)));
        assert_eq!(parse("0"), Some(Duration::ZERO));
        assert_eq!(parse("99999999999999999999999"), Some(Duration::from_secs(u64::MAX)));
        for value in ["-1", "1.5", "soon", "", "Sun, 06 Nov 1994 08:49:37 GMT"] {
            assert_eq!(parse(value), None, "{value}");
        }
    }
}
