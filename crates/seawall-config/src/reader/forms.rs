//! What a TOML value means as a duration, a size, a share, a count or an address.

use crate::lint::Date;
use crate::units;
use seawall_core::ratio::Ratio;
use seawall_core::time::Duration;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use toml_edit::Value;

/// More calls a second than any fleet gets are a slip.
const PER_SECOND_MAX: f64 = 1e9;

/// Why a value was refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is of another type.
    Type,
    /// It is of the right type; the text says what is wrong.
    Text(String),
}

impl From<String> for Refusal {
    fn from(why: String) -> Self {
        Self::Text(why)
    }
}

/// When something slow is slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// At a quantile of latency.
    Quantile(Ratio),
    /// After so long.
    Fixed(Duration),
}

pub(crate) fn text(value: &Value) -> Result<&str, Refusal> {
    value.as_str().ok_or(Refusal::Type)
}

pub(super) fn duration(value: &Value) -> Result<Duration, Refusal> {
    Ok(units::parse_duration(text(value)?)?)
}

pub(super) fn size(value: &Value) -> Result<u64, Refusal> {
    Ok(units::parse_size(text(value)?)?)
}

pub(super) fn share(value: &Value) -> Result<Ratio, Refusal> {
    Ok(units::parse_share(text(value)?)?)
}

pub(super) fn rate(value: &Value) -> Result<u32, Refusal> {
    Ok(units::parse_rate(text(value)?)?)
}

pub(super) fn quota(value: &Value) -> Result<(u32, Duration), Refusal> {
    Ok(units::parse_quota(text(value)?)?)
}

/// Calls a second: a plain number, or a count and its period. Above zero and at most a billion.
pub(super) fn per_second(value: &Value) -> Result<f64, Refusal> {
    let plain = value.as_float().or_else(|| {
        let whole = value.as_integer()?;
        u32::try_from(whole).ok().map(f64::from)
    });
    let rate = match (plain, value.as_str()) {
        (Some(plain), _) => plain,
        (None, Some(_)) => {
            let (count, period) = quota(value)?;
            f64::from(count) / period.as_secs_f64()
        }
        (None, None) if value.is_integer() => f64::INFINITY,
        (None, None) => return Err(Refusal::Type),
    };
    if rate > 0.0 && rate <= PER_SECOND_MAX {
        return Ok(rate);
    }
    Err(Refusal::Text("a rate is above 0 and at most a billion a second".to_owned()))
}

/// A day, as TOML writes it.
pub(super) fn date(value: &Value) -> Result<Date, Refusal> {
    let date = value.as_datetime().and_then(|moment| moment.date).ok_or(Refusal::Type)?;
    Ok(Date { year: date.year, month: date.month, day: date.day })
}

/// An IP address with a port; names are left to discovery, since what they mean changes.
pub(super) fn address(value: &Value) -> Result<SocketAddr, Refusal> {
    let text = text(value)?;
    text.parse().map_err(|_| Refusal::Text(format!("\"{text}\" is not an IP address with a port")))
}

/// `"off"`, or what `read` takes.
pub(super) fn or_off<T>(
    value: &Value,
    read: impl FnOnce(&Value) -> Result<T, Refusal>,
) -> Result<Option<T>, Refusal> {
    if value.as_str() == Some("off") { Ok(None) } else { read(value).map(Some) }
}

pub(super) fn above_zero(duration: Duration) -> Result<Duration, Refusal> {
    if duration.is_zero() {
        return Err(Refusal::Text("zero leaves no time at all".to_owned()));
    }
    Ok(duration)
}

pub(super) fn not_empty(size: u64) -> Result<u64, Refusal> {
    if size == 0 {
        return Err(Refusal::Text("zero lets nothing pass".to_owned()));
    }
    Ok(size)
}

pub(super) fn part(share: Ratio) -> Result<Ratio, Refusal> {
    if share == Ratio::ZERO || share > Ratio::ONE {
        return Err(Refusal::Text(format!("{share} is not above 0% and up to 100%")));
    }
    Ok(share)
}

/// A quantile such as `p95`.
pub(super) fn quantile(value: &Value) -> Result<Ratio, Refusal> {
    Ok(units::parse_quantile(text(value)?)?)
}

pub(super) fn moment(value: &Value) -> Result<Moment, Refusal> {
    match text(value)? {
        text if text.starts_with('p') => quantile(value).map(Moment::Quantile),
        _ => above_zero(duration(value)?).map(Moment::Fixed),
    }
}

/// A growth factor; below one it would shrink.
pub(super) fn factor(value: &Value) -> Result<Ratio, Refusal> {
    let factor = number(value)?;
    if factor < Ratio::ONE {
        let text = units::print_factor(factor);
        return Err(Refusal::Text(format!("{text} would shrink what should grow")));
    }
    Ok(factor)
}

/// A plain number; TOML's decimal numbers go through their text, so that no rounding creeps in.
pub(super) fn number(value: &Value) -> Result<Ratio, Refusal> {
    let text = match (value.as_integer(), value.as_float()) {
        (Some(whole), _) => whole.to_string(),
        (_, Some(decimal)) => decimal.to_string(),
        (None, None) => return Err(Refusal::Type),
    };
    Ok(units::parse_factor(&text)?)
}

pub(super) fn decimal(value: &Value, range: &RangeInclusive<f64>) -> Result<f64, Refusal> {
    let number = super::document::number(value).ok_or(Refusal::Type)?;
    if range.contains(&number) {
        return Ok(number);
    }
    let (from, to) = (range.start(), range.end());
    Err(Refusal::Text(format!("{number} is not from {from} to {to}")))
}

pub(super) fn count(value: &Value, range: &RangeInclusive<u32>) -> Result<u32, Refusal> {
    let number = value.as_integer().ok_or(Refusal::Type)?;
    let count = u32::try_from(number).ok().filter(|count| range.contains(count));
    count.ok_or_else(|| match *range.end() {
        u32::MAX => Refusal::Text(format!("{number} is not at least {}", range.start())),
        end => Refusal::Text(format!("{number} is not from {} to {end}", range.start())),
    })
}
