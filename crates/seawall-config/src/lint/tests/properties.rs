//! Whatever a config and its facts say, the check ends, and prints numbers.

use super::super::{CacheFacts, Facts, HedgeFacts, Latency, Slowdown, lint};
use super::parse;
use proptest::prelude::*;
use seawall_core::hedge::HedgeDelay;
use seawall_core::ratio::Ratio;
use seawall_core::time::Duration;

/// Durations from nothing to for ever.
fn durations() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        Just(Duration::MAX),
        (0..100_000_u64).prop_map(Duration::from_millis),
    ]
}

fn rates() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![Just(None), Just(Some(1e-300)), Just(Some(1e300)), (0.01..1e6).prop_map(Some)]
}

/// Facts about two routes and two upstreams, circles among them.
fn facts() -> impl Strategy<Value = Facts> {
    let plain = (1..=u32::MAX, any::<u32>(), rates(), rates());
    let times = (durations(), durations(), durations(), durations());
    let counts = (any::<u32>(), any::<u32>(), any::<u32>(), any::<u32>());
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (plain, times, counts, flags).prop_map(|(plain, times, counts, flags)| {
        let mut facts = Facts { gateways: plain.0, ..Facts::default() };
        facts.utilisation_max = Ratio::from_ppm(plain.1);
        facts.overhead = times.0;
        facts.round_trip = times.1;
        for route in ["/a", "/b"] {
            let facts = facts.routes.entry(route.to_owned()).or_default();
            (facts.rate, facts.quiet_rate) = (plain.2, plain.3);
            facts.failure_rate = Some(Ratio::from_ppm(plain.1));
            facts.detect_within = Some(times.2);
            let after = HedgeDelay::Fixed(times.3);
            facts.hedge = flags.0.then_some(HedgeFacts { after, cancels: flags.1 });
        }
        for (name, calls) in [("a", "/b"), ("b", "/a")] {
            let facts = facts.upstreams.entry(name.to_owned()).or_default();
            let (p50, p99) = (Some(times.2), Some(times.3));
            facts.latency = Latency { p50, p99, ..Latency::default() };
            facts.capacity = plain.2;
            facts.cold_capacity = plain.3;
            facts.replicas = Some(counts.0 % 1_000_000);
            facts.workers = Some(counts.1 % 1_000_000);
            facts.queue = Some(counts.2);
            facts.shards = Some(counts.3);
            facts.cold_concurrency = Some(counts.3);
            facts.idle_timeout = Some(times.0);
            facts.usual_failures = Some(Ratio::from_ppm(plain.1));
            facts.calls = vec![calls.to_owned(), "/nowhere".to_owned()];
            facts.fallback_to = vec!["a".to_owned()];
            facts.slowdown = flags.0.then_some(Slowdown { alone: times.0, each: times.1 });
            facts.cache = Some(CacheFacts {
                ttl: times.1,
                jitter: Ratio::ZERO,
                keys: Some(counts.0),
                refill: Some(times.3),
                single_flight: flags.2,
                stale_if_error: flags.1,
            });
        }
        facts
    })
}

/// A config of two hops with numbers from all over their ranges.
fn config() -> impl Strategy<Value = String> {
    let waits = ("(full|equal|decorrelated|none)", 1..=9_u32, 1..100_000_u64);
    let upstream = (1..=1_000_000_u32, 0..=1_000_000_u32, 1..=100_u32, 1..=5_u32);
    (waits, upstream, 1..=8_usize, any::<bool>()).prop_map(|(waits, upstream, endpoints, zoned)| {
        let (jitter, attempts, millis) = waits;
        let (permits, queue, share, healthy) = upstream;
        let endpoint = |at: usize| match zoned {
            true => format!("{{ address = \"10.0.0.{at}:1\", zone = \"z{}\" }}", at % 3),
            false => format!("\"10.0.0.{at}:1\""),
        };
        let endpoints: Vec<_> = (1..=endpoints).map(endpoint).collect();
        let mut text = format!(
            "[defaults]\nretry = {{ jitter = \"{jitter}\", max_attempts = {attempts} }}\n\
             timeouts = {{ attempt = \"{millis}ms\", total = \"off\" }}\n"
        );
        for name in ["a", "b"] {
            text += &format!(
                "[upstreams.{name}]\nendpoints = [{}]\nbudget = {{ ratio = \"{share}%\" }}\n\
                 bulkhead = {{ permits = {permits}, queue = {queue} }}\n\
                 ejection = {{ max_ejected = \"{share}%\", min_healthy = {healthy} }}\n\
                 breaker = {{ failure_rate = \"{share}%\", min_calls = {permits} }}\n\
                 balance = {{ panic_threshold = \"{share}%\" }}\n\
                 rate_limit = {{ rate = \"{permits}/s\" }}\n\
                 health_check = {{ tcp = true, every = \"{millis}ms\", timeout = \"1ms\" }}\n",
                endpoints.join(", ")
            );
        }
        text + "[[routes]]\npath = \"/a\"\nupstream = \"a\"\n\
                [[routes]]\npath = \"/b\"\nupstream = \"b\"\n"
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_config_and_no_facts_make_the_check_panic(source in config(), facts in facts()) {
        let config = parse(&source);
        let report = lint(&config, &facts);
        for finding in &report.findings {
            let text = finding.render("g", "seawall check g");
            prop_assert!(!text.contains("NaN"), "{text}");
        }
        prop_assert_eq!(&report, &lint(&config, &facts), "the same every time");
    }
}
