//! The one authority of a request: what routes, logs and the upstream all see.

use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, Version};

use seawall_core::reason::Reason;

/// The authority of a request, in lower case.
///
/// HTTP/1.1 needs exactly one `Host`; HTTP/2 `:authority` and `Host` must agree if both are given,
/// and so must an absolute target and `Host` (RFC 9112 section 3.2, RFC 9113 section 8.3.1).
///
/// # Errors
/// [`Reason::BadHost`] if there is none where one is needed, or if two contradict.
pub(crate) fn authority(parts: &Parts) -> Result<Option<Authority>, Reason> {
    let host = single_host(&parts.headers)?;
    let target = parts.uri.authority().cloned();
    match (host, target) {
        (Some(host), Some(target)) if !host.as_str().eq_ignore_ascii_case(target.as_str()) => {
            Err(Reason::BadHost)
        }
        (Some(host), _) => lower_case(&host).map(Some),
        (None, Some(target)) => lower_case(&target).map(Some),
        (None, None) if parts.version == Version::HTTP_10 => Ok(None),
        (None, None) => Err(Reason::BadHost),
    }
}

fn single_host(headers: &HeaderMap) -> Result<Option<Authority>, Reason> {
    let mut lines = headers.get_all(HOST).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(Reason::BadHost);
    }
    let text = line.to_str().map_err(|_| Reason::BadHost)?;
    text.parse().map(Some).map_err(|_| Reason::BadHost)
}

/// Lower case, and without user information, which no request needs and phishers like.
fn lower_case(authority: &Authority) -> Result<Authority, Reason> {
    if authority.as_str().contains('@') {
        return Err(Reason::BadHost);
    }
    if !authority.as_str().bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Ok(authority.clone());
    }
    authority.as_str().to_ascii_lowercase().parse().map_err(|_| Reason::BadHost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn judge(uri: &str, hosts: &[&str], version: Version) -> Result<Option<String>, Reason> {
        let mut request = Request::builder().uri(uri).version(version);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        authority(&parts).map(|found| found.map(|authority| authority.to_string()))
    }

    #[test]
    fn exactly_one_host_is_needed() {
        let ours = Ok(Some("shop.test".to_owned()));
        assert_eq!(judge("/", &["shop.test"], Version::HTTP_11), ours);
        assert_eq!(judge("/", &["Shop.Test"], Version::HTTP_11), ours);
        assert_eq!(judge("/", &[], Version::HTTP_11), Err(Reason::BadHost));
        assert_eq!(judge("/", &["a", "a"], Version::HTTP_11), Err(Reason::BadHost));
        assert_eq!(judge("/", &["me@shop.test"], Version::HTTP_11), Err(Reason::BadHost));
        assert_eq!(judge("/", &["a b"], Version::HTTP_11), Err(Reason::BadHost));
        assert_eq!(judge("/", &[], Version::HTTP_10), Ok(None));
    }

    #[test]
    fn an_absolute_target_must_agree_with_the_host() {
        let ours = Ok(Some("shop.test".to_owned()));
        assert_eq!(judge("http://shop.test/", &["shop.test"], Version::HTTP_11), ours);
        assert_eq!(judge("http://shop.test/", &[], Version::HTTP_2), ours);
        let other = judge("http://shop.test/", &["other.test"], Version::HTTP_11);
        assert_eq!(other, Err(Reason::BadHost));
    }
}
