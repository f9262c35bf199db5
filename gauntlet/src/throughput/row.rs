//! What is measured: the rows, and who stands in their columns.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::peer::{Extras, Product, Protocol};

/// One question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Row {
    /// HTTP/1.1, 64 connections, answers of 100 bytes.
    #[value(name = "h1-64")]
    H1x64,
    /// The same over 512 connections.
    #[value(name = "h1-512")]
    H1x512,
    /// HTTP/2, 8 connections of 32 streams.
    #[value(name = "h2")]
    H2,
    /// Answers of 10 KiB.
    #[value(name = "10k")]
    Body10K,
    /// Answers of 1 MiB.
    #[value(name = "1m")]
    Body1M,
    /// Latency at a rate that leaves everybody half idle.
    #[value(name = "half")]
    Half,
    /// Memory of idle connections.
    #[value(name = "idle")]
    Idle,
    /// TLS on the client's side.
    #[value(name = "tls")]
    Tls,
    /// Bytes without HTTP.
    #[value(name = "l4")]
    L4,
}

impl Row {
    /// All of them, in the order in which they are measured: the rate of `Half` follows from the
    /// first.
    pub const ALL: [Self; 9] = [
        Self::H1x64,
        Self::H1x512,
        Self::H2,
        Self::Body10K,
        Self::Body1M,
        Self::Half,
        Self::Idle,
        Self::Tls,
        Self::L4,
    ];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::H1x64 => "h1-64",
            Self::H1x512 => "h1-512",
            Self::H2 => "h2",
            Self::Body10K => "10k",
            Self::Body1M => "1m",
            Self::Half => "half",
            Self::Idle => "idle",
            Self::Tls => "tls",
            Self::L4 => "l4",
        }
    }

    /// What is asked, for a heading.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::H1x64 => "HTTP/1.1, 64 connections, 100 bytes (wrk)",
            Self::H1x512 => "HTTP/1.1, 512 connections, 100 bytes (wrk)",
            Self::H2 => "HTTP/2, 8 connections × 32 streams, 100 bytes (h2load)",
            Self::Body10K => "HTTP/1.1, 64 connections, 10 KiB (wrk)",
            Self::Body1M => "HTTP/1.1, 16 connections, 1 MiB (wrk)",
            Self::Half => "Latency at half load: HTTP/1.1, 64 connections, constant rate",
            Self::Idle => "Memory of an idle connection",
            Self::Tls => "TLS",
            Self::L4 => "L4",
        }
    }

    /// What a reader has to know beside the figures.
    #[must_use]
    pub const fn note(self) -> Option<&'static str> {
        match self {
            Self::H2 => Some(
                "Clients speak HTTP/2 to everybody. Towards the backend everybody does too but \
                 nginx, which speaks HTTP/1.1 there.",
            ),
            Self::Half => Some(
                "Load by `h2load --h1 --rps`: each connection sends at its constant rate, and a \
                 latency counts from the sending. The rate is half of what the slowest product did \
                 over 64 connections, the same for all.",
            ),
            Self::Idle => Some(
                "Growth of resident memory of all processes of a product by connections that have \
                 each had one answer, for each of them. Memory of the kernel is not counted.",
            ),
            Self::Tls | Self::L4 => Some("not yet: Seawall has neither TLS nor TCP listeners."),
            Self::H1x64 | Self::H1x512 | Self::Body10K | Self::Body1M => None,
        }
    }

    /// Whether it can be measured at all.
    #[must_use]
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Tls | Self::L4)
    }

    /// What products speak in it.
    #[must_use]
    pub const fn protocol(self) -> Protocol {
        match self {
            Self::H2 => Protocol::Http2,
            _ => Protocol::Http1,
        }
    }

    /// Bytes of an answer.
    pub(super) const fn bytes(self) -> u32 {
        match self {
            Self::Body10K => 10 << 10,
            Self::Body1M => 1 << 20,
            _ => 100,
        }
    }
}

/// Who stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// A product as its config has it.
    Plain(Product),
    /// Seawall with a rate limit and a log of calls.
    LimitAndLog,
}

impl Who {
    /// The product behind it.
    #[must_use]
    pub const fn product(self) -> Product {
        match self {
            Self::Plain(product) => product,
            Self::LimitAndLog => Product::Seawall,
        }
    }

    /// What is switched on beside its config.
    pub(super) const fn extras(self) -> Extras {
        match self {
            Self::Plain(_) => Extras::None,
            Self::LimitAndLog => Extras::LimitAndLog,
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(product) => product.fmt(f),
            Self::LimitAndLog => f.pad("seawall+limit+log"),
        }
    }
}
