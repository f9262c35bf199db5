//! The query of `/v1/calls`. Which paths there are is in `router`.

use http::StatusCode;

use crate::reply::Refusal;

/// Fits one screen of the dashboard.
const LIMIT_DEFAULT: usize = 50;
/// About a megabyte of JSON with full trails.
const LIMIT_MAX: usize = 1000;

/// The number of calls asked for.
pub(crate) fn limit(query: Option<&str>) -> Result<usize, Refusal> {
    let mut limit = LIMIT_DEFAULT;
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        limit = match pair.split_once('=') {
            Some(("limit", number)) => parse(number)?,
            _ => return Err(refusal(format!("unknown query \"{pair}\"; there is only limit=N"))),
        };
    }
    Ok(limit)
}

fn parse(number: &str) -> Result<usize, Refusal> {
    let limit = number.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
    let detail = || format!("limit is \"{number}\" and must be a number from 1 to {LIMIT_MAX}");
    limit.ok_or_else(|| refusal(detail()))
}

fn refusal(detail: String) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "bad_query", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_from_1_to_1000() {
        assert_eq!(limit(None).unwrap(), 50);
        assert_eq!(limit(Some("")).unwrap(), 50);
        assert_eq!(limit(Some("limit=1")).unwrap(), 1);
        assert_eq!(limit(Some("limit=1000")).unwrap(), 1000);
        for query in ["limit=0", "limit=1001", "limit=-1", "limit=", "limit", "limit=9e9"] {
            assert!(limit(Some(query)).is_err(), "{query}");
        }
    }

    #[test]
    fn an_unknown_query_is_named_in_the_refusal() {
        let refusal = format!("{:?}", limit(Some("limt=3")).unwrap_err());
        assert!(refusal.contains("limt=3"), "{refusal}");
    }
}
