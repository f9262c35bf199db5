//! Maps of shades: how often something fell into a cell of two axes. What the cells are is said by
//! who draws, what shades look like by the page.

use crate::chart::Chart;
use crate::svg::Area;

/// Classes of the shades, the lightest first.
const SHADES: [&str; 8] = ["h1", "h2", "h3", "h4", "h5", "h6", "h7", "h8"];

/// Each lighter shade stands for so many times fewer.
const FEWER: f64 = 2.5;

/// A cell of a map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// From where to where on the lower axis.
    pub across: (f64, f64),
    /// From where to where on the left axis.
    pub up: (f64, f64),
    /// How often; a cell of none is not drawn.
    pub count: f64,
}

impl Chart {
    /// Draws cells, the darkest where there are most.
    pub fn heat(&mut self, cells: &[Cell]) {
        let most = cells.iter().map(|cell| cell.count).fold(0.0, f64::max);
        let mut tiles: [Vec<Area>; SHADES.len()] = Default::default();
        for cell in cells {
            let place = step(cell.count, most).and_then(|step| tiles.get_mut(step));
            if let (Some(tiles), Some(area)) = (place, self.tile(cell)) {
                tiles.push(area);
            }
        }
        for (class, tiles) in SHADES.iter().zip(&tiles) {
            self.svg.tiles(class, tiles);
        }
    }

    fn tile(&self, cell: &Cell) -> Option<Area> {
        let (left, right) = (self.across(cell.across.0)?, self.across(cell.across.1)?);
        let (bottom, top) = (self.down(cell.up.0)?, self.down(cell.up.1)?);
        Some(Area { left, top, right, bottom })
    }
}

/// The shade of a count: the darkest for the most.
fn step(count: f64, most: f64) -> Option<usize> {
    let mut bound = most;
    if count <= 0.0 {
        return None;
    }
    for step in (1..SHADES.len()).rev() {
        bound /= FEWER;
        if count > bound {
            return Some(step);
        }
    }
    Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{Axis, Room};
    use crate::scale::Scale;

    #[test]
    fn shades_are_steps_of_a_factor_and_none_is_no_shade() {
        let of = |count| step(count, 1000.0);
        assert_eq!([of(1000.0), of(401.0), of(400.0)], [Some(7), Some(7), Some(6)]);
        assert_eq!([of(1.0), of(0.0)], [Some(0), None]);
    }

    #[test]
    fn cells_of_one_shade_are_one_element_and_those_without_a_place_are_left_out() {
        let y = Axis::new(Scale::Log(1.0, 100.0), "y", |y| y.to_string());
        let mut chart = Chart::new("map", Room::of(100.0), &Axis::time(10.0), &y);
        let cell = |from: f64, up, count| Cell { across: (from, from + 1.0), up, count };
        let all = [
            cell(0.0, (1.0, 10.0), 9.0),
            cell(1.0, (10.0, 100.0), 8.0),
            cell(2.0, (1.0, 10.0), 0.0),
            cell(3.0, (0.0, 10.0), 9.0),
        ];
        chart.heat(&all);
        let picture = chart.finish();
        assert_eq!(picture.matches("class=\"h8\"").count(), 1, "{picture}");
        assert_eq!(picture.matches('z').count(), 2, "{picture}");
    }
}
