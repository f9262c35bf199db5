//! What a product says of itself that it holds: gauges that are to be back at nothing once nobody
//! asks any more. Only Seawall tells, at its admin address.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::Product;
use super::running::Running;
use crate::arena::Seat;

/// Gauges of Seawall that count something held for a caller or towards an endpoint.
const GAUGES: [&str; 7] = [
    "seawall_connections",
    "seawall_replay_bytes",
    "seawall_bulkhead_in_use",
    "seawall_bulkhead_queued",
    "seawall_held",
    "seawall_endpoint_active",
    "seawall_pool_idle",
];

/// It answers within milliseconds unless it hangs.
const PATIENCE: Duration = Duration::from_secs(1);

impl Running<'_> {
    /// What it holds by its own account, by the names of its gauges, summed over their labels.
    /// None where the product has no such account, or does not give it.
    #[must_use]
    pub fn holds(&self) -> Option<BTreeMap<String, i64>> {
        let admin = self.wanted.admin.filter(|_| self.product == Product::Seawall)?;
        let told = self.arena.within(Seat::Gateway, || ask(admin)).ok()?.ok()?;
        Some(gauges(&told))
    }
}

fn ask(admin: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&admin, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let head = format!("GET /metrics HTTP/1.1\r\nhost: {admin}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    let mut told = Vec::new();
    stream.read_to_end(&mut told)?;
    Ok(String::from_utf8_lossy(&told).into_owned())
}

/// The sums of the gauges in a text of metrics; one that is not there is left out.
fn gauges(text: &str) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    for line in text.lines() {
        let Some((series, value)) = line.rsplit_once(' ') else { continue };
        let name = series.split('{').next().unwrap_or_default();
        if let (true, Ok(value)) = (GAUGES.contains(&name), value.trim().parse::<i64>()) {
            *sums.entry(name.to_owned()).or_insert(0) += value;
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauges_are_summed_over_their_labels_and_others_left_out() {
        let text = "HTTP/1.1 200 OK\r\n\r\n# TYPE seawall_pool_idle gauge\n\
                    seawall_pool_idle{upstream=\"a\",endpoint=\"1\"} 3\n\
                    seawall_pool_idle{upstream=\"a\",endpoint=\"2 x\"} 4\n\
                    seawall_connections 7\nseawall_calls_total 9\n";
        let sums = gauges(text);
        let told: Vec<_> = sums.iter().map(|(name, sum)| (name.as_str(), *sum)).collect();
        assert_eq!(told, [("seawall_connections", 7), ("seawall_pool_idle", 7)]);
        assert!(gauges("").is_empty());
    }
}
