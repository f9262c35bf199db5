//! The classifier for gRPC by `tonic`.

use std::error::Error;

use ::tonic::{Code, ConnectError, Status, TimeoutExpired};
use http::{HeaderMap, Response};
use seawall_core::outcome::{GrpcCode, GrpcHead, Observation, Pushback};

use super::http::retry_after;
use super::{Classify, Outcome};

const STATUS: &str = "grpc-status";
const PUSHBACK: &str = "grpc-retry-pushback-ms";

/// Judges gRPC statuses (grpc/grpc:doc/statuscodes.md): `UNAVAILABLE` and `DEADLINE_EXCEEDED` are
/// failures that may be retried, `UNKNOWN`, `INTERNAL` and `DATA_LOSS` failures that are not,
/// `RESOURCE_EXHAUSTED` asks to slow down, and the mistakes of a caller are successes of the
/// dependency. What the service says in `grpc-retry-pushback-ms` (gRFC A6) is kept: so long, or not
/// at all.
///
/// A connection that could not be made is a failure, provably unsent; a timeout of tonic's own is
/// one too, though tonic calls it `CANCELLED`.
///
/// **Around calls** of a client it sees everything. **Around a channel**, as a Tower layer, it sees
/// heads: a status in the trailers of an answer that has messages comes after the attempt has been
/// judged a success. Servers answer most failures with a head alone.
///
/// The rows that are retried only where somebody asks for it are asked for at the policy
/// ([`PolicyBuilder::opt_ins`](crate::PolicyBuilder::opt_ins)), and so are exceptions
/// ([`PolicyBuilder::overrides`](crate::PolicyBuilder::overrides)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grpc;

impl Grpc {
    /// The judgement on a status.
    #[must_use]
    pub fn of(&self, status: &Status) -> Outcome {
        self.of_cause(status).unwrap_or_else(|| {
            let code = code_of(status.code());
            let pushback = pushback(status.metadata().as_ref());
            Observation::Grpc { code, pushback, exhausted: false }.into()
        })
    }

    /// What tonic itself says, of a call that got no answer.
    fn of_cause(&self, error: &(dyn Error + 'static)) -> Option<Outcome> {
        let mut chain = std::iter::successors(Some(error), |&error| error.source());
        chain.find_map(|cause| match cause {
            _ if cause.is::<ConnectError>() => Some(Outcome::failure().unsent()),
            _ if cause.is::<TimeoutExpired>() => Some(Outcome::failure()),
            _ => None,
        })
    }
}

impl<T> Classify<T, Status> for Grpc {
    fn classify(&self, result: Result<&T, &Status>) -> Outcome {
        match result {
            Ok(_) => Outcome::success(),
            Err(status) => self.of(status),
        }
    }
}

/// The head of an answer, as a channel brings it; see [`Grpc`]. The error is that of the channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GrpcHeads;

impl Grpc {
    /// The same for a Tower layer around a channel.
    #[must_use]
    pub const fn heads(self) -> GrpcHeads {
        GrpcHeads
    }
}

impl<B, E: Error + 'static> Classify<Response<B>, E> for GrpcHeads {
    fn classify(&self, result: Result<&Response<B>, &E>) -> Outcome {
        let response = match result {
            Ok(response) => response,
            Err(error) => return Grpc.of_cause(error).unwrap_or(Outcome::failure()),
        };
        let headers = response.headers();
        let head = GrpcHead {
            status: response.status().as_u16(),
            code: headers.get(STATUS).map(|code| GrpcCode::parse(code.to_str().unwrap_or(""))),
            pushback: pushback(headers),
            retry_after: retry_after(headers),
            exhausted: false,
        };
        match head.judge() {
            Ok(seen) => seen.into(),
            Err(_in_the_trailers) => Outcome::success(),
        }
    }
}

fn pushback(fields: &HeaderMap) -> Option<Pushback> {
    fields.get(PUSHBACK).map(|value| Pushback::parse(value.to_str().unwrap_or("")))
}

fn code_of(code: Code) -> GrpcCode {
    GrpcCode::from_number(u32::try_from(i32::from(code)).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use seawall_core::outcome::Class;

    use super::*;

    fn judged(outcome: Outcome) -> (Class, Observation) {
        (outcome.class(), outcome.observation())
    }

    fn pushed(code: Code, value: &str) -> Status {
        let mut status = Status::new(code, "");
        status.metadata_mut().insert(PUSHBACK, value.parse().unwrap());
        status
    }

    #[test]
    fn each_code_is_judged_as_the_core_does() {
        for number in 0..=16 {
            let status = Status::new(Code::from_i32(number), "");
            let code = GrpcCode::from_number(number.unsigned_abs());
            let seen = Observation::Grpc { code, pushback: None, exhausted: false };
            assert_eq!(Grpc.of(&status), Outcome::from(seen), "{code:?}");
        }
    }

    #[test]
    fn pushback_is_kept_exactly() {
        let outcome = Grpc.of(&pushed(Code::Unavailable, "250"));
        assert_eq!(outcome.hint(), Some(std::time::Duration::from_millis(250)));
        let after = Some(Pushback::After(std::time::Duration::from_millis(250)));
        let told = outcome.observation();
        assert!(matches!(told, Observation::Grpc { pushback, .. } if pushback == after));
    }

    #[test]
    fn a_service_that_forbids_retries_is_obeyed() {
        for value in ["-1", "soon", ""] {
            let outcome = Grpc.of(&pushed(Code::Unavailable, value));
            let judged = seawall_core::outcome::classify(
                outcome.observation(),
                seawall_core::outcome::RetryOn500::Never,
            );
            assert_eq!(judged.retry, seawall_core::outcome::RetryRule::Never, "{value}");
        }
    }

    #[test]
    fn what_tonic_itself_says_is_told_from_what_the_service_says() {
        let caused = |code, cause: Arc<dyn Error + Send + Sync>| {
            let mut status = Status::new(code, "");
            status.set_source(cause);
            judged(Grpc.of(&status))
        };
        let refused = caused(Code::Unavailable, Arc::new(ConnectError("refused".into())));
        assert_eq!(refused, judged(Outcome::failure().unsent()));
        let late = caused(Code::Cancelled, Arc::new(TimeoutExpired(())));
        assert_eq!(late, judged(Outcome::failure()));
        let left = Grpc.of(&Status::cancelled("by the caller"));
        assert_eq!(left.class(), Class::Abandoned);
    }

    #[test]
    fn a_head_is_judged_as_far_as_it_tells() {
        let of = |response: Response<()>| {
            let judge = Grpc.heads();
            Classify::<_, std::io::Error>::classify(&judge, Ok(&response)).class()
        };
        let head = |status: u16, code: Option<&str>| {
            let mut response = Response::builder().status(status);
            if let Some(code) = code {
                response = response.header(STATUS, code);
            }
            response.body(()).unwrap()
        };
        assert_eq!(of(head(200, None)), Class::Success);
        assert_eq!(of(head(200, Some("14"))), Class::Failure);
        assert_eq!(of(head(200, Some("5"))), Class::Success);
        assert_eq!(of(head(503, None)), Class::Failure);
        assert_eq!(of(head(429, None)), Class::Ignored);
    }
}
