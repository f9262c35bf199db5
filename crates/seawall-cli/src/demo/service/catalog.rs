//! What the three read-only services answer: inventory, search and recommendations.

use http::StatusCode;
use serde_json::json;

use crate::demo::server::{self, Reply};
use crate::demo::shop::Kind;

/// Answers a GET of `path` with `query`, after the work is done. `replica` names who answered.
pub(super) fn answer(kind: Kind, path: &str, query: &str, replica: &str) -> Reply {
    let body = match kind {
        Kind::Inventory => last_segment(path, "/stock/")
            .map(|id| json!({ "id": id, "pieces": 3 + id.len(), "from": replica })),
        Kind::Search => (path == "/search").then(|| {
            let words = query.strip_prefix("q=").unwrap_or(query);
            json!({ "query": words, "found": ["lamp", "ladder", "lantern"], "from": replica })
        }),
        Kind::Recommendations => last_segment(path, "/recommendations/").map(|user| {
            let items = ["kettle", "teapot"];
            json!({ "user": user, "items": items, "personal": true, "from": replica })
        }),
        Kind::Payments | Kind::Storefront => None,
    };
    body.map_or_else(
        || server::refusal(StatusCode::NOT_FOUND, "no such path here"),
        |body| server::json(StatusCode::OK, &body),
    )
}

fn last_segment<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    path.strip_prefix(prefix).filter(|rest| !rest.is_empty() && !rest.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_answers_its_own_path_only() {
        let paths = ["/stock/7", "/search", "/recommendations/ann"];
        let kinds = [Kind::Inventory, Kind::Search, Kind::Recommendations];
        for (own, kind) in kinds.into_iter().enumerate() {
            for (number, path) in paths.into_iter().enumerate() {
                let expected = if own == number { StatusCode::OK } else { StatusCode::NOT_FOUND };
                assert_eq!(answer(kind, path, "q=la", "x-1").status(), expected, "{kind} {path}");
            }
        }
    }
}
