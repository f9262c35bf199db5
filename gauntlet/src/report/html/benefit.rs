//! What regret was bought with: one dot for each product and config, its regret over the attempts
//! that it made for each request.

use seawall_plot::chart::{Axis, Chart, Room};
use seawall_plot::legend::{Key, legend};
use seawall_plot::page::figure;
use seawall_plot::scale::Scale;
use seawall_plot::words;

use crate::measure::{Metric, Spread, number};
use crate::report::names;
use crate::report::results::{Entrant, Results};

/// A product: its mean over those scenarios that all products were run in.
struct Dot<'a> {
    entrant: &'a Entrant,
    amplification: f64,
    regret: f64,
}

pub(super) fn picture(results: &Results) -> String {
    let common = common(results);
    let dots: Vec<Dot<'_>> = results
        .entrants
        .iter()
        .filter_map(|entrant| {
            let amplification = mean(results, entrant, &common, "amplification")?;
            let regret = mean(results, entrant, &common, "regret")?;
            Some(Dot { entrant, amplification, regret })
        })
        .collect();
    if dots.len() < 2 {
        return String::new();
    }
    let y = Axis::new(
        Scale::up_to(dots.iter().map(|dot| dot.regret)),
        "regret per 100 000, mean over scenarios",
        words::number,
    );
    let x = Axis::new(across(&dots), "attempts for each request", words::number);
    let mut chart = Chart::new("Regret over amplification", Room::of(220.0), &x, &y);
    for dot in &dots {
        let title = format!(
            "{}: regret {}, {:.3} attempts for each request",
            names::entrant(dot.entrant),
            words::number(dot.regret),
            dot.amplification
        );
        if let Some((x, y)) = chart.spot((dot.amplification, dot.regret)) {
            chart.svg.dot(&format!("{} dot", names::class(dot.entrant)), (x, y), &title);
            let name = names::entrant(dot.entrant);
            let is_far_right = x > (chart.area.left + chart.area.right) / 2.0;
            let (class, x) = if is_far_right { ("note end", x - 8.0) } else { ("note", x + 8.0) };
            chart.svg.text(class, (x, y - 5.0), &name);
        }
    }
    let keys: Vec<_> = dots
        .iter()
        .map(|dot| (format!("{} dot", names::class(dot.entrant)), names::entrant(dot.entrant)))
        .collect();
    let keys: Vec<_> = keys.iter().map(|(class, name)| (Key::Dot, &**class, &**name)).collect();
    let caption = format!(
        "Over the {} that all of them were run in. Down and to the left is better.",
        words::count(common.len(), "scenario")
    );
    let picture = format!("{}{}", legend(&keys), chart.finish());
    figure("Cost against benefit", &picture, &caption)
}

fn across(dots: &[Dot<'_>]) -> Scale {
    let all = dots.iter().map(|dot| dot.amplification);
    let (low, high) = all.fold((1.0_f64, 1.0_f64), |(low, high), x| (low.min(x), high.max(x)));
    let room = ((high - low) * 0.08).max(0.01);
    Scale::Linear(low - room, high + room)
}

/// Scenarios in which every product that has any runs has some that count.
fn common(results: &Results) -> Vec<&str> {
    let has = |entrant: &Entrant, id: &str| !results.cell(entrant, id).is_empty();
    let took_part = results
        .entrants
        .iter()
        .filter(|entrant| results.scenarios.iter().any(|told| has(entrant, &told.id)));
    let took_part: Vec<&Entrant> = took_part.collect();
    let all = results.scenarios.iter().map(|told| told.id.as_str());
    all.filter(|id| took_part.iter().all(|entrant| has(entrant, id))).collect()
}

fn mean(results: &Results, entrant: &Entrant, scenarios: &[&str], key: &str) -> Option<f64> {
    let metric = Metric::named(key)?;
    let medians = scenarios.iter().filter_map(|id| {
        let runs = results.figures(entrant, id);
        let values: Vec<f64> = runs.iter().filter_map(|run| (metric.of)(run)).collect();
        Some(Spread::of(&values)?.median)
    });
    let medians: Vec<f64> = medians.collect();
    let count = number(medians.len() as u64);
    (count > 0.0).then(|| medians.iter().sum::<f64>() / count)
}
