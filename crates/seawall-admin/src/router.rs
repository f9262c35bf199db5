//! Which paths there are and which methods they take. What they answer is in `answer`; the same
//! table for programs is `openapi.json`, and a test compares the two.

use http::Method;

use crate::assets::{self, Asset};

/// What a path leads to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Dashboard,
    File(&'static Asset),
    Healthz,
    Readyz,
    Metrics,
    OpenApi,
    Status,
    Config,
    Calls,
    Events,
    Reload,
}

/// The paths without parameters.
const TABLE: [(&str, Place); 10] = [
    ("/", Place::Dashboard),
    ("/healthz", Place::Healthz),
    ("/readyz", Place::Readyz),
    ("/metrics", Place::Metrics),
    ("/v1/openapi.json", Place::OpenApi),
    ("/v1/status", Place::Status),
    ("/v1/config", Place::Config),
    ("/v1/calls", Place::Calls),
    ("/v1/events", Place::Events),
    ("/v1/reload", Place::Reload),
];

const ASSETS: &str = "/assets/";

/// The place that `path` leads to, if any.
pub(crate) fn find(path: &str) -> Option<Place> {
    if let Some(name) = path.strip_prefix(ASSETS) {
        return assets::find(name).map(Place::File);
    }
    TABLE.iter().find(|(known, _)| *known == path).map(|(_, place)| *place)
}

impl Place {
    /// The methods that it takes, in the form of the header `Allow`.
    pub(crate) fn allow(self) -> &'static str {
        match self {
            Place::Reload => "POST",
            _ => "GET, HEAD",
        }
    }

    /// Whether it takes `method`.
    pub(crate) fn takes(self, method: &Method) -> bool {
        self.allow().split(", ").any(|name| name == method.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::assets::OPENAPI;

    /// `METHOD path` of everything that the router serves; HEAD goes with each GET unsaid.
    fn served() -> BTreeSet<String> {
        let verb = |place: Place| place.allow().split(',').next().unwrap_or_default();
        let fixed = TABLE.iter().map(|(path, place)| format!("{} {path}", verb(*place)));
        fixed.chain([format!("GET {ASSETS}{{path}}")]).collect()
    }

    #[test]
    fn openapi_and_router_know_the_same_paths() {
        let document: serde_json::Value = serde_json::from_str(OPENAPI).unwrap();
        let mut described = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            let verbs = item.as_object().unwrap().keys().filter(|key| *key != "parameters");
            described.extend(verbs.map(|verb| format!("{} {path}", verb.to_uppercase())));
        }
        assert_eq!(described, served());
    }

    #[test]
    fn every_reference_in_openapi_leads_somewhere() {
        let document: serde_json::Value = serde_json::from_str(OPENAPI).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
        let references: Vec<&str> = OPENAPI.split("\"$ref\": \"#").skip(1).collect();
        assert!(!references.is_empty());
        for rest in references {
            let pointer = rest.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }

    #[test]
    fn a_path_is_found_only_as_it_is_written() {
        for path in ["", "/v1/status/", "/V1/status", "/assets/", "/assets/../Cargo.toml", "//"] {
            assert!(find(path).is_none(), "{path}");
        }
    }
}
