//! Why a product is not there, or cannot do something.

use std::io;

use super::Product;

/// Why a cell of the report says "not run".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Missing {
    /// Its program is not installed.
    #[error("{product} is not installed; {remedy}")]
    Program {
        /// Which.
        product: Product,
        /// How to get it.
        remedy: &'static str,
    },
    /// Its program could not be fetched or built.
    #[error("{product} could not be made ready: `{command}` failed: {said}")]
    Unready {
        /// Which.
        product: Product,
        /// What was tried.
        command: String,
        /// The end of what it said.
        said: String,
    },
    /// Its config could not be made, or it does not take it.
    #[error("{product} does not take its config: {said}")]
    Config {
        /// Which.
        product: Product,
        /// What it said.
        said: String,
    },
    /// It was started and does not answer.
    #[error("{product} does not answer at its address: {said}")]
    Silent {
        /// Which.
        product: Product,
        /// The end of what it wrote, or why it could not be asked.
        said: String,
    },
    /// It cannot do what was asked.
    #[error("{product} cannot {what}")]
    Feature {
        /// Which.
        product: Product,
        /// What, and why not.
        what: &'static str,
    },
    /// The system said no.
    #[error("{product}: {what}: {source}")]
    System {
        /// Which.
        product: Product,
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
}

impl Missing {
    /// For `map_err`: the system refused `what`.
    pub(super) fn system(
        product: Product,
        what: impl Into<String>,
    ) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::System { product, what, source }
    }
}
