//! A day, for what a file says to expire. Which day it is nobody here asks.

use std::fmt;

/// A day of the Gregorian calendar. What makes one up checks that it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Year.
    pub year: u16,
    /// Month, from 1.
    pub month: u8,
    /// Day, from 1.
    pub day: u8,
}

impl Date {
    /// Days since the first of March of the year 0, which puts the leap day last.
    fn number(self) -> i64 {
        let (year, month) = (i64::from(self.year), i64::from(self.month));
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        365 * year + leaps + (153 * month + 2) / 5 + i64::from(self.day)
    }

    /// Days from `earlier` to this one; negative where it is the later one.
    #[must_use]
    pub fn days_since(self, earlier: Self) -> i64 {
        self.number() - earlier.number()
    }

    /// The day that lies so many days after the first of January 1970, at the meridian of
    /// Greenwich; `None` beyond the year 65535.
    #[must_use]
    pub fn from_unix_days(days: u32) -> Option<Self> {
        // The first of March of the year 0 lies 719 468 days before 1970.
        let days = i64::from(days) + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let of_year = day - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let (day, late) = (of_year - (153 * month + 2) / 5 + 1, month >= 10);
        Some(Self {
            year: u16::try_from(era * 400 + year + i64::from(late)).ok()?,
            month: u8::try_from(if late { month - 9 } else { month + 3 }).ok()?,
            day: u8::try_from(day).ok()?,
        })
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(year: u16, month: u8, day: u8) -> Date {
        Date { year, month, day }
    }

    #[test]
    fn days_are_counted_over_months_and_leap_days() {
        assert_eq!(date(2024, 3, 1).days_since(date(2024, 2, 28)), 2);
        assert_eq!(date(2025, 3, 1).days_since(date(2025, 2, 28)), 1);
        assert_eq!(date(2026, 1, 1).days_since(date(2025, 1, 1)), 365);
        assert_eq!(date(2001, 1, 1).days_since(date(2000, 1, 1)), 366);
        assert_eq!(date(2025, 1, 1).days_since(date(2025, 1, 31)), -30);
    }

    #[test]
    fn unix_days_are_dates_and_back() {
        assert_eq!(Date::from_unix_days(0), Some(date(1970, 1, 1)));
        assert_eq!(Date::from_unix_days(20_000), Some(date(2024, 10, 4)));
        assert_eq!(Date::from_unix_days(19_782), Some(date(2024, 2, 29)));
        for days in (0..60_000).step_by(17) {
            let since = Date::from_unix_days(days).unwrap().days_since(date(1970, 1, 1));
            assert_eq!(since, i64::from(days));
        }
        assert_eq!(Date::from_unix_days(u32::MAX), None);
    }
}
