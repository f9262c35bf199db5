//! The sections `[[routes]]`: which requests go to which upstream under which policy.
//!
//! Matching a request is the gateway's; here two routes that would match alike are refused.

use crate::nearest;
use crate::policy::{PolicyConfig, PolicyLayer, merge};
use crate::reader::{Reading, TableReader};
use crate::upstream::UpstreamConfig;
use std::collections::BTreeMap;

/// `[[routes]]`: a rule that matches requests and names their upstream and policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouteConfig {
    /// The name in status, metrics and logs; unique. Default methods, host and path.
    pub name: String,
    /// The host that must match exactly, in lower case and without port; `None` means any.
    pub host: Option<String>,
    /// The prefix that must match on segment boundaries: `/pay` matches `/pay` and `/pay/x`, not
    /// `/payments`. Ends in no slash, unless it is `/`, the default, which matches everything.
    pub path: String,
    /// The methods that match, sorted; empty, the default, means any.
    pub methods: Vec<String>,
    /// The name of the upstream.
    pub upstream: String,
    /// The name of the policy, where one is named.
    pub policy_name: Option<String>,
    /// The field of a request by which keyed balancing goes, in lower case: requests with the same
    /// value go to the same endpoint. `None`, the default, suits the other algorithms.
    pub affinity: Option<String>,
    /// What calls get on this route: class, `[defaults]`, policy and the route's own keys merged.
    pub policy: PolicyConfig,
    /// The position in the file, where the origins of its keys are found.
    pub(crate) index: usize,
}

/// What routes refer to.
pub(crate) struct Targets<'a> {
    pub(crate) upstreams: &'a [UpstreamConfig],
    pub(crate) policies: &'a BTreeMap<String, PolicyLayer>,
    pub(crate) defaults: &'a PolicyLayer,
}

impl Targets<'_> {
    /// The one route of a file that has one upstream and no routes.
    pub(crate) fn only(&self, upstream: &UpstreamConfig, reading: &Reading<'_>) -> RouteConfig {
        let layers = [self.defaults.clone(), PolicyLayer::default(), PolicyLayer::default()];
        RouteConfig {
            name: "/".to_owned(),
            host: None,
            path: "/".to_owned(),
            methods: Vec::new(),
            upstream: upstream.name.clone(),
            policy_name: None,
            affinity: None,
            policy: merge(layers, upstream.pool.connect, reading),
            index: 0,
        }
    }

    /// Reads the route at position `index` of the file.
    pub(crate) fn read(&self, index: usize, table: &mut TableReader<'_>) -> RouteConfig {
        let host = read_host(table);
        let path = read_path(table);
        let methods = read_methods(table);
        let upstream = self.read_upstream(table);
        let (policy_name, named) = self.read_policy(table);
        let affinity = read_affinity(table);
        let own = PolicyLayer::read(table);
        let name = table.text("name", "\"pay\"").map(|given| given.value.to_owned());
        let connect = upstream.map_or_else(Default::default, |upstream| upstream.pool);
        let layers = [self.defaults.clone(), named, own];
        RouteConfig {
            name: name.unwrap_or_else(|| derived_name(&methods, host.as_deref(), &path)),
            host,
            path,
            methods,
            upstream: upstream.map_or_else(String::new, |upstream| upstream.name.clone()),
            policy_name,
            affinity,
            policy: merge(layers, connect.connect, table.reading()),
            index,
        }
    }

    fn read_upstream(&self, table: &mut TableReader<'_>) -> Option<&UpstreamConfig> {
        let names: Vec<&str> = self.upstreams.iter().map(|u| u.name.as_str()).collect();
        let example = format!("\"{}\"", names.first().copied().unwrap_or("payments"));
        let Some(given) = table.text("upstream", &example) else {
            if !table.has("upstream") {
                let remedy = format!("write upstream = {example}");
                table.wrong(table.place(), "a route names no upstream", remedy);
            }
            return None;
        };
        let found = self.upstreams.iter().find(|upstream| upstream.name == given.value);
        if found.is_none() {
            let what = format!("unknown upstream \"{}\"", given.value);
            table.wrong(given.place, what, nearest::remedy(given.value, &names, "known upstreams"));
        }
        found
    }

    fn read_policy(&self, table: &mut TableReader<'_>) -> (Option<String>, PolicyLayer) {
        let Some(given) = table.text("policy", "\"money\"") else {
            return (None, PolicyLayer::default());
        };
        let found = self.policies.get(given.value);
        if found.is_none() {
            let names: Vec<&str> = self.policies.keys().map(String::as_str).collect();
            let what = format!("unknown policy \"{}\"", given.value);
            table.wrong(given.place, what, nearest::remedy(given.value, &names, "known policies"));
        }
        (Some(given.value.to_owned()), found.cloned().unwrap_or_default())
    }
}

/// `header:NAME`, of which the name is kept; names of fields are tokens (RFC 9110 section 5.1).
fn read_affinity(table: &mut TableReader<'_>) -> Option<String> {
    let given = table.text("affinity", "\"header:Customer-Id\"")?;
    let name = given.value.strip_prefix("header:").map(str::to_ascii_lowercase);
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    let valid = |name: &String| !name.is_empty() && name.bytes().all(token);
    let name = name.filter(valid);
    if name.is_none() {
        let what = format!("{}: \"{}\" names no field", table.path_of("affinity"), given.value);
        table.wrong(given.place, what, "write affinity = \"header:Customer-Id\"");
    }
    name
}

/// `GET,POST shop.example/pay`: what a route matches, as far as it says.
fn derived_name(methods: &[String], host: Option<&str>, path: &str) -> String {
    let place = format!("{}{path}", host.unwrap_or_default());
    if methods.is_empty() { place } else { format!("{} {place}", methods.join(",")) }
}

fn read_host(table: &mut TableReader<'_>) -> Option<String> {
    let given = table.text("host", "\"shop.example\"")?;
    let host = given.value.to_ascii_lowercase();
    let bracketed = host.starts_with('[') && host.ends_with(']');
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let within = |c: char| plain(c) || (bracketed && "[]:".contains(c));
    if !(1..=255).contains(&host.len()) || !host.chars().all(within) {
        let what = format!("{}: \"{}\" is not a host", table.path_of("host"), given.value);
        table.wrong(given.place, what, "write the name alone, without scheme, port or path");
    }
    Some(host)
}

/// Requests are brought into normal form before they are matched, so a prefix that is not in
/// normal form could never match.
fn read_path(table: &mut TableReader<'_>) -> String {
    let Some(given) = table.text("path", "\"/pay\"") else { return "/".to_owned() };
    let path = given.value;
    let wrong = |why: &str, remedy: String| {
        table.wrong(given.place, format!("path \"{path}\" {why}"), remedy);
    };
    let visible = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'?' && byte != b'#');
    if !path.starts_with('/') {
        wrong("does not begin with a slash", format!("write path = \"/{path}\""));
    } else if !visible {
        wrong("has characters that no path has", "write the path alone, percent-encoded".into());
    } else if path.len() > 1 && path.ends_with('/') {
        let trimmed = path.trim_end_matches('/');
        let remedy = format!("write path = \"{trimmed}\", which also matches what lies below it");
        wrong(
            "ends in a slash",
            if trimmed.is_empty() { "write path = \"/\"".into() } else { remedy },
        );
    } else if path.split('/').skip(1).any(|part| part == "." || part == "..") {
        wrong("has dot segments, which requests lose first", "write the path they lead to".into());
    }
    path.to_owned()
}

fn read_methods(table: &mut TableReader<'_>) -> Vec<String> {
    let given = table.list("methods", "[\"GET\", \"HEAD\"]", |element| {
        let method = element.as_str().unwrap_or_default();
        let upper = method.to_ascii_uppercase();
        let token =
            !method.is_empty() && method.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-');
        if !token || method != upper {
            let remedy = if token { upper } else { "GET".to_owned() };
            element.wrong(format!("\"{method}\" is not a method"), format!("write \"{remedy}\""));
            return None;
        }
        Some(upper)
    });
    let Some(given) = given else { return Vec::new() };
    if given.value.is_empty() && table.is_empty_list("methods") {
        table.wrong(given.place, "a route without methods matches nothing", "remove methods");
    }
    let mut methods = given.value;
    methods.sort();
    methods.dedup();
    methods
}

/// Notes routes of which none is the more specific: file order never decides.
pub(crate) fn check(routes: &[RouteConfig], reading: &Reading<'_>) {
    for (position, route) in routes.iter().enumerate() {
        let earlier = routes.iter().take(position);
        let place = reading.place_of(&format!("routes[{}]", route.index));
        if let Some(other) = earlier.clone().find(|other| ties(other, route)) {
            let at = reading.place_of(&format!("routes[{}]", other.index));
            let at = at.map_or(String::new(), |at| format!(" as the route at line {}", at.line));
            let request = example_request(other, route);
            let what = format!("route \"{}\" matches the same requests{at}, {request}", route.name);
            reading.wrong(place, what, "change host, path or methods of one of them");
        } else if earlier.clone().any(|other| other.name == route.name) {
            let what = format!("two routes are named \"{}\"", route.name);
            reading.wrong(place, what, "give each a name of its own");
        }
    }
}

/// Whether some request matches both and neither is more specific. A list of methods beats none.
fn ties(one: &RouteConfig, other: &RouteConfig) -> bool {
    one.host == other.host
        && one.path == other.path
        && (one.methods == other.methods || shared_method(one, other).is_some())
}

fn shared_method<'a>(one: &'a RouteConfig, other: &RouteConfig) -> Option<&'a String> {
    one.methods.iter().find(|method| other.methods.contains(method))
}

fn example_request(one: &RouteConfig, other: &RouteConfig) -> String {
    let method = shared_method(one, other).map_or("GET", String::as_str);
    format!("such as {method} {}{}", one.host.as_deref().unwrap_or_default(), one.path)
}
