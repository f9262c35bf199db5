//! Counts what is sent to a replica, whether it can still write a log or not: packets that carry a
//! request, and those that ask for a connection and are not given one, as they come in, before any
//! fault drops them. A connection that is opened is no attempt: the request on it is.
//!
//! One nft session for each replica, in the replica's namespace: rules there cost the product
//! nothing, and a session answers in a tenth of a millisecond where starting nft takes seven.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{ChildStdin, ChildStdout, Stdio};
use std::sync::Arc;

use super::Guarded;
use crate::arena::{Arena, Seat};

/// The table, its counter, and which packets count. Longer than 100 bytes are those with a request
/// in them: an acknowledgement alone has at most 80.
const SETUP: [&str; 8] = [
    "add table inet gauntlet_meter",
    "add counter inet gauntlet_meter sent",
    "add counter inet gauntlet_meter opened",
    "add chain inet gauntlet_meter come { type filter hook prerouting priority -300 ; }",
    "add rule inet gauntlet_meter come iifname != \"lo\" tcp flags & (syn | ack) == syn \
     counter name sent",
    "add rule inet gauntlet_meter come iifname != \"lo\" tcp flags & syn == 0 \
     meta length > 100 counter name sent",
    "add chain inet gauntlet_meter go { type filter hook output priority -300 ; }",
    "add rule inet gauntlet_meter go oifname != \"lo\" tcp flags & (syn | ack) == (syn | ack) \
     counter name opened",
];

const ASK: &str = "list counters table inet gauntlet_meter";

/// The counter of one replica.
#[derive(Debug)]
pub(super) struct Counter {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    last: u64,
    _session: Guarded,
}

impl Counter {
    /// Begins to count; none where that cannot be done, and the figures say that they are blind.
    pub(super) fn begin(arena: &Arc<Arena>, replica: u8) -> Option<Self> {
        let mut command = arena.command(Seat::Replica(replica), "nft");
        command.args(["-j", "-i"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = arena.spawn(command.stderr(Stdio::null())).ok()?;
        let (input, output) = (child.stdin.take()?, child.stdout.take()?);
        let session = Guarded(child, Arc::clone(arena));
        let mut counter =
            Self { input, output: BufReader::new(output), last: 0, _session: session };
        for line in SETUP {
            writeln!(counter.input, "{line}").ok()?;
        }
        counter.last = counter.read()?;
        Some(counter)
    }

    /// Packets since it was asked the last time.
    pub(super) fn since(&mut self) -> Option<u64> {
        let now = self.read()?;
        let since = now.saturating_sub(self.last);
        self.last = now;
        Some(since)
    }

    fn read(&mut self) -> Option<u64> {
        writeln!(self.input, "{ASK}").ok()?;
        let mut line = String::new();
        self.output.read_line(&mut line).ok()?;
        packets(&line)
    }
}

/// What came less the connections that were opened, in what nft says.
fn packets(line: &str) -> Option<u64> {
    let told: serde_json::Value = serde_json::from_str(line).ok()?;
    let all = told.get("nftables")?.as_array()?;
    let of = |name: &str| {
        let mut counters = all.iter().filter_map(|entry| entry.get("counter"));
        counters.find(|counter| counter["name"] == name)?.get("packets")?.as_u64()
    };
    Some(of("sent")?.saturating_sub(of("opened")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Ground;
    use std::io::Read as _;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn packets_are_read_from_what_nft_says() {
        let told = r#"{"nftables": [{"metainfo": {"version": "1.0.6"}}, {"counter":
            {"family": "inet", "name": "sent", "packets": 12, "bytes": 90}}, {"counter":
            {"family": "inet", "name": "opened", "packets": 5, "bytes": 40}}]}"#;
        assert_eq!(packets(told), Some(7));
        assert_eq!(packets("{\"nftables\": []}"), None);
        assert_eq!(packets("Error: syntax"), None);
    }

    #[test]
    fn a_request_and_a_refused_connection_are_counted_and_nothing_else() {
        // Without root there are no namespaces and nothing to count.
        let Ok(arena) = Arena::build(1, Ground::Namespaces).map(Arc::new) else { return };
        let Some(mut counter) = Counter::begin(&arena, 0) else { return };
        let (seat, address) = (Seat::Replica(0), arena.address(Seat::Replica(0), 7_000));
        let listener = arena.within(seat, || TcpListener::bind(address)).unwrap().unwrap();
        let near = arena.within(Seat::Gateway, || TcpStream::connect(address)).unwrap();
        let (mut near, mut far) = (near.unwrap(), listener.accept().unwrap().0);
        assert_eq!(counter.since(), Some(0), "the request on it will be");
        near.write_all(&[b'x'; 200]).unwrap();
        far.read_exact(&mut [0; 200]).unwrap();
        far.write_all(&[b'y'; 500]).unwrap();
        near.read_exact(&mut [0; 500]).unwrap();
        assert_eq!(counter.since(), Some(1));
        assert_eq!(counter.since(), Some(0));
        drop(listener);
        let refused = arena.within(Seat::Gateway, || TcpStream::connect(address)).unwrap();
        assert!(refused.is_err());
        assert_eq!(counter.since(), Some(1), "nobody will log it");
    }
}
