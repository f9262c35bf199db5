//! The classifier for operations that bring an `http::Response` or a status.

use std::time::Duration;

use ::http::header::RETRY_AFTER;
use ::http::{HeaderMap, Response, StatusCode};
use seawall_core::outcome::Observation;

use super::{Classify, Outcome};

/// Judges an answer by its status (RFC 9110 section 15): 4xx are successes of the dependency, 502,
/// 503 and 504 failures that may be retried, 500 a failure that is not, 408 and 429 no mark
/// against it. `Retry-After` in seconds is followed. What a Seawall nearer to the service has
/// given up on is not retried. Any `Err` is a failure.
///
/// A response that is judged a failure is still handed to the caller as `Ok` when no retry brings
/// a better one: it is an answer, and its body may say why.
/// The rows that are retried only where somebody asks for it are asked for at the policy
/// ([`PolicyBuilder::opt_ins`](crate::PolicyBuilder::opt_ins)), and so are exceptions
/// ([`PolicyBuilder::overrides`](crate::PolicyBuilder::overrides)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Http;

impl Http {
    /// The judgement on a status and its `Retry-After`.
    #[must_use]
    pub fn of(&self, status: StatusCode, retry_after: Option<Duration>) -> Outcome {
        Observation::Status { code: status.as_u16(), retry_after, exhausted: false }.into()
    }

    /// The judgement on a status with the fields beside it.
    pub(super) fn of_head(status: StatusCode, fields: &HeaderMap) -> Outcome {
        let (code, retry_after) = (status.as_u16(), retry_after(fields));
        let exhausted = fields.contains_key("seawall-exhausted");
        Observation::Status { code, retry_after, exhausted }.into()
    }
}

impl<B, E> Classify<Response<B>, E> for Http {
    fn classify(&self, result: Result<&Response<B>, &E>) -> Outcome {
        match result {
            Ok(response) => Self::of_head(response.status(), response.headers()),
            Err(_) => Outcome::failure(),
        }
    }
}

impl<E> Classify<StatusCode, E> for Http {
    fn classify(&self, result: Result<&StatusCode, &E>) -> Outcome {
        match result {
            Ok(status) => self.of(*status, None),
            Err(_) => Outcome::failure(),
        }
    }
}

/// The hint of the service, in whole seconds (RFC 9110 section 10.2.3). A date is none: clocks of
/// two hosts are never compared.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // More digits than fit still mean "far away", not "no hint".
    digits.then(|| Duration::from_secs(text.parse().unwrap_or(u64::MAX)))
}
