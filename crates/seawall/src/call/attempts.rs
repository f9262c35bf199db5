//! The attempts of one call that run at this moment.
//!
//! The first runs in place. Extra ones beside it, which only hedging makes, are boxed; the list
//! takes no memory until there is one.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

pin_project! {
    /// Running attempts, each with its number.
    pub(super) struct Attempts<Fut> {
        #[pin]
        inline: Option<Fut>,
        inline_number: u32,
        extra: Vec<(u32, Pin<Box<Fut>>)>,
    }
}

impl<Fut> Default for Attempts<Fut> {
    fn default() -> Self {
        Self { inline: None, inline_number: 0, extra: Vec::new() }
    }
}

impl<Fut> fmt::Debug for Attempts<Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inline = self.inline.as_ref().map(|_| self.inline_number);
        let numbers = inline.into_iter().chain(self.extra.iter().map(|(number, _)| *number));
        f.debug_list().entries(numbers).finish()
    }
}

/// What an attempt brought.
#[derive(Debug)]
pub(super) struct Brought<R> {
    pub(super) number: u32,
    pub(super) result: R,
}

impl<Fut: Future> Attempts<Fut> {
    /// Keeps a new attempt, beside those that run.
    pub(super) fn begin(self: Pin<&mut Self>, number: u32, future: Fut) {
        let mut this = self.project();
        if this.inline.is_none() {
            this.inline.set(Some(future));
            *this.inline_number = number;
        } else {
            this.extra.push((number, Box::pin(future)));
        }
    }

    /// The first result that is ready, older attempts first. Its attempt is dropped.
    pub(super) fn poll_any(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Brought<Fut::Output>> {
        let mut this = self.project();
        if let Some(future) = this.inline.as_mut().as_pin_mut()
            && let Poll::Ready(result) = future.poll(cx)
        {
            this.inline.set(None);
            return Poll::Ready(Brought { number: *this.inline_number, result });
        }
        for place in 0..this.extra.len() {
            let Some((number, future)) = this.extra.get_mut(place) else { break };
            let number = *number;
            if let Poll::Ready(result) = future.as_mut().poll(cx) {
                drop(this.extra.remove(place));
                return Poll::Ready(Brought { number, result });
            }
        }
        Poll::Pending
    }

    /// Drops the attempt of this number, if it runs.
    pub(super) fn drop_one(self: Pin<&mut Self>, number: u32) {
        let mut this = self.project();
        if *this.inline_number == number {
            this.inline.set(None);
        }
        this.extra.retain(|(known, _)| *known != number);
    }

    /// Drops whatever runs.
    pub(super) fn drop_all(self: Pin<&mut Self>) {
        let mut this = self.project();
        this.inline.set(None);
        this.extra.clear();
    }
}
