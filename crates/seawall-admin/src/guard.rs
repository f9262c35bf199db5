//! Keeps web pages of other sites away from the admin side: by the name that they had to use to
//! get here, and by the origin that their browser states. What is served is in `answer`.

use http::header::{HOST, HeaderName, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};

use crate::reply::Refusal;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Refuses what a page of another site could have sent.
pub(crate) fn check(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
    let host = single_host(headers)?;
    let authorities = [Some(host.clone()), uri.authority().cloned()];
    if !authorities.iter().flatten().all(is_loopback) {
        return Err(misdirected(&host));
    }
    let is_fine = if is_safe(method) {
        is_from_here(headers) || is_navigation(headers)
    } else {
        is_from_here(headers) && is_same_origin(&host, headers)
    };
    if is_fine {
        return Ok(());
    }
    let detail = "a page of another origin must not use this gateway; \
                  send the request without Origin and Sec-Fetch-Site, or from the dashboard itself";
    Err(Refusal::new(StatusCode::FORBIDDEN, "denied", detail))
}

fn single_host(headers: &HeaderMap) -> Result<Authority, Refusal> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next().and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let detail = "the request needs exactly one Host header that holds a host and a port";
    match (host, hosts.next()) {
        (Some(host), None) => Ok(host),
        _ => Err(Refusal::new(StatusCode::BAD_REQUEST, "bad_host", detail)),
    }
}

/// Whether the name can only mean this machine. A name from outside that was made to resolve to
/// 127.0.0.1 (DNS rebinding) is still the name of its page, so it does not pass.
fn is_loopback(authority: &Authority) -> bool {
    let name = authority.host();
    if authority.as_str().contains('@') {
        return false;
    }
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    if name == "localhost" || name.ends_with(".localhost") {
        return true;
    }
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(&name);
    bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn misdirected(host: &Authority) -> Refusal {
    let detail = format!(
        "the admin side answers only to loopback names and not to \"{host}\"; \
         use http://127.0.0.1 or http://localhost with its port"
    );
    Refusal::new(StatusCode::MISDIRECTED_REQUEST, "misdirected", detail)
}

fn is_safe(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}

/// Programs state no origin; browsers always do for a POST.
fn is_same_origin(host: &Authority, headers: &HeaderMap) -> bool {
    let expected = format!("http://{host}");
    headers.get(ORIGIN).is_none_or(|origin| *origin == expected)
}

/// Browsers also say how the asking page relates to this one. Another page could not read what it
/// gets, but it could hold connections open until none is left.
fn is_from_here(headers: &HeaderMap) -> bool {
    let site = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
    matches!(site, None | Some(b"same-origin" | b"none"))
}

/// Someone followed a link to this page, which every other page may hold.
fn is_navigation(headers: &HeaderMap) -> bool {
    headers.get(SEC_FETCH_MODE).is_some_and(|mode| mode == "navigate")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(method: Method, headers: &[(&'static str, &'static str)]) -> u16 {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        let uri = Uri::from_static("/v1/status");
        check(&method, &uri, &map).err().map_or(200, |refusal| refusal.status().as_u16())
    }

    #[test]
    fn only_loopback_names_pass() {
        let good = ["localhost", "LOCALHOST:9900", "localhost.:1", "shop.localhost", "127.0.0.1"];
        for host in good.into_iter().chain(["127.3.2.1:80", "[::1]:9900"]) {
            assert_eq!(verdict(Method::GET, &[("host", host)]), 200, "{host}");
        }
        let bad = ["evil.test", "localhost.evil.test", "127.0.0.1.evil.test", "10.0.0.1"];
        for host in bad.into_iter().chain(["[2001:db8::1]", "0.0.0.0", "x@localhost"]) {
            assert_eq!(verdict(Method::GET, &[("host", host)]), 421, "{host}");
        }
    }

    #[test]
    fn a_missing_double_or_broken_host_is_a_bad_request() {
        assert_eq!(verdict(Method::GET, &[]), 400);
        assert_eq!(verdict(Method::GET, &[("host", "localhost"), ("host", "localhost")]), 400);
        assert_eq!(verdict(Method::GET, &[("host", "local host")]), 400);
        assert_eq!(verdict(Method::GET, &[("host", "")]), 400);
    }

    #[test]
    fn the_authority_of_an_absolute_target_is_checked_too() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("localhost"));
        let uri = Uri::from_static("http://evil.test/v1/status");
        assert!(check(&Method::GET, &uri, &headers).is_err());
    }

    #[test]
    fn another_page_may_link_here_and_embed_nothing() {
        let cross = [("host", "localhost"), ("sec-fetch-site", "cross-site")];
        assert_eq!(verdict(Method::GET, &cross), 403);
        let embedded = [cross[0], cross[1], ("sec-fetch-mode", "no-cors")];
        assert_eq!(verdict(Method::GET, &embedded), 403);
        let linked = [cross[0], cross[1], ("sec-fetch-mode", "navigate")];
        assert_eq!(verdict(Method::GET, &linked), 200);
        assert_eq!(verdict(Method::POST, &linked), 403);
    }

    #[test]
    fn a_change_is_refused_from_every_other_origin() {
        let host = ("host", "127.0.0.1:9900");
        assert_eq!(verdict(Method::POST, &[host]), 200);
        assert_eq!(verdict(Method::POST, &[host, ("origin", "http://127.0.0.1:9900")]), 200);
        for origin in
            ["http://evil.test", "null", "http://127.0.0.1:3000", "https://127.0.0.1:9900"]
        {
            assert_eq!(verdict(Method::POST, &[host, ("origin", origin)]), 403, "{origin}");
        }
        for site in ["cross-site", "same-site"] {
            assert_eq!(verdict(Method::POST, &[host, ("sec-fetch-site", site)]), 403, "{site}");
        }
    }
}
