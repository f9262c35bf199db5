//! A writer of inline SVG: shapes with classes, so that one style sheet colours all plots for
//! light, dark and paper. Axes and scales are in `chart`.

use std::fmt::Write as _;

/// A rectangle, in the units of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// Its left edge.
    pub left: f64,
    /// Its upper edge.
    pub top: f64,
    /// Its right edge.
    pub right: f64,
    /// Its lower edge.
    pub bottom: f64,
}

/// A point of a picture.
pub type Spot = (f64, f64);

/// A picture that is being drawn.
#[derive(Debug)]
pub struct Svg {
    body: String,
    width: f64,
    height: f64,
    label: String,
}

impl Area {
    /// From left to right.
    #[must_use]
    pub const fn width(&self) -> f64 {
        self.right - self.left
    }

    /// From top to bottom.
    #[must_use]
    pub const fn height(&self) -> f64 {
        self.bottom - self.top
    }
}

impl Svg {
    /// An empty picture; the label is read out in its place.
    #[must_use]
    pub fn new((width, height): (f64, f64), label: &str) -> Self {
        Self { body: String::new(), width, height, label: label.to_owned() }
    }

    /// A rectangle; the title is shown to who points at it.
    pub fn rect(&mut self, class: &str, area: Area, title: &str) {
        let (x, y) = (written(area.left), written(area.top));
        let (w, h) = (written(area.width().max(0.0)), written(area.height().max(0.0)));
        let shape =
            format!("rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"");
        self.shape(&shape, title);
    }

    /// A line.
    pub fn line(&mut self, class: &str, from: Spot, to: Spot) {
        let shape = format!(
            "line class=\"{class}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"",
            written(from.0),
            written(from.1),
            written(to.0),
            written(to.1)
        );
        self.shape(&shape, "");
    }

    /// A line through points, broken where there is none.
    pub fn path(&mut self, class: &str, spots: &[Option<Spot>]) {
        let mut data = String::new();
        let mut step = 'M';
        for spot in spots {
            let Some((x, y)) = spot else {
                step = 'M';
                continue;
            };
            data.push_str(&format!("{step}{} {}", written(*x), written(*y)));
            step = 'L';
        }
        self.outline(class, &data);
    }

    /// The surface between a line and another, drawn back.
    pub fn surface(&mut self, class: &str, there: &[Spot], back: &[Spot]) {
        let mut data = String::new();
        let mut step = 'M';
        for (x, y) in there.iter().chain(back.iter().rev()) {
            data.push_str(&format!("{step}{} {}", written(*x), written(*y)));
            step = 'L';
        }
        if !data.is_empty() {
            data.push('Z');
        }
        self.outline(class, &data);
    }

    /// Many rectangles of one class, in one element.
    pub fn tiles(&mut self, class: &str, tiles: &[Area]) {
        let mut data = String::new();
        for tile in tiles {
            let (x, y) = (written(tile.left), written(tile.top));
            let (w, h) = (written(tile.width()), written(tile.height()));
            data.push_str(&format!("M{x} {y}h{w}v{h}h-{w}z"));
        }
        self.outline(class, &data);
    }

    fn outline(&mut self, class: &str, data: &str) {
        if !data.is_empty() {
            self.shape(&format!("path class=\"{class}\" d=\"{data}\""), "");
        }
    }

    /// A dot.
    pub fn dot(&mut self, class: &str, at: Spot, title: &str) {
        let (x, y) = (written(at.0), written(at.1));
        self.shape(&format!("circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"3\""), title);
    }

    /// Text whose class says on which side of the point it stands.
    pub fn text(&mut self, class: &str, at: Spot, text: &str) {
        let (x, y) = (written(at.0), written(at.1));
        let text = escaped(text);
        let told = writeln!(self.body, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{text}</text>");
        debug_assert!(told.is_ok(), "a string takes all that is written to it");
    }

    fn shape(&mut self, shape: &str, title: &str) {
        let name = shape.split(' ').next().unwrap_or_default();
        let told = if title.is_empty() {
            writeln!(self.body, "<{shape}/>")
        } else {
            writeln!(self.body, "<{shape}><title>{}</title></{name}>", escaped(title))
        };
        debug_assert!(told.is_ok(), "a string takes all that is written to it");
    }

    /// The picture, to be put in a page.
    #[must_use]
    pub fn finish(self) -> String {
        let (width, height, label) =
            (written(self.width), written(self.height), escaped(&self.label));
        format!(
            "<div class=\"wide\"><svg viewBox=\"0 0 {width} {height}\" role=\"img\" \
             aria-label=\"{label}\">\n{}</svg></div>\n",
            self.body
        )
    }
}

/// A coordinate with one decimal: a tenth of a unit is less than a dot of any screen.
fn written(coordinate: f64) -> String {
    debug_assert!(coordinate.is_finite(), "every scale has two ends");
    let text = if coordinate.is_finite() { format!("{coordinate:.1}") } else { "0".to_owned() };
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Text as it stands in HTML, attributes included. What a name says never becomes markup.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // XML has no place for control characters, escaped or not.
            letter if letter.is_control() => safe.push(' '),
            letter => safe.push(letter),
        }
    }
    safe
}
