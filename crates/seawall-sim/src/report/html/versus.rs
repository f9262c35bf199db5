//! Two outcomes side by side: the differences of pairs of runs, with their intervals.

use super::chart::WIDTH;
use super::scale::Scale;
use super::svg::{Area, Svg};
use super::{escaped, figure, section as framed};
use crate::report::comparison::{Comparison, Judgement, fates};
use crate::report::words;
use crate::verdict::{Change, Paired, number};

/// The height of a row.
const ROW: f64 = 24.0;

/// Room for names, and for numbers.
const NAMES: f64 = 170.0;
const NUMBERS: f64 = 290.0;

pub(super) fn section(comparison: &Comparison<'_>) -> String {
    let pairs = comparison.pairs.iter().map(|pair| {
        let name = escaped(&comparison.name(pair));
        let told = escaped(&fates(pair.fates));
        let body = format!("{}{}", forest(pair), table(pair));
        let left =
            if pair.leaves_out { " Measures are of the pairs that work under both." } else { "" };
        format!("<h3>{name}</h3>\n<p>{told}{left}</p>\n{body}")
    });
    framed("What changes", &pairs.collect::<String>())
}

/// Relative changes with their intervals, a row for each measure that has a value to relate to.
fn forest(pair: &Paired) -> String {
    let rows: Vec<(&Change, f64, f64)> = pair.changes.iter().filter_map(relative).collect();
    if rows.is_empty() {
        return String::new();
    }
    let reach = |(_, mean, half): &(&Change, f64, f64)| (mean.abs() + half).min(2.0);
    let most = rows.iter().map(reach).fold(0.05, f64::max);
    let height = number(rows.len() as u64) * ROW;
    let area = Area { left: NAMES, top: 28.0, right: WIDTH - NUMBERS, bottom: 28.0 + height };
    let mut svg = Svg::new((WIDTH, area.bottom + 24.0), "Relative changes with their intervals");
    let middle = f64::midpoint(area.left, area.right);
    let place = |part: f64| middle + (part / most).clamp(-1.0, 1.0) * area.width() / 2.0;
    for part in Scale::Linear(-most, most).ticks(5.0) {
        svg.line("grid", (place(part), area.top), (place(part), area.bottom));
        // Adding zero takes the sign from a negative zero.
        let text = format!("{:+.0} %", part * 100.0 + 0.0);
        svg.text("tick mid", (place(part), area.bottom + 16.0), &text);
    }
    for (index, (change, mean, half)) in rows.iter().enumerate() {
        let y = area.top + (number(index as u64) + 0.5) * ROW;
        let class = class(Judgement::of(change));
        let told = words::difference(change.measure.unit, &change.difference);
        svg.text("tick end", (area.left - 10.0, y + 4.0), change.measure.name);
        svg.line(&format!("{class} whisker"), (place(mean - half), y), (place(mean + half), y));
        svg.dot(&format!("{class} dot"), (place(*mean), y), &told);
        let word = Judgement::of(change).word();
        let told = words::clipped(&format!("{told}, {word}"), 44);
        svg.text("tick", (area.right + 12.0, y + 4.0), &told);
    }
    let caption = "Change of the new against the old, in parts of the old; lines are intervals of \
                   the mean difference of pairs with the same seed. What crosses the middle may be \
                   chance.";
    figure("Changes", &svg.finish(), caption)
}

fn relative(change: &Change) -> Option<(&Change, f64, f64)> {
    let base = change.old.mean.abs();
    (base > 1e-12).then(|| {
        let half = change.difference.half.unwrap_or_default();
        (change, change.difference.mean / base, half / base)
    })
}

const fn class(judgement: Judgement) -> &'static str {
    match judgement {
        Judgement::Better => "better",
        Judgement::Worse => "worse",
        Judgement::Other => "other",
        Judgement::Unclear => "unclear",
    }
}

fn table(pair: &Paired) -> String {
    let rows = pair.changes.iter().map(|change| {
        let unit = change.measure.unit;
        let judgement = Judgement::of(change);
        format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"{}\">{}</td></tr>\n",
            change.measure.name,
            escaped(&words::estimate(unit, &change.old)),
            escaped(&words::estimate(unit, &change.new)),
            escaped(&words::difference(unit, &change.difference)),
            class(judgement),
            judgement.word()
        )
    });
    let rows: String = rows.collect();
    format!(
        "<table class=\"numbers\"><tr><th></th><th>old</th><th>new</th><th>difference</th><th></th>\
         </tr>\n{rows}</table>\n"
    )
}
