//! Config texts for the end-to-end tests: one upstream behind one route, ports chosen by the
//! system. The gateway that reads them is in `gateway`.

use std::fmt::Write as _;
use std::net::SocketAddr;

/// What differs from the defaults, as lines of TOML.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shop {
    /// Of the listener `web`.
    pub(crate) listener: &'static str,
    /// Of the upstream `shop`.
    pub(crate) upstream: &'static str,
    /// Of the route, which takes every path.
    pub(crate) route: &'static str,
}

impl Shop {
    /// The whole file, in front of these endpoints.
    pub(crate) fn config(&self, endpoints: &[SocketAddr]) -> String {
        let endpoints: Vec<String> = endpoints.iter().map(|e| format!("\"{e}\"")).collect();
        let mut text = String::from("[admin]\naddress = \"127.0.0.1:0\"\n");
        let Self { listener, upstream, route } = self;
        let endpoints = endpoints.join(", ");
        let parts = [
            format!("[listeners.web]\naddress = \"127.0.0.1:0\"\n{listener}"),
            format!("[upstreams.shop]\nendpoints = [{endpoints}]\n{upstream}"),
            format!("[[routes]]\npath = \"/\"\nupstream = \"shop\"\n{route}"),
        ];
        for part in parts {
            writeln!(text, "\n{part}").unwrap();
        }
        text
    }
}
