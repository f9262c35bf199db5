//! Pictures that each product has for itself, side by side on the same scale: errors by class, and
//! the share of each replica.

use seawall_plot::chart::{Axis, Chart, Named, Room};
use seawall_plot::legend::{Key, legend};
use seawall_plot::scale::Scale;
use seawall_plot::svg::escaped;
use seawall_plot::words;

use super::scenario::{Shown, bands, seen, time};
use crate::measure::{CLASSES, METRICS, Second, number};
use crate::report::matrix;
use crate::report::names;
use crate::report::results::{Results, Told};

/// A picture of half the column, so that its text is as large as that of the others.
pub(super) const SMALL: Room = Room { width: 460.0, left: 60.0, ..Room::of(110.0) };

/// Errors of each second, one class above the other.
pub(super) fn errors(shown: &[Shown<'_>], told: &Told) -> String {
    let classes = seen(shown);
    if classes.is_empty() {
        return "<h3>Errors</h3>\n<p>No product failed a request in the runs that are shown.</p>\n"
            .to_owned();
    }
    let failed = |second: &Second| number(second.offered() - second.ok());
    let all = shown.iter().flat_map(|one| one.points(failed)).map(|(_, y)| y);
    let y = Axis::new(Scale::up_to(all), "a second", words::number);
    let pictures = shown.iter().map(|one| {
        let time = time(shown);
        let mut chart = Chart::new("Errors over time", SMALL, &time, &y);
        chart.bands(&bands(shown, told), Named::No);
        stack(&mut chart, one, &classes);
        under(one, &chart.finish())
    });
    let pictures: String = pictures.collect();
    let keys = classes
        .iter()
        .filter_map(|place| CLASSES.get(*place))
        .map(|class| (format!("e-{}", class.name()), class.name().replace('_', " ")));
    let keys: Vec<_> = keys.collect();
    let keys: Vec<_> = keys.iter().map(|(class, name)| (Key::Fill, &**class, &**name)).collect();
    format!(
        "<h3>Errors</h3>\n{}<div class=\"grid-of\">\n{pictures}</div>\n<p class=\"origin\">\
         Requests of each second that did not end well, by class, on the same scale.</p>\n",
        legend(&keys)
    )
}

fn stack(chart: &mut Chart, one: &Shown<'_>, classes: &[usize]) {
    let count = |second: &Second, place: usize| {
        number(second.classes.get(place).copied().unwrap_or_default())
    };
    let mut below = one.points(|_| 0.0);
    for place in classes {
        let Some(class) = CLASSES.get(*place) else { continue };
        let own = one.points(|second| count(second, *place));
        let ribbon: Vec<_> =
            below.iter().zip(&own).map(|((x, low), (_, own))| (*x, *low, low + own)).collect();
        if own.iter().any(|(_, count)| *count > 0.0) {
            chart.ribbon(&format!("e-{}", class.name()), &ribbon);
        }
        below = ribbon.into_iter().map(|(x, _, high)| (x, high)).collect();
    }
}

/// The share of each replica in the attempts.
pub(super) fn shares(shown: &[Shown<'_>], told: &Told) -> String {
    let y = Axis::new(Scale::Linear(0.0, 1.0), "share of attempts", words::share);
    let pictures = shown.iter().map(|one| {
        let time = time(shown);
        let mut chart = Chart::new("Share of each replica", SMALL, &time, &y);
        chart.bands(&bands(shown, told), Named::No);
        let replicas = one.course().seconds.iter().map(|second| second.attempts.len()).max();
        let mut order: Vec<usize> = (0..replicas.unwrap_or_default()).collect();
        // What was struck is drawn last, over the others.
        order.sort_by_key(|replica| is_struck(one, *replica));
        for replica in order {
            let class = if is_struck(one, replica) { "struck" } else { "spared" };
            chart.path(class, one.points(|second| share(second, replica)).into_iter());
        }
        under(one, &chart.finish())
    });
    let pictures: String = pictures.collect();
    let keys =
        legend(&[(Key::Line, "struck", "struck by the fault"), (Key::Line, "spared", "spared")]);
    format!("<h3>Share of each replica</h3>\n{keys}<div class=\"grid-of\">\n{pictures}</div>\n")
}

fn is_struck(one: &Shown<'_>, replica: usize) -> bool {
    let targets = &one.run.figures.targets;
    targets.iter().any(|target| usize::from(*target) == replica)
}

fn share(second: &Second, replica: usize) -> f64 {
    let all: f64 = second.attempts.iter().sum();
    let own = second.attempts.get(replica).copied().unwrap_or_default();
    if all > 0.0 { own / all } else { f64::NAN }
}

/// A small picture under the name of its product.
pub(super) fn under(one: &Shown<'_>, picture: &str) -> String {
    let (name, seed) = (escaped(&names::entrant(one.entrant)), one.run.key.seed);
    format!("<div>\n<p title=\"seed {seed}\">{name}</p>\n{picture}</div>\n")
}

/// Every metric of every product, medians over seeds.
pub(super) fn numbers(results: &Results, told: &Told, shown: &[Shown<'_>]) -> String {
    let head: String = shown
        .iter()
        .map(|one| format!("<th>{}</th>", escaped(&names::entrant(one.entrant))))
        .collect();
    let rows = METRICS.iter().map(|metric| {
        let cells: String = shown
            .iter()
            .map(|one| {
                let value = matrix::told(results, one.entrant, told, metric.key);
                format!("<td>{}</td>", escaped(&value))
            })
            .collect();
        format!("<tr><td>{}</td>{cells}</tr>\n", escaped(metric.name))
    });
    format!(
        "<details><summary>All figures</summary>\n<table class=\"numbers\"><tr><th></th>{head}\
         </tr>\n{}</table>\n</details>\n",
        rows.collect::<String>()
    )
}
