//! The status as a table for people.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde_json::Value;

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DOUBT: Style = AnsiColor::Yellow.on_default();
const HEAD: Style = Style::new().bold();

/// The whole view; `before` is the look a second earlier, for rates.
pub(super) fn render(status: &Value, before: Option<&Value>) -> String {
    let mut text = String::new();
    let _infallible = writeln!(
        text,
        "{HEAD}{}{HEAD:#} {} · {} · generation {} · up {} s · {} connections\n",
        string(&status["name"]),
        string(&status["version"]),
        string(&status["state"]),
        status["generation"],
        status["uptime_ms"].as_u64().unwrap_or_default() / 1_000,
        status["connections"],
    );
    for upstream in status["upstreams"].as_array().into_iter().flatten() {
        let earlier = before.and_then(|before| same(before, upstream));
        upstream_lines(&mut text, upstream, earlier);
    }
    text
}

fn same<'a>(status: &'a Value, upstream: &Value) -> Option<&'a Value> {
    status["upstreams"].as_array()?.iter().find(|other| other["name"] == upstream["name"])
}

fn upstream_lines(text: &mut String, upstream: &Value, before: Option<&Value>) {
    let totals = &upstream["totals"];
    let breaker = upstream["breaker"]["state"].as_str().unwrap_or("off");
    let style = if breaker == "closed" || breaker == "off" { GOOD } else { BAD };
    let rate = |name: &str| match before {
        Some(before) => {
            let (now, then) = (totals[name].as_u64(), before["totals"][name].as_u64());
            format!("{}/s", now.unwrap_or_default().saturating_sub(then.unwrap_or_default()))
        }
        None => totals[name].to_string(),
    };
    let _infallible = writeln!(
        text,
        "{HEAD}{}{HEAD:#}  breaker {style}{breaker}{style:#}  calls {}  failed {}  retries {}  \
         fallbacks {}  p50 {}  p99 {}",
        string(&upstream["name"]),
        rate("calls_total"),
        rate("failed_total"),
        rate("retries_total"),
        rate("fallbacks_total"),
        ms(&upstream["latency"]["p50_ms"]),
        ms(&upstream["latency"]["p99_ms"]),
    );
    for endpoint in upstream["endpoints"].as_array().into_iter().flatten() {
        endpoint_line(text, endpoint);
    }
    text.push('\n');
}

fn endpoint_line(text: &mut String, endpoint: &Value) {
    let standing = string(&endpoint["standing"]);
    let health = string(&endpoint["health"]);
    let style = match (standing, health) {
        ("in", "unhealthy") => BAD,
        ("in", _) => GOOD,
        ("silent" | "probing" | "probe_due", _) => DOUBT,
        _ => BAD,
    };
    let _infallible = writeln!(
        text,
        "  {:<22} {style}{standing:<10}{style:#} {health:<10} active {:<4} estimate {:<9} \
         attempts {:<8} failures {:<6} {}",
        string(&endpoint["address"]),
        endpoint["active"],
        ms(&endpoint["estimate_ms"]),
        endpoint["attempts_total"],
        endpoint["failures_total"],
        string(&endpoint["reason"]),
    );
}

fn string(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn ms(value: &Value) -> String {
    value.as_f64().map_or_else(|| "–".to_owned(), |ms| format!("{ms:.1} ms"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn shows_states_and_rates() {
        let look = |calls: u64| {
            json!({
                "name": "seawall", "version": "0.1.0", "state": "serving", "generation": 1,
                "uptime_ms": 5_000, "connections": 2,
                "upstreams": [{
                    "name": "payments",
                    "breaker": { "state": "open" },
                    "totals": { "calls_total": calls },
                    "latency": { "p50_ms": 1.25, "p99_ms": null },
                    "endpoints": [{
                        "address": "127.0.0.1:9001", "standing": "ejected",
                        "health": "unhealthy", "reason": "5 failures in a row",
                    }],
                }],
            })
        };
        let text = render(&look(120), Some(&look(20)));
        for expected in ["payments", "open", "100/s", "1.2 ms", "ejected", "5 failures in a row"] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
    }
}
