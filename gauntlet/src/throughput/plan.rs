//! The order of the measurements.
//!
//! For each row, each round gives every column its turn, beginning with another one each time; a
//! direct measurement comes right before each. A product is started anew for each turn.

use std::io;
use std::path::Path;

use crate::arena::{Arena, Seat};
use crate::peer::{self, Product, Running, Settings, Wanted};

use super::backend::Backend;
use super::cell::Bench;
use super::host::Host;
use super::results::{Cell, Results, RowResults, Sample, outcome};
use super::row::{Row, Who};
use super::{Args, Failed, idle};

/// Requests a second of the row at a constant rate where no row before it says what half is.
const RATE: u32 = 4_000;

/// What is to be measured.
#[derive(Debug)]
pub(super) struct Plan {
    rows: Vec<Row>,
    columns: Vec<Who>,
    settings: Settings,
    rounds: u32,
    seconds: u32,
    idle: u32,
    rate: Option<u32>,
}

/// What one column has so far.
struct Column {
    who: Who,
    samples: Vec<Sample>,
    why: Option<String>,
}

impl Column {
    const fn new(who: Who) -> Self {
        Self { who, samples: Vec::new(), why: None }
    }

    fn take(&mut self, found: Result<Sample, String>) {
        match found {
            Ok(sample) => self.samples.push(sample),
            Err(why) => self.why = Some(why),
        }
    }

    fn cell(self) -> Cell {
        Cell { who: self.who, outcome: outcome(self.samples, self.why) }
    }
}

impl Plan {
    pub(super) fn of(args: &Args) -> Self {
        let wanted = |row: &Row| args.rows.is_empty() || args.rows.contains(row);
        let mut columns: Vec<Who> = args.peers.iter().copied().map(Who::Plain).collect();
        if args.peers.contains(&Product::Seawall) {
            columns.push(Who::LimitAndLog);
        }
        Self {
            rows: Row::ALL.into_iter().filter(wanted).collect(),
            columns,
            settings: args.config.into(),
            rounds: if args.quick { 1 } else { args.rounds },
            seconds: if args.quick { 1 } else { args.seconds },
            idle: if args.quick { 1_000 } else { 10_000 },
            rate: args.rate,
        }
    }

    pub(super) fn carry_out(
        &self,
        arena: &Arena,
        tell: &mut dyn FnMut(&str),
    ) -> Result<Results, Failed> {
        let mut products: Vec<Product> = self.columns.iter().map(|who| who.product()).collect();
        products.sort_unstable();
        products.dedup();
        for product in &products {
            tell(&format!("making {product} ready"));
            // Why it is not is said in each of its cells.
            let _ready = peer::present(*product);
        }
        let mut results = Results {
            host: Host::of(arena.cores(), &products),
            settings: self.settings,
            rounds: self.rounds,
            seconds: self.seconds,
            rows: Vec::new(),
        };
        for row in &self.rows {
            let row = self.row(*row, (arena, self.rate_after(&results)), tell)?;
            results.rows.push(row);
        }
        Ok(results)
    }

    /// Half of what the slowest product did over 64 connections.
    fn rate_after(&self, results: &Results) -> u32 {
        let measured = results.row(Row::H1x64);
        let cells = measured.iter().flat_map(|row| &row.cells);
        let slowest = cells.filter_map(|cell| Some(cell.median()?.rate)).min();
        let half = slowest.and_then(|rate| u32::try_from(rate / 2).ok());
        self.rate.or(half).unwrap_or(RATE)
    }

    fn row(
        &self,
        row: Row,
        (arena, rate): (&Arena, u32),
        tell: &mut dyn FnMut(&str),
    ) -> Result<RowResults, Failed> {
        let size = match row {
            Row::Half => Some(rate),
            Row::Idle => Some(self.idle),
            _ => None,
        };
        let mut results = RowResults { row, about: row.about(), size, cells: Vec::new() };
        if !row.is_open() {
            return Ok(results);
        }
        let folder = scratch(row)?;
        let backend = Backend::start(row.bytes())?;
        let seconds = self.seconds;
        let bench = Bench { arena, backend: &backend, row, seconds, rate, folder: &folder };
        let mut direct = Column::new(Who::Plain(Product::Direct));
        let mut columns: Vec<Column> = self.columns.iter().copied().map(Column::new).collect();
        for round in 0..self.rounds {
            let first = usize::try_from(round).unwrap_or(0) % columns.len().max(1);
            columns.rotate_left(first);
            for column in &mut columns {
                tell(&format!("{}: {}, round {}", row.about(), column.who, round + 1));
                if row != Row::Idle {
                    direct.take(self.turn(direct.who, &bench));
                }
                column.take(self.turn(column.who, &bench));
            }
        }
        columns.sort_by_key(|column| self.columns.iter().position(|who| *who == column.who));
        let direct = (row != Row::Idle).then_some(direct);
        results.cells = direct.into_iter().chain(columns).map(Column::cell).collect();
        // What is left of it is of no use; the system's own broom finds it.
        let _left = std::fs::remove_dir_all(&folder);
        Ok(results)
    }

    /// Starts a product, measures it, stops it.
    fn turn(&self, who: Who, bench: &Bench<'_>) -> Result<Sample, String> {
        let listen = bench.arena.address(Seat::Gateway, 8080);
        let endpoints = vec![bench.backend.address()];
        let wanted = Wanted {
            protocol: bench.row.protocol(),
            extras: who.extras(),
            ..Wanted::new(self.settings, listen, endpoints)
        };
        let folder = bench.folder.join(who.to_string());
        let started = peer::start(who.product(), &wanted, bench.arena, &folder);
        let running = started.map_err(|why| why.to_string())?;
        let found = self.sample(&running, bench);
        running.stop();
        let log = folder.join(format!("{}.log", who.product()));
        // A log of each call is long.
        let _absent = std::fs::remove_file(log);
        found.map_err(|why| why.to_string())
    }

    fn sample(&self, running: &Running<'_>, bench: &Bench<'_>) -> io::Result<Sample> {
        match bench.row {
            Row::Idle => idle::sample(running, self.idle),
            _ => bench.sample(running),
        }
    }
}

/// A folder for what products and tools write.
fn scratch(row: Row) -> io::Result<std::path::PathBuf> {
    let name = format!("gauntlet-throughput-{}-{row:?}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder)?;
    Path::canonicalize(&folder)
}
