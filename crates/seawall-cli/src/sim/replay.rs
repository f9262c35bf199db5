//! `seawall sim --replay`: what another config would have done on a recorded day.
//!
//! How a day is told again is in `seawall_sim::replay`; here it is asked for and written.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value, json};

use seawall_config::Config;
use seawall_sim::chance::Seed;
use seawall_sim::observe::End;
use seawall_sim::replay::{Bounds, Comparison, Note, Recording, Row, Tally, compare};
use seawall_sim::world::World;

/// A record in place of a scenario.
#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// Replay this record, which `seawall run --record` wrote, under the config given by -c
    #[arg(long, value_name = "FILE", conflicts_with = "scenario", requires = "config")]
    pub(super) replay: Option<PathBuf>,

    /// Also replay it under the config that it was recorded with, as a check of the method
    #[arg(long, value_name = "CONFIG", requires = "replay")]
    pub(super) old: Option<PathBuf>,
}

/// What is replayed, under what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    pub(super) record: &'a Path,
    pub(super) config: &'a Path,
    pub(super) old: Option<&'a Path>,
    pub(super) seed: u64,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Answer {
    would: Comparison,
    notes: Vec<Note>,
    /// The same under the config of the record.
    check: Option<Comparison>,
}

/// The quantiles that are shown.
const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99_9", 0.999)];

impl Request<'_> {
    /// Reads the record, and lives the day again, once for each config.
    ///
    /// # Errors
    /// What cannot be read or replayed, in words.
    pub(super) fn answer(self) -> Result<Answer, String> {
        let load = |path: &Path| Config::load(path).map_err(|error| error.to_string());
        // Mistakes in a config are found at once, and a record takes its time.
        let (new, old) = (load(self.config)?, self.old.map(load).transpose()?);
        let recording = Recording::open(self.record, &Bounds::default());
        let recording = recording.map_err(|error| error.to_string())?;
        let (would, mut notes) = self.under(&recording, &new)?;
        let check = old.map(|old| self.under(&recording, &old)).transpose()?;
        let check = check.map(|(check, more)| {
            let new = more.into_iter().filter(|note| !notes.contains(note)).collect::<Vec<_>>();
            notes.extend(new.into_iter().filter(|note| *note != Note::SameConfig));
            check
        });
        Ok(Answer { would, notes, check })
    }

    fn under(
        self,
        recording: &Recording,
        config: &Config,
    ) -> Result<(Comparison, Vec<Note>), String> {
        let replay = recording.replay(config).map_err(|error| error.to_string())?;
        let record = World::run(replay.plan.clone(), Seed::new(self.seed));
        Ok((compare(recording, &replay, &record), replay.notes))
    }

    /// The command that gives the same answer again.
    pub(super) fn command(self) -> String {
        let (record, config) = (self.record.display(), self.config.display());
        let old = self.old.map(|old| format!(" --old {}", old.display())).unwrap_or_default();
        format!("seawall sim --replay {record} -c {config}{old} --seed {}", self.seed)
    }
}

impl Answer {
    /// A table for each route, one for all, and what must be known of them.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let several = self.would.routes.len() > 1;
        for pair in self.routes().filter(|_| several).chain([self.all()]) {
            table(&mut text, pair);
        }
        for note in &self.notes {
            line(&mut text, format_args!("note: {note}"));
        }
        text
    }

    /// The same for programs.
    pub(super) fn json(&self, request: Request<'_>) -> Value {
        let row = |(row, check): (&Row, Option<&Tally>)| {
            json!({
                "name": row.name,
                "was": numbers(&row.was),
                "would": numbers(&row.would),
                "check": check.map(numbers),
            })
        };
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "command": request.command(),
            "seed": request.seed,
            "routes": self.routes().map(row).collect::<Vec<_>>(),
            "all": row(self.all()),
            "same_config": self.notes.contains(&Note::SameConfig),
            "notes": self.notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    }

    /// Each route, and what the config of the record would have made of the same calls.
    fn routes(&self) -> impl Iterator<Item = (&Row, Option<&Tally>)> {
        self.would.routes.iter().map(|row| {
            let mut same = self.check.iter().flat_map(|check| &check.routes);
            let check = same.find(|of| of.name == row.name);
            (row, check.map(|of| &of.would))
        })
    }

    fn all(&self) -> (&Row, Option<&Tally>) {
        (&self.would.all, self.check.as_ref().map(|check| &check.all.would))
    }
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    *text += &format!("{line}\n");
}

/// What was, what would have been, and what the old config would have made of it.
fn table(text: &mut String, (row, check): (&Row, Option<&Tally>)) {
    let columns: Vec<&Tally> = [&row.was, &row.would].into_iter().chain(check).collect();
    let heads = ["was", "would be", "old config"].into_iter().take(columns.len());
    let heads: String = heads.map(|head| format!("{head:>12}")).collect();
    line(text, format_args!("{:<24}{heads}", row.name));
    let mut put = |name: &str, of: &dyn Fn(&Tally) -> String| {
        let cells: String = columns.iter().map(|tally| format!("{:>12}", of(tally))).collect();
        line(text, format_args!("  {name:<22}{cells}"));
    };
    put("calls", &|tally| tally.calls.to_string());
    put("success", &|tally| format!("{:.3}%", tally.success() * 100.0));
    for (name, share) in QUANTILES {
        let of = |tally: &Tally| format!("{:.2}ms", tally.latency.quantile(share) * 1e3);
        put(&name.replace('_', "."), &of);
    }
    put("attempts per call", &|tally| format!("{:.3}", tally.attempts_per_call()));
    for (name, count) in counts(&columns) {
        put(&name, &count);
    }
}

/// One count of a tally, by its name in the table.
type Count = (String, Box<dyn Fn(&Tally) -> String>);

/// The ways in which calls did not end well, and why, as far as there are any.
fn counts(columns: &[&Tally]) -> Vec<Count> {
    let bad = End::ALL.into_iter().filter(|end| *end != End::Good);
    let ends = bad.filter(|end| columns.iter().any(|tally| count(tally, *end) > 0));
    let ends = ends.map(|end| {
        let of: Box<dyn Fn(&Tally) -> String> =
            Box::new(move |tally| count(tally, end).to_string());
        (ended(end).to_owned(), of)
    });
    let unfinished = columns.iter().any(|tally| tally.unfinished() > 0).then(|| {
        let of: Box<dyn Fn(&Tally) -> String> = Box::new(|tally| tally.unfinished().to_string());
        ("unfinished".to_owned(), of)
    });
    let reasons = columns.iter().flat_map(|tally| tally.reasons.keys().copied());
    let reasons: BTreeSet<&'static str> = reasons.collect();
    let reasons = reasons.into_iter().map(|reason| {
        let of: Box<dyn Fn(&Tally) -> String> = Box::new(move |tally| {
            tally.reasons.get(reason).copied().unwrap_or_default().to_string()
        });
        (format!("  {reason}"), of)
    });
    ends.chain(unfinished).chain(reasons).collect()
}

fn count(tally: &Tally, end: End) -> u64 {
    tally.ends.get(end.index()).copied().unwrap_or_default()
}

/// How a call ended, as its caller sees it.
const fn ended(end: End) -> &'static str {
    match end {
        End::TimedOut => "caller left",
        other => other.name(),
    }
}

fn numbers(tally: &Tally) -> Value {
    let quantiles = QUANTILES.map(|(name, share)| (name, tally.latency.quantile(share)));
    let mean = [("mean", tally.latency.mean())];
    let latency = quantiles.into_iter().chain(mean);
    let latency: Map<_, _> =
        latency.map(|(name, seconds)| (name.to_owned(), json!(seconds))).collect();
    let ends = End::ALL.map(|end| (ended(end).replace(' ', "_"), json!(count(tally, end))));
    json!({
        "calls": tally.calls,
        "success_rate": tally.success(),
        "attempts": tally.attempts,
        "attempts_per_call": tally.attempts_per_call(),
        "ends": ends.into_iter().collect::<Map<_, _>>(),
        "unfinished": tally.unfinished(),
        "reasons": tally.reasons,
        "latency": latency,
    })
}
