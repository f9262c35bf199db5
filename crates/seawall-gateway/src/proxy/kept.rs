//! The answer that stands by while a better one is tried for.
//!
//! It must not hold a connection that the next attempt may need, so a small body is read and kept;
//! of a large or slow one only the head is. What is large and slow is said in the core (`call`).

use bytes::Bytes;
use http::response::Parts;
use http_body_util::{BodyExt as _, Limited};
use tokio::time::timeout;

use seawall_core::call::{KEPT_BYTES_MAX, KEPT_PATIENCE};

use super::attempt::Answer;
use super::exchange::Exchange;

/// An answer of an attempt.
#[derive(Debug)]
pub(super) enum Kept {
    /// On its way.
    Streaming(Box<Answer>),
    /// Whole.
    Whole(u32, Box<Parts>, Bytes),
    /// Its body was too large or too slow to be kept.
    HeadOnly(u32, Box<Parts>),
}

impl Kept {
    /// The attempt that brought it.
    pub(super) fn number(&self) -> u32 {
        match self {
            Self::Streaming(answer) => answer.number,
            Self::Whole(number, ..) | Self::HeadOnly(number, _) => *number,
        }
    }

    /// Whether it holds a connection.
    pub(super) const fn is_streaming(&self) -> bool {
        matches!(self, Self::Streaming(_))
    }
}

impl Exchange<'_> {
    /// Puts an answer by and frees its connection.
    pub(super) async fn put_by(&self, answer: Answer) -> Kept {
        if let Some(upload) = &self.call.upload {
            upload.borrow_mut().dismiss();
        }
        let Answer { number, head, lease } = answer;
        let (parts, incoming) = head.into_parts();
        let parts = Box::new(parts);
        let whole = Limited::new(incoming, KEPT_BYTES_MAX).collect();
        match timeout(KEPT_PATIENCE, whole).await {
            Ok(Ok(body)) => {
                lease.give_back();
                Kept::Whole(number, parts, body.to_bytes())
            }
            Ok(Err(_)) | Err(_) => Kept::HeadOnly(number, parts),
        }
    }
}
