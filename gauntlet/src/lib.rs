//! The gauntlet: what users of a gateway feel while the things behind it fail, measured for
//! Seawall and its peers in the same run.
//!
//! A run is drawn from a seed (`stream`), laid out in an `arena`, driven by `load` against a
//! product (`peer`) in front of replicas (`stub`), disturbed by `fault`s, some of them through a
//! `relay`, and written down in `record`s. `measure` makes figures of the records and `report`
//! shows them; `rehearse` sets beside them what the simulator says. `throughput` is another
//! benchmark in the same arena: what a request costs. A `soak` asks what is left behind by half an
//! hour of faults. A `run` is carried out many times in a `matrix`, which the command line (`cli`)
//! asks for.

pub mod arena;
pub mod cli;
pub mod control;
pub mod fault;
pub mod load;
pub mod matrix;
pub mod measure;
pub mod peer;
pub mod process;
pub mod record;
pub mod rehearse;
pub mod relay;
pub mod report;
pub mod run;
pub mod scenario;
pub mod soak;
pub mod stamp;
pub mod stream;
pub mod stub;
pub mod throughput;
pub mod timer;
pub mod wire;

#[cfg(test)]
mod testing;
