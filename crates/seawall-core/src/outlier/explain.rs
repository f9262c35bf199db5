//! Why an endpoint is not ejected: the answer of each detector.
//!
//! Ejecting is in `outliers.rs`.

use alloc::vec::Vec;

use super::event::{Detector, Finding};
use super::judge;
use super::latency::{self, Timed};
use super::outliers::{self, Outliers};
use super::rates::{self, Rated, Thresholds};
use super::record::Record;
use super::rows;
use crate::Mode;
use crate::endpoint::Slot;
use crate::number::small;
use crate::ratio::Ratio;
use crate::time::{Instant, nanos};

/// Why a detector does not eject an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyNot {
    /// The detector, or all of them, are switched off.
    Off,
    /// The detector decides and reports only.
    Shadow,
    /// The endpoint is not known.
    Unknown,
    /// It is out already; only its probe counts.
    Out,
    /// It has had too few requests, answers or comparisons in the window.
    FewRequests {
        /// So many it had.
        had: u32,
        /// So many it takes.
        needed: u32,
    },
    /// Too few endpoints can be compared.
    FewEndpoints {
        /// So many can.
        had: u32,
        /// So many it takes.
        needed: u32,
    },
    /// What was measured is within what is allowed.
    Within(Finding),
    /// What was measured would be too much, but may be chance where this share of failures is
    /// usual.
    Usual(Finding, Ratio),
    /// It is an outlier, but chance spared it: so much of the verdicts is enforced.
    NotEnforced(Finding, Ratio),
    /// It is an outlier, but so many are out already.
    Capped(Finding, u32),
    /// It is an outlier, but so many endpoints of so many do badly.
    CommonFault(Finding, (u32, u32)),
    /// It is an outlier; the next outcome that is judged ejects it.
    Due(Finding),
}

/// What a detector has found: a value, and whether it is beyond its limit.
enum Measured {
    Missing(WhyNot),
    Within(Finding),
    Beyond(Finding, (usize, usize)),
}

impl Outliers {
    /// Why an endpoint is not ejected, by each detector in turn. Costs a walk over all endpoints
    /// and allocates: it is for people.
    #[must_use]
    pub fn why_not(&self, slot: Slot, now: Instant) -> Vec<(Detector, WhyNot)> {
        const DETECTORS: [Detector; 7] = [
            Detector::Consecutive,
            Detector::Gateway,
            Detector::LocalOrigin,
            Detector::SuccessRate,
            Detector::FailureShare,
            Detector::Latency,
            Detector::OddOne,
        ];
        let now = now.max(self.latest);
        let rated = self.rated_now(now);
        let why = |detector| (detector, self.why_not_by(detector, slot, &rated));
        DETECTORS.into_iter().map(why).collect()
    }

    fn why_not_by(&self, detector: Detector, slot: Slot, rated: &[Rated]) -> WhyNot {
        if self.settings.mode == Mode::Off || !self.is_set(detector) {
            return WhyNot::Off;
        }
        let Some(record) = self.record(slot) else { return WhyNot::Unknown };
        if !record.is_in() {
            return WhyNot::Out;
        }
        match self.measured(detector, (slot, record), rated) {
            Measured::Missing(why) => why,
            Measured::Within(finding) => WhyNot::Within(finding),
            Measured::Beyond(finding, poll) => self.obstacle(record, finding, poll),
        }
    }

    /// What keeps an outlier in.
    fn obstacle(
        &self,
        record: &Record,
        finding: Finding,
        (failing, judged): (usize, usize),
    ) -> WhyNot {
        let share = self.settings.enforcement.of(finding.detector());
        let suppress = self.settings.common == super::CommonFault::Suppress;
        if share < Ratio::ONE && record.unenforced_at.is_some() {
            WhyNot::NotEnforced(finding, share)
        } else if self.census.out >= self.allowed() {
            WhyNot::Capped(finding, small(self.census.out))
        } else if suppress && outliers::is_common(failing, judged) {
            WhyNot::CommonFault(finding, (small(failing), small(judged)))
        } else if self.settings.mode == Mode::Shadow {
            WhyNot::Shadow
        } else {
            WhyNot::Due(finding)
        }
    }

    const fn is_set(&self, detector: Detector) -> bool {
        match detector {
            Detector::Consecutive => self.settings.consecutive.is_some(),
            Detector::Gateway => self.settings.gateway.is_some(),
            Detector::LocalOrigin => self.settings.local_origin.is_some(),
            Detector::SuccessRate => {
                self.settings.deviation.is_some() || self.settings.mean.is_some()
            }
            Detector::FailureShare => self.settings.failure_share.is_some(),
            Detector::Latency => self.settings.latency.is_some(),
            Detector::OddOne => self.settings.odd.is_some(),
            Detector::Probe => true,
        }
    }

    fn measured(&self, detector: Detector, of: (Slot, &Record), rated: &[Rated]) -> Measured {
        match detector {
            Detector::Consecutive | Detector::Gateway | Detector::LocalOrigin => {
                self.measured_row(detector, of)
            }
            Detector::SuccessRate | Detector::FailureShare => {
                self.measured_rate(detector, of.0, rated)
            }
            Detector::Latency => {
                self.measured_latency(of, judge::poll(rated, self.settings.min_requests))
            }
            Detector::OddOne | Detector::Probe => self.measured_odd(of.1),
        }
    }

    fn measured_row(&self, detector: Detector, (slot, record): (Slot, &Record)) -> Measured {
        let judged = self.census.all - self.census.out;
        let least = match outliers::is_common(self.census.failing, judged) {
            true => 0,
            false => self.row_min(slot, self.latest),
        };
        let mut full = rows::findings(record.rows, least, &self.settings).into_iter().flatten();
        if let Some(finding) = full.find(|finding| finding.detector() == detector) {
            return Measured::Beyond(finding, (self.census.failing, judged));
        }
        let (rows, settings) = (record.rows, &self.settings);
        let limit = |limit: Option<u32>| limit.unwrap_or_default().max(least).max(1);
        Measured::Within(match detector {
            Detector::Gateway => {
                Finding::Gateway { failures: rows.gateway, limit: limit(settings.gateway) }
            }
            Detector::LocalOrigin => {
                Finding::LocalOrigin { failures: rows.local, limit: limit(settings.local_origin) }
            }
            Detector::Consecutive
            | Detector::SuccessRate
            | Detector::FailureShare
            | Detector::Latency
            | Detector::OddOne
            | Detector::Probe => {
                Finding::Consecutive { failures: rows.any, limit: limit(settings.consecutive) }
            }
        })
    }

    fn measured_rate(&self, detector: Detector, slot: Slot, all: &[Rated]) -> Measured {
        let needed = self.settings.min_requests;
        let own = all.iter().find(|rated| rated.slot == slot);
        let had = own.map_or(0, |rated| rated.requests);
        let Some(own) = own.filter(|_| had >= needed) else {
            return Measured::Missing(WhyNot::FewRequests { had, needed });
        };
        let judged: Vec<Rated> = all.iter().copied().filter(|r| r.requests >= needed).collect();
        let mut scratch = Vec::with_capacity(judged.len());
        let thresholds = Thresholds::among(&judged, &self.settings, &mut scratch);
        let poll = judge::poll(all, needed);
        let rules = if detector == Detector::SuccessRate {
            Thresholds { share: None, ..thresholds }
        } else {
            Thresholds { share: thresholds.share, ..Thresholds::default() }
        };
        match rules.finding(own) {
            Some(finding)
                if !outliers::is_common(poll.0, poll.1) && self.is_chance(own, self.latest) =>
            {
                return Measured::Missing(WhyNot::Usual(finding, self.usual(slot, self.latest)));
            }
            Some(finding) => return Measured::Beyond(finding, poll),
            None => {}
        }
        within(own, &rules).map_or_else(
            || {
                let had = small(judged.len());
                let needed = self.endpoints_needed(detector);
                Measured::Missing(WhyNot::FewEndpoints { had, needed })
            },
            Measured::Within,
        )
    }

    /// With how many endpoints a detector of rates compares.
    fn endpoints_needed(&self, detector: Detector) -> u32 {
        let settings = &self.settings;
        if detector == Detector::FailureShare {
            return settings.failure_share_endpoints;
        }
        let comparable = small(rates::COMPARABLE_MIN);
        let by_median = settings.deviation.map(|_| comparable);
        let by_mean = settings.mean.map(|rule| rule.min_endpoints);
        by_median.into_iter().chain(by_mean).min().unwrap_or(comparable)
    }

    /// By the latencies as they were last looked at.
    fn measured_latency(&self, (slot, record): (Slot, &Record), poll: (usize, usize)) -> Measured {
        let rule = self.settings.latency.unwrap_or_default();
        let (had, needed) = (record.latency.requests, rule.min_requests);
        let Some(median) = record.latency.median.filter(|_| had >= needed) else {
            return Measured::Missing(WhyNot::FewRequests { had, needed });
        };
        let mut timed: Vec<Timed> = (0..)
            .zip(&self.records)
            .filter_map(|(index, record)| {
                let record = record.as_ref().filter(|record| record.is_in())?;
                let median = record.latency.median.filter(|_| record.latency.requests >= needed)?;
                Some(Timed { median: nanos(median), slot: Slot::new(index) })
            })
            .collect();
        timed.sort_unstable();
        let place = timed.iter().position(|timed| timed.slot == slot).unwrap_or_default();
        let had = small(timed.len());
        let Some(threshold) = latency::threshold(&timed, place, &rule) else {
            return Measured::Missing(WhyNot::FewEndpoints { had, needed: 2 });
        };
        let finding = Finding::Latency { median, threshold };
        if median >= threshold {
            Measured::Beyond(finding, poll)
        } else {
            Measured::Within(finding)
        }
    }

    fn measured_odd(&self, record: &Record) -> Measured {
        let rule = self.settings.odd.unwrap_or_default();
        let (disagreements, reads) = record.comparisons.tally(rule);
        let limit = rule.disagreements.max(1);
        if reads == 0 {
            return Measured::Missing(WhyNot::FewRequests { had: 0, needed: limit });
        }
        let finding = Finding::OddOne { disagreements, reads, limit };
        if disagreements >= limit {
            Measured::Beyond(finding, (0, 0))
        } else {
            Measured::Within(finding)
        }
    }

    /// The endpoints that are in and have had requests, from the worst.
    fn rated_now(&self, now: Instant) -> Vec<Rated> {
        let records = (0..).zip(&self.records);
        let mut rated: Vec<Rated> = records
            .filter_map(|(index, record)| {
                let record = record.as_ref().filter(|record| record.is_in())?;
                Rated::new(Slot::new(index), record.tally_now(now))
            })
            .collect();
        rated.sort_unstable();
        rated
    }
}

/// What was measured of an endpoint that is no outlier, against the nearest limit that holds.
fn within(own: &Rated, rules: &Thresholds) -> Option<Finding> {
    let rate = own.rate;
    let mean = rules.mean.filter(|(_, least)| own.requests >= *least);
    if let Some(threshold) = rules.deviation.max(mean.map(|(threshold, _)| threshold)) {
        return Some(Finding::SuccessRate { rate, threshold });
    }
    let share = rates::share(own.failures, own.requests).unwrap_or_default();
    rules.share.map(|limit| Finding::FailureShare { share, limit })
}
