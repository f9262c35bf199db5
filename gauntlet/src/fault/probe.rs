//! A request of our own on the same path as the product's: what a fault looks like from there.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::stamp::Stamp;
use crate::wire;

/// Ids from here on belong to probes; no stream is so long.
pub const PROBES: u64 = 1 << 62;

/// Bytes of the answer to a probe.
const LENGTH: u32 = 100;

/// The work that a probe asks for: that of a usual request, so that slow work shows.
const WORK: Duration = Duration::from_millis(20);

/// What a probe saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// A whole, right answer with this status, after so many nanoseconds.
    Answer(u16, u64),
    /// An answer that broke off or is not the one that was asked for.
    Broken(String),
    /// The connection was refused or ended without an answer.
    Refused(String),
    /// Nothing within the time.
    Silent,
}

/// What has to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// Whatever: this fault is read back, not seen.
    Any,
    /// No answer.
    Dead,
    /// No answer before so long.
    Slow(Duration),
    /// At least one answer with this status.
    Status(u16),
    /// No right answer.
    Broken,
    /// The connection is closed by the other side after it has idled for so long.
    Closes(Duration),
    /// A right answer.
    Well,
}

/// The longest wait for an answer.
const PATIENCE: Duration = Duration::from_millis(1_000);

/// For a dead one: far longer than the 20 ms of work.
const DEAD: Duration = Duration::from_millis(250);

/// Probes for a sign that shows by chance: one in ten is missed by 100 of them once in 40,000.
const TRIES: u64 = 100;

/// Looks for a sign at `address`, from the network of the calling thread.
pub(super) fn look(address: SocketAddr, sign: Sign) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no probe: {error}"))?;
    runtime.block_on(seek(address, sign))
}

async fn seek(address: SocketAddr, sign: Sign) -> Result<String, String> {
    let tries = match sign {
        Sign::Any => return Ok("not probed".to_owned()),
        Sign::Closes(after) => return closes(address, after).await,
        Sign::Status(_) => TRIES,
        Sign::Well => 5,
        Sign::Dead | Sign::Slow(_) | Sign::Broken => 2,
    };
    let patience = match sign {
        Sign::Dead => DEAD,
        _ => PATIENCE,
    };
    let mut last = String::new();
    for number in 0..tries {
        let sight = probe(address, number, patience).await;
        last = format!("{sight:?}");
        if shows(&sight, sign, patience) {
            return Ok(format!("probe: {last}"));
        }
    }
    Err(format!("probe wanted {sign:?}, saw {last}"))
}

/// Whether what was seen is the sign.
fn shows(sight: &Sight, sign: Sign, patience: Duration) -> bool {
    match (sign, sight) {
        (Sign::Any | Sign::Dead | Sign::Slow(_), Sight::Silent)
        | (Sign::Any | Sign::Dead, Sight::Refused(_))
        | (Sign::Any, _)
        | (Sign::Broken, Sight::Broken(_) | Sight::Refused(_)) => true,
        (Sign::Slow(by), Sight::Answer(_, took)) => {
            u128::from(*took) >= by.min(patience).as_nanos()
        }
        (Sign::Status(code), Sight::Answer(status, _)) => *status == code,
        // A queue that has filled under the fault empties after it; 503 is an answer of a replica
        // that lives.
        (Sign::Well, Sight::Answer(status, _)) => *status == 200 || *status == 503,
        _ => false,
    }
}

async fn probe(address: SocketAddr, number: u64, patience: Duration) -> Sight {
    let asked = ask(address, number);
    tokio::time::timeout(patience, asked).await.unwrap_or(Sight::Silent)
}

async fn ask(address: SocketAddr, number: u64) -> Sight {
    let begun = Stamp::now();
    let stream = match TcpStream::connect(address).await {
        Ok(stream) => stream,
        Err(error) => return Sight::Refused(error.to_string()),
    };
    let id = PROBES + number;
    let answered = match exchange(stream, id, "close").await {
        Ok((answered, _)) => answered,
        Err(Trouble::Before(error)) => return Sight::Refused(error),
        Err(Trouble::Within(error)) => return Sight::Broken(error),
    };
    let (status, body) = answered;
    if status == 200 && body != wire::body(id, LENGTH) {
        return Sight::Broken("another body than asked for".to_owned());
    }
    Sight::Answer(status, Stamp::now().since(begun))
}

/// How an exchange broke.
enum Trouble {
    Before(String),
    Within(String),
}

type Connection = hyper::client::conn::http1::Connection<TokioIo<TcpStream>, Empty<Bytes>>;

async fn exchange(
    stream: TcpStream,
    id: u64,
    after: &str,
) -> Result<((u16, Bytes), Option<Connection>), Trouble> {
    let before = |error: &dyn std::fmt::Display| Trouble::Before(error.to_string());
    let request = Request::builder()
        .uri(format!("/r0/{id}"))
        .header(header::HOST, "gauntlet")
        .header(header::CONNECTION, after)
        .header(wire::ID, id)
        .header(wire::SERVICE, u64::try_from(WORK.as_nanos()).unwrap_or(0))
        .header(wire::LENGTH, LENGTH)
        .body(Empty::<Bytes>::new())
        .map_err(|error| before(&error))?;
    let shaken = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, mut connection) = shaken.map_err(|error| before(&error))?;
    let answered = async {
        let answer = sender.send_request(request).await.map_err(|error| before(&error))?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), wire::BODY_MAX).collect().await;
        let body = body.map_err(|error| Trouble::Within(error.to_string()))?.to_bytes();
        Ok((status, body))
    };
    let mut answered = std::pin::pin!(answered);
    tokio::select! {
        biased;
        answer = &mut answered => Ok((answer?, Some(connection))),
        // The connection may end with the answer already on its way to us.
        _ = &mut connection => Ok((answered.await?, None)),
    }
}

/// Sees the other side close a connection that idles.
async fn closes(address: SocketAddr, after: Duration) -> Result<String, String> {
    let said = |error: io::Error| error.to_string();
    let stream = TcpStream::connect(address).await.map_err(said)?;
    let exchanged = tokio::time::timeout(PATIENCE, exchange(stream, PROBES, "keep-alive")).await;
    let Ok(Ok((_, Some(connection)))) = exchanged else {
        return Err("probe: no answer on a connection that stays open".to_owned());
    };
    match tokio::time::timeout(after + PATIENCE, connection).await {
        Ok(_) => Ok(format!("probe: closed after it idled for {after:?}")),
        Err(_) => Err("probe: the idle connection stays open".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    const MILLI: u64 = 1_000_000;

    #[test]
    fn each_sign_is_shown_by_what_its_fault_looks_like_and_by_nothing_else() {
        let sights = [
            Sight::Answer(200, 20 * MILLI),
            Sight::Answer(200, 300 * MILLI),
            Sight::Answer(500, 20 * MILLI),
            Sight::Broken("cut".to_owned()),
            Sight::Refused("reset".to_owned()),
            Sight::Silent,
        ];
        let slow = Sign::Slow(Duration::from_millis(200));
        let table = [
            (Sign::Well, [true, true, false, false, false, false]),
            (slow, [false, true, false, false, false, true]),
            (Sign::Status(500), [false, false, true, false, false, false]),
            (Sign::Broken, [false, false, false, true, true, false]),
            (Sign::Dead, [false, false, false, false, true, true]),
            (Sign::Any, [true; 6]),
        ];
        for (sign, expected) in table {
            let shown: Vec<bool> = sights.iter().map(|one| shows(one, sign, PATIENCE)).collect();
            assert_eq!(shown, expected, "{sign:?}");
        }
    }

    #[test]
    fn a_fault_that_outlasts_the_probe_s_patience_is_seen_by_its_end() {
        let sign = Sign::Slow(Duration::from_secs(5));
        assert!(shows(&Sight::Silent, sign, PATIENCE));
        assert!(!shows(&Sight::Answer(200, 300 * MILLI), sign, PATIENCE));
    }

    #[test]
    fn nobody_at_the_address_is_dead_and_somebody_who_never_answers_too() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert!(look(address, Sign::Dead).unwrap().contains("Silent"));
        assert!(look(address, Sign::Well).is_err());
        drop(listener);
        assert!(look(address, Sign::Dead).unwrap().contains("Refused"));
    }
}
