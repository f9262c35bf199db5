//! Settings of the failure detectors, in times rather than in units of a formula.
//!
//! The formulas are in `phi.rs` and `suspicion.rs`.

use super::intervals::SAMPLES_MAX;
use super::phi::{Phi, Rhythm};
use crate::invalid::Invalid;
use crate::ratio::Ratio;
use crate::time::Duration;

/// Settings of a φ accrual detector. Users think in seconds: see [`PhiSettings::detecting_after`]
/// and [`PhiSettings::detection_time`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhiSettings {
    /// How often a peer is expected to beat; used until its own rhythm is known. Default 1 s.
    pub beat: Duration,
    /// A peer is suspected from this φ on. Thresholds do not carry over between variants of the
    /// formula, so prefer stating the time. Default 8: one false alarm in 10⁸ silences.
    pub threshold: Phi,
    /// A silence so much longer than the mean is acceptable at all times. Default none; Akka's is
    /// 3 s, for the pauses of its garbage collector.
    pub pause: Duration,
    /// The deviation is never taken as less than this ... Default 100 ms: beats over a network are
    /// never more regular than that for long.
    pub deviation_min: Duration,
    /// ... nor as less than this share of the mean. Default 25 %.
    pub deviation_share: Ratio,
    /// So many intervals are remembered, 1 to 10 000. Default 1 000.
    pub samples: u32,
    /// So many further beats may stay away before a peer is suspected whose rhythm is not known
    /// yet, after so many intervals it is. Default 3.
    pub grace_beats: u32,
    /// An interval counts as at most so many times the mean, so that an outage does not teach
    /// the detector patience. At least 1. Default 10.
    pub clip: u32,
}

impl Default for PhiSettings {
    fn default() -> Self {
        Self {
            beat: Duration::from_secs(1),
            threshold: Phi::from_milli(8_000),
            pause: Duration::ZERO,
            deviation_min: Duration::from_millis(100),
            deviation_share: Ratio::from_percent(25),
            samples: 1_000,
            grace_beats: 3,
            clip: 10,
        }
    }
}

impl PhiSettings {
    /// The defaults of Akka: φ 8, deviation at least 100 ms, 3 s of pause, beats of 1 s.
    #[must_use]
    pub fn akka() -> Self {
        Self { pause: Duration::from_secs(3), deviation_share: Ratio::ZERO, ..Self::default() }
    }

    /// These settings with the threshold at which steady beats are missed after exactly this
    /// silence.
    ///
    /// # Errors
    ///
    /// [`Invalid`] where no threshold in range does that: the time must exceed one beat and the
    /// pause.
    pub fn detecting_after(self, silence: Duration) -> Result<Self, Invalid> {
        let rhythm = self.steady();
        let threshold = Phi::of(silence, rhythm);
        let permitted = "longer than a beat and the pause, within some deviations";
        if silence <= rhythm.mean || threshold == Phi::MAX {
            let millis = silence.as_millis();
            return Err(Invalid::new("detect_after", alloc::format!("{millis} ms"), permitted));
        }
        Ok(Self { threshold, ..self })
    }

    /// After how long a silence steady beats are missed: `beat + pause + y(φ) · σ`.
    #[must_use]
    pub fn detection_time(&self) -> Duration {
        self.threshold.silence(self.steady())
    }

    /// # Errors
    ///
    /// [`Invalid`] for the first setting that cannot work.
    pub fn validate(&self) -> Result<(), Invalid> {
        let millis = |d: Duration| alloc::format!("{} ms", d.as_millis());
        if self.beat.is_zero() {
            return Err(Invalid::new("beat", "0", "above 0"));
        }
        if self.threshold < Phi::from_milli(500) {
            let phi = alloc::format!("{} thousandths", self.threshold.milli());
            return Err(Invalid::new("threshold", phi, "500 to 300000 thousandths"));
        }
        if self.deviation_min.is_zero() && self.deviation_share == Ratio::ZERO {
            let permitted = "above 0, or deviation_share above 0%";
            return Err(Invalid::new("deviation_min", millis(self.deviation_min), permitted));
        }
        if self.samples == 0 || self.samples > SAMPLES_MAX {
            return Err(Invalid::new("samples", self.samples, "1 to 10000"));
        }
        if self.grace_beats > self.samples {
            return Err(Invalid::new("grace_beats", self.grace_beats, "at most samples"));
        }
        if self.clip == 0 {
            return Err(Invalid::new("clip", 0, "at least 1"));
        }
        Ok(())
    }

    /// The rhythm of a peer that beats as expected.
    pub(super) fn steady(&self) -> Rhythm {
        self.rhythm(self.beat, Duration::ZERO)
    }

    /// The rhythm to judge by where intervals have this mean and deviation.
    pub(super) fn rhythm(&self, mean: Duration, deviation: Duration) -> Rhythm {
        let share = Duration::from_nanos(self.deviation_share.of(crate::time::nanos(mean)));
        let deviation = deviation.max(self.deviation_min).max(share);
        Rhythm { mean: mean.saturating_add(self.pause), deviation }
    }
}

/// Settings of a detector that suspects after a fixed silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeoutSettings {
    /// A silence of this length makes a peer suspected. Default 5 s: five beats of a second.
    pub timeout: Duration,
    /// A peer that was never heard has so much longer. Default 3 s.
    pub grace: Duration,
}

impl Default for TimeoutSettings {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(5), grace: Duration::from_secs(3) }
    }
}

impl TimeoutSettings {
    /// # Errors
    ///
    /// [`Invalid`] where the timeout is zero: everybody would be suspected at once.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.timeout.is_zero() {
            return Err(Invalid::new("timeout", "0", "above 0"));
        }
        Ok(())
    }
}

/// Settings of the fusion of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FusionSettings {
    /// So many kinds of evidence declare a target dead, 2 to 4: one kind alone may be a broken
    /// check. Default 2.
    pub kinds_to_declare: u32,
    /// So much weight of accusing observers, a healthy one weighing eight, declares a target dead
    /// too; `None` where there are no other observers. Default `None`.
    pub observers_to_declare: Option<u32>,
    /// One observer may accuse so many targets at a time; more of them are ignored, since who
    /// accuses everybody is ill. Default 3.
    pub accusations_max: u32,
    /// Evidence and accusations that are not renewed are forgotten after this. Default 60 s.
    pub evidence_ttl: Duration,
    /// At most max(1, ⌊n · this⌋) of n targets are taken out of a pool, never the last. Default
    /// 50 %.
    pub max_ejected: Ratio,
    /// More than this share of my targets looking dead means that I am the one who is cut off.
    /// Default 50 %.
    pub self_suspect_share: Ratio,
    /// With fewer targets there is no majority to go by. Default 3.
    pub self_suspect_targets: u32,
    /// I suspect myself for no longer than this; then I believe what I see. Default 30 s.
    pub self_suspect_max: Duration,
}

impl Default for FusionSettings {
    fn default() -> Self {
        Self {
            kinds_to_declare: 2,
            observers_to_declare: None,
            accusations_max: 3,
            evidence_ttl: Duration::from_secs(60),
            max_ejected: Ratio::from_percent(50),
            self_suspect_share: Ratio::from_percent(50),
            self_suspect_targets: 3,
            self_suspect_max: Duration::from_secs(30),
        }
    }
}

impl FusionSettings {
    /// # Errors
    ///
    /// [`Invalid`] for the first setting that cannot work.
    pub fn validate(&self) -> Result<(), Invalid> {
        if !(2..=4).contains(&self.kinds_to_declare) {
            return Err(Invalid::new("kinds_to_declare", self.kinds_to_declare, "2 to 4"));
        }
        if self.observers_to_declare.is_some_and(|weight| weight <= 8) {
            let weight = self.observers_to_declare.unwrap_or_default();
            let permitted = "more than 8, the weight of a single observer";
            return Err(Invalid::new("observers_to_declare", weight, permitted));
        }
        if self.accusations_max == 0 {
            return Err(Invalid::new("accusations_max", 0, "at least 1"));
        }
        if self.evidence_ttl.is_zero() {
            return Err(Invalid::new("evidence_ttl", "0", "above 0"));
        }
        share("max_ejected", self.max_ejected)?;
        share("self_suspect_share", self.self_suspect_share)?;
        if self.self_suspect_max.is_zero() {
            return Err(Invalid::new("self_suspect_max", "0", "above 0"));
        }
        Ok(())
    }
}

fn share(field: &'static str, share: Ratio) -> Result<(), Invalid> {
    if share == Ratio::ZERO || share > Ratio::ONE {
        return Err(Invalid::new(field, share, "above 0% and at most 100%"));
    }
    Ok(())
}
