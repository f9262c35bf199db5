//! Scales: where a number stands on an axis, and which numbers are written at it.

/// From numbers to places between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// Even.
    Linear(f64, f64),
    /// Decades of the same length; both ends above 0.
    Log(f64, f64),
    /// Shares, stretched toward 1: 0, 90 %, 99 % and so on are equally far apart, down to this
    /// rest.
    Nines(f64),
}

impl Scale {
    /// From 0 to a little above the greatest of these numbers; never empty.
    #[must_use]
    pub fn up_to(values: impl Iterator<Item = f64>) -> Self {
        let top = values.filter(|value| value.is_finite()).fold(0.0, f64::max);
        Self::Linear(0.0, if top > 0.0 { top * 1.05 } else { 1.0 })
    }

    /// Over all of these numbers that are above 0, in whole decades' thirds; never empty.
    #[must_use]
    pub fn decades(values: impl Iterator<Item = f64>) -> Self {
        let positive = values.filter(|value| value.is_finite() && *value > 0.0);
        let (low, high) = positive.fold((f64::INFINITY, 0.0_f64), |(l, h), v| (l.min(v), h.max(v)));
        if low > high {
            return Self::Log(1e-3, 1.0);
        }
        let (low, high) = (low * 0.9, high * 1.1);
        Self::Log(low, high.max(low * 4.0))
    }

    /// The place of a number; none where it has none. Beyond the ends it is at the end.
    #[must_use]
    pub fn place(&self, value: f64) -> Option<f64> {
        if !value.is_finite() {
            return None;
        }
        let place = match *self {
            Self::Linear(low, high) => (value - low) / (high - low),
            Self::Log(low, high) if value > 0.0 => libm::log(value / low) / libm::log(high / low),
            Self::Log(..) => return None,
            Self::Nines(rest) => libm::log((1.0 - value).max(rest)) / libm::log(rest),
        };
        place.is_finite().then(|| place.clamp(0.0, 1.0))
    }

    /// Round numbers along the scale, at most about so many.
    #[must_use]
    pub fn ticks(&self, count: f64) -> Vec<f64> {
        match *self {
            Self::Linear(low, high) => linear(low, high, count),
            Self::Log(low, high) => decades(low, high),
            Self::Nines(rest) => {
                let all = [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999];
                all.into_iter().filter(|share| 1.0 - share >= rest * 0.99).collect()
            }
        }
    }
}

fn linear(low: f64, high: f64, count: f64) -> Vec<f64> {
    let rough = (high - low) / count;
    let decade = libm::pow(10.0, libm::floor(libm::log10(rough)));
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * decade);
    let step = steps.into_iter().find(|step| *step >= rough).unwrap_or(decade * 10.0);
    let first = libm::ceil(low / step - 1e-9);
    let ticks = (0..32_u32).map(|index| (first + f64::from(index)) * step);
    ticks.take_while(|tick| *tick <= high + step * 1e-9).collect()
}

fn decades(low: f64, high: f64) -> Vec<f64> {
    let span = libm::log10(high / low);
    let steps: &[f64] = if span < 2.5 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let first = libm::floor(libm::log10(low));
    let all = (0..24_u32).flat_map(|index| {
        let decade = libm::pow(10.0, first + f64::from(index));
        steps.iter().map(move |step| step * decade)
    });
    all.filter(|tick| *tick >= low * 0.999 && *tick <= high * 1.001).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(Scale::Linear(0.0, 63.0).ticks(7.0), [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0]);
        let printed: Vec<_> =
            Scale::Log(0.003, 0.3).ticks(7.0).iter().map(|tick| format!("{tick:.3}")).collect();
        assert_eq!(printed, ["0.005", "0.010", "0.020", "0.050", "0.100", "0.200"]);
        assert_eq!(Scale::Nines(1e-3).ticks(7.0), [0.0, 0.5, 0.9, 0.99, 0.999]);
    }

    #[test]
    fn scales_of_nothing_have_two_ends_all_the_same() {
        assert_eq!(Scale::up_to([].into_iter()), Scale::Linear(0.0, 1.0));
        assert_eq!(Scale::up_to([f64::NAN, -1.0].into_iter()), Scale::Linear(0.0, 1.0));
        assert_eq!(Scale::decades([0.0].into_iter()), Scale::Log(1e-3, 1.0));
        let Scale::Log(low, high) = Scale::decades([2.0].into_iter()) else { unreachable!() };
        assert!(low < 2.0 && 2.0 < high);
    }

    #[test]
    fn numbers_without_a_place_have_none() {
        assert_eq!(Scale::Log(1.0, 10.0).place(0.0), None);
        assert_eq!(Scale::Linear(0.0, 1.0).place(f64::NAN), None);
        assert_eq!(Scale::Linear(0.0, 2.0).place(9.0), Some(1.0));
        assert_eq!(Scale::Nines(1e-3).place(1.0), Some(1.0));
        assert_eq!(Scale::Nines(1e-3).place(0.0), Some(0.0));
    }
}
