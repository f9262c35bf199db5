//! Ranges of addresses whose peers are trusted. What trust allows is the gateway's business.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// An address with the number of its leading bits that count: `10.0.0.0/8`, `::1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether `ip` lies in the range. An IPv4 address mapped into IPv6 is taken as IPv4, for
    /// that is how dual-stack sockets show IPv4 peers.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        if ip.is_ipv4() != self.address.is_ipv4() {
            return false;
        }
        let (ours, width) = bits(self.address);
        (ours ^ bits(ip).0).checked_shr(u32::from(width - self.prefix)).unwrap_or(0) == 0
    }
}

/// The bits of an address at the low end of a number, and how many there are.
fn bits(ip: IpAddr) -> (u128, u8) {
    match ip {
        IpAddr::V4(v4) => (u128::from(u32::from(v4)), 32),
        IpAddr::V6(v6) => (u128::from(v6), 128),
    }
}

impl FromStr for Network {
    type Err = String;

    /// Reads `ADDRESS` or `ADDRESS/PREFIX`; bits beyond the prefix must be zero, since they show
    /// that another range was meant.
    fn from_str(text: &str) -> Result<Self, String> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let address: IpAddr =
            address.parse().map_err(|_| format!("\"{text}\" is not an IP address or range"))?;
        let address = address.to_canonical();
        let (value, width) = bits(address);
        let prefix = prefix.map_or(Ok(width), str::parse::<u8>).ok().filter(|p| *p <= width);
        let prefix =
            prefix.ok_or_else(|| format!("the prefix of \"{text}\" is not 0 to {width}"))?;
        let host_bits = value & !(u128::MAX.checked_shl(u32::from(width - prefix)).unwrap_or(0));
        if host_bits != 0 {
            return Err(format!("\"{text}\" has bits set beyond its prefix"));
        }
        Ok(Self { address, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == bits(self.address).1 {
            return self.address.fmt(f);
        }
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(range: &str, ip: &str) -> bool {
        range.parse::<Network>().unwrap().contains(ip.parse().unwrap())
    }

    #[test]
    fn a_range_holds_what_shares_its_prefix() {
        assert!(holds("10.0.0.0/8", "10.255.0.1"));
        assert!(!holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("0.0.0.0/0", "1.2.3.4"));
        assert!(holds("::/0", "2001:db8::1"));
        assert!(holds("2001:db8::/32", "2001:db8:ffff::1"));
        assert!(holds("127.0.0.1", "127.0.0.1"));
        assert!(!holds("127.0.0.1", "127.0.0.2"));
    }

    #[test]
    fn families_do_not_mix_but_mapped_addresses_are_ipv4() {
        assert!(!holds("::/0", "1.2.3.4"));
        assert!(!holds("0.0.0.0/0", "::1"));
        assert!(holds("10.0.0.0/8", "::ffff:10.1.1.1"));
    }

    #[test]
    fn slips_are_refused_with_their_reason() {
        let why = |text: &str| text.parse::<Network>().unwrap_err();
        assert_eq!(why("10.0.0.1/8"), "\"10.0.0.1/8\" has bits set beyond its prefix");
        assert_eq!(why("10.0.0.0/33"), "the prefix of \"10.0.0.0/33\" is not 0 to 32");
        assert_eq!(why("ten"), "\"ten\" is not an IP address or range");
    }
}
