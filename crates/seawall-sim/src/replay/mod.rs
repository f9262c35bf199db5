//! What another config would have done on a day that was recorded.
//!
//! A [`Recording`] holds what `seawall run --record` wrote; [`Recording::replay`] makes a plan of
//! it and of a config, whose world is run as any other; [`compare`] puts what was beside what
//! would have been. How services behave in such a world is in [`crate::trace`], and what all this
//! can and cannot tell in `docs/replay.md`.
//!
//! ```
//! use seawall_config::Config;
//! use seawall_config::record::Reader;
//! use seawall_sim::chance::Seed;
//! use seawall_sim::replay::{Bounds, Recording, compare};
//! use seawall_sim::world::World;
//!
//! let day = concat!(
//!     r#"{"seawall_record":{"version":1,"started_unix_us":0,"config":"0000000000000000","#,
//!     r#""routes":[{"name":"pay","upstream":"shop"}],"#,
//!     r#""upstreams":[{"name":"shop","endpoints":1}]}}"#,
//!     "\n",
//!     r#"{"call":{"t":12,"r":"pay","m":"idempotent","#,
//!     r#""n":[{"e":0,"o":5,"l":900,"c":"success","s":200}],"v":"answer","s":200,"l":950}}"#,
//!     "\n",
//! );
//! let config = "[upstreams.shop]\nendpoints = [\"127.0.0.1:1\"]\n\
//!               [[routes]]\nname = \"pay\"\npath = \"/\"\nupstream = \"shop\"\n";
//! let config = Config::parse(config, "new.toml").expect("a config without mistakes");
//! let reader = Reader::new(day.as_bytes(), "day.jsonl").expect("it has a header");
//! let recording = Recording::read(reader, &Bounds::default()).expect("it holds a call");
//! let replay = recording.replay(&config).expect("its route is in the config");
//! let would = World::run(replay.plan.clone(), Seed::new(1));
//! let comparison = compare(&recording, &replay, &would);
//! assert_eq!(comparison.all.was.calls, 1);
//! assert!((comparison.all.would.success() - 1.0).abs() < 1e-9);
//! ```

mod compare;
mod error;
mod note;
mod plan;
mod read;
mod tally;

#[cfg(test)]
mod tests;

pub use compare::{Comparison, Row, compare};
pub use error::ReplayError;
pub use note::Note;
pub use plan::Replay;
pub use read::{Bounds, Recording};
pub use tally::Tally;
