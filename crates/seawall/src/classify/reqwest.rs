//! The classifiers for operations that use `reqwest`.

use std::error::Error as _;

use ::reqwest::{Error, Response};

use super::http::Http;
use super::{Classify, Outcome};

/// Judges what [`reqwest::Client`](::reqwest::Client) brings: a response by its status and
/// `Retry-After`, as [`Http`] does, and an error by its kind.
///
/// | error | outcome |
/// | --- | --- |
/// | no connection: refused, name not resolved, TLS, connect timeout | failure, provably unsent |
/// | a timeout after that, a connection that broke, a body that broke off | failure |
/// | `error_for_status` | as the status, without a hint |
/// | a body that cannot be decoded, an upgrade that failed | failure, not retried |
/// | a request that cannot be built, too many redirects | ignored |
///
/// Give the client no retries of its own: they would multiply with the policy's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reqwest;

/// The same for operations that bring something made of a response, say decoded JSON: any value is
/// a success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReqwestValue;

impl Reqwest {
    /// The judgement on an error.
    #[must_use]
    pub fn of_error(&self, error: &Error) -> Outcome {
        if let Some(status) = error.status() {
            return Http.of(status, None);
        }
        if error.is_builder() || error.is_redirect() {
            return Outcome::ignored();
        }
        if error.is_connect() {
            // Nothing of a request is written before there is a connection.
            return Outcome::failure().unsent();
        }
        match error.is_upgrade() || (error.is_decode() && !broke_off(error)) {
            true => Outcome::failure().not_retryable(),
            false => Outcome::failure(),
        }
    }
}

/// Whether a body could not be decoded because it did not arrive whole. A body that arrived whole
/// and makes no sense will make none the next time.
fn broke_off(error: &Error) -> bool {
    let first = error.source();
    let mut chain = std::iter::successors(first, |&error| error.source());
    error.is_timeout() || chain.any(|cause| cause.downcast_ref().is_some_and(Error::is_body))
}

impl Classify<Response, Error> for Reqwest {
    fn classify(&self, result: Result<&Response, &Error>) -> Outcome {
        match result {
            Ok(response) => Http::of_head(response.status(), response.headers()),
            Err(error) => self.of_error(error),
        }
    }
}

impl<T> Classify<T, Error> for ReqwestValue {
    fn classify(&self, result: Result<&T, &Error>) -> Outcome {
        match result {
            Ok(_) => Outcome::success(),
            Err(error) => Reqwest.of_error(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use seawall_core::outcome::Observation;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[expect(clippy::disallowed_methods, reason = "it ends with the runtime of its test")]
    /// Serves one connection with these bytes, then closes it; without bytes it stays silent.
    async fn serving(bytes: Option<&'static str>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _head = stream.read(&mut [0; 1024]).await;
            match bytes {
                Some(bytes) => stream.write_all(bytes.as_bytes()).await.unwrap(),
                None => std::future::pending().await,
            }
        });
        format!("http://{address}/")
    }

    async fn get(url: &str) -> Result<Response, Error> {
        let client = ::reqwest::Client::builder().timeout(Duration::from_millis(200));
        client.build().unwrap().get(url).send().await
    }

    fn of(error: &Error) -> Outcome {
        Reqwest.of_error(error)
    }

    #[tokio::test]
    async fn a_refused_connection_is_provably_unsent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        let error = get(&url).await.unwrap_err();
        assert_eq!(of(&error), Outcome::failure().unsent());
    }

    #[tokio::test]
    async fn silence_and_a_broken_connection_are_failures_that_may_have_been_served() {
        let silent = get(&serving(None).await).await.unwrap_err();
        assert!(silent.is_timeout());
        assert_eq!(of(&silent), Outcome::failure());
        let closed = get(&serving(Some("")).await).await.unwrap_err();
        assert_eq!(of(&closed), Outcome::failure());
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_a_failure() {
        let url = serving(Some("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")).await;
        let error = get(&url).await.unwrap().bytes().await.unwrap_err();
        assert_eq!(of(&error), Outcome::failure(), "{error:?}");
    }

    #[tokio::test]
    async fn a_status_is_judged_with_its_hint() {
        let reply = "HTTP/1.1 503 Busy\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n";
        let result = get(&serving(Some(reply)).await).await;
        let outcome = Reqwest.classify(result.as_ref());
        assert_eq!(outcome.hint(), Some(Duration::from_secs(7)));
        let error = result.unwrap().error_for_status().unwrap_err();
        assert_eq!(of(&error).class(), outcome.class());
        assert_eq!(ReqwestValue.classify(Err::<&(), _>(&error)), of(&error));
    }

    #[tokio::test]
    async fn an_inner_seawall_that_gave_up_is_not_retried() {
        let reply = "HTTP/1.1 503 Busy\r\nseawall-exhausted: 1\r\ncontent-length: 0\r\n\r\n";
        let result = get(&serving(Some(reply)).await).await;
        let seen = Reqwest.classify(result.as_ref()).observation();
        assert!(matches!(seen, Observation::Status { code: 503, exhausted: true, .. }), "{seen:?}");
    }

    #[tokio::test]
    async fn a_request_that_cannot_be_built_says_nothing_about_the_dependency() {
        let error = get("no url at all").await.unwrap_err();
        assert_eq!(of(&error), Outcome::ignored());
    }
}
