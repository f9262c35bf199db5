//! The classifier for operations that fail with `std::io::Error`.

use std::io;

use super::{Classify, Outcome};

/// Judges an [`io::Error`] by its kind.
///
/// | kind | outcome |
/// | --- | --- |
/// | `ConnectionRefused` | failure, provably unsent |
/// | `InvalidInput`, `NotFound`, `PermissionDenied` and other mistakes of the caller | success |
/// | `Interrupted`, `WouldBlock`, `OutOfMemory` | ignored: this side's own affair |
/// | all others: resets, broken pipes, time-outs, unreachable networks, corrupt data | failure |
///
/// Mistakes of the caller are successes, since the dependency answered.
/// An unreachable network is not taken as proof that nothing was sent, since an established
/// connection reports it too. Dialling a Unix socket whose file is gone gives `NotFound`; judge it
/// by a closure where that means an outage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Io;

impl Io {
    /// The judgement on one kind of error.
    #[must_use]
    pub fn of(kind: io::ErrorKind) -> Outcome {
        use io::ErrorKind as Kind;
        match kind {
            Kind::ConnectionRefused => Outcome::failure().unsent(),
            Kind::InvalidInput
            | Kind::NotFound
            | Kind::PermissionDenied
            | Kind::AlreadyExists
            | Kind::Unsupported
            | Kind::IsADirectory
            | Kind::NotADirectory
            | Kind::DirectoryNotEmpty
            | Kind::NotSeekable
            | Kind::InvalidFilename => Outcome::success(),
            Kind::Interrupted | Kind::WouldBlock | Kind::OutOfMemory => Outcome::ignored(),
            _ => Outcome::failure(),
        }
    }
}

impl<T> Classify<T, io::Error> for Io {
    fn classify(&self, result: Result<&T, &io::Error>) -> Outcome {
        match result {
            Ok(_) => Outcome::success(),
            Err(error) => Self::of(error.kind()),
        }
    }
}
