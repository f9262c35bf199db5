//! One measurement: a product, a row, some seconds of load.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::arena::Arena;
use crate::peer::{Cost, Running, pause};
use crate::stamp::Stamp;

use super::backend::Backend;
use super::results::Sample;
use super::row::Row;
use super::tool::{Load, Wish};

/// How long load runs before it is measured.
const WARM_UP_SECONDS: u32 = 1;

/// Load begins and ends raggedly; so much at either end is not counted.
const EDGE: Duration = Duration::from_millis(150);

/// What all measurements of a row share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bench<'a> {
    pub(super) arena: &'a Arena,
    pub(super) backend: &'a Backend,
    pub(super) row: Row,
    pub(super) seconds: u32,
    pub(super) rate: u32,
    pub(super) folder: &'a Path,
}

/// What is read at both ends of the measured time.
struct Reading {
    at: Stamp,
    cost: Cost,
    served: u64,
}

impl Bench<'_> {
    /// Measures what `running` does.
    pub(super) fn sample(&self, running: &Running<'_>) -> io::Result<Sample> {
        let wish = |seconds| Wish {
            row: self.row,
            to: running.address(),
            seconds,
            rate: self.rate,
            folder: self.folder,
        };
        Load::start(self.arena, &wish(WARM_UP_SECONDS))?.hear()?;
        let load = Load::start(self.arena, &wish(self.seconds))?;
        let whole = Duration::from_secs(u64::from(self.seconds));
        pause(EDGE);
        let before = self.read(running);
        pause(whole.saturating_sub(EDGE * 2));
        let after = self.read(running);
        let heard = load.hear()?;
        let served = after.served.saturating_sub(before.served);
        if served == 0 {
            return Err(io::Error::other("no request came through"));
        }
        let nanos = after.at.since(before.at).max(1);
        Ok(Sample {
            rate: rate(served, nanos),
            user: after.cost.user.saturating_sub(before.cost.user) / served,
            kernel: after.cost.kernel.saturating_sub(before.cost.kernel) / served,
            p50: heard.p50,
            p99: heard.p99,
            resident: after.cost.resident,
            failed: heard.failed,
        })
    }

    fn read(&self, running: &Running<'_>) -> Reading {
        Reading { at: Stamp::now(), cost: running.cost(), served: self.backend.served() }
    }
}

fn rate(served: u64, nanos: u64) -> u64 {
    let rate = u128::from(served) * 1_000_000_000 / u128::from(nanos);
    u64::try_from(rate).unwrap_or(u64::MAX)
}
