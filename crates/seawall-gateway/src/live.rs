//! The config that is in force: routes with their upstreams, built as a whole and swapped at once.

mod build;
mod router;

pub(crate) use build::{Site, build};
pub(crate) use router::{Match, Router};

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Response, StatusCode};

use seawall_config::Config;
use seawall_core::call::CallSettings;
use seawall_core::shed::Class;
use seawall_core::time::Duration;
use seawall_upstream::PoolProtocol;

use crate::meters::RouteMeters;
use crate::upstreams::SharedUpstream;
use crate::wire::REQUEST_ID;

/// One generation of the config.
#[derive(Debug)]
pub(crate) struct Live {
    /// Counts the configs that have been live; 1 is the first.
    pub(crate) generation: u64,
    /// What the file says.
    pub(crate) config: Config,
    /// Finds the route of a request.
    pub(crate) router: Router,
    /// Every route, in order of precedence.
    pub(crate) routes: Vec<Arc<Route>>,
    /// Every upstream, in order of the file.
    pub(crate) upstreams: Vec<Arc<SharedUpstream>>,
}

/// A route with all that its calls need.
#[derive(Debug)]
pub(crate) struct Route {
    /// Its name.
    pub(crate) name: Arc<str>,
    /// The host it is bound to.
    pub(crate) host: Option<String>,
    /// The path prefix.
    pub(crate) path: String,
    /// The methods, empty for all.
    pub(crate) methods: Vec<http::Method>,
    /// Its upstream.
    pub(crate) upstream: Arc<SharedUpstream>,
    /// How its calls are made.
    pub(crate) settings: CallSettings,
    /// How important they are.
    pub(crate) priority: Class,
    /// The field of requests that keyed balancing goes by.
    pub(crate) affinity: Option<HeaderName>,
    /// Longest silence of the service in the middle of an answer.
    pub(crate) body_idle: Duration,
    /// Bytes of a request body that are kept for further attempts.
    pub(crate) replay: u64,
    /// Longest wait of an attempt for a connection.
    pub(crate) connect: Duration,
    /// The ladder below the upstream.
    pub(crate) rungs: Vec<StaticRung>,
    /// Connections of a worker to each endpoint.
    pub(crate) pool: PoolProtocol,
    /// Its counters.
    pub(crate) meters: Arc<RouteMeters>,
}

/// A rung that always answers the same.
#[derive(Clone, Debug)]
pub(crate) struct StaticRung {
    status: StatusCode,
    content_type: HeaderValue,
    body: Bytes,
}

impl StaticRung {
    /// The answer, for the request with this id.
    pub(crate) fn response(&self, id: &HeaderValue) -> Response<Bytes> {
        let mut response = Response::new(self.body.clone());
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, self.content_type.clone());
        response.headers_mut().insert(REQUEST_ID, id.clone());
        response
    }
}
