//! Scenario files: what they mean, and what is refused.
