//! The proxy loop: one call machine for each request, asked what to do until it is over.
//!
//! Nothing here decides about resilience. `exchange.rs` carries out actions, `attempt.rs` makes
//! one attempt and says what it saw, `flight.rs` holds those that run beside one another, `kept.rs`
//! puts an answer by while another is tried for, `answers.rs` and `delivery.rs` hand one on,
//! `record.rs` writes down what became of the call.

mod answers;
mod attempt;
mod delivery;
mod exchange;
mod flight;
mod guard;
mod kept;
mod observe;
mod record;

pub(crate) use delivery::Delivery;
pub(crate) use exchange::{Arrival, proxy};
pub(crate) use record::{CallLog, Finished, VERDICTS};
