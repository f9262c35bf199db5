//! The pictures of one scenario: all products over the same time, under the same fault.

use seawall_plot::chart::{Axis, Band, Chart, Named, Room};
use seawall_plot::legend::{Key, legend};
use seawall_plot::page::figure;
use seawall_plot::scale::Scale;
use seawall_plot::svg::escaped;
use seawall_plot::words;

use super::{heat, small};
use crate::measure::{CLASSES, Course, Curve, Second, number};
use crate::report::names;
use crate::report::results::{Entrant, Measured, Results, Told};

/// A product in the run that is shown of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'a> {
    pub(super) entrant: &'a Entrant,
    pub(super) run: &'a Measured,
}

impl Shown<'_> {
    pub(super) fn course(&self) -> &Course {
        &self.run.figures.course
    }

    /// A number of each second against its middle.
    pub(super) fn points(&self, of: impl Fn(&Second) -> f64) -> Vec<(f64, f64)> {
        let seconds = self.course().seconds.iter().enumerate();
        seconds.map(|(at, second)| (number(at as u64) + 0.5, of(second))).collect()
    }
}

pub(super) fn section(results: &Results, told: &Told) -> String {
    let shown = shown(results, told);
    if shown.is_empty() {
        return String::new();
    }
    let (id, name, about) = (escaped(&told.id), escaped(&told.name), escaped(&told.about));
    let mut body = format!("<section>\n<h2 id=\"{id}\">{id} {name}</h2>\n<p>{about}</p>\n");
    body.push_str(&goodput(&shown, told));
    body.push_str(&small::errors(&shown, told));
    body.push_str(&attempts(&shown, told));
    body.push_str(&small::shares(&shown, told));
    body.push_str(&heat::maps(&shown, told));
    body.push_str(&curves(&shown));
    body.push_str(&small::numbers(results, told, &shown));
    body.push_str("</section>\n");
    body
}

/// Of each product the run in the middle by errors.
fn shown<'a>(results: &'a Results, told: &Told) -> Vec<Shown<'a>> {
    let each = results.entrants.iter().filter_map(|entrant| {
        let mut runs = results.cell(entrant, &told.id);
        runs.sort_by_key(|run| (run.figures.errors, run.key.seed));
        let run = runs.get(runs.len().checked_sub(1)? / 2)?;
        Some(Shown { entrant, run })
    });
    each.collect()
}

/// The time of all products.
pub(super) fn time(shown: &[Shown<'_>]) -> Axis {
    let longest = shown.iter().map(|one| one.course().seconds.len()).max().unwrap_or_default();
    Axis::time(number(longest as u64))
}

/// The fault: of all products at the same offset, but for what the runner was late.
pub(super) fn bands(shown: &[Shown<'_>], told: &Told) -> Vec<Band> {
    let harm = shown.first().and_then(|one| one.course().harm);
    let band = harm.map(|(from, to)| Band { from, to, name: told.name.clone() });
    band.into_iter().collect()
}

fn goodput(shown: &[Shown<'_>], told: &Told) -> String {
    let offered = shown.first().map(|one| one.points(|second| number(second.offered())));
    let offered = offered.unwrap_or_default();
    let lines: Vec<_> =
        shown.iter().map(|one| (one, one.points(|second| number(second.ok())))).collect();
    let all = lines.iter().flat_map(|(_, points)| points).chain(&offered).map(|(_, y)| *y);
    // Room above the lines for the name of the fault.
    let y = Axis::new(Scale::up_to(all.map(|y| y * 1.2)), "requests a second", words::number);
    let mut chart = Chart::new("Goodput over time", Room::of(200.0), &time(shown), &y);
    chart.bands(&bands(shown, told), Named::Yes);
    chart.path("offered", offered.into_iter());
    for (one, points) in lines {
        chart.path(&names::class(one.entrant), points.into_iter());
    }
    let keys = [(Key::Line, "offered".to_owned(), "asked".to_owned())];
    let picture = format!("{}{}", keyed(shown, &keys), chart.finish());
    let caption = "Requests of each second that were answered rightly and in time.";
    figure("Goodput", &picture, caption)
}

fn attempts(shown: &[Shown<'_>], told: &Told) -> String {
    let lines: Vec<_> = shown
        .iter()
        .map(|one| (one, one.points(|second| second.amplification().unwrap_or(f64::NAN))))
        .collect();
    let all = lines.iter().flat_map(|(_, points)| points).map(|(_, y)| *y);
    let y = Axis::new(Scale::up_to(all.chain([1.0])), "for each request", words::number);
    let time = time(shown);
    let mut chart = Chart::new("Attempts for each request", Room::of(120.0), &time, &y);
    chart.bands(&bands(shown, told), Named::No);
    for (one, points) in lines {
        chart.path(&names::class(one.entrant), points.into_iter());
    }
    let picture = format!("{}{}", keyed(shown, &[]), chart.finish());
    figure("Attempts ÷ requests", &picture, "What retries and hedges multiply.")
}

/// The rest that distributions are drawn down to.
const REST: f64 = 1e-3;

fn curves(shown: &[Shown<'_>]) -> String {
    let line = |curve: &Curve| -> Vec<(f64, f64)> {
        curve.0.iter().map(|(step, nanos)| (number(*nanos) / 1e9, number(*step) / 1e3)).collect()
    };
    let lines: Vec<_> = shown
        .iter()
        .map(|one| (one, line(&one.run.figures.control_curve), line(&one.run.figures.fault_curve)))
        .collect();
    let times = lines.iter().flat_map(|(_, calm, struck)| calm.iter().chain(struck));
    let x = Axis::new(Scale::decades(times.map(|(x, _)| *x)), "latency", words::time);
    let y = Axis::new(Scale::Nines(REST), "share of requests", words::share);
    let mut chart = Chart::new("Distribution of latency", Room::of(220.0), &x, &y);
    for (one, calm, struck) in lines {
        let class = names::class(one.entrant);
        chart.path(&format!("{class} calm-of"), calm.into_iter());
        chart.path(&class, struck.into_iter());
    }
    let picture = format!("{}{}", keyed(shown, &[]), chart.finish());
    let caption = "The share of requests that were answered within a time in the fault phase, and \
                   in control (thin and dotted). A failed request counts as 5 s.";
    figure("Latency, control against fault", &picture, caption)
}

/// A legend of the products and of something more.
fn keyed(shown: &[Shown<'_>], more: &[(Key, String, String)]) -> String {
    let products =
        shown.iter().map(|one| (Key::Line, names::class(one.entrant), names::entrant(one.entrant)));
    let all: Vec<_> = products.chain(more.iter().cloned()).collect();
    let all: Vec<_> = all.iter().map(|(key, class, name)| (*key, &**class, &**name)).collect();
    legend(&all)
}

/// Classes of error that occur in any of these runs, by their places.
pub(super) fn seen(shown: &[Shown<'_>]) -> Vec<usize> {
    let used = |place: &usize| {
        let mut seconds = shown.iter().flat_map(|one| &one.course().seconds);
        seconds.any(|second| second.classes.get(*place).is_some_and(|count| *count > 0))
    };
    (1..CLASSES.len()).filter(used).collect()
}
