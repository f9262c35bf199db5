//! A chart: a frame with two axes to draw in. Which series are drawn is said by the sections of
//! the page.

use crate::scale::Scale;
use crate::svg::{Area, Spot, Svg};

/// The width of a chart that fills the column; the page scales it.
pub const WIDTH: f64 = 900.0;

/// Room for the numbers and names beside a chart, so that charts over time stand in line.
pub const LEFT: f64 = 104.0;

const RIGHT: f64 = 18.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 26.0;

/// Ticks of a lower axis, about.
const ACROSS: f64 = 14.0;

/// The height of a line of small text.
pub const LINE: f64 = 16.0;

/// About the width of a letter of the text in charts.
const LETTER: f64 = 6.6;

/// An axis.
#[derive(Clone, Debug)]
pub struct Axis {
    /// Where its numbers stand.
    pub scale: Scale,
    /// What it shows, with its unit.
    pub title: String,
    /// How a number is written at it.
    pub label: fn(f64) -> String,
}

/// A stretch of time in which something was wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// In seconds.
    pub from: f64,
    /// In seconds; the end of the horizon where it lasted.
    pub to: f64,
    /// What it was.
    pub name: String,
}

/// A frame with two axes.
#[derive(Debug)]
pub struct Chart {
    /// What it is drawn in.
    pub svg: Svg,
    /// What lies between the axes.
    pub area: Area,
    x: Scale,
    y: Scale,
}

/// How much room a chart takes.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// The height between the axes.
    pub height: f64,
    /// What is kept free under the axis for lanes.
    pub lanes: usize,
    /// What is kept free on the left.
    pub left: f64,
    /// The width of the whole picture.
    pub width: f64,
}

impl Room {
    /// A height, and nothing else.
    #[must_use]
    pub const fn of(height: f64) -> Self {
        Self { height, lanes: 0, left: LEFT, width: WIDTH }
    }
}

impl Axis {
    /// An axis with its title.
    #[must_use]
    pub fn new(scale: Scale, title: &str, label: fn(f64) -> String) -> Self {
        Self { scale, title: title.to_owned(), label }
    }

    /// The time of a run.
    #[must_use]
    pub fn time(seconds: f64) -> Self {
        let scale = Scale::Linear(0.0, if seconds > 0.0 { seconds } else { 1.0 });
        Self::new(scale, "", crate::words::time)
    }
}

impl Chart {
    /// A frame with axes, grid and ticks; the label is read out in its place.
    #[must_use]
    pub fn new(label: &str, room: Room, x: &Axis, y: &Axis) -> Self {
        let bottom = TOP + room.height;
        let area = Area { left: room.left, top: TOP, right: room.width - RIGHT, bottom };
        let lanes = LINE * f64::from(u32::try_from(room.lanes).unwrap_or_default());
        let lanes = if room.lanes == 0 { 0.0 } else { lanes + 8.0 };
        let title = if x.title.is_empty() { 0.0 } else { LINE };
        let svg = Svg::new((room.width, bottom + BOTTOM + title + lanes), label);
        let mut chart = Self { svg, area, x: x.scale, y: y.scale };
        chart.rule(y);
        chart.measure(x);
        chart
    }

    /// The grid across and its numbers, with the title above them.
    fn rule(&mut self, axis: &Axis) {
        let Area { left, right, top, .. } = self.area;
        self.svg.text("title", (left - 6.0, top - 10.0), &axis.title);
        // A tick for every line of text and a half at the most.
        for tick in axis.scale.ticks(self.area.height() / (LINE * 1.6)) {
            let Some(y) = self.down(tick) else { continue };
            self.svg.line("grid", (left, y), (right, y));
            self.svg.text("tick end", (left - 6.0, y + 4.0), &(axis.label)(tick));
        }
    }

    /// The ticks below, and the title under them.
    fn measure(&mut self, axis: &Axis) {
        let Area { left, right, bottom, .. } = self.area;
        self.svg.line("axis", (left, bottom), (right, bottom));
        let mut free = 0.0;
        for tick in axis.scale.ticks(ACROSS) {
            let Some(x) = self.across(tick) else { continue };
            self.svg.line("axis", (x, bottom), (x, bottom + 4.0));
            let text = (axis.label)(tick);
            let half = width(&text) / 2.0;
            // A number that would touch the one before is left out; its tick stays.
            if x - half > free {
                let x = x.min(right + RIGHT - half);
                self.svg.text("tick mid", (x, bottom + 17.0), &text);
                free = x + half + 6.0;
            }
        }
        if !axis.title.is_empty() {
            self.svg.text("title end", (right, bottom + 17.0 + LINE), &axis.title);
        }
    }

    /// The place of a number of the lower axis.
    #[must_use]
    pub fn across(&self, value: f64) -> Option<f64> {
        Some(self.area.left + self.x.place(value)? * self.area.width())
    }

    /// The place of a number of the left axis.
    #[must_use]
    pub fn down(&self, value: f64) -> Option<f64> {
        Some(self.area.bottom - self.y.place(value)? * self.area.height())
    }

    /// The place of a pair of numbers.
    #[must_use]
    pub fn spot(&self, (x, y): (f64, f64)) -> Option<Spot> {
        Some((self.across(x)?, self.down(y)?))
    }

    /// A line through points, broken where a point has no place.
    pub fn path(&mut self, class: &str, points: impl Iterator<Item = (f64, f64)>) {
        let spots: Vec<_> = points.map(|point| self.spot(point)).collect();
        self.svg.path(class, &spots);
    }

    /// The surface between two heights over the same points.
    pub fn ribbon(&mut self, class: &str, points: &[(f64, f64, f64)]) {
        let spots = |of: fn(&(f64, f64, f64)) -> (f64, f64)| -> Vec<Spot> {
            points.iter().filter_map(|point| self.spot(of(point))).collect()
        };
        let (low, high) = (spots(|(x, low, _)| (*x, *low)), spots(|(x, _, high)| (*x, *high)));
        self.svg.surface(class, &high, &low);
    }

    /// When something was wrong, behind all that follows. Names are written one under the other.
    pub fn bands(&mut self, bands: &[Band], named: Named) {
        let Area { left, top, right, bottom } = self.area;
        let mut y = top + 13.0;
        for band in bands {
            let (Some(from), Some(to)) = (self.across(band.from), self.across(band.to)) else {
                continue;
            };
            // What lasts but a moment is seen all the same.
            let to = to.max(from + 1.5);
            let area = Area { left: from, top, right: to, bottom };
            self.svg.rect("band", area, &band.name);
            if named == Named::Yes && y < bottom {
                let name = crate::words::clipped(&band.name, 48);
                // Beside the band where there is room, else in it.
                let (class, x) = if to + 4.0 + width(&name) < right {
                    ("note", to + 4.0)
                } else if from - 4.0 - width(&name) > left {
                    ("note end", from - 4.0)
                } else {
                    ("note", from + 4.0)
                };
                self.svg.text(class, (x, y), &name);
                y += LINE;
            }
        }
    }

    /// The picture, to be put in a page.
    #[must_use]
    pub fn finish(self) -> String {
        self.svg.finish()
    }
}

/// Whether bands bear their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// They do.
    Yes,
    /// They do not.
    No,
}

/// About the width of a text in a chart. No font is read: what depends on it is left out early
/// rather than drawn over something else.
#[must_use]
pub fn width(text: &str) -> f64 {
    f64::from(u32::try_from(text.chars().count()).unwrap_or_default()) * LETTER
}
