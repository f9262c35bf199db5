//! Reports of outcomes made by hand and of worlds that were run.
