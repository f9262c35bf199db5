//! Local answers: what the gateway says by itself, always with a reason code.

mod form;

pub(crate) use form::{Form, form};

use bytes::Bytes;
use http::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, RETRY_AFTER,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use serde::Serialize;

use seawall_config::Expose;
use seawall_core::call::Until;
use seawall_core::ratio::Ratio;
use seawall_core::reason::Reason;
use seawall_core::rng::Rng;
use seawall_core::time::{Duration, Instant};

use crate::wire::REQUEST_ID;

/// Why, in the words of a machine.
pub(crate) const WHY: HeaderName = HeaderName::from_static("seawall-why");
const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Hints outside one second and five minutes help nobody.
const RETRY_AFTER_RANGE: (u64, u64) = (1, 300);

/// A refusal or failure that the gateway puts into words.
#[derive(Debug)]
pub(crate) struct LocalAnswer<'a> {
    /// Why.
    pub(crate) reason: Reason,
    /// When asking again may help.
    pub(crate) until: Until,
    /// The upstream that it is about.
    pub(crate) upstream: Option<&'a str>,
    /// The id of the request.
    pub(crate) id: &'a HeaderValue,
    /// How much the caller may know.
    pub(crate) expose: Expose,
    /// Methods that the route takes, for [`Reason::MethodNotAllowed`].
    pub(crate) allow: &'a [Method],
}

#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

impl LocalAnswer<'_> {
    /// The answer, as problem details (RFC 9457) where the caller takes them, else as one line.
    pub(crate) fn response(
        &self,
        accept: &HeaderMap,
        now: Instant,
        rng: &mut impl Rng,
    ) -> Response<Bytes> {
        let form = form(self.reason);
        let wait = self.wait(&form, now, rng);
        let (content_type, body) = self.body(&form, takes_problem(accept), wait);
        let mut response = Response::new(body);
        *response.status_mut() = form.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, content_type);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(REQUEST_ID, self.id.clone());
        if let Some(wait) = wait {
            headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
        }
        if form.close {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        self.explain(headers, &form);
        response
    }

    fn explain(&self, headers: &mut HeaderMap, form: &Form) {
        if !self.allow.is_empty() {
            let list = self.allow.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
            set(headers, ALLOW, &list);
        }
        if self.expose == Expose::None {
            return;
        }
        set(headers, WHY, &why(self.reason, self.upstream.filter(|_| self.expose == Expose::Full)));
        set(headers, PROXY_STATUS, &format!("seawall; error={}", form.error));
    }

    fn body(&self, form: &Form, json: Wants, wait: Option<Duration>) -> (HeaderValue, Bytes) {
        let shown = (self.expose != Expose::None).then(|| self.reason.code());
        let title = form.status.canonical_reason().unwrap_or("Error");
        if json == Wants::Text {
            let reason = shown.map(|code| format!(" ({code})")).unwrap_or_default();
            return (TEXT, Bytes::from(format!("{title}{reason}: {}\n", form.detail)));
        }
        let problem = Problem {
            r#type: "about:blank",
            title,
            status: form.status.as_u16(),
            detail: form.detail,
            instance: self.id.to_str().unwrap_or_default(),
            reason: shown,
            retry_after_ms: wait.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
        };
        (PROBLEM, Bytes::from(serde_json::to_vec(&problem).unwrap_or_default()))
    }

    /// Whole seconds within the range, spread so that refused callers do not come back together.
    fn wait(&self, form: &Form, now: Instant, rng: &mut impl Rng) -> Option<Duration> {
        let until = match self.until {
            Until::Never => return None,
            Until::At(until) => until.since(now),
            Until::Unknown => form.come_back?,
        };
        let (least, most) = RETRY_AFTER_RANGE;
        let ceiling = until.as_secs() + u64::from(until.subsec_nanos() > 0);
        let base = ceiling.clamp(least, most);
        let spread = Ratio::from_percent(25).of(base).max(1).min(most - base);
        Some(Duration::from_secs(base + rng.below(spread + 1)))
    }
}

/// The value of `Seawall-Why`.
pub(crate) fn why(reason: Reason, upstream: Option<&str>) -> String {
    match upstream {
        Some(upstream) => format!("{reason};upstream=\"{upstream}\""),
        None => reason.code().to_owned(),
    }
}

/// What kind of body a caller takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wants {
    Problem,
    Text,
}

fn takes_problem(headers: &HeaderMap) -> Wants {
    let mut lines = headers.get_all(ACCEPT).iter().peekable();
    if lines.peek().is_none() {
        return Wants::Problem;
    }
    let takes = ["*/*", "application/*", "application/json", "application/problem+json"];
    let found = lines.filter_map(|line| line.to_str().ok()).any(|line| {
        line.split(',').any(|range| {
            let name = range.split(';').next().unwrap_or_default().trim();
            takes.iter().any(|wanted| name.eq_ignore_ascii_case(wanted))
        })
    });
    if found { Wants::Problem } else { Wants::Text }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

/// The status of a reason, for records.
pub(crate) fn status(reason: Reason) -> StatusCode {
    form(reason).status
}

#[cfg(test)]
mod tests {
    use super::*;
    use seawall_core::rng::Stream;

    fn answer(reason: Reason, until: Until, expose: Expose, accept: &str) -> Response<Bytes> {
        let id = HeaderValue::from_static("id-1");
        let (upstream, allow) = (Some("payments"), &[][..]);
        let local = LocalAnswer { reason, until, upstream, id: &id, expose, allow };
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        local.response(&headers, Instant::from_millis(1_000), &mut Stream::new(1, "test"))
    }

    #[test]
    fn t179_every_local_answer_carries_its_reason() {
        for reason in Reason::ALL {
            let answer = answer(reason, Until::Unknown, Expose::Reason, "*/*");
            assert!(answer.status().is_client_error() || answer.status().is_server_error());
            assert_eq!(answer.headers()[WHY], reason.code());
            let problem: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
            assert_eq!(problem["reason"], reason.code());
            assert_eq!(problem["status"], answer.status().as_u16());
            assert_eq!(problem["instance"], "id-1");
        }
    }

    #[test]
    fn an_open_breaker_says_when_to_come_back() {
        let until = Until::At(Instant::from_millis(5_200));
        let answer = answer(Reason::BreakerOpen, until, Expose::Full, "application/json");
        let wait: u64 = answer.headers()[RETRY_AFTER].to_str().unwrap().parse().unwrap();
        assert!((5..=6).contains(&wait), "{wait}");
        assert_eq!(answer.headers()[WHY], "breaker_open;upstream=\"payments\"");
    }

    #[test]
    fn a_hint_is_spread_and_stays_within_its_bound() {
        let mut rng = Stream::new(1, "test");
        let id = HeaderValue::from_static("id-1");
        let mut waits = |seconds: u64| -> Vec<u64> {
            let until = Until::At(Instant::from_millis(seconds * 1_000));
            let (reason, expose) = (Reason::BreakerOpen, Expose::Reason);
            let local = LocalAnswer { reason, until, upstream: None, id: &id, expose, allow: &[] };
            let form = form(reason);
            let wait = |_| local.wait(&form, Instant::EPOCH, &mut rng).unwrap().as_secs();
            (0..1_000).map(wait).collect()
        };
        for (seconds, range) in [(0, 1..=2), (100, 100..=125), (290, 290..=300), (900, 300..=300)] {
            let waits = waits(seconds);
            assert_eq!(waits.iter().min(), Some(range.start()), "{seconds}");
            assert_eq!(waits.iter().max(), Some(range.end()), "{seconds}");
        }
    }

    #[test]
    fn a_caller_may_be_kept_in_the_dark() {
        let answer = answer(Reason::BreakerOpen, Until::Unknown, Expose::None, "text/html");
        assert!(!answer.headers().contains_key(WHY));
        assert!(!answer.headers().contains_key(PROXY_STATUS));
        let text = std::str::from_utf8(answer.body()).unwrap();
        assert!(!text.contains("breaker_open"), "{text}");
    }

    #[test]
    fn who_takes_no_json_gets_one_line() {
        let answer = answer(Reason::NoRoute, Until::Never, Expose::Reason, "text/html, image/*");
        assert_eq!(answer.headers()[CONTENT_TYPE], TEXT);
        assert_eq!(answer.body().iter().filter(|byte| **byte == b'\n').count(), 1);
    }
}
