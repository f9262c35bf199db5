//! Which route takes a request: exact host before any, then the longest path prefix, then
//! methods. File order decides nothing; the config refuses ties.

use std::collections::HashMap;
use std::sync::Arc;

use http::Method;
use http::uri::Authority;

use super::Route;

/// Finds routes by host, path and method.
#[derive(Debug, Default)]
pub(crate) struct Router {
    by_host: HashMap<String, Vec<Arc<Route>>>,
    any_host: Vec<Arc<Route>>,
}

/// What a look-up came to.
#[derive(Debug)]
pub(crate) enum Match<'a> {
    /// This route.
    Route(&'a Arc<Route>),
    /// A route takes the path, but only with these methods.
    Methods(Vec<Method>),
    /// None.
    None,
}

impl Router {
    /// A router over `routes`.
    pub(crate) fn new(routes: &[Arc<Route>]) -> Self {
        let mut router = Self::default();
        for route in routes {
            let group = match &route.host {
                Some(host) => router.by_host.entry(host.to_ascii_lowercase()).or_default(),
                None => &mut router.any_host,
            };
            group.push(Arc::clone(route));
        }
        for group in router.by_host.values_mut().chain([&mut router.any_host]) {
            group.sort_by_key(|route| precedence(route));
        }
        router
    }

    /// The route of a request. The authority's port does not matter.
    pub(crate) fn find(
        &self,
        authority: Option<&Authority>,
        path: &str,
        method: &Method,
    ) -> Match<'_> {
        // The server as a whole (`OPTIONS *`) is asked where everything is.
        let path = if path == "*" { "/" } else { path };
        let own = authority.and_then(|authority| self.by_host.get(authority.host()));
        let mut allow = Vec::new();
        for route in own.into_iter().flatten().chain(&self.any_host) {
            if !is_under(&route.path, path) {
                continue;
            }
            if route.methods.is_empty() || route.methods.contains(method) {
                return Match::Route(route);
            }
            allow.extend(route.methods.iter().cloned());
        }
        if allow.is_empty() { Match::None } else { Match::Methods(allow) }
    }
}

/// Longer prefixes first, then routes that name methods before those that take all.
fn precedence(route: &Route) -> (std::cmp::Reverse<usize>, bool) {
    (std::cmp::Reverse(route.path.len()), route.methods.is_empty())
}

/// Whether `path` lies under `prefix`, on whole segments.
fn is_under(prefix: &str, path: &str) -> bool {
    let Some(rest) = path.strip_prefix(prefix.trim_end_matches('/')) else { return false };
    rest.is_empty() || rest.starts_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::build;
    use seawall_config::Config;

    fn find(source: &str, host: &str, path: &str, method: Method) -> String {
        let config = Config::parse(source, "test.toml").unwrap();
        let live = build::tests::live(config);
        let authority: Authority = host.parse().unwrap();
        match live.router.find(Some(&authority), path, &method) {
            Match::Route(route) => route.name.to_string(),
            Match::Methods(allow) => format!("{allow:?}"),
            Match::None => "none".to_owned(),
        }
    }

    const ROUTES: &str = r#"
        [upstreams.u]
        endpoints = ["127.0.0.1:1"]
        [[routes]]
        name = "all"
        path = "/"
        upstream = "u"
        [[routes]]
        name = "pay"
        path = "/pay"
        methods = ["POST"]
        upstream = "u"
        [[routes]]
        name = "pay-status"
        path = "/pay/status"
        upstream = "u"
        [[routes]]
        name = "admin"
        host = "admin.test"
        path = "/admin"
        upstream = "u"
    "#;

    #[test]
    fn the_longest_prefix_on_whole_segments_wins() {
        assert_eq!(find(ROUTES, "shop.test", "/pay", Method::POST), "pay");
        assert_eq!(find(ROUTES, "shop.test", "/pay/x", Method::POST), "pay");
        assert_eq!(find(ROUTES, "shop.test", "/pay/status", Method::POST), "pay-status");
        assert_eq!(find(ROUTES, "shop.test", "/payments", Method::POST), "all");
        assert_eq!(find(ROUTES, "shop.test", "*", Method::OPTIONS), "all");
    }

    #[test]
    fn a_shorter_route_takes_what_the_longer_does_not() {
        assert_eq!(find(ROUTES, "shop.test", "/pay", Method::GET), "all");
    }

    #[test]
    fn an_exact_host_comes_first_whatever_the_port() {
        assert_eq!(find(ROUTES, "admin.test:8080", "/admin", Method::GET), "admin");
        assert_eq!(find(ROUTES, "shop.test", "/admin", Method::GET), "all");
        assert_eq!(find(ROUTES, "admin.test", "/pay", Method::POST), "pay");
    }

    #[test]
    fn a_path_without_the_method_names_those_it_takes() {
        let only = r#"
            [upstreams.u]
            endpoints = ["127.0.0.1:1"]
            [[routes]]
            path = "/pay"
            methods = ["POST"]
            upstream = "u"
        "#;
        assert_eq!(find(only, "shop.test", "/pay", Method::GET), "[POST]");
        assert_eq!(find(only, "shop.test", "/other", Method::GET), "none");
    }
}
