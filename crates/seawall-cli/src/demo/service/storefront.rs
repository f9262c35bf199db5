//! The storefront: assembles a page from inventory, search and recommendations, which it calls
//! at the same time. The same code runs on both sides of the demo; only its targets differ:
//! the replicas themselves, or the gateway.

use http::StatusCode;
use serde_json::{Value, json};

use super::ServiceArgs;
use crate::demo::client::{Answer, Ask, BETWEEN_SERVICES, Client, Mishap, Targets};
use crate::demo::server::{self, Reply};
use crate::demo::{SEAWALL_WHY, SHOP_DEGRADED};

/// One storefront process.
#[derive(Debug)]
pub(super) struct Storefront {
    client: Client,
    stock: Targets,
    search: Targets,
    recommendations: Targets,
}

/// One part of a page: its content, and whether it is a substitute for the real one.
struct Part {
    content: Value,
    substitute: bool,
}

impl Storefront {
    /// The storefront that calls the addresses in `args`.
    pub(super) fn new(args: &ServiceArgs) -> Self {
        Self {
            client: Client::new(BETWEEN_SERVICES),
            stock: Targets::new(args.stock.clone()),
            search: Targets::new(args.search.clone()),
            recommendations: Targets::new(args.recommendations.clone()),
        }
    }

    /// Answers a GET of `/page/{n}`. A part that cannot be had fails the page with 502: this is a
    /// plain program, without resilience of its own.
    pub(super) async fn answer(&self, path: &str) -> Reply {
        let Some(number) = path.strip_prefix("/page/").filter(|rest| is_number(rest)) else {
            return server::refusal(StatusCode::NOT_FOUND, "the storefront knows /page/{n}");
        };
        match self.assemble(number).await {
            Ok(reply) => reply,
            Err(why) => server::refusal(StatusCode::BAD_GATEWAY, &why),
        }
    }

    async fn assemble(&self, number: &str) -> Result<Reply, String> {
        let (stock, search, recommendations) = tokio::join!(
            self.part("stock", &self.stock, format!("/stock/{number}")),
            self.part("search", &self.search, format!("/search?q=page-{number}")),
            self.part(
                "recommendations",
                &self.recommendations,
                format!("/recommendations/{number}")
            ),
        );
        let parts = [stock?, search?, recommendations?];
        let degraded = parts.iter().any(|part| part.substitute);
        let [stock, search, recommendations] = parts.map(|part| part.content);
        let body = json!({
            "page": number, "stock": stock, "search": search, "recommendations": recommendations,
        });
        let page = server::json(StatusCode::OK, &body);
        Ok(if degraded { server::marked(page, SHOP_DEGRADED, "1") } else { page })
    }

    async fn part(&self, name: &str, at: &Targets, path: String) -> Result<Part, String> {
        read(self.client.ask(at, &Ask::get(path)).await).map_err(|why| format!("{name}: {why}"))
    }
}

/// A 200 with a `Seawall-Why` did not come from the service: the gateway answered in its place.
fn read(answer: Result<Answer, Mishap>) -> Result<Part, String> {
    let answer = answer.map_err(|mishap| mishap.name().to_owned())?;
    if answer.status != StatusCode::OK {
        return Err(format!("status {}", answer.status.as_u16()));
    }
    let content = serde_json::from_slice(&answer.body).map_err(|_| "not JSON".to_owned())?;
    Ok(Part { content, substitute: answer.headers.contains_key(SEAWALL_WHY) })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue};

    fn answer(status: u16, body: &'static str) -> Answer {
        let status = StatusCode::from_u16(status).unwrap();
        Answer { status, headers: HeaderMap::new(), body: Bytes::from_static(body.as_bytes()) }
    }

    #[test]
    fn an_answer_of_a_fallback_rung_is_a_substitute() {
        let mut local = answer(200, "{}");
        assert!(!read(Ok(answer(200, "{}"))).unwrap().substitute);
        local.headers.insert(SEAWALL_WHY, HeaderValue::from_static("fallback_default"));
        assert!(read(Ok(local)).unwrap().substitute);
    }

    #[test]
    fn failed_calls_and_other_statuses_fail_the_part() {
        assert_eq!(read(Ok(answer(503, "{}"))).err().as_deref(), Some("status 503"));
        assert_eq!(read(Err(Mishap::TimedOut)).err().as_deref(), Some("timed out"));
        assert_eq!(read(Ok(answer(200, "<html>"))).err().as_deref(), Some("not JSON"));
    }
}
