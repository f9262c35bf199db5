//! Latency over time as a map of shades, with the lines of p50 and p99: one for each product, side
//! by side on the same scale.

use seawall_plot::chart::{Axis, Chart, Named};
use seawall_plot::heat::Cell;
use seawall_plot::legend::{Key, legend};
use seawall_plot::scale::Scale;
use seawall_plot::words;

use super::scenario::{Shown, bands, time};
use super::small::{SMALL, under};
use crate::measure::{cell_start, number};
use crate::report::results::Told;

pub(super) fn maps(shown: &[Shown<'_>], told: &Told) -> String {
    let seconds = shown.iter().flat_map(|one| &one.course().seconds);
    let places = seconds.flat_map(|second| second.cells.iter().map(|(cell, _)| *cell));
    let places: Vec<u32> = places.collect();
    let (Some(low), Some(high)) = (places.iter().min(), places.iter().max()) else {
        return String::new();
    };
    let scale = Scale::Log(cell_start(*low), cell_start(high + 1));
    let y = Axis::new(scale, "latency", words::time);
    let pictures = shown.iter().map(|one| under(one, &map(shown, one, (told, &y))));
    let pictures: String = pictures.collect();
    let keys = [
        (Key::Line, "p50", "p50"),
        (Key::Line, "p99", "p99"),
        (Key::Fill, "h2", "few requests"),
        (Key::Fill, "h7", "many requests"),
    ];
    format!(
        "<h3>Latency over time</h3>\n{}<div class=\"grid-of\">\n{pictures}</div>\n<p \
         class=\"origin\">All requests of each second, from their intended start; a failed one \
         counts as 5 s. Shades are steps of a factor of 2.5.</p>\n",
        legend(&keys)
    )
}

fn map(shown: &[Shown<'_>], one: &Shown<'_>, (told, y): (&Told, &Axis)) -> String {
    let mut chart = Chart::new("Latency over time", SMALL, &time(shown), y);
    chart.bands(&bands(shown, told), Named::No);
    let seconds = one.course().seconds.iter().enumerate();
    let cells = seconds.flat_map(|(at, second)| {
        let from = number(at as u64);
        second.cells.iter().map(move |(cell, count)| Cell {
            across: (from, from + 1.0),
            up: (cell_start(*cell), cell_start(cell + 1)),
            count: number(*count),
        })
    });
    chart.heat(&cells.collect::<Vec<_>>());
    let line = |nanos: Option<u64>| nanos.map_or(f64::NAN, |nanos| number(nanos) / 1e9);
    chart.path("p50", one.points(|second| line(second.p50)).into_iter());
    chart.path("p99", one.points(|second| line(second.p99)).into_iter());
    chart.finish()
}
