//! Right files and what they give. Wrong ones are in `tests/mistakes.rs`.

mod mistakes;

use super::*;
use crate::upstream::Protocol;
use crate::{Origin, Place};
use seawall_core::Mode;
use seawall_core::backoff::{BackoffSettings, FirstRetry};
use seawall_core::balance::Algorithm;
use seawall_core::breaker::WindowKind;
use seawall_core::hedge::{HedgeDelay, HedgeSettings};
use seawall_core::ratio::Ratio;
use seawall_core::time::Duration;
use seawall_core::timeout::OperationClass;

/// The first config of the documentation.
const FIRST: &str = r#"[upstreams.payments]
endpoints = ["127.0.0.1:9001", "127.0.0.1:9002"]

[[routes]]
path = "/pay"
upstream = "payments"
"#;

const SHOP: &str = include_str!("shop.toml");

fn parse(source: &str) -> Config {
    Config::parse(source, "shop.toml").unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn t180_the_first_config_is_within_ten_lines_and_has_safe_defaults() {
    assert!(FIRST.lines().count() <= 10);
    let config = parse(FIRST);
    assert_eq!(config.listeners.len(), 1);
    assert_eq!(config.listeners[0].address.to_string(), "127.0.0.1:8080");
    assert_eq!(config.admin.as_ref().unwrap().address.to_string(), "127.0.0.1:9900");
    let upstream = &config.upstreams[0];
    assert_eq!(upstream.breaker.mode, Mode::Enforce);
    assert_eq!(upstream.breaker.failure_rate, Some(Ratio::from_percent(50)));
    assert_eq!(upstream.endpoint_breaker.consecutive, Some(5));
    assert_eq!(upstream.ejection.mode, Mode::Enforce);
    assert_eq!(upstream.ejection.min_healthy, 1);
    assert_eq!(upstream.balance.algorithm, Algorithm::PeakEwma);
    assert_eq!(upstream.budget.ratio, Ratio::from_percent(20));
    assert_eq!(upstream.bulkhead.unwrap().settings(50).permits, 50);
    assert_eq!(upstream.bulkhead.unwrap().settings(50).queue, 100);
    let hold = upstream.settings(50).hold;
    assert_eq!((hold.calls, hold.mode, hold.validate()), (100, Mode::Enforce, Ok(())));
    assert!(upstream.health_check.is_none());
    let route = &config.routes[0];
    assert_eq!((route.name.as_str(), route.upstream.as_str()), ("/pay", "payments"));
    assert_eq!(route.policy.class, OperationClass::Standard);
    assert_eq!(route.policy.timeouts.total, Some(Duration::from_secs(10)));
    assert_eq!(route.policy.timeouts.connect, Duration::from_secs(1));
    let retry = route.policy.retry.unwrap();
    assert_eq!(retry.max_attempts, 3);
    assert_eq!(retry.max_while_helping, 5);
    assert_eq!(retry.backoff.first, FirstRetry::AtOnceElsewhere, "a gateway knows its endpoints");
    assert_eq!(route.policy.replay, 65_536);
    assert!(route.policy.fallback.is_empty());
}

fn hedge_of(line: &str) -> HedgeSettings {
    parse(&FIRST.replacen("\n\n", &format!("\n{line}\n\n"), 1)).upstreams[0].hedge
}

#[test]
fn a_gateway_hedges_unless_it_is_told_not_to() {
    let usual = hedge_of("");
    let floor = Duration::from_millis(1);
    assert_eq!(usual.mode, Mode::Enforce);
    assert_eq!(usual.delay, HedgeDelay::Quantile { share: Ratio::from_percent(98), floor });
    assert_eq!((usual.share, usual.max_extra), (Ratio::from_percent(5), 2));
    assert_eq!(hedge_of("hedge = {}"), usual, "the table alone changes nothing");
    assert_eq!(hedge_of("hedge = \"off\"").mode, Mode::Off);
    assert_eq!(hedge_of("hedge = { mode = \"shadow\" }").mode, Mode::Shadow);
    let own = hedge_of("hedge = { after = \"40ms\", share = \"2%\" }");
    assert_eq!(own.delay, HedgeDelay::Fixed(Duration::from_millis(40)));
    assert_eq!(own.share, Ratio::from_percent(2));
}

#[test]
fn hedges_that_nobody_asked_for_are_no_mistake_where_they_cannot_act() {
    let quick = "timeouts = { attempt = \"1ms\" }\n";
    let config = parse(&format!("{FIRST}{quick}"));
    assert_eq!(config.upstreams[0].hedge.mode, Mode::Enforce);
    let asked = FIRST.replacen("\n\n", "\nhedge = {}\n\n", 1);
    let refused = Config::parse(&format!("{asked}{quick}"), "shop.toml").unwrap_err().to_string();
    assert!(refused.contains("upstreams.payments.hedge"), "{refused}");
}

#[test]
fn the_shop_means_what_it_says() {
    let config = parse(SHOP);
    assert!(config.listeners[0].trust[0].contains([10, 1, 2, 3].into()));
    let upstream = |name: &str| config.upstreams.iter().find(|u| u.name == name).unwrap();
    assert_eq!(upstream("payments").breaker.failure_rate, Some(Ratio::from_percent(40)));
    assert_eq!(upstream("payments").breaker.cool_down.base, Duration::from_secs(10));
    assert_eq!(upstream("payments").bulkhead.unwrap().settings(1).permits, 120);
    assert_eq!(upstream("search").endpoints[1].zone.as_deref(), Some("b"));
    let slow = upstream("inventory").breaker.slow_calls.unwrap();
    assert_eq!((slow.limit, slow.rate), (Duration::from_millis(400), Ratio::from_percent(80)));
    assert!(upstream("inventory").health_check.is_some());
    let route = |name: &str| config.routes.iter().find(|r| r.name == name).unwrap();
    assert_eq!(route("POST /pay").policy.retry.unwrap().max_attempts, 2);
    assert_eq!(route("/stock").policy.timeouts.attempt, Duration::from_millis(600));
    assert_eq!(route("/recommendations").policy.fallback[0].body.as_ref(), b"[]");
    assert!(route("/recommendations").policy.retry.is_none());
}

#[test]
fn routes_override_policies_and_policies_override_defaults() {
    let config = parse(
        r#"
        [defaults]
        class = "batch"
        retry = { max_attempts = 5, base = "10ms" }
        fallback = [{ body = "a" }]
        [policies.p]
        timeouts = { total = "30s" }
        retry = "off"
        [upstreams.a]
        endpoints = ["127.0.0.1:1"]
        pool = { connect = "300ms" }
        [[routes]]
        path = "/plain"
        upstream = "a"
        [[routes]]
        path = "/named"
        upstream = "a"
        policy = "p"
        [[routes]]
        path = "/own"
        upstream = "a"
        policy = "p"
        class = "interactive"
        timeouts = { body_idle = "1s" }
        retry = { max_attempts = 2 }
        fallback = "off"
        "#,
    );
    let policy = |index: usize| &config.routes[index].policy;
    assert_eq!(policy(0).timeouts.total, Some(Duration::from_secs(60)));
    assert_eq!(policy(0).retry.unwrap().max_attempts, 5);
    assert_eq!(policy(0).fallback.len(), 1);
    assert_eq!(policy(1).timeouts.total, Some(Duration::from_secs(30)));
    assert_eq!(policy(1).timeouts.attempt, Duration::from_secs(18));
    assert!(policy(1).retry.is_none());
    assert_eq!(policy(2).timeouts.total, Some(Duration::from_secs(30)));
    assert_eq!(policy(2).timeouts.attempt, Duration::from_millis(600));
    assert_eq!(policy(2).timeouts.body_idle, Duration::from_secs(1));
    assert_eq!(policy(2).timeouts.connect, Duration::from_millis(300));
    let attempts = |index| policy(index).call_settings().max_while_helping;
    assert_eq!([0, 1, 2].map(attempts), [5, 1, 2], "who says how many there are means it");
    assert_eq!(policy(2).retry.unwrap().max_attempts, 2);
    assert_eq!(policy(2).retry.unwrap().backoff.base, Duration::from_millis(10));
    assert!(policy(2).fallback.is_empty());
}

#[test]
fn a_default_gives_way_to_what_is_written() {
    let config = parse(
        r#"
        [upstreams.a]
        endpoints = ["127.0.0.1:1"]
        breaker = { window_calls = 10, open = "90s" }
        pool = { connections = 8 }
        [[routes]]
        upstream = "a"
        timeouts = { total = "1s" }
        retry = { base = "5s" }
        "#,
    );
    let upstream = &config.upstreams[0];
    assert_eq!(upstream.breaker.window, WindowKind::Calls(10));
    assert_eq!(upstream.breaker.min_calls, 10);
    assert_eq!(upstream.breaker.cool_down.max, Duration::from_secs(90));
    assert_eq!(upstream.pool.idle_max, 8);
    let policy = &config.routes[0].policy;
    assert_eq!(policy.timeouts.attempt, Duration::from_secs(1));
    assert_eq!(policy.retry.unwrap().backoff.cap, Duration::from_secs(5));
    assert_eq!(upstream.breaker.attempt_timeout, Duration::from_secs(1));
}

#[test]
fn mechanisms_are_switched_off_by_word_or_by_mode() {
    let config = parse(
        r#"
        [admin]
        address = "off"
        [upstreams.a]
        endpoints = ["localhost:1"]
        breaker = "off"
        endpoint_breaker = { mode = "shadow" }
        ejection = { mode = "off" }
        bulkhead = "off"
        hold = "off"
        slow_start = "off"
        "#,
    );
    let upstream = &config.upstreams[0];
    assert!(config.admin.is_none());
    assert_eq!(upstream.breaker.mode, Mode::Off);
    assert_eq!(upstream.endpoint_breaker.mode, Mode::Shadow);
    assert_eq!(upstream.ejection.mode, Mode::Off);
    assert_eq!(upstream.settings(50).hold.mode, Mode::Off);
    assert!(upstream.bulkhead.is_none() && upstream.balance.slow_start.is_none());
    assert_eq!(upstream.endpoints[0].address.to_string(), "127.0.0.1:1");
}

#[test]
fn mechanisms_of_a_route_and_its_upstream_meet() {
    let config = parse(
        r#"
        [defaults]
        kind = "report"
        retry = { backoff = "constant", base = "20ms" }
        [upstreams.a]
        endpoints = [{ address = "127.0.0.1:1", weight = 2, zone = "x", level = 1 }, "127.0.0.1:2"]
        balance = { algorithm = "ring", zone = { own = "x" } }
        adaptive_timeout = {}
        [[routes]]
        upstream = "a"
        affinity = "header:Customer-Id"
        priority = "critical"
        retry = { max = "1s" }
        [[routes]]
        path = "/batch"
        upstream = "a"
        class = "batch"
        retry = { backoff = "none" }
        "#,
    );
    let (upstream, routes) = (&config.upstreams[0], &config.routes);
    assert_eq!(upstream.adaptive_timeout.ceiling, Duration::from_secs(18));
    assert_eq!((upstream.endpoints[0].info.weight, upstream.endpoints[0].info.level), (2, 1));
    assert_eq!(upstream.endpoints[0].info.zone, upstream.balance.zone.map(|zone| zone.own));
    assert_eq!(routes[0].affinity.as_deref(), Some("customer-id"));
    assert_eq!(routes[0].policy.call_settings().max_attempts, 2);
    // A number of the upper layer sets aside a schedule below it that has no use for it.
    let grows = routes[0].policy.retry.unwrap().backoff;
    assert_eq!((grows.base, grows.cap), (Duration::from_millis(20), Duration::from_secs(1)));
    assert_eq!(grows.factor, Ratio::from_percent(200));
    // A class sets aside a kind below it.
    assert_eq!(routes[1].policy.timeouts.total, Some(Duration::from_secs(60)));
    assert_eq!(routes[1].policy.call_settings().max_attempts, 3);
    let first = FirstRetry::AtOnceElsewhere;
    let none = BackoffSettings { first, ..BackoffSettings::none() };
    assert_eq!(routes[1].policy.retry.unwrap().backoff, none);
}

#[test]
fn one_upstream_without_routes_gets_everything() {
    let config = parse("[upstreams.a]\nendpoints = [\"127.0.0.1:1\"]\n");
    assert_eq!(config.routes.len(), 1);
    assert_eq!((config.routes[0].path.as_str(), config.routes[0].upstream.as_str()), ("/", "a"));
}

#[test]
fn a_list_of_methods_is_more_specific_than_none() {
    let config = parse(
        "[upstreams.a]\nendpoints = [\"127.0.0.1:1\"]\n[[routes]]\nupstream = \"a\"\n\
         [[routes]]\nupstream = \"a\"\nmethods = [\"POST\"]\n",
    );
    assert_eq!(config.routes.len(), 2);
}

#[test]
fn the_command_line_is_checked_like_a_file() {
    let listen = "127.0.0.1:8000".parse().unwrap();
    let config = Config::for_upstream(listen, &["127.0.0.1:1", "[::1]:2"]).unwrap();
    assert_eq!(config.listeners[0].address, listen);
    assert_eq!(config.upstreams[0].endpoints.len(), 2);
    assert_eq!(config.routes[0].upstream, "default");
    let none: [&str; 0] = [];
    let message = Config::for_upstream(listen, &none).unwrap_err().to_string();
    assert!(message.starts_with("command line: upstreams.default has no endpoints"), "{message}");
    let message = Config::for_upstream(listen, &["shop"]).unwrap_err().to_string();
    assert!(message.starts_with("command line: endpoint \"shop\" has no port"), "{message}");
}

#[test]
fn every_setting_knows_its_origin() {
    let config = parse(SHOP);
    let settings = config.explain();
    let origin = |path: &str| {
        let found = settings.iter().find(|setting| setting.path() == path);
        &found.unwrap_or_else(|| panic!("no setting {path}")).origin
    };
    let line_of = |text: &str| SHOP.lines().position(|line| line.starts_with(text)).unwrap() + 1;
    let line = |path: &str| match origin(path) {
        Origin::File(Place { line, .. }) => *line,
        other => panic!("{path} comes from {other:?}"),
    };
    assert_eq!(line("upstreams.payments.breaker.open"), line_of("breaker = { failure_rate"));
    assert_eq!(line("routes.POST /pay.retry.max_attempts"), line_of("retry = { max_attempts = 2"));
    assert_eq!(*origin("routes./stock.timeouts.attempt"), Origin::Class("interactive"));
    assert!(matches!(origin("upstreams.payments.breaker.growth"), Origin::Default(_)));
    let open = config.describe_origin(origin("upstreams.payments.breaker.open"));
    assert_eq!(open, format!("shop.toml:{}", line_of("breaker = { failure_rate")));
    let unexplained = settings.iter().filter(|s| s.origin == Origin::Default(""));
    assert_eq!(unexplained.count(), 0);
    let listen = Config::for_upstream("127.0.0.1:1".parse().unwrap(), &["127.0.0.1:2"]).unwrap();
    assert!(listen.explain().iter().any(|setting| setting.origin == Origin::CommandLine));
}

#[test]
fn the_config_serialises_as_a_tree_with_units() {
    let json = serde_json::to_value(parse(SHOP)).unwrap();
    assert_eq!(json["upstreams"]["payments"]["breaker"]["open"], "10s");
    assert_eq!(json["upstreams"]["payments"]["bulkhead"]["permits"], 120);
    assert_eq!(json["upstreams"]["payments"]["budget"]["floor"], "10/s");
    assert_eq!(json["routes"]["POST /pay"]["retry"]["on_500"], false);
    assert_eq!(json["listeners"]["web"]["trust"][0], "10.0.0.0/8");
    assert_eq!(json["routes"]["/search"]["timeouts"]["total"], "1500ms");
}

/// The leaves of a tree.
fn leaves(tree: &serde_json::Value) -> usize {
    tree.as_object().map_or(1, |map| map.values().map(leaves).sum())
}

#[test]
fn the_tree_holds_every_setting_once() {
    let config = parse(SHOP);
    let tree = serde_json::to_string(&config).unwrap();
    let leaves = leaves(&serde_json::from_str(&tree).unwrap());
    assert_eq!(leaves, config.explain().len());
}

#[test]
fn http_2_to_endpoints_brings_defaults_of_its_own() {
    let pool = |lines: &str| {
        let text = format!("[upstreams.a]\nendpoints = [\"127.0.0.1:1\"]\n{lines}");
        let upstream = parse(&text).upstreams.remove(0);
        (upstream.protocol, upstream.pool.connections, upstream.pool.streams)
    };
    assert_eq!(pool(""), (Protocol::Http1, 1_024, 100));
    assert_eq!(pool("protocol = \"http/1.1\""), (Protocol::Http1, 1_024, 100));
    assert_eq!(pool("protocol = \"h2c\""), (Protocol::H2c, 8, 100));
    let given = "protocol = \"h2c\"\npool = { connections = 2, streams = 250 }";
    assert_eq!(pool(given), (Protocol::H2c, 2, 250));
}

#[test]
fn the_hash_follows_values_not_their_spelling() {
    let hash = parse(FIRST).hash();
    // A golden value: a changed hash makes every fleet believe that its config has changed.
    assert_eq!(hash, 6_415_809_794_108_585_140);
    let spelled = FIRST.replace("path =", "# said again\nclass = \"standard\"\npath =");
    assert_eq!(parse(&spelled).hash(), hash);
    let (upstreams, routes) = FIRST.split_once("\n\n").unwrap();
    assert_eq!(parse(&format!("{routes}\n{upstreams}\n")).hash(), hash);
    assert_ne!(parse(&FIRST.replace("/pay", "/buy")).hash(), hash);
    let rung = |body: &str| {
        let line = format!("fallback = [{{ body = \"{body}\" }}]\npath =");
        parse(&FIRST.replace("path =", &line)).hash()
    };
    assert_ne!(rung("aa"), rung("ab"));
}
