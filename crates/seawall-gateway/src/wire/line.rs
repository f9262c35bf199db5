//! Values of fields, put together from bytes, without the machinery of `format!`: every request
//! needs several.

use std::fmt::Write;
use std::net::IpAddr;

use bytes::BytesMut;
use http::HeaderValue;

use seawall_core::rng::Rng;

/// Writes values into one buffer, which they share: an allocation for all of them, and none when
/// they are copied for an attempt.
#[derive(Debug)]
pub(super) struct Lines(BytesMut);

impl Lines {
    /// With room for values of `bytes` in all.
    pub(super) fn with_room(bytes: usize) -> Self {
        Self(BytesMut::with_capacity(bytes))
    }

    /// Begins a value.
    pub(super) fn line(&mut self) -> Line<'_> {
        Line(&mut self.0)
    }
}

/// A value in the making.
#[derive(Debug)]
pub(super) struct Line<'a>(&'a mut BytesMut);

impl Line<'_> {
    /// Adds a text.
    pub(super) fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// Adds bytes.
    pub(super) fn bytes(self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Adds an address in its usual form.
    pub(super) fn address(self, address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => {
                let [a, b, c, d] = address.octets();
                [a, b, c]
                    .into_iter()
                    .fold(self, |line, octet| line.number(octet).text("."))
                    .number(d)
            }
            IpAddr::V6(address) => {
                // Writing to memory cannot fail.
                write!(self.0, "{address}").ok();
                self
            }
        }
    }

    /// Adds a number in decimal digits.
    pub(super) fn number(self, number: impl itoa::Integer) -> Self {
        self.text(itoa::Buffer::new().format(number))
    }

    /// The value, unless a byte in it can be in none.
    pub(super) fn value(self) -> Option<HeaderValue> {
        HeaderValue::from_maybe_shared(self.0.split().freeze()).ok()
    }
}

/// 32 hexadecimal digits by chance, never all zero.
pub(super) fn hex(rng: &mut impl Rng) -> [u8; 32] {
    let (high, low) = (rng.next_u64(), rng.next_u64() | 1);
    let mut text = [b'0'; 32];
    let words = [high >> 32, high, low >> 32, low];
    for (digits, word) in text.chunks_exact_mut(8).zip(words) {
        digits.copy_from_slice(&eight_digits(word));
    }
    text
}

/// The hexadecimal digits of the lower half of a word, all at once: a byte for each half of a byte,
/// then `0` is added to each, and from ten on the distance to `a` as well.
fn eight_digits(word: u64) -> [u8; 8] {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let spread = word & 0xffff_ffff;
    let spread = (spread | spread << 16) & 0x0000_ffff_0000_ffff;
    let spread = (spread | spread << 8) & 0x00ff_00ff_00ff_00ff;
    let spread = (spread | spread << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    let letters = ((spread + 6 * ONES) >> 4) & ONES;
    let distance = u64::from(b'a' - b'0' - 10);
    (spread + u64::from(b'0') * ONES + letters * distance).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use seawall_core::rng::Stream;

    #[test]
    fn addresses_read_as_the_standard_library_has_them() {
        for text in ["0.0.0.0", "9.10.99.100", "255.199.20.1", "::1", "2001:db8::7"] {
            let mut lines = Lines::with_room(4);
            assert_eq!(lines.line().address(text.parse().unwrap()).value().unwrap(), text);
        }
    }

    #[test]
    fn what_cannot_be_in_a_value_makes_none() {
        assert_eq!(Lines::with_room(0).line().text("a\nb").value(), None);
    }

    #[test]
    fn values_of_one_buffer_do_not_touch() {
        let mut lines = Lines::with_room(2);
        let one = lines.line().text("one").value().unwrap();
        let two = lines.line().number(22_u64).value().unwrap();
        assert_eq!((one, two), (HeaderValue::from_static("one"), HeaderValue::from_static("22")));
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
