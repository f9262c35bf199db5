//! What generator, products and replicas say to each other: names of headers, paths, and bodies
//! that follow from the id of a request alone, so that both ends can check them.

use bytes::{Bytes, BytesMut};
use seawall_core::hash::{hash, mix};

use crate::stream::{Planned, Priority};

/// The number of the request in the stream, in requests and answers.
pub const ID: &str = "gauntlet-id";
/// Nanoseconds of work that a request asks for.
pub const SERVICE: &str = "gauntlet-service";
/// Bytes of the answer that a request asks for.
pub const LENGTH: &str = "gauntlet-length";
/// The tenant of a request, from 0.
pub const TENANT: &str = "gauntlet-tenant";
/// The replica that made an answer, from 0.
pub const REPLICA: &str = "gauntlet-replica";
/// XXH64 of an answer's body, as 16 hexadecimal digits.
pub const HASH: &str = "gauntlet-hash";
/// The priority of a request (RFC 9218).
pub const PRIORITY: &str = "priority";
/// The promise that a request may be repeated.
pub const KEY: &str = "idempotency-key";
/// Where health checks ask.
pub const HEALTH: &str = "/healthz";

/// The longest body that anybody here reads: larger ones than any scenario asks for.
pub const BODY_MAX: usize = 64 << 20;

/// The body that belongs to `id`: no two ids have a common 8 bytes at the same place.
#[must_use]
pub fn body(id: u64, length: u32) -> Bytes {
    let length = usize::try_from(length).unwrap_or(usize::MAX).min(BODY_MAX);
    let mut body = BytesMut::with_capacity(length + 8);
    let mut block = 0;
    while body.len() < length {
        body.extend_from_slice(&mix(id, block).to_le_bytes());
        block += 1;
    }
    body.truncate(length);
    body.freeze()
}

/// The value of [`HASH`] for a body.
#[must_use]
pub fn hash_of(body: &[u8]) -> String {
    format!("{:016x}", hash(0, body))
}

/// The value of [`PRIORITY`].
#[must_use]
pub const fn urgency(priority: Priority) -> &'static str {
    match priority {
        Priority::High => "u=1",
        Priority::Normal => "u=3",
        Priority::Low => "u=6",
    }
}

/// The path of a request. The id is part of it, so that no cache on the way answers for a replica.
#[must_use]
pub fn path(planned: &Planned) -> String {
    format!("/r{}/{}", planned.route, planned.id)
}

/// The value of [`KEY`] for a request that bears one.
#[must_use]
pub fn key(id: u64) -> String {
    format!("\"gauntlet-{id}\"")
}

/// Whether `id` is the one in `one_in` that replicas do not survive; none where `one_in` is 0.
/// Pure, so that the floor of a run can be counted from its stream.
#[must_use]
pub const fn is_poison(id: u64, one_in: u32) -> bool {
    one_in > 0 && mix(id, 0x706f_6973_6f6e).is_multiple_of(one_in as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_follow_from_the_id_and_have_their_length() {
        for length in [0, 1, 7, 8, 9, 100] {
            let a = body(1, length);
            assert_eq!(a.len(), length as usize);
            assert_eq!(a, body(1, 100).slice(..length as usize));
        }
        assert_ne!(body(1, 8), body(2, 8));
        assert_ne!(hash_of(&body(1, 8)), hash_of(&body(1, 9)));
        assert_eq!(hash_of(b""), "ef46db3751d8e999");
    }

    #[test]
    fn one_id_in_so_many_is_poison_and_none_unless_asked() {
        let count = (0..100_000).filter(|id| is_poison(*id, 5_000)).count();
        assert!((5..=40).contains(&count), "{count} of about 20");
        assert!(!(0..1_000).any(|id| is_poison(id, 0)));
        assert!((0..1_000).all(|id| is_poison(id, 1)));
    }
}
