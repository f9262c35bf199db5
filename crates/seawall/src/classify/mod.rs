//! Classification: what the result of an attempt says about the dependency.
//!
//! One judgement feeds retry, breaker, ejection, balancing and budget, so that they never
//! disagree about what happened. Here are the trait and the classifier for any result; those for
//! known types have files of their own. What a judgement is made of is in `outcome.rs`; what is
//! done about it is the core's business.

#[cfg(feature = "http")]
mod http;
mod io;
mod outcome;
#[cfg(feature = "reqwest")]
mod reqwest;
#[cfg(feature = "tonic")]
mod tonic;

#[cfg(test)]
mod tests;

#[cfg(feature = "http")]
pub use self::http::Http;
#[cfg(feature = "reqwest")]
pub use self::reqwest::{Reqwest, ReqwestValue};
#[cfg(feature = "tonic")]
pub use self::tonic::{Grpc, GrpcHeads};
pub use io::Io;
pub use outcome::Outcome;

/// Judges the results of one kind of operation.
///
/// Any closure or function `Fn(Result<&T, &E>) -> Outcome` is a classifier. It runs once for each
/// attempt that brings a result, outside any lock; attempts that run out of time or are cancelled
/// are judged by the policy itself.
///
/// ```
/// use seawall::{Outcome, Policy};
///
/// # struct Reply;
/// enum QueryError { NoSuchRow, Busy, Broken }
///
/// let policy = Policy::builder()
///     .classify(|result: Result<&Reply, &QueryError>| match result {
///         // The database did its work: the question was wrong.
///         Ok(_) | Err(QueryError::NoSuchRow) => Outcome::success(),
///         Err(QueryError::Busy) => Outcome::throttled(),
///         Err(QueryError::Broken) => Outcome::failure(),
///     })
///     .build()?;
/// # Ok::<(), seawall::BuildError>(())
/// ```
pub trait Classify<T, E> {
    /// What `result` says.
    fn classify(&self, result: Result<&T, &E>) -> Outcome;
}

impl<T, E, F: Fn(Result<&T, &E>) -> Outcome> Classify<T, E> for F {
    fn classify(&self, result: Result<&T, &E>) -> Outcome {
        self(result)
    }
}

/// The classifier of a policy that was given none: `Ok` is a success, and any `Err` a failure of
/// the dependency that may be retried where repeating is safe.
///
/// That is right for errors that only ever mean trouble. Where errors also say that the caller was
/// wrong (not found, forbidden, invalid), a classifier of your own keeps such answers from opening
/// the breaker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnyResult;

impl<T, E> Classify<T, E> for AnyResult {
    fn classify(&self, result: Result<&T, &E>) -> Outcome {
        match result {
            Ok(_) => Outcome::success(),
            Err(_) => Outcome::failure(),
        }
    }
}
