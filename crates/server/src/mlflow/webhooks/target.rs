//! Where messages may go.
//!
//! Whoever may make a webhook makes this server send requests, and from where it stands it may reach more than they do: the
//! metadata of its cloud, services that trust their own network. So unless the operator says otherwise, a message goes only to
//! addresses that are public. The address is judged where the connection is made, in the resolver that the connection itself
//! uses: a name that has another address a moment later (DNS rebinding) gains nothing. Redirects are not followed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// How long a name may take to be looked up.
const PATIENCE: Duration = Duration::from_secs(5);

/// An address that messages do not go to.
#[derive(Debug, thiserror::Error)]
#[error("`{host}` leads to {address}, which is not a public address")]
pub(super) struct NotPublic {
    host: String,
    address: IpAddr,
}

/// The error of a lookup.
type LookupError = Box<dyn std::error::Error + Send + Sync>;

/// Looks names up, and fails for one that has an address that is not public, if only public ones are allowed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resolver {
    pub(super) allows_private: bool,
}

impl Resolver {
    async fn look_up(self, host: &str) -> Result<Vec<SocketAddr>, LookupError> {
        let looking = tokio::net::lookup_host((host, 0));
        let found = tokio::time::timeout(PATIENCE, looking).await;
        let found: Vec<SocketAddr> = found.map_err(|_| "it took too long")??.collect();
        found
            .iter()
            .try_for_each(|address| self.check(host, address.ip()))?;
        Ok(found)
    }

    fn check(self, host: &str, address: IpAddr) -> Result<(), NotPublic> {
        if self.allows_private || is_public(address) {
            return Ok(());
        }
        Err(NotPublic {
            host: host.to_owned(),
            address,
        })
    }

    /// Judges the address in a URL, if it has one instead of a name: no resolver is asked for those.
    pub(super) fn check_literal(self, url: &Url) -> Result<(), NotPublic> {
        let host = url.host_str().unwrap_or_default();
        match host.trim_matches(['[', ']']).parse() {
            Ok(address) => self.check(host, address),
            Err(_) => Ok(()),
        }
    }

    /// Whether messages may go to a URL, as far as can be said now: a name that is not known yet may be when it is told.
    pub(super) async fn check_now(self, url: &Url) -> Result<(), LookupError> {
        self.check_literal(url)?;
        let host = url.host_str().unwrap_or_default();
        if !self.allows_private && host.trim_matches(['[', ']']).parse::<IpAddr>().is_err() {
            let refusal = self.look_up(host).await.err();
            return match refusal.filter(|error| error.is::<NotPublic>()) {
                Some(refusal) => Err(refusal),
                None => Ok(()),
            };
        }
        Ok(())
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = *self;
        Box::pin(async move {
            let found = resolver.look_up(name.as_str()).await?;
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

/// Reads a URL with one of the schemes; otherwise says what is wrong with it.
pub(super) fn parse(text: &str, schemes: &[String]) -> Result<Url, String> {
    if text.trim().is_empty() {
        return Err(format!(
            "Webhook URL cannot be empty or just whitespace: '{text}'"
        ));
    }
    let url = Url::parse(text).map_err(|error| format!("Invalid webhook URL '{text}': {error}"))?;
    if !schemes.iter().any(|scheme| scheme == url.scheme()) {
        return Err(format!(
            "Invalid webhook URL scheme: '{}'. Allowed are: {}",
            url.scheme(),
            schemes.join(", ")
        ));
    }
    match url.host_str() {
        Some(host) if !host.is_empty() => Ok(url),
        _ => Err(format!("Invalid webhook URL '{text}': it names no host")),
    }
}

/// Whether an address is of the public internet, also when an IPv6 address only wraps an IPv4 one.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => {
            embedded(address).map_or_else(|| is_public_v6(address), is_public_v4)
        }
    }
}

/// By the registry of special-purpose addresses of IANA.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = match a {
        0 | 10 | 127 | 224.. => true,
        100 => (64..128).contains(&b),
        169 => b == 254,
        172 => (16..32).contains(&b),
        192 => matches!((b, c), (168, _) | (0, 0 | 2) | (88, 99)),
        198 => matches!((b, c), (18 | 19, _) | (51, 100)),
        203 => (b, c) == (0, 113),
        _ => false,
    };
    !is_special
}

/// Of `2000::/3` what is neither for protocols nor for documents.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let is_special = match a {
        0x2001 => b < 0x200 || b == 0xdb8,
        0x3fff => b < 0x1000,
        _ => false,
    };
    (0x2000..0x4000).contains(&a) && !is_special
}

/// The IPv4 address that an IPv6 address wraps: mapped, of 6to4 or of NAT64.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC_ONLY: Resolver = Resolver {
        allows_private: false,
    };

    #[test]
    fn public_addresses_are_told_from_others() {
        for address in [
            "93.184.216.34",
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.3.1",
            "198.17.0.1",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2001:4860:4860::8888",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
            "2002:101:101::",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[track_caller]
    fn refused(url: &str) -> String {
        let schemes = ["https".to_owned()];
        parse(url, &schemes).unwrap_err()
    }

    #[test]
    fn urls_are_checked() {
        assert!(refused("   ").starts_with("Webhook URL cannot be empty"));
        assert!(refused("ftp://example.com").starts_with("Invalid webhook URL scheme: 'ftp'"));
        assert!(refused("http://example.com").contains("Allowed are: https"));
        assert!(refused("http://[invalid").starts_with("Invalid webhook URL"));
        assert!(refused("https://").starts_with("Invalid webhook URL"));
        assert!(parse("https://example.com:8443/a?b=c", &["https".to_owned()]).is_ok());
    }

    /// However it is written, an address is judged by what is connected to.
    #[test]
    fn addresses_in_urls_are_judged() {
        let both = ["http".to_owned(), "https".to_owned()];
        for host in [
            "127.0.0.1",
            "127.1",
            "0177.0.0.1",
            "0x7f.1",
            "2130706433",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "169.254.169.254",
        ] {
            let url = parse(&format!("http://{host}:80/"), &both).unwrap();
            assert!(PUBLIC_ONLY.check_literal(&url).is_err(), "{host}");
            let anywhere = Resolver {
                allows_private: true,
            };
            assert!(anywhere.check_literal(&url).is_ok(), "{host}");
        }
        let url = parse("http://1.1.1.1/", &both).unwrap();
        assert!(PUBLIC_ONLY.check_literal(&url).is_ok());
    }

    #[tokio::test]
    async fn a_name_of_a_private_address_is_not_resolved() {
        let name = || "localhost".parse().unwrap();
        let Err(error) = PUBLIC_ONLY.resolve(name()).await else {
            panic!("it was resolved");
        };
        assert!(error.downcast_ref::<NotPublic>().is_some(), "{error}");
        let anywhere = Resolver {
            allows_private: true,
        };
        assert!(
            anywhere
                .resolve(name())
                .await
                .is_ok_and(|mut found| found.next().is_some())
        );
    }
}
