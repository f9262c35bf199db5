//! Faults of packets, by nft in the namespace of the replica that they strike: a table for each,
//! with a counter that rises as it hits.
//!
//! In the replica's namespace and not in the gateway's, so that rules cost the product nothing, its
//! own packets are still counted as they leave, and replicas are struck one by one.

use std::io::{self, Write as _};
use std::process::Stdio;

use crate::arena::{Arena, Seat};
use crate::scenario::Fault;

/// The rules for packets that come and packets that go; none where nft is not the means.
pub(super) fn rules(fault: &Fault) -> Option<(String, String)> {
    let both = |rule: String| Some((rule.clone(), rule));
    match fault {
        Fault::BlackHole => both("counter name hits drop".to_owned()),
        Fault::Loss { share } => {
            both(format!("numgen random mod 10000 < {} counter name hits drop", parts(*share)))
        }
        Fault::BlackHoledSyn => {
            let open = "tcp flags & (syn | ack) == syn counter name hits drop";
            Some((open.to_owned(), String::new()))
        }
        Fault::Refused => {
            let reset = "meta l4proto tcp counter name hits reject with tcp reset";
            Some((reset.to_owned(), String::new()))
        }
        _ => None,
    }
}

/// A share in ten thousandths, at least one.
fn parts(share: f64) -> u64 {
    // Whole seconds of a duration are the way from a float to an integer that cannot go wrong.
    std::time::Duration::try_from_secs_f64(share * 10_000.0).map_or(1, |d| d.as_secs().max(1))
}

/// Puts the rules of a fault into force under a name.
pub(super) fn set(
    arena: &Arena,
    replica: u8,
    name: &str,
    (come, go): &(String, String),
) -> io::Result<()> {
    let guard = |side: &str, rule: &str| match rule {
        "" => String::new(),
        rule => format!("{side} != \"lo\" {rule}"),
    };
    let script = format!(
        "table inet {name} {{\n counter hits {{ }}\n\
         chain come {{ type filter hook input priority 0;\n {}\n }}\n\
         chain go {{ type filter hook output priority 0;\n {}\n }}\n}}\n",
        guard("iifname", come),
        guard("oifname", go),
    );
    nft(arena, replica, &["-f", "-"], &script).map(drop)
}

/// Takes them out of force.
pub(super) fn lift(arena: &Arena, replica: u8, name: &str) -> io::Result<()> {
    nft(arena, replica, &["delete", "table", "inet", name], "").map(drop)
}

/// How often they have hit; none where they are not in force.
pub(super) fn hits(arena: &Arena, replica: u8, name: &str) -> Option<u64> {
    let told = nft(arena, replica, &["-j", "list", "counters", "table", "inet", name], "").ok()?;
    let told: serde_json::Value = serde_json::from_str(&told).ok()?;
    let counters = told.get("nftables")?.as_array()?;
    counters.iter().find_map(|entry| entry.get("counter")?.get("packets")?.as_u64())
}

fn nft(arena: &Arena, replica: u8, words: &[&str], script: &str) -> io::Result<String> {
    let mut command = arena.command(Seat::Replica(replica), "nft");
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(script.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("nft {} failed: {}", words.join(" "), said.trim())))
}
