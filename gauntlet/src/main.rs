//! The command line of the gauntlet.

fn main() {}
