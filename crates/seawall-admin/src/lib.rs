//! The admin side of Seawall: JSON API, metrics and dashboard.
