//! core.
#![no_std]
