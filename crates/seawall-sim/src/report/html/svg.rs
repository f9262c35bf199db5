//! A writer of inline SVG: shapes with classes, so that one style sheet colours all plots for
//! light, dark and paper. Axes and scales are in `chart`.

use std::fmt::Write as _;

/// A rectangle, in the units of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

/// A point of a picture.
pub(super) type Spot = (f64, f64);

/// A picture that is being drawn.
#[derive(Debug)]
pub(super) struct Svg {
    body: String,
    width: f64,
    height: f64,
    label: String,
}

impl Area {
    pub(super) const fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(super) const fn height(&self) -> f64 {
        self.bottom - self.top
    }
}

impl Svg {
    /// An empty picture; the label is read out in its place.
    pub(super) fn new((width, height): (f64, f64), label: &str) -> Self {
        Self { body: String::new(), width, height, label: label.to_owned() }
    }

    pub(super) fn rect(&mut self, class: &str, area: Area, title: &str) {
        let (x, y) = (written(area.left), written(area.top));
        let (w, h) = (written(area.width().max(0.0)), written(area.height().max(0.0)));
        let shape =
            format!("rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"");
        self.shape(&shape, title);
    }

    pub(super) fn line(&mut self, class: &str, from: Spot, to: Spot) {
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
    pub(super) fn path(&mut self, class: &str, spots: &[Option<Spot>]) {
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
    pub(super) fn surface(&mut self, class: &str, there: &[Spot], back: &[Spot]) {
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
    pub(super) fn tiles(&mut self, class: &str, tiles: &[Area]) {
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

    pub(super) fn dot(&mut self, class: &str, at: Spot, title: &str) {
        let (x, y) = (written(at.0), written(at.1));
        self.shape(&format!("circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"3\""), title);
    }

    /// Text whose class says on which side of the point it stands.
    pub(super) fn text(&mut self, class: &str, at: Spot, text: &str) {
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
    pub(super) fn finish(self) -> String {
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
pub(super) fn escaped(text: &str) -> String {
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
