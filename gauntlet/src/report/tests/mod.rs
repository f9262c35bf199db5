//! Reports of results made by hand.

mod made;
mod page;
mod target;
mod told;
