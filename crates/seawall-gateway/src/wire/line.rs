//! Values of fields, put together from bytes: every request needs several, and the machinery of
//! `format!` costs more than all of them.

use std::io::Write;
use std::net::IpAddr;

use bytes::Bytes;
use http::HeaderValue;

use seawall_core::rng::Rng;

/// A value in the making.
#[derive(Debug)]
pub(super) struct Line(Vec<u8>);

impl Line {
    /// An empty one with room for `bytes`.
    pub(super) fn with_room(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// Adds a text.
    pub(super) fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// Adds bytes.
    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Adds another.
    pub(super) fn followed_by(self, other: &Self) -> Self {
        self.bytes(&other.0)
    }

    /// Adds an address in its usual form.
    pub(super) fn address(mut self, address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => {
                let [a, b, c, d] = address.octets();
                [a, b, c]
                    .into_iter()
                    .fold(self, |line, octet| line.decimal(octet).text("."))
                    .decimal(d)
            }
            IpAddr::V6(address) => {
                // Writing to memory cannot fail.
                drop(write!(self.0, "{address}"));
                self
            }
        }
    }

    fn decimal(mut self, octet: u8) -> Self {
        let digits = [octet / 100, octet / 10 % 10, octet % 10].map(|digit| b'0' + digit);
        let leading = if octet < 10 { 2 } else { usize::from(octet < 100) };
        self.0.extend(digits.iter().skip(leading));
        self
    }

    /// The value, unless a byte in it can be in none.
    pub(super) fn value(self) -> Option<HeaderValue> {
        HeaderValue::from_maybe_shared(Bytes::from(self.0)).ok()
    }
}

/// 32 hexadecimal digits by chance, never all zero.
pub(super) fn hex(rng: &mut impl Rng) -> [u8; 32] {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let mut bits = (u128::from(rng.next_u64()) << 64) | u128::from(rng.next_u64()) | 1;
    let mut text = [b'0'; 32];
    for digit in text.iter_mut().rev() {
        *digit = DIGITS[(bits & 15) as usize];
        bits >>= 4;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use seawall_core::rng::Stream;

    #[test]
    fn addresses_read_as_the_standard_library_has_them() {
        for text in ["0.0.0.0", "9.10.99.100", "255.199.20.1", "::1", "2001:db8::7"] {
            let line = Line::with_room(4).address(text.parse().unwrap());
            assert_eq!(line.value().unwrap(), text);
        }
    }

    #[test]
    fn what_cannot_be_in_a_value_makes_none() {
        assert_eq!(Line::with_room(0).text("a\nb").value(), None);
    }

    #[test]
    fn hexadecimal_digits_are_those_of_the_bits() {
        let (mut rng, mut same) = (Stream::new(1, "hex"), Stream::new(1, "hex"));
        for _ in 0..100 {
            let text = String::from_utf8(hex(&mut rng).to_vec()).unwrap();
            let bits = (u128::from(same.next_u64()) << 64) | u128::from(same.next_u64()) | 1;
            assert_eq!(text, format!("{bits:032x}"));
        }
    }
}
