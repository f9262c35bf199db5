//! A run over time: calls, attempts, refusals, what policies did, and what all of it cost.

use super::chart::{Axis, Chart, LINE, Named, Room};
use super::figure;
use super::legend::{Key, legend};
use super::scale::Scale;
use super::svg::Area;
use crate::observe::{Bucket, Record, Tally};
use crate::report::bands::{Band, bands, seconds};
use crate::report::shown::Shown;
use crate::report::words;
use crate::verdict::number;
use seawall_core::breaker::BreakerEvent;
use seawall_core::outlier::OutlierEvent;
use seawall_core::upstream::What;

/// What there was in each bucket, over all loads and services.
#[derive(Debug, Default)]
struct Piece {
    calls: Bucket,
    tally: Tally,
    arrived: u64,
    wanted: f64,
    wasted: f64,
}

/// The pieces of a run and the times of their middles.
struct Line {
    pieces: Vec<Piece>,
    length: f64,
    horizon: f64,
    bands: Vec<Band>,
    /// Whether gateways make attempts of their own.
    guarded: bool,
}

pub(super) fn pictures(shown: &Shown<'_>) -> String {
    let line = Line::of(shown);
    let mut body = String::new();
    if line.pieces.iter().any(|piece| piece.calls.started > 0) {
        body.push_str(&line.rates(&lanes(shown.record, &line)));
        body.push_str(&line.factors());
        body.push_str(&line.waste());
    } else {
        body.push_str("<p>No call began in this run.</p>\n");
    }
    body
}

impl Line {
    fn of(shown: &Shown<'_>) -> Self {
        let record = shown.record;
        let count = record.series.tallies.len();
        let piece = |index: usize| {
            let tally = record.series.tallies.get(index).copied().unwrap_or_default();
            let mut piece = Piece { tally, ..Piece::default() };
            for calls in record.loads.iter().filter_map(|load| load.timeline.get(index)) {
                piece.calls.started += calls.started;
                piece.calls.attempts += calls.attempts;
                piece.calls.good += calls.good;
                piece.calls.bad += calls.bad;
            }
            for work in record.services.iter().filter_map(|all| all.timeline.get(index)) {
                piece.arrived += work.arrived;
                piece.wanted += work.wanted;
                piece.wasted += work.wasted;
            }
            piece
        };
        Self {
            pieces: (0..count).map(piece).collect(),
            length: record.bucket.as_secs_f64().max(1e-9),
            horizon: shown.point.plan.horizon.as_secs_f64(),
            bands: bands(&shown.point.plan, record),
            guarded: !shown.point.plan.gateways.is_empty(),
        }
    }

    /// A number of each bucket against its middle.
    fn points(&self, of: impl Fn(&Piece) -> f64) -> Vec<(f64, f64)> {
        let middle = |index: usize| (number(index as u64) + 0.5) * self.length;
        self.pieces.iter().enumerate().map(|(index, piece)| (middle(index), of(piece))).collect()
    }

    fn rate(&self, of: fn(&Piece) -> u64) -> Vec<(f64, f64)> {
        self.points(|piece| number(of(piece)) / self.length)
    }

    fn rates(&self, lanes: &[Lane]) -> String {
        let mut series = vec![
            ("offered", "offered", self.rate(|piece| piece.calls.started)),
            ("attempts", "attempts of loads", self.rate(|piece| piece.calls.attempts)),
            ("gateway", "attempts of gateways", self.rate(|piece| sent(&piece.tally))),
            ("refusals", "refusals", self.rate(|piece| piece.tally.refused)),
            ("goodput", "goodput", self.rate(|piece| piece.calls.good)),
        ];
        series.retain(|(class, _, points)| match *class {
            "gateway" => self.guarded,
            "refusals" => points.iter().any(|(_, rate)| *rate > 0.0),
            _ => true,
        });
        let all = series.iter().flat_map(|(_, _, points)| points.iter().map(|(_, rate)| *rate));
        let y = Axis::new(Scale::up_to(all), "calls a second", words::number);
        let room = Room { lanes: lanes.len(), ..Room::of(240.0) };
        let mut chart = Chart::new("Calls a second over time", room, &Axis::time(self.horizon), &y);
        chart.bands(&self.bands, Named::Yes);
        for (class, _, points) in &series {
            chart.path(class, points.iter().copied());
        }
        self.draw_lanes(&mut chart, lanes);
        let mut keys: Vec<_> =
            series.iter().map(|(class, name, _)| (Key::Line, *class, *name)).collect();
        keys.push((Key::Fill, "band", "something is wrong"));
        let picture = format!("{}{}", legend(&keys), chart.finish());
        let caption = if lanes.is_empty() {
            "Calls count when they begin (offered) and when they end well (goodput)."
        } else {
            "Calls count when they begin (offered) and when they end well (goodput). Ticks below: \
             what policies did, the stronger the more often."
        };
        figure("Offered load, goodput and attempts", &picture, caption)
    }

    fn draw_lanes(&self, chart: &mut Chart, lanes: &[Lane]) {
        let mut top = chart.area.bottom + 28.0;
        for lane in lanes {
            chart.svg.text("tick end", (chart.area.left - 6.0, top + 10.0), lane.name);
            let most = lane.counts.iter().copied().max().unwrap_or_default();
            for (index, count) in lane.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                let start = number(index as u64) * self.length;
                let ends = (chart.across(start), chart.across(start + self.length));
                let (Some(left), Some(right)) = ends else { continue };
                let area = Area { left, right: right.max(left + 1.5), top, bottom: top + 11.0 };
                let title = format!("{}: {count} at {}", lane.name, words::time(start));
                chart.svg.rect(shade(*count, most), area, &title);
            }
            top += LINE;
        }
    }

    fn factors(&self) -> String {
        let ratio = |of: fn(&Piece) -> u64| {
            self.points(|piece| match piece.calls.started {
                0 => f64::NAN,
                calls => number(of(piece)) / number(calls),
            })
        };
        let callers = ratio(|piece| piece.calls.attempts);
        let all = ratio(|piece| piece.arrived);
        let values = callers.iter().chain(&all).map(|(_, factor)| *factor);
        let y = Axis::new(Scale::up_to(values.chain([1.0])), "for each call", words::number);
        let time = Axis::time(self.horizon);
        let mut chart = Chart::new("Attempts for each call over time", Room::of(110.0), &time, &y);
        chart.bands(&self.bands, Named::No);
        chart.path("one", [(0.0, 1.0), (self.horizon, 1.0)].into_iter());
        chart.path("gateway", all.into_iter());
        chart.path("attempts", callers.into_iter());
        let keys = [
            (Key::Line, "attempts", "attempts of loads ÷ calls"),
            (Key::Line, "gateway", "requests at all services ÷ calls"),
        ];
        let picture = format!("{}{}", legend(&keys), chart.finish());
        figure("Attempts ÷ calls", &picture, "What retries, hedges and fan-out multiply.")
    }

    fn waste(&self) -> String {
        let share = self.points(|piece| {
            let all = piece.wanted + piece.wasted;
            if all > 0.0 { piece.wasted / all } else { f64::NAN }
        });
        if share.iter().all(|(_, share)| share.is_nan()) {
            return String::new();
        }
        let y = Axis::new(Scale::Linear(0.0, 1.0), "share of work", words::share);
        let twice: Vec<u64> = self.pieces.iter().map(|piece| piece.tally.duplicates).collect();
        let lane = Lane { name: "duplicates", counts: twice };
        let lanes: Vec<Lane> = [lane].into_iter().filter(Lane::is_used).collect();
        let room = Room { lanes: lanes.len(), ..Room::of(90.0) };
        let mut chart = Chart::new("Wasted work over time", room, &Axis::time(self.horizon), &y);
        chart.bands(&self.bands, Named::No);
        let known = share.iter().filter(|(_, share)| share.is_finite());
        let ribbon: Vec<_> = known.map(|(at, share)| (*at, 0.0, *share)).collect();
        chart.ribbon("wasted", &ribbon);
        self.draw_lanes(&mut chart, &lanes);
        let picture = format!("{}{}", legend(&[(Key::Fill, "wasted", "wasted")]), chart.finish());
        figure("Wasted work", &picture, "Work of services that nobody waited for when it was done.")
    }
}

const fn sent(tally: &Tally) -> u64 {
    tally.firsts + tally.retries + tally.hedges
}

/// A row of ticks.
#[derive(Debug)]
struct Lane {
    name: &'static str,
    counts: Vec<u64>,
}

impl Lane {
    fn is_used(&self) -> bool {
        self.counts.iter().any(|count| *count > 0)
    }
}

/// What policies did, kind by kind; only kinds that there were.
fn lanes(record: &Record, line: &Line) -> Vec<Lane> {
    let tally = |name, of: fn(&Tally) -> u64| Lane {
        name,
        counts: record.series.tallies.iter().map(of).collect(),
    };
    let marks = |name, wanted: fn(What) -> bool| {
        let mut counts = vec![0; line.pieces.len()];
        for mark in record.marks.iter().filter(|mark| wanted(mark.event.what)) {
            let at = seconds(mark.event.at);
            let place = (1..counts.len() as u64).take_while(|n| number(*n) * line.length <= at);
            if let Some(count) = counts.get_mut(place.count()) {
                *count += 1;
            }
        }
        Lane { name, counts }
    };
    let all = [
        marks("trips", |what| matches!(what, What::Breaker(BreakerEvent::Opened { .. }))),
        marks("closings", |what| matches!(what, What::Breaker(BreakerEvent::Closed { .. }))),
        marks("ejections", |what| matches!(what, What::Outlier(OutlierEvent::Ejected { .. }))),
        marks("returns", |what| matches!(what, What::Outlier(OutlierEvent::Returned { .. }))),
        marks("panic", |what| matches!(what, What::PanicEntered)),
        tally("retries", |tally| tally.retries),
        tally("hedges", |tally| tally.hedges),
        tally("no budget", |tally| tally.denied),
        tally("shed", |tally| tally.shed),
    ];
    all.into_iter().filter(Lane::is_used).collect()
}

/// Four shades, so that a single event is seen beside a thousand.
const fn shade(count: u64, most: u64) -> &'static str {
    match count.saturating_mul(4) {
        four if four > most.saturating_mul(2) => "tick4",
        four if four > most => "tick3",
        four if four.saturating_mul(4) > most => "tick2",
        _ => "tick1",
    }
}
