//! Whether a caller sends the body of its request fast enough.
//!
//! Only the time counts in which the service waited for the caller: one that is held up by the
//! service is not slow. Reading the body and keeping it for another attempt is the driver's; by how
//! much an upload moves the deadline of its call is decided by `call`.

use crate::invalid::Invalid;
use crate::time::{Duration, Instant};

/// How slow an upload may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadSettings {
    /// The longest silence of a caller that the service waits for; above zero. Default 5 s.
    pub idle: Duration,
    /// Bytes a second, on average over the time waited; 0 for any. Default 240: a body slower than
    /// this is held up on purpose, or as good as.
    pub rate_min: u64,
    /// The rate is judged once the service has waited longer than this in all, so that a slow start
    /// is forgiven. Default 10 s.
    pub rate_after: Duration,
}

impl Default for UploadSettings {
    fn default() -> Self {
        let (idle, rate_after) = (Duration::from_secs(5), Duration::from_secs(10));
        Self { idle, rate_min: 240, rate_after }
    }
}

impl UploadSettings {
    /// # Errors
    ///
    /// [`Invalid`] for an idle time of zero: every caller would be too slow.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.idle.is_zero() {
            return Err(Invalid::new("idle", "0", "above 0"));
        }
        Ok(())
    }
}

/// What a caller's rate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum UploadRate {
    /// Fast enough, or not to be judged yet.
    Enough,
    /// Below the least. Of no matter where the body has ended.
    TooSlow,
}

/// The clock of one upload: a few words, constant time.
///
/// A `now` earlier than the latest one seen counts as the latest.
#[derive(Clone, Copy, Debug)]
pub struct Upload {
    settings: UploadSettings,
    bytes: u64,
    /// When the caller last sent something, or the service began to wait for it.
    since: Instant,
    is_awaited: bool,
    waited: Duration,
}

impl Upload {
    /// The clock of a body of which nothing has come, and which nobody waits for yet.
    #[must_use]
    pub const fn new(settings: UploadSettings, now: Instant) -> Self {
        Self { settings, bytes: 0, since: now, is_awaited: false, waited: Duration::ZERO }
    }

    /// The service wants more than has come. Returns when the silence of the caller will have
    /// lasted too long; asking again changes nothing.
    pub fn awaited(&mut self, now: Instant) -> Instant {
        if !self.is_awaited {
            self.is_awaited = true;
            self.since = now.max(self.since);
        }
        self.since.after(self.settings.idle)
    }

    /// The caller has sent so many bytes, or with none its trailers or the end.
    pub fn heard(&mut self, bytes: u64, now: Instant) -> UploadRate {
        let now = now.max(self.since);
        if core::mem::take(&mut self.is_awaited) {
            self.waited = self.waited.saturating_add(now.since(self.since));
        }
        self.since = now;
        self.bytes = self.bytes.saturating_add(bytes);
        let judged = self.waited > self.settings.rate_after;
        let rate = self.bytes / self.waited.as_secs().max(1);
        if judged && rate < self.settings.rate_min {
            return UploadRate::TooSlow;
        }
        UploadRate::Enough
    }

    /// Nobody waits for the caller any more: the attempt that did is over. The time that it waited
    /// is not held against the caller.
    pub const fn dismissed(&mut self) {
        self.is_awaited = false;
    }

    /// Bytes that have come.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Since when the service waits for the caller; none if it is the service's turn.
    #[must_use]
    pub fn awaited_since(&self) -> Option<Instant> {
        self.is_awaited.then_some(self.since)
    }

    /// When the caller last sent something, or the service began to wait for it; none of a caller
    /// that has sent nothing.
    #[must_use]
    pub fn latest(&self) -> Option<Instant> {
        (self.bytes > 0).then_some(self.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn upload() -> Upload {
        Upload::new(UploadSettings::default(), Instant::EPOCH)
    }

    #[test]
    fn silence_counts_from_when_the_service_wants_more() {
        let mut upload = upload();
        assert_eq!(upload.awaited_since(), None);
        assert_eq!(upload.awaited(at(20_000)), at(25_000));
        assert_eq!(upload.awaited(at(23_000)), at(25_000), "asked again");
        assert_eq!(upload.heard(1, at(24_000)), UploadRate::Enough);
        assert_eq!((upload.awaited_since(), upload.latest()), (None, Some(at(24_000))));
        assert_eq!(upload.awaited(at(60_000)), at(65_000), "the service took its time");
    }

    #[test]
    fn a_trickle_is_too_slow_after_ten_seconds_of_waiting() {
        for (bytes, rate) in [(239, UploadRate::TooSlow), (240, UploadRate::Enough)] {
            let mut upload = upload();
            for second in 1..=10 {
                let _until = upload.awaited(at(second * 1_000 - 1_000));
                assert_eq!(upload.heard(bytes, at(second * 1_000)), UploadRate::Enough);
            }
            let _until = upload.awaited(at(10_000));
            assert_eq!(upload.heard(bytes, at(11_000)), rate, "{bytes} bytes a second");
            assert_eq!(upload.bytes(), 11 * bytes);
        }
    }

    #[test]
    fn a_slow_service_makes_no_slow_caller() {
        let mut upload = upload();
        for minute in 1..=10 {
            assert_eq!(upload.heard(1, at(minute * 60_000)), UploadRate::Enough);
        }
        let _until = upload.awaited(at(600_000));
        upload.dismissed();
        assert_eq!(upload.heard(1, at(700_000)), UploadRate::Enough, "its attempt had ended");
    }

    #[test]
    fn a_clock_that_steps_back_stood_still() {
        let mut upload = upload();
        let _until = upload.awaited(at(9_000));
        assert_eq!(upload.heard(1, at(4_000)), UploadRate::Enough);
        assert_eq!(upload.awaited(at(5_000)), at(14_000));
    }

    #[test]
    fn no_idle_time_is_refused() {
        let settings = UploadSettings { idle: Duration::ZERO, ..UploadSettings::default() };
        assert_eq!(settings.validate().unwrap_err().field(), "idle");
        assert_eq!(UploadSettings::default().validate(), Ok(()));
    }
}
