//! The rules, each by a config that fires it and one just beside it that does not; what findings
//! carry; and that no config makes the check panic.

mod cases;
mod fixes;
mod properties;

use super::{Facts, Finding, Report, Rule, Severity, Slowdown, lint};
use crate::{Config, Place};
use cases::{CASES, Case};
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../../docs/lint.md");
const README: &str = include_str!("../../../../README.md");

fn parse(source: &str) -> Config {
    Config::parse(source, "gateway.toml").unwrap_or_else(|error| panic!("{error}\n{source}"))
}

fn check(source: &str) -> Report {
    let config = parse(source);
    lint(&config, &config.assume)
}

fn texts(report: &Report) -> String {
    report.findings.iter().map(|f| f.render("gateway.toml", "seawall check")).collect::<String>()
}

fn of<'a>(report: &'a Report, case: &Case) -> Vec<&'a Finding> {
    report.findings.iter().filter(|f| f.rule.to_string() == case.rule).collect()
}

#[test]
fn every_rule_fires_with_its_numbers() {
    for case in CASES {
        let report = check(case.fires);
        let found = of(&report, case);
        let says = found.iter().find(|finding| finding.formula.contains(case.says));
        let all = texts(&report);
        let finding = says.unwrap_or_else(|| panic!("{}: no {:?} in\n{all}", case.rule, case.says));
        assert_eq!(finding.severity.word(), case.severity, "{}: {}", case.rule, case.says);
    }
}

#[test]
fn every_rule_is_quiet_just_beside() {
    for case in CASES {
        let (from, to) = case.edit;
        assert!(case.fires.contains(from), "{}: {from}", case.rule);
        let report = check(&case.fires.replacen(from, to, 1));
        let still: Vec<_> = of(&report, case)
            .into_iter()
            .filter(|f| f.formula.contains(case.says) || f.severity.word() == case.severity)
            .map(|finding| finding.formula.clone())
            .collect();
        assert_eq!(still, Vec::<String>::new(), "{}: {to}", case.rule);
    }
}

#[test]
fn every_rule_has_a_case() {
    let tested: BTreeSet<String> = CASES.iter().map(|case| case.rule.to_owned()).collect();
    let all: BTreeSet<String> = Rule::all().map(|rule| rule.to_string()).collect();
    assert_eq!(tested, all);
}

#[test]
fn every_finding_carries_what_a_reader_needs() {
    for case in CASES {
        for finding in &check(case.fires).findings {
            let text = finding.render("gateway.toml", "seawall check gateway.toml");
            assert!(!finding.fix.is_empty() && !finding.consequence.is_empty(), "{text}");
            assert!(!finding.places.is_empty(), "{text}");
            assert!(!finding.about.is_empty(), "{text}");
            for (name, number) in finding.proof.iter().flat_map(|proof| &proof.numbers) {
                assert!(number.is_finite() && *number >= 0.0, "{name} = {number}: {text}");
            }
        }
    }
}

#[test]
fn a_finding_reads_as_the_worked_example() {
    let report = check(CASES[0].fires);
    let finding = &report.findings[0];
    let text = finding.render("gateway.toml", "seawall check gateway.toml");
    let expected = "\
L1 error  gateway.toml:9, :13 and :15   route /pay, upstream payments, to /stock: timeout inversion
  attempt timeout 800ms < 3 × 500ms + (50ms + 100ms) + 5ms = 1.655s: the called still works when \
                    the caller has left, and the caller tries again beside it
  fix: timeouts = { attempt = \"1.7s\" } on route /pay, or retry = \"off\" on route /stock
  shown by: seawall check gateway.toml --prove L1
  more: docs/lint.md#l1-timeout-inversion";
    assert_eq!(text, expected);
    let places: Vec<_> = finding.places.iter().map(|used| (&*used.path, used.place)).collect();
    let at = |line, column| Some(Place { line, column });
    assert_eq!(places[0], ("routes./pay.timeouts.attempt", at(9, 28)));
    assert_eq!(places[2], ("routes./stock.retry.max_attempts", None));
    assert_eq!(places[3], ("assume.upstreams.payments.calls", at(15, 1)));
    let proof = finding.proof.as_ref().unwrap();
    assert_eq!(proof.route.as_deref(), Some("/pay"));
    assert!((proof.numbers["needed_s"] - 1.655).abs() < 1e-9);
}

/// Five hops, each with three attempts.
fn five_hops(assume: &str) -> String {
    let mut text = String::new();
    for hop in 0..5 {
        text += &format!("[upstreams.u{hop}]\nendpoints = [\"10.0.{hop}.1:1\"]\n");
        text += &format!("[[routes]]\npath = \"/r{hop}\"\nupstream = \"u{hop}\"\n");
    }
    for hop in 0..4 {
        text += &format!("[assume.upstreams.u{hop}]\ncalls = [\"/r{}\"]\n", hop + 1);
    }
    text + assume
}

#[test]
fn e8_five_layers_of_three_attempts_make_243() {
    let report = check(&five_hops(""));
    let found = report.findings.iter().find(|f| f.rule.number() == 3).unwrap();
    assert_eq!(found.formula, "3 × 3 × 3 × 3 × 3 = 243 > 3");
    assert_eq!(
        (found.severity, &*found.about),
        (Severity::Error, "path /r0 → /r1 → /r2 → /r3 → /r4")
    );
    assert_eq!(report.findings.iter().filter(|f| f.rule.number() == 3).count(), 1);
}

#[test]
fn rates_of_called_routes_follow_from_their_callers() {
    let report = check(&five_hops("[assume.routes.\"/r0\"]\nrate = 20\n"));
    let found = report.findings.iter().find(|f| f.rule.number() == 4).unwrap();
    let layer = "min(3, 1 + 0.2 + 10/s ÷ 20/s)";
    let layers = [layer; 5].join(" × ");
    assert_eq!(found.formula, format!("{layers} = 14.2 > 1.5"));
}

#[test]
fn budgets_with_known_rates_make_the_worst_case_information() {
    let source = "[upstreams.a]\nendpoints = [\"10.0.0.1:1\"]\n[[routes]]\nupstream = \"a\"\n\
                  retry = { max_attempts = 4 }\ntimeouts = { attempt = \"2s\" }\n\
                  [assume.routes.\"/\"]\nrate = 1000\n";
    let report = check(source);
    assert_eq!(report.findings.len(), 1, "{}", texts(&report));
    assert_eq!(report.findings[0].severity, Severity::Info);
    assert_eq!(report.findings[0].formula, "4 = 4 > 3, which budgets hold at 1.21");
}

#[test]
fn l12_fewer_are_refused_where_calls_may_wait() {
    let case = CASES.iter().find(|case| case.rule == "L12").unwrap();
    let waiting = case.fires.replace("permits = 20, queue = 0", "permits = 20, queue = 60");
    let report = check(&waiting);
    let formula = &of(&report, case)[0].formula;
    // 100 ms are 10 places at 20 permits and 200 ms each, however long the queue is.
    assert!(formula.contains("20 permits with 10 places to wait in refuse 6.1"), "{formula}");
    let thirty = sizing_percent(30);
    assert_eq!(thirty, "0.846%");
}

fn sizing_percent(permits: u32) -> String {
    super::text::percent(seawall_core::sizing::blocked(permits, 20.0))
}

#[test]
fn l22_a_lost_zone_makes_the_others_wait() {
    let case = CASES.iter().find(|case| case.rule == "L22").unwrap();
    let report = check(case.fires);
    let consequence = &of(&report, case)[0].consequence;
    let says = "busy to 90% instead of 60%, and calls wait 0.877 service times";
    assert!(consequence.contains(says), "{consequence}");
}

#[test]
fn l23_prints_the_load_below_which_it_comes_back() {
    let case = CASES.iter().find(|case| case.rule == "L23").unwrap();
    let report = check(case.fires);
    let consequence = &of(&report, case)[0].consequence;
    assert!(consequence.ends_with("falls below 21.4/s"), "{consequence}");
    let budget = case
        .fires
        .replace("ratio = \"100%\", floor = \"100/s\"", "ratio = \"10%\", floor = \"1/s\"");
    assert!(of(&check(&budget), case).is_empty());
}

#[test]
fn l9_what_fails_of_one_route_is_less_of_all_calls() {
    let source = |pay: u32| {
        format!(
            "[upstreams.a]\nendpoints = [\"10.0.0.1:1\"]\nendpoint_breaker = \"off\"\n\
             [[routes]]\npath = \"/pay\"\nupstream = \"a\"\n\
             [[routes]]\npath = \"/list\"\nupstream = \"a\"\n\
             [assume.routes.\"/pay\"]\nrate = {pay}\nfailure_rate = \"100%\"\n\
             [assume.routes.\"/list\"]\nrate = 100\n"
        )
    };
    let report = check(&source(25));
    let found = &report.findings[0];
    assert_eq!(found.formula, "breaker.failure_rate 50% > 20%, the share that fails");
    assert!(check(&source(100)).findings.is_empty());
}

#[test]
fn rates_are_read_in_each_of_their_forms() {
    let config = |rate: &str| {
        let text = "[upstreams.a]\nendpoints = [\"10.0.0.1:1\"]\n[assume.routes.\"/\"]\nrate = ";
        parse(&format!("{text}{rate}\n")).assume.routes["/"].rate.unwrap()
    };
    for (text, rate) in [("200", 200.0), ("0.5", 0.5), ("\"30/min\"", 0.5), ("\"1/500ms\"", 2.0)] {
        assert!((config(text) - rate).abs() < 1e-9, "{text}");
    }
}

#[test]
fn a_rule_that_lacks_an_input_says_which() {
    let report = check(CASES[3].fires);
    let needs = |rule: u8| {
        let missing = report.not_evaluated.iter().filter(|one| one.rule.number() == rule);
        missing.map(|one| format!("{}: {}", one.about, one.needs)).collect::<Vec<_>>()
    };
    let rate = "the rate of route /pay: assume.routes.\"/pay\".rate";
    assert_eq!(needs(4), [format!("gateway: {rate}")]);
    assert_eq!(
        needs(22),
        ["upstream payments: two zones among the endpoints: upstreams.payments.endpoints"]
    );
    assert_eq!(
        needs(12),
        ["upstream payments: a number for bulkhead.permits of upstream payments: \
             upstreams.payments.bulkhead.permits"]
    );
    assert!(needs(2).is_empty());
    assert_eq!(needs(10).len(), 1, "what both breakers lack is said once");
    let target = "the detection target of route /pay: assume.routes.\"/pay\".detect_within";
    assert_eq!(needs(16), [format!("upstream payments: {target}")]);
}

#[test]
fn a_rule_can_be_switched_off_with_a_reason_for_all_or_for_one() {
    let fires = CASES[3].fires;
    let allow = |at: &str| {
        format!(
            "{fires}\n[lint]\n\
             allow = [{{ rule = \"L2\", why = \"the last one may be cut\"{at} }}]\n"
        )
    };
    for at in ["", ", at = \"payments\"", ", at = \"/pay\""] {
        let report = check(&allow(at));
        assert!(report.findings.is_empty(), "{at}: {}", texts(&report));
        assert_eq!(report.allowed[0].1, "the last one may be cut");
    }
    let elsewhere = allow(", at = \"other\"") + "[upstreams.other]\nendpoints = [\"10.0.0.9:1\"]\n";
    let report = check(&elsewhere);
    assert_eq!(report.findings.len(), 1, "{}", texts(&report));
}

#[test]
fn facts_from_elsewhere_count_like_those_of_the_file() {
    let config = parse("[upstreams.a]\nendpoints = [\"10.0.0.1:1\"]\n");
    let mut facts = Facts::default();
    assert!(lint(&config, &facts).findings.is_empty());
    facts.routes.entry("/".to_owned()).or_default().rate = Some(20.0);
    let upstream = facts.upstreams.entry("a".to_owned()).or_default();
    let second = seawall_core::time::Duration::from_secs(1);
    upstream.slowdown = Some(Slowdown { alone: second, each: second });
    let rules: Vec<_> = lint(&config, &facts).findings.iter().map(|f| f.rule.number()).collect();
    assert_eq!(rules, [23, 4]);
}

#[test]
fn the_worst_comes_first() {
    let many: String = one_of_many();
    let severities: Vec<_> = check(&many).findings.iter().map(|f| f.severity).collect();
    assert!(severities.len() > 3);
    assert!(severities.is_sorted_by(|one, next| one >= next), "{severities:?}");
}

fn one_of_many() -> String {
    let base = CASES.iter().find(|case| case.rule == "L29").unwrap().fires;
    let base = base.replace("path = \"/pay\"", "path = \"/pay\"\nretry = { max_attempts = 9 }");
    base + "\n[assume.faults.slow]\ntarget = \"payments\"\n"
}

/// The TOML blocks of a page.
fn blocks(page: &str) -> impl Iterator<Item = &str> {
    page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next())
}

/// A block as part of a config that uses what it defines.
fn completed(block: &str) -> String {
    let mut text = block.to_owned();
    if !block.contains("[upstreams.") {
        text += "\n[upstreams.shop]\nendpoints = [\"127.0.0.1:9001\", \"127.0.0.1:9002\"]\n";
    }
    let policies = block.lines().filter_map(|line| line.strip_prefix("[policies."));
    for name in policies.filter_map(|rest| rest.split(']').next()) {
        text +=
            &format!("[[routes]]\npath = \"/{name}\"\nupstream = \"shop\"\npolicy = \"{name}\"\n");
    }
    text
}

#[test]
fn what_ships_gives_no_finding() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");
    let mut sources = vec![include_str!("../config/shop.toml").to_owned()];
    for example in std::fs::read_dir(format!("{root}examples")).unwrap() {
        let path = example.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            sources.push(std::fs::read_to_string(path).unwrap());
        }
    }
    assert!(sources.len() > 1, "no examples in {root}");
    sources.extend(blocks(README).map(completed));
    for page in std::fs::read_dir(format!("{root}docs/policies")).unwrap() {
        let page = std::fs::read_to_string(page.unwrap().path()).unwrap();
        sources.extend(blocks(&page).map(completed));
    }
    assert!(sources.len() > 8, "the documents have {} configs", sources.len());
    for source in sources {
        let report = check(&source);
        assert!(report.findings.is_empty(), "{source}\n{}", texts(&report));
    }
}

#[test]
fn the_sections_of_the_page_are_valid() {
    let shop = "[upstreams.payments]\nendpoints = [\"127.0.0.1:1\"]\n\
                [upstreams.payments-eu]\nendpoints = [\"127.0.0.1:2\"]\n\
                [upstreams.stock]\nendpoints = [\"127.0.0.1:3\"]\n\
                [[routes]]\npath = \"/pay\"\nupstream = \"payments\"\n\
                [[routes]]\npath = \"/stock\"\nupstream = \"stock\"\n";
    let sections: Vec<_> = blocks(PAGE).collect();
    assert_eq!(sections.len(), 2);
    for section in sections {
        parse(&format!("{shop}{section}"));
    }
}

#[test]
fn classes_and_kinds_as_they_come_give_no_finding() {
    let classes = ["standard", "interactive", "stream"].map(|word| format!("class = \"{word}\""));
    let kinds = ["cache", "query", "internal", "report", "health"];
    let kinds = kinds.map(|word| format!("kind = \"{word}\""));
    for policy in classes.iter().chain(&kinds) {
        let source = format!("[upstreams.a]\nendpoints = [\"10.0.0.1:1\"]\n[defaults]\n{policy}\n");
        let report = check(&source);
        assert!(report.findings.is_empty(), "{policy}: {}", texts(&report));
    }
}

#[test]
fn every_rule_has_its_section_with_the_anchor_that_findings_name() {
    for rule in Rule::all() {
        let heading = format!("## {rule} {}", rule.title());
        assert!(PAGE.lines().any(|line| line == heading), "no \"{heading}\" in docs/lint.md");
        let slug = heading.trim_start_matches("## ").to_lowercase().replace(' ', "-");
        assert_eq!(rule.docs(), format!("docs/lint.md#{slug}"));
    }
}

#[test]
fn the_section_has_no_effect_at_run_time() {
    let plain = parse(CASES[3].fires);
    let assumed = format!("{}\n[assume]\ngateways = 9\n[lint]\nallow = []\n", CASES[3].fires);
    let assumed = parse(&assumed);
    assert_eq!(plain.hash(), assumed.hash());
    assert_eq!(plain.explain().len(), assumed.explain().len());
}

#[test]
fn wrong_facts_are_mistakes_at_their_place() {
    let base = "[upstreams.a]\nendpoints = [\"10.0.0.1:1\"]\n\
                [[routes]]\npath = \"/a\"\nupstream = \"a\"\n";
    let cases = [
        (
            "[assume]\ngateway = 4",
            "7:1",
            "unknown key \"gateway\" in assume; did you mean \"gateways\"?",
        ),
        ("[assume]\ngateways = 0", "7:12", "assume.gateways: 0 is not from 1 to 1000000"),
        ("[assume]\ntoday = \"monday\"", "7:9", "assume.today must be a date, not text"),
        ("[assume.routes.\"/b\"]\nrate = 1", "6:16", "unknown route \"/b\"; did you mean \"/a\"?"),
        (
            "[assume.routes.\"/a\"]\nrate = 0",
            "7:8",
            "a rate is above 0 and at most a billion a second",
        ),
        ("[assume.routes.\"/a\"]\nrate = nan", "7:8", "a rate is above 0"),
        ("[assume.routes.\"/a\"]\nrate = true", "7:8", "must be a rate, not true or false"),
        ("[assume.routes.\"/a\"]\nrate = 1\nquiet_rate = 2", "8:14", "quiet_rate is above rate"),
        (
            "[assume.upstreams.b]\nworkers = 1",
            "6:19",
            "unknown upstream \"b\"; did you mean \"a\"?",
        ),
        ("[assume.upstreams.a]\ncalls = [\"/a\"]", "7:1", "calls of a lead in a circle, over a"),
        ("[assume.upstreams.a]\ncalls = [\"/c\"]", "7:10", "unknown route \"/c\""),
        ("[assume.upstreams.a]\nfallback_to = [\"c\"]", "7:16", "unknown upstream \"c\""),
        (
            "[assume.upstreams.a]\nfails_with = [\"lies\"]",
            "7:15",
            "\"lies\" is neither a status nor",
        ),
        (
            "[assume.upstreams.a]\nlatency = { p50 = \"2s\", p99 = \"1s\" }",
            "7:31",
            "assume.upstreams.a.latency.p99 is below p50; write at least 2s",
        ),
        (
            "[assume.upstreams.a]\ncache = { keys = 1 }",
            "7:1",
            "assume.upstreams.a.cache has no ttl",
        ),
        ("[assume.upstreams.a]\nslowdown = { alone = \"1s\" }", "7:1", "slowdown has no each"),
        ("[lint]\nallow = [{ rule = \"L5\" }]", "7:10", "has no why"),
        ("[lint]\nallow = [{ rule = \"L5\", why = \" \" }]", "7:31", "why is empty"),
        (
            "[lint]\nallow = [{ rule = \"L99\", why = \"x\" }]",
            "7:19",
            "\"L99\" names no rule; there is",
        ),
        ("[lint]\nallow = [{ rule = \"L5\", why = \"x\", at = \"/z\" }]", "7:41", "unknown route"),
        ("[lint]\nallow = [1]", "7:10", "an allowed rule is no table"),
    ];
    for (section, place, says) in cases {
        let source = format!("{base}{section}\n");
        let error = Config::parse(&source, "g").map(|_| ()).unwrap_err().to_string();
        let expected = format!("g:{place}: ");
        let told = error.lines().any(|line| line.starts_with(&expected) && line.contains(says));
        assert!(told, "{section}\nexpected {expected}…{says}\n{error}");
    }
}

#[test]
fn a_route_is_meant_by_its_path_where_only_one_has_it() {
    let two = "[upstreams.a]\nendpoints = [\"10.0.0.1:1\"]\n\
               [[routes]]\npath = \"/a\"\nmethods = [\"GET\"]\nupstream = \"a\"\n\
               [[routes]]\npath = \"/b\"\nmethods = [\"GET\"]\nupstream = \"a\"\n";
    let config = parse(&format!("{two}[assume.routes.\"/a\"]\nrate = 3\n"));
    assert_eq!(config.assume.routes.keys().collect::<Vec<_>>(), ["GET /a"]);
    let twice = format!("{two}[assume.routes]\n\"/a\".rate = 3\n\"GET /a\".rate = 4\n");
    let error = Config::parse(&twice, "g").map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("route \"GET /a\" is described twice"), "{error}");
    let same =
        two.replace("path = \"/b\"\nmethods = [\"GET\"]", "path = \"/a\"\nmethods = [\"PUT\"]");
    let error = Config::parse(&format!("{same}[assume.routes.\"/a\"]\nrate = 3\n"), "g");
    let error = error.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("several routes have the path \"/a\""), "{error}");
}
