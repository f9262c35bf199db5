//! Maps of a sweep: over one axis lines with their intervals, over two a field of cells, over more
//! a field for each value of the rest.

use super::chart::{Axis, Chart, LEFT, Room, WIDTH, width};
use super::scale::Scale;
use super::svg::{Area, Svg};
use super::{escaped, figure, section as framed};
use crate::outcome::{Outcome, Point};
use crate::report::shown::place;
use crate::report::words;
use crate::verdict::{Fate, MEASURES, Measure, Threshold, Unit, number, thresholds};

/// Fields that are drawn of a sweep over more than two axes.
const FIELDS: usize = 12;

/// The height of a row of a field.
const ROW: f64 = 34.0;

/// Classes of the shades of a field.
const SHADES: [&str; 9] = ["h0", "h1", "h2", "h3", "h4", "h5", "h6", "h7", "h8"];

pub(super) fn section(outcome: &Outcome) -> String {
    if outcome.points.len() < 2 {
        return String::new();
    }
    let body = match outcome.axes.len() {
        0 => String::new(),
        1 => lines(outcome),
        _ => fields(outcome),
    };
    framed("Sweep", &body)
}

/// What a cell or a point of a line shows.
#[derive(Clone, Copy)]
enum Shows {
    /// The share of runs that stay down.
    Down,
    /// A measure of the runs that work.
    Measure(&'static Measure),
}

impl Shows {
    fn title(self) -> String {
        match self {
            Self::Down => "Share of runs that stay down".to_owned(),
            Self::Measure(measure) => format!("{} of the runs that work", measure.name),
        }
    }

    const fn unit(self) -> Unit {
        match self {
            Self::Down => Unit::Share,
            Self::Measure(measure) => measure.unit,
        }
    }

    /// Its middle and its interval.
    fn of(self, point: &Point) -> Option<(f64, f64, f64)> {
        match self {
            Self::Down => {
                let down = point.down();
                (down.count > 0).then(|| (down.share(), down.low, down.high))
            }
            Self::Measure(measure) => {
                let of = point.estimate(Fate::Back, measure)?;
                let (low, high) = words::bounds(measure.unit, &of);
                Some((of.mean, low, high))
            }
        }
    }

    /// The words that stand for it, as wide an interval as it has.
    fn words(self, point: &Point) -> String {
        match self {
            Self::Down => words::proportion(&point.down()),
            Self::Measure(measure) => {
                let of = point.estimate(Fate::Back, measure);
                of.map_or_else(|| "–".to_owned(), |of| words::estimate(measure.unit, &of))
            }
        }
    }
}

/// The share that stays down, and then every measure that changes over the sweep.
fn shown(outcome: &Outcome) -> Vec<Shows> {
    let measures = MEASURES.iter().filter(|measure| {
        let values = outcome.points.iter().filter_map(|point| point.estimate(Fate::Back, measure));
        let means: Vec<f64> = values.map(|of| of.mean).collect();
        let (low, high) =
            means.iter().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
        measure.unit != Unit::Truth && means.len() > 1 && high - low > high.abs() * 0.005
    });
    [Shows::Down].into_iter().chain(measures.map(Shows::Measure)).collect()
}

/// The first of the pictures, and the others behind a line that opens.
fn folded(pictures: &[String]) -> String {
    let Some((first, rest)) = pictures.split_first() else { return String::new() };
    if rest.is_empty() {
        return first.clone();
    }
    let rest = rest.concat();
    format!(
        "{first}<details>\n<summary>Other measures over the same sweep</summary>\n{rest}\
         </details>\n"
    )
}

/// A line over numbers; over words, a row of cells.
fn lines(outcome: &Outcome) -> String {
    let thresholds = thresholds(outcome);
    let draw = |shows| match thresholds.first() {
        Some(found) => line(outcome, found, shows),
        None => {
            let points = outcome.points.iter().collect();
            Field { outcome, found: &[], points, across: 0, along: 1 }.draw(shows)
        }
    };
    folded(&shown(outcome).into_iter().map(draw).collect::<Vec<_>>())
}

fn line(outcome: &Outcome, found: &Threshold, shows: Shows) -> String {
    let steps = found.steps.iter();
    let spots = steps.filter_map(|step| Some((step.number, outcome.points.get(step.point)?)));
    let mut points: Vec<(f64, f64, f64, f64)> = spots
        .filter_map(|(x, point)| shows.of(point).map(|(y, low, high)| (x, y, low, high)))
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return String::new() };
    let room = ((last.0 - first.0) * 0.04).max(1e-6);
    let x = Axis::new(
        Scale::Linear(first.0 - room, last.0 + room),
        &outcome.axes.first().map_or_else(String::new, |axis| axis.name.clone()),
        words::number,
    );
    let scale = match shows.unit() {
        Unit::Share => Scale::Linear(0.0, 1.0),
        _ => Scale::up_to(points.iter().map(|point| point.3)),
    };
    let y = Axis::new(scale, "", label(shows.unit()));
    let mut chart = Chart::new(&shows.title(), Room::of(190.0), &x, &y);
    let ribbon: Vec<_> = points.iter().map(|(x, _, low, high)| (*x, *low, *high)).collect();
    chart.ribbon("interval", &ribbon);
    chart.path("works", points.iter().map(|(x, y, _, _)| (*x, *y)));
    for (x, y, _, _) in &points {
        if let Some(spot) = chart.spot((*x, *y)) {
            chart.svg.dot("works dot", spot, &words::value(shows.unit(), *y));
        }
    }
    let caption = "The pale surface is the interval that contains the truth in 95 of 100 sweeps.";
    figure(&shows.title(), &chart.finish(), caption)
}

fn label(unit: Unit) -> fn(f64) -> String {
    match unit {
        Unit::Share => words::share,
        Unit::Time => words::time,
        Unit::Number | Unit::Truth => words::number,
    }
}

fn fields(outcome: &Outcome) -> String {
    let found = thresholds(outcome);
    let across = found.first().map_or(0, |found| found.axis);
    let along = usize::from(across == 0);
    let mut rest: Vec<&Point> = Vec::new();
    let other = |a: &Point, b: &Point| {
        let pairs = a.values.iter().zip(&b.values).enumerate();
        pairs.into_iter().all(|(axis, (a, b))| axis == across || axis == along || a == b)
    };
    for point in &outcome.points {
        if !rest.iter().any(|known| other(known, point)) {
            rest.push(point);
        }
    }
    let mut body = String::new();
    for corner in rest.iter().take(FIELDS) {
        let points: Vec<&Point> = outcome.points.iter().filter(|p| other(corner, p)).collect();
        let field = Field { outcome, found: &found, points, across, along };
        if outcome.axes.len() > 2 {
            let rest = place(outcome, corner);
            body.push_str(&format!("<p class=\"run\">At {}</p>\n", escaped(&rest)));
        }
        let pictures: Vec<_> = shown(outcome).into_iter().map(|shows| field.draw(shows)).collect();
        body.push_str(&folded(&pictures));
    }
    if rest.len() > FIELDS {
        body.push_str(&format!("<p>{} further fields are in the JSON.</p>\n", rest.len() - FIELDS));
    }
    body
}

/// A map over two axes.
struct Field<'a> {
    outcome: &'a Outcome,
    found: &'a [Threshold],
    points: Vec<&'a Point>,
    across: usize,
    along: usize,
}

impl Field<'_> {
    fn draw(&self, shows: Shows) -> String {
        // Without a second axis there is one row.
        let (columns, rows) = (self.count(self.across), self.count(self.along).max(1));
        let high = number(rows as u64) * ROW;
        let names = self.names(self.along);
        let room = names.iter().map(|name| width(name)).fold(LEFT, f64::max).min(WIDTH / 3.0);
        let area = Area { left: room + 12.0, top: 30.0, right: WIDTH - 18.0, bottom: 30.0 + high };
        let mut svg = Svg::new((WIDTH, area.bottom + 46.0), &shows.title());
        let cell = area.width() / number(columns.max(1) as u64);
        let scale = self.scale(shows);
        for point in &self.points {
            let at =
                |axis: usize| number(point.values.get(axis).copied().unwrap_or_default() as u64);
            let left = area.left + at(self.across) * cell;
            let top = area.top + at(self.along) * ROW;
            let tile = Area { left, top, right: left + cell - 1.0, bottom: top + ROW - 1.0 };
            paint(&mut svg, (tile, shows), (point, scale), &place(self.outcome, point));
        }
        self.name(&mut svg, area, cell);
        self.edges(&mut svg, area, cell);
        let caption = "The stronger the shade, the more; what never worked is empty. The thick \
                       line is where runs begin to stay down.";
        figure(&shows.title(), &svg.finish(), caption)
    }

    fn count(&self, axis: usize) -> usize {
        self.outcome.axes.get(axis).map_or(0, |axis| axis.values.len())
    }

    fn names(&self, axis: usize) -> Vec<String> {
        let values = self.outcome.axes.get(axis).map(|axis| axis.values.as_slice());
        values.unwrap_or_default().iter().map(|value| words::clipped(value, 40)).collect()
    }

    /// From the least to the greatest of what is shown.
    fn scale(&self, shows: Shows) -> (f64, f64) {
        if matches!(shows, Shows::Down) {
            return (0.0, 1.0);
        }
        let values = self.outcome.points.iter().filter_map(|point| shows.of(point));
        values
            .fold((f64::MAX, f64::MIN), |(low, high), (mean, _, _)| (low.min(mean), high.max(mean)))
    }

    /// The values at both axes, and what the axes are.
    fn name(&self, svg: &mut Svg, area: Area, cell: f64) {
        let name = |axis: usize| self.outcome.axes.get(axis).map_or("", |axis| axis.name.as_str());
        for (index, value) in self.names(self.along).iter().enumerate() {
            let y = area.top + (number(index as u64) + 0.5) * ROW + 4.0;
            svg.text("tick end", (area.left - 6.0, y), value);
        }
        let mut free = 0.0;
        for (index, value) in self.names(self.across).iter().enumerate() {
            let x = area.left + (number(index as u64) + 0.5) * cell;
            let half = width(value) / 2.0;
            if x - half > free {
                svg.text("tick mid", (x, area.bottom + 16.0), value);
                free = x + half + 6.0;
            }
        }
        svg.text("title", (12.0, 16.0), name(self.along));
        svg.text("title end", (area.right, area.bottom + 36.0), name(self.across));
    }

    /// Between the last value that holds and the first that does not, in each row.
    fn edges(&self, svg: &mut Svg, area: Area, cell: f64) {
        let known = |point: usize| {
            let point = self.outcome.points.get(point);
            point.is_some_and(|point| self.points.iter().any(|p| p.values == point.values))
        };
        for found in self.found.iter().filter(|f| f.steps.iter().all(|s| known(s.point))) {
            let step = |place: Option<usize>| found.steps.get(place?);
            let Some(fails) = step(found.fails) else { continue };
            let row = found.others.iter().find(|(axis, _)| *axis == self.along);
            let Some((_, row)) = row else { continue };
            let place = fails.value + usize::from(found.falls());
            let x = area.left + number(place as u64) * cell - 0.5;
            let y = area.top + number(*row as u64) * ROW;
            svg.line("edge", (x, y), (x, y + ROW - 1.0));
        }
    }
}

/// One cell: its shade, its number, and all of it in words to whoever points at it.
fn paint(
    svg: &mut Svg,
    (tile, shows): (Area, Shows),
    (point, (low, high)): (&Point, (f64, f64)),
    place: &str,
) {
    let Some((mean, _, _)) = shows.of(point) else {
        return svg.rect("none", tile, &format!("{place}: no run works"));
    };
    let part = if high > low { (mean - low) / (high - low) } else { 0.0 };
    let step = (1..SHADES.len() as u64).take_while(|n| part * 8.0 >= number(*n) - 0.5).count();
    let class = SHADES.get(step).copied().unwrap_or("h0");
    svg.rect(class, tile, &format!("{place}: {}", shows.words(point)));
    let text = words::value(shows.unit(), mean);
    if width(&text) + 4.0 < tile.width() {
        let on = if step >= 5 { "cell on" } else { "cell" };
        let middle = f64::midpoint(tile.left, tile.right);
        svg.text(on, (middle, f64::midpoint(tile.top, tile.bottom) + 4.0), &text);
    }
}
