//! Holding: when, whom, for how long, and how they are let go.

mod machine;
mod property;
