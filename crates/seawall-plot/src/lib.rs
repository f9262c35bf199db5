//! Reports as pages: inline SVG charts, numbers as people read them, and the one style sheet that
//! colours both for light, dark and paper. Pages ask for nothing from outside.
//!
//! Here is how things are drawn. What is drawn is said by those who report: the simulator
//! (`seawall_sim::report`) and the gauntlet (`gauntlet::report`). It knows neither, does no I/O and
//! depends on mathematics alone, so that the simulator's tree stays free of runtimes.

pub mod chart;
pub mod heat;
pub mod legend;
pub mod markup;
pub mod page;
pub mod scale;
pub mod svg;
pub mod words;
