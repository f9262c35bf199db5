//! Latencies: over time as a map, and as a distribution beside that of a control.

use super::chart::{Axis, Chart, Named, Room};
use super::legend::{Key, legend};
use super::scale::Scale;
use super::{each, figure, section as framed};
use crate::observe::{CELLS, Latency, Record, cell_start};
use crate::outcome::Outcome;
use crate::report::bands::bands;
use crate::report::shown::{Shown, shown};
use crate::report::words;
use crate::verdict::{Fate, number};
use seawall_core::time::Duration;
use seawall_plot::heat::Cell;

/// The rest that a distribution is drawn down to, if there are calls enough.
const REST: f64 = 1e-4;

/// The share of the fastest calls that are left out at the left edge.
const FAST: f64 = 0.01;

/// Latencies that are less than this much apart are one point of a distribution.
const FACTOR: f64 = 1.04;

pub(super) fn section(outcome: &Outcome, runs: &[Shown<'_>], control: Option<&Outcome>) -> String {
    let mut body = each(outcome, runs, map);
    let controls = control.map(shown).unwrap_or_default();
    let all = runs.iter().map(|run| match run.fate {
        Fate::Back => ("works", "a run that works at its end", run.record),
        Fate::Down => ("down", "a run that stays down", run.record),
    });
    let control = controls.first().map(|run| ("control", "the control", run.record));
    body.push_str(&distribution(&all.chain(control).collect::<Vec<_>>()));
    framed("Latency", &body)
}

/// The distributions of the typical runs of two outcomes.
pub(super) fn against(old: &Outcome, new: &Outcome) -> String {
    let (olds, news) = (shown(old), shown(new));
    let old = olds.first().map(|run| ("control", "old", run.record));
    let new = news.first().map(|run| ("works", "new", run.record));
    framed("Latency", &distribution(&old.into_iter().chain(new).collect::<Vec<_>>()))
}

fn map(run: &Shown<'_>) -> String {
    let heat = &run.record.series.heat;
    let used = |cell: &usize| heat.iter().any(|bucket| bucket.all(*cell) > 0);
    let (Some(low), Some(high)) = ((0..CELLS).find(used), (0..CELLS).rev().find(used)) else {
        return String::new();
    };
    let scale = Scale::Log(cell_start(low), cell_start(high + 2));
    let y = Axis::new(scale, "latency", words::time);
    let time = Axis::time(run.point.plan.horizon.as_secs_f64());
    let mut chart = Chart::new("Latency over time", Room::of(260.0), &time, &y);
    chart.bands(&bands(&run.point.plan, run.record), Named::No);
    shade(&mut chart, run.record, low..=high);
    for (class, share) in [("p50", 0.5), ("p99", 0.99)] {
        let length = run.record.bucket.as_secs_f64();
        let quantiles = heat.iter().enumerate().map(|(index, bucket)| {
            let middle = (number(index as u64) + 0.5) * length;
            (middle, bucket.quantile(share).unwrap_or(f64::NAN))
        });
        chart.path(class, quantiles);
    }
    let keys = [
        (Key::Line, "p50", "p50 of calls that ended well"),
        (Key::Line, "p99", "p99 of calls that ended well"),
        (Key::Fill, "h2", "few calls"),
        (Key::Fill, "h7", "many calls"),
    ];
    let picture = format!("{}{}", legend(&keys), chart.finish());
    let caption = "Shades are of all calls that ended, well or not, in steps of a factor of about \
                   2.5. Latency counts from the intended start of a call to its end, retries \
                   included.";
    figure("Latency over time", &picture, caption)
}

fn shade(chart: &mut Chart, record: &Record, cells: std::ops::RangeInclusive<usize>) {
    let length = record.bucket.as_secs_f64();
    let buckets = record.series.heat.iter().enumerate();
    let all = buckets.flat_map(|(index, heat)| {
        let start = number(index as u64) * length;
        cells.clone().map(move |cell| Cell {
            across: (start, start + length),
            up: (cell_start(cell), cell_start(cell + 1)),
            count: f64::from(heat.all(cell)),
        })
    });
    chart.heat(&all.collect::<Vec<_>>());
}

/// The latencies of calls that ended well, of several runs.
fn distribution(runs: &[(&str, &str, &Record)]) -> String {
    let all: Vec<_> = runs
        .iter()
        .map(|(class, name, record)| {
            let mut sum = Latency::default();
            record.loads.iter().for_each(|load| sum.merge(&load.latency));
            (*class, *name, sum)
        })
        .filter(|(_, _, latency)| latency.count() > 0)
        .collect();
    let most = all.iter().map(|(_, _, latency)| latency.count()).max().unwrap_or_default();
    if most == 0 {
        return String::new();
    }
    let rest = (1.0 / number(most)).clamp(REST, 0.05);
    let lines: Vec<_> = all.iter().map(|(class, _, latency)| (*class, line(latency))).collect();
    // The few fastest calls would take up half of the picture.
    let told = lines.iter().flat_map(|(_, line)| line.iter().filter(|(_, share)| *share > FAST));
    let times = told.map(|(time, _)| *time);
    let x = Axis::new(Scale::decades(times), "latency", words::time);
    let y = Axis::new(Scale::Nines(rest), "share of calls", words::share);
    let mut chart = Chart::new("Distribution of latency", Room::of(240.0), &x, &y);
    for (class, line) in &lines {
        chart.path(class, line.iter().copied());
    }
    let keys: Vec<_> = all.iter().map(|(class, name, _)| (Key::Line, *class, *name)).collect();
    let picture = format!("{}{}", legend(&keys), chart.finish());
    let caption = "The share of the calls that ended well within a time; the scale is stretched \
                   toward the slowest calls. Calls that failed are not in it.";
    figure("Distribution", &picture, caption)
}

fn line(latency: &Latency) -> Vec<(f64, f64)> {
    let total = number(latency.count().max(1));
    let mut seen = 0;
    let buckets = latency.buckets(Duration::from_micros(1), FACTOR).into_iter();
    let filled = buckets.filter(|(_, count)| *count > 0);
    filled
        .map(|(time, count)| {
            seen += count;
            (time, number(seen) / total)
        })
        .collect()
}
