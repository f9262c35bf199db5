//! The tools that make the load, and what they say: `wrk` for HTTP/1.1, `h2load` for HTTP/2 and
//! for load at a constant rate.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use crate::arena::{Arena, Seat};

use super::row::Row;

/// Connections of the row at a constant rate.
const PACED: u32 = 64;

/// Load that is under way.
#[derive(Debug)]
pub(super) struct Load<'a> {
    arena: &'a Arena,
    child: Child,
    tool: Tool,
}

#[derive(Debug)]
enum Tool {
    Wrk,
    /// With the file of each request's latency.
    H2load(PathBuf),
}

/// What a tool says of the answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// Nanoseconds.
    pub(super) p50: u64,
    /// Nanoseconds.
    pub(super) p99: u64,
    /// Requests without a good answer.
    pub(super) failed: u64,
}

/// What load is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish<'a> {
    pub(super) row: Row,
    pub(super) to: SocketAddr,
    pub(super) seconds: u32,
    /// Requests a second, for the row at a constant rate.
    pub(super) rate: u32,
    /// Where a tool may write.
    pub(super) folder: &'a Path,
}

impl<'a> Load<'a> {
    pub(super) fn start(arena: &'a Arena, wish: &Wish<'_>) -> io::Result<Self> {
        let log = wish.folder.join("h2load.log");
        let (program, arguments, tool) = match wish.row {
            Row::H2 => ("h2load", h2load(wish, &["-c8", "-m32"]), Tool::H2load(log)),
            Row::Half => {
                let connections = format!("-c{PACED}");
                let rate = format!("--rps={}", (wish.rate / PACED).max(1));
                let words = ["--h1", &connections, &rate];
                ("h2load", h2load(wish, &words), Tool::H2load(log))
            }
            Row::H1x512 => ("wrk", wrk(wish, 512), Tool::Wrk),
            Row::Body1M => ("wrk", wrk(wish, 16), Tool::Wrk),
            _ => ("wrk", wrk(wish, 64), Tool::Wrk),
        };
        if let Tool::H2load(log) = &tool {
            // h2load appends to what is there.
            let _absent = fs::remove_file(log);
        }
        let mut command = arena.command(Seat::Client, program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        Ok(Self { arena, child: arena.spawn(&mut command)?, tool })
    }

    /// Waits for its end.
    pub(super) fn hear(self) -> io::Result<Heard> {
        let group = self.child.id();
        let output = self.child.wait_with_output()?;
        self.arena.release(group)?;
        let said = String::from_utf8_lossy(&output.stdout);
        let heard = match &self.tool {
            Tool::Wrk => heard_by_wrk(&said),
            Tool::H2load(log) => fs::read_to_string(log).ok().and_then(|log| heard_by_h2load(&log)),
        };
        heard.ok_or_else(|| io::Error::other(format!("the tool of the load said: {}", said.trim())))
    }
}

fn wrk(wish: &Wish<'_>, connections: u32) -> Vec<String> {
    let (connections, seconds) = (format!("-c{connections}"), format!("-d{}s", wish.seconds));
    let url = format!("http://{}/", wish.to);
    // One thread: it has a part of one core.
    vec!["-t1".to_owned(), connections, seconds, "--latency".to_owned(), url]
}

fn h2load(wish: &Wish<'_>, words: &[&str]) -> Vec<String> {
    let log = wish.folder.join("h2load.log");
    let mut arguments: Vec<String> = words.iter().map(ToString::to_string).collect();
    arguments.extend(["-t1".to_owned(), "-D".to_owned(), wish.seconds.to_string()]);
    arguments.push(format!("--log-file={}", log.display()));
    arguments.push(format!("http://{}/", wish.to));
    arguments
}

/// `wrk` writes "50%  1.23ms", "Non-2xx or 3xx responses: 7" and "Socket errors: connect 0, …".
fn heard_by_wrk(said: &str) -> Option<Heard> {
    let percentile = |name: &str| {
        let line = said.lines().find(|line| line.trim_start().starts_with(name))?;
        duration(line.split_whitespace().nth(1)?)
    };
    let numbers = |line: &str| -> u64 {
        let words = line.split([' ', ',']);
        words.filter_map(|word| word.parse::<u64>().ok()).sum()
    };
    let bad = |line: &&str| line.contains("Socket errors:") || line.contains("Non-2xx");
    let after = |line: &str| line.split_once(':').map_or(0, |(_, rest)| numbers(rest));
    let failed = said.lines().filter(bad).map(after).sum();
    Some(Heard { p50: percentile("50%")?, p99: percentile("99%")?, failed })
}

/// "1.23ms" in nanoseconds.
fn duration(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(digits);
    let scale: u64 = match unit {
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        _ => return None,
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let tenth = u32::try_from(part.len()).ok()?;
    let part = part.parse::<u64>().ok()? * scale / 10_u64.checked_pow(tenth)?;
    Some(whole.parse::<u64>().ok()? * scale + part)
}

/// Each line is the start, the status and the duration in microseconds.
fn heard_by_h2load(log: &str) -> Option<Heard> {
    let mut latencies = Vec::new();
    let mut failed = 0;
    for line in log.lines() {
        let mut fields = line.split('\t').skip(1);
        let status = fields.next()?;
        let micros: u64 = fields.next()?.parse().ok()?;
        if status == "200" {
            latencies.push(micros * 1_000);
        } else {
            failed += 1;
        }
    }
    latencies.sort_unstable();
    let last = latencies.len().checked_sub(1)?;
    let at = |percent: usize| latencies.get((latencies.len() * percent / 100).min(last)).copied();
    Some(Heard { p50: at(50)?, p99: at(99)?, failed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wrk_says_is_understood() {
        let said = [
            "  Latency Distribution",
            "     50%    1.23ms",
            "     75%  900.00us",
            "     99%    1.05s",
            "  12 requests in 1.00s",
            "  Socket errors: connect 1, read 2, write 0, timeout 3",
            "  Non-2xx or 3xx responses: 40",
        ];
        let said = said.join("\n");
        let heard = Heard { p50: 1_230_000, p99: 1_050_000_000, failed: 46 };
        assert_eq!(heard_by_wrk(&said), Some(heard));
        assert_eq!(heard_by_wrk("unable to connect"), None);
        assert_eq!(duration("2.00m"), Some(120_000_000_000));
    }

    #[test]
    fn what_h2load_writes_is_understood() {
        let line = |micros: u64| format!("1795291969375086\t200\t{micros}\n");
        let log: String = (1..=200).rev().map(line).collect::<String>() + "1\t503\t9\n1\t-1\t9\n";
        let heard = Heard { p50: 101_000, p99: 199_000, failed: 2 };
        assert_eq!(heard_by_h2load(&log), Some(heard));
        assert_eq!(heard_by_h2load(""), None);
    }
}
