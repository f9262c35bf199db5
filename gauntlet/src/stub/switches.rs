//! What can be switched on a replica while it runs, and what it tells of itself. All is off at
//! first. What the switches do is in `work`, `connection` and `serve`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// All switches of a replica. Those that a message leaves out are off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// A share of the requests is answered at once with a status, without work.
    pub status: Option<Status>,
    /// Nanoseconds added to each answer after its work, while no worker is busy with it.
    pub delay: u64,
    /// Work takes so many times as long, a worker being busy all the time; off where it is none.
    pub slower: Option<f64>,
    /// Every request queues for a lock that all replicas share, a worker waiting with it.
    pub lock: Option<Lock>,
    /// Connections are closed once they were idle for so many nanoseconds; 0 for never.
    pub idle_close: u64,
    /// One id in so many ends the process on its arrival ([`crate::wire::is_poison`]); 0 for none.
    pub poison: u32,
    /// Whether connections are accepted.
    pub accept: Accept,
    /// Nanoseconds from SIGTERM to the end of the listener. See [`super::Args`].
    pub drain: u64,
    /// How answers are falsified.
    pub answers: Answers,
    /// What health checks are told.
    pub health: Health,
    /// What is remembered of answers.
    pub cache: Option<Cache>,
}

impl Switches {
    /// Whether all of them mean something.
    ///
    /// # Errors
    /// What does not, in words.
    pub fn validate(&self) -> Result<(), String> {
        if let Some(Status { share, code }) = self.status {
            if !(0.0..=1.0).contains(&share) {
                return Err(format!("status.share is {share}; it lies between 0 and 1"));
            }
            if !(400..=599).contains(&code) {
                return Err(format!("status.code is {code}; an error has one from 400 to 599"));
            }
        }
        match self.slower {
            Some(times) if !times.is_finite() || times <= 0.0 => {
                Err(format!("slower is {times}; it is a finite number above 0"))
            }
            _ => Ok(()),
        }
    }
}

/// Some answers with a status of their own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// Between 0 and 1.
    pub share: f64,
    /// The status.
    pub code: u16,
}

/// The shared lock: a place in a file that all replicas see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The file, the same for all replicas; it is made where it is not there.
    pub file: PathBuf,
    /// Nanoseconds that each request holds it.
    pub hold: u64,
}

/// Whether connections are accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accept {
    /// They are.
    #[default]
    On,
    /// They are not, and the backlog is one connection long. Connections that are open are closed
    /// once they are idle, so that their owners need new ones.
    Off,
}

/// How answers are falsified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answers {
    /// Not at all.
    #[default]
    Right,
    /// They break off in the middle of their body.
    Truncated,
    /// They are a byte shorter than was asked for, and say so.
    Short,
    /// A byte of the body is another one.
    Corrupt,
}

/// What health checks are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// What users are told: the faults hold for them too.
    #[default]
    Honest,
    /// That all is well.
    Blind,
}

/// What is remembered of answers to GET: a request whose answer is known costs no worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    /// Ids fall into so many keys.
    pub keys: u32,
    /// Another number than before forgets all.
    pub epoch: u64,
}

/// What a replica tells of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Its number.
    pub replica: u8,
    /// Connections that are open.
    pub connections: u64,
    /// Connections that were ever accepted.
    pub accepted: u64,
    /// Requests that it works on.
    pub working: u64,
    /// Requests that wait for a worker.
    pub waiting: u64,
    /// Attempts that ever reached it, health checks included.
    pub attempts: u64,
    /// Attempts answered with the status of the switch.
    pub failed: u64,
    /// Attempts answered with 503 because all places were taken.
    pub refused: u64,
    /// Lines of the log that were lost: the run does not count unless it is 0.
    pub log_lost: u64,
    /// The switches as they are.
    pub switches: Switches,
}
