//! Policy files: what they give, and that explanation and hash know every key.

mod keys;
mod mistakes;

use super::*;
use seawall_core::Mode;
use seawall_core::backoff::{BackoffSettings, FirstRetry, Jitter};
use seawall_core::balance::{Algorithm, Callers, Compare, LevelMode, Zone};
use seawall_core::concurrency::LimitSettings;
use seawall_core::hedge::HedgeDelay;
use seawall_core::outcome::{Class, GrpcCode, OptIn, RetryRule, Row};
use seawall_core::rate::{Algorithm as RateAlgorithm, Quota, Rate, WarmUpSettings, WindowLimit};
use seawall_core::ratio::Ratio;
use seawall_core::shed::ShedSettings;
use seawall_core::throttle::ThrottleSettings;
use seawall_core::time::Duration;
use seawall_core::timeout::{OperationClass, OperationKind};

pub(super) fn parse(source: &str) -> PolicyFile {
    PolicyFile::parse(source, "p.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn settings(source: &str) -> PolicySettings {
    parse(source).into_settings()
}

#[test]
fn an_empty_file_gives_the_defaults_of_the_core() {
    let PolicySettings { name, call, upstream, overrides, safety, priority, endpoints, zones } =
        settings("");
    // More attempts while retries help are what files begin with, and the core by itself does not.
    assert_eq!(call, CallSettings { max_while_helping: 5, ..CallSettings::default() });
    assert_eq!(upstream, UpstreamSettings::default());
    assert_eq!(overrides, Overrides::default());
    assert_eq!((safety, priority), (Safety::default(), Priority::default()));
    assert_eq!((name, endpoints, zones), (None, None, Vec::new()));
}

#[test]
fn every_class_and_kind_has_the_limits_of_the_core() {
    for class in OperationClass::ALL {
        let call = settings(&format!("class = \"{}\"", class.name())).call;
        let limits = class.limits();
        assert_eq!((call.total, call.attempt), (limits.total, limits.attempt), "{class:?}");
    }
    for kind in OperationKind::ALL {
        let call = settings(&format!("kind = \"{}\"", kind.name())).call;
        let preset = kind.preset();
        assert_eq!((call.total, call.attempt), (Some(preset.total), preset.attempt), "{kind:?}");
        assert_eq!(call.max_attempts, preset.attempts, "{kind:?}");
    }
}

#[test]
fn what_is_written_beats_the_kind_and_the_kind_the_class() {
    let call = settings("class = \"batch\"\nkind = \"cache\"\nretry.max_attempts = 4").call;
    assert_eq!(call.total, Some(Duration::from_millis(50)));
    assert_eq!(call.max_attempts, 4);
    let call = settings("kind = \"cache\"\ntimeouts.total = \"1s\"").call;
    assert_eq!(call.total, Some(Duration::from_secs(1)));
    assert_eq!(call.attempt, Duration::from_millis(50));
}

#[test]
fn retries_take_every_schedule_and_opt_in() {
    let call = settings(
        r#"
        [retry]
        base = "10ms"
        factor = 3
        max = "1s"
        jitter = "equal"
        first = "at_once_if_unsent"
        throttled = { base = "2s", max = "30s", jitter = "none" }
        on_500 = true
        on_aborted = true
        on_data_loss = true
        "#,
    )
    .call;
    let first = FirstRetry::AtOnceIfUnsent;
    let exponential = BackoffSettings {
        base: Duration::from_millis(10),
        factor: Ratio::from_percent(300),
        cap: Duration::from_secs(1),
        jitter: Jitter::Equal,
        first,
    };
    assert_eq!(call.backoff, exponential);
    let throttled = BackoffSettings::exponential(Duration::from_secs(2), Duration::from_secs(30));
    assert_eq!(call.throttled_backoff, BackoffSettings { first, ..throttled });
    let opt_ins = [call.opt_ins.on_500, call.opt_ins.on_aborted, call.opt_ins.on_data_loss];
    assert_eq!(opt_ins, [OptIn::IfSafe; 3]);
    let constant = settings("retry = { backoff = \"constant\", base = \"7ms\" }").call.backoff;
    let seven = BackoffSettings::constant(Duration::from_millis(7)).jittered(Jitter::Full);
    assert_eq!(constant, seven);
    let none = settings("retry = { backoff = \"none\" }").call;
    assert_eq!(none.backoff, BackoffSettings::none());
    assert_eq!(none.throttled_backoff, BackoffSettings::throttled());
    assert_eq!(settings("retry = \"off\"").call.max_attempts, 1);
}

#[test]
fn hedges_go_by_quantile_or_fixed_delay() {
    let hedge = settings("hedge = {}").upstream.hedge;
    assert_eq!((hedge.mode, hedge.delay), (Mode::Enforce, HedgeDelay::default()));
    let hedge = settings("hedge = { after = \"30ms\", max_extra = 2, share = \"10%\" }");
    let hedge = hedge.upstream.hedge;
    assert_eq!(hedge.delay, HedgeDelay::Fixed(Duration::from_millis(30)));
    assert_eq!((hedge.max_extra, hedge.share), (2, Ratio::from_percent(10)));
    assert_eq!(settings("hedge = \"off\"").upstream.hedge.mode, Mode::Off);
    let p99 = settings("hedge = { after = \"p99.9\", floor = \"2ms\" }").upstream.hedge.delay;
    let (share, floor) = (Ratio::from_ppm(999_000), Duration::from_millis(2));
    assert_eq!(p99, HedgeDelay::Quantile { share, floor });
}

#[test]
fn an_adaptive_timeout_begins_at_the_fixed_one() {
    let timeout = settings("adaptive_timeout = {}\ntimeouts.attempt = \"800ms\"").upstream.timeout;
    assert_eq!((timeout.mode, timeout.ceiling), (Mode::Enforce, Duration::from_millis(800)));
    let given = settings("adaptive_timeout = { ceiling = \"2s\", mode = \"shadow\" }").upstream;
    assert_eq!(given.timeout.ceiling, Duration::from_secs(2));
    assert_eq!(given.timeout.mode, Mode::Shadow);
}

#[test]
fn every_algorithm_has_a_word_and_its_numbers() {
    let of = |source: &str| settings(source).upstream.balance.algorithm;
    let words = [
        ("peak-ewma", Algorithm::PeakEwma),
        ("round-robin", Algorithm::RoundRobin),
        ("smooth-weighted", Algorithm::SmoothWeighted),
        ("random", Algorithm::Random),
        ("least-request", Algorithm::LeastRequest(Compare::All)),
        ("power-of-two", Algorithm::PowerOfTwo),
        ("ring", Algorithm::RING),
        ("maglev", Algorithm::MAGLEV),
        ("rendezvous", Algorithm::Rendezvous),
    ];
    for (word, algorithm) in words {
        assert_eq!(of(&format!("balance = \"{word}\"")), algorithm);
        assert_eq!(of(&format!("balance.algorithm = \"{word}\"")), algorithm);
    }
    let drawn = of("balance = { algorithm = \"least-request\", compare = 3 }");
    assert_eq!(drawn, Algorithm::LeastRequest(Compare::Drawn(3)));
    let all = of("balance = { algorithm = \"least-request\", compare = \"all\" }");
    assert_eq!(all, Algorithm::LeastRequest(Compare::All));
    let ring = of("balance = { algorithm = \"ring\", points = 64 }");
    assert_eq!(ring, Algorithm::Ring { points: 64 });
    let maglev = of("balance = { algorithm = \"maglev\", size = 4099 }");
    assert_eq!(maglev, Algorithm::Maglev { size: 4099 });
}

#[test]
fn endpoints_have_weights_zones_and_levels() {
    let policy = settings(
        r#"
        endpoints = [
          "orders-a",
          { address = "orders-b", weight = 3, zone = "b", level = 1 },
          { address = "orders-c", zone = "c" },
        ]
        [balance]
        levels = "active-active"
        zone = { own = "c", callers = { c = "75%", b = "25%" }, endpoints_min = 2 }
        subset = { size = 30, instance = "web-1" }
        "#,
    );
    assert_eq!(policy.zones, ["b", "c"]);
    let endpoints = policy.endpoints.unwrap();
    let names: Vec<&str> = endpoints.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["orders-a", "orders-b", "orders-c"]);
    assert_eq!(endpoints[0].1, EndpointInfo::default());
    let zone = |number| Zone::new(number).unwrap();
    assert_eq!(endpoints[1].1, EndpointInfo { weight: 3, zone: Some(zone(0)), level: 1 });
    let balance = policy.upstream.balance;
    assert_eq!(balance.levels, LevelMode::ActiveActive);
    let own = balance.zone.unwrap();
    assert_eq!((own.own, own.endpoints_min), (zone(1), 2));
    let Callers::Shares(shares) = own.callers else { panic!("shares were given") };
    assert_eq!(shares[..2], [Ratio::from_percent(25), Ratio::from_percent(75)]);
    let subset = |source: &str| settings(source).upstream.balance.subset.unwrap();
    let one = subset("balance.subset = { instance = \"web-1\" }");
    assert_eq!((one.size, one.instance), (20, balance.subset.unwrap().instance));
    assert_ne!(one.instance, subset("balance.subset = { instance = \"web-2\" }").instance);
}

#[test]
fn an_override_leaves_what_it_does_not_name_as_the_table_has_it() {
    let overrides = settings(
        "overrides = [{ status = 404, class = \"failure\" }, { grpc = 14, retry = \"never\" }]",
    )
    .overrides;
    let missing = overrides.of(Row::Status(404)).unwrap();
    assert_eq!((missing.class, missing.retry), (Class::Failure, RetryRule::Never));
    let unavailable = overrides.of(Row::Grpc(GrpcCode::Unavailable)).unwrap();
    assert_eq!((unavailable.class, unavailable.retry), (Class::Failure, RetryRule::Never));
    assert!(overrides.of(Row::Status(500)).is_none());
}

#[test]
fn a_gateway_file_gives_the_policy_of_a_route() {
    let source = r#"
        [upstreams.a]
        endpoints = ["127.0.0.1:1", { address = "127.0.0.1:2", weight = 2, zone = "z" }]
        overrides = [{ status = 404, class = "ignored" }]
        [[routes]]
        name = "r"
        upstream = "a"
        kind = "report"
        fallback = [{ body = "x" }]
    "#;
    let config = Config::parse(source, "gateway.toml").unwrap();
    let policy = config.policy("a", "r").unwrap();
    assert_eq!((policy.call.max_attempts, policy.call.rungs), (2, 0));
    assert_eq!(policy.upstream.breaker.attempt_timeout, Duration::from_secs(10));
    assert_eq!(policy.upstream.breaker.ramp, Some(Duration::from_secs(5)));
    assert_eq!(policy.endpoints.unwrap()[1].1.weight, 2);
    assert_eq!(policy.zones, ["z"]);
    assert!(policy.overrides.of(Row::Status(404)).is_some());
    assert!(config.policy("a", "other").is_none() && config.policy("b", "r").is_none());
}

#[test]
fn limits_take_every_algorithm() {
    let rate = |text: &str| settings(text).upstream.rate.unwrap().algorithm;
    let gcra = rate("rate_limit = { rate = \"300/min\" }");
    let five = Quota::of(Rate::per_second(5));
    assert_eq!(gcra, RateAlgorithm::Gcra(five));
    let of = |word: &str| {
        rate(&format!("rate_limit = {{ rate = \"9/500ms\", algorithm = \"{word}\" }}"))
    };
    let quota = Quota { rate: Rate::per_second(18), burst: 18 };
    let limit = WindowLimit { limit: 9, window: Duration::from_millis(500) };
    assert_eq!(of("token-bucket"), RateAlgorithm::TokenBucket(quota));
    let warm = WarmUpSettings::of(quota, Duration::from_secs(10));
    assert_eq!(of("warm-up"), RateAlgorithm::WarmUp(warm));
    assert_eq!(of("fixed-window"), RateAlgorithm::FixedWindow(limit));
    assert_eq!(of("sliding-counter"), RateAlgorithm::SlidingCounter(limit));
    assert_eq!(of("sliding-log"), RateAlgorithm::SlidingLog(limit));
    let limit = |word: &str| {
        settings(&format!("adaptive_limit.algorithm = \"{word}\"")).upstream.concurrency.unwrap()
    };
    assert_eq!(limit("steady"), LimitSettings::default());
    assert_eq!(limit("aimd"), LimitSettings::aimd());
    assert_eq!(limit("vegas"), LimitSettings::vegas());
    assert_eq!(limit("gradient2"), LimitSettings::gradient2());
    assert_eq!(limit("envoy"), LimitSettings::envoy());
}

#[test]
fn empty_tables_of_overload_are_the_defaults_of_the_core() {
    let upstream = settings("shed = {}\nthrottle = {}\nadaptive_limit = {}").upstream;
    assert_eq!(upstream.shed, Some(ShedSettings::default()));
    assert_eq!(upstream.throttle, Some(ThrottleSettings::default()));
    assert_eq!(upstream.concurrency, Some(LimitSettings::default()));
    let small = settings("adaptive_limit = { max = 3 }").upstream.concurrency.unwrap();
    assert_eq!((small.initial, small.min, small.max), (3, 3, 3));
}
