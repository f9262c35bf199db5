//! What is refused: where, why, and with which mend.

use proptest::prelude::*;

use super::{CONFIG, DB, HEAD, LOAD, parse};

/// The mistakes of a scenario, without the name of the file.
fn mistakes(text: &str) -> Vec<String> {
    let why = match parse(text) {
        Ok(_) => return Vec::new(),
        Err(why) => why,
    };
    why.lines().map(|line| line.trim_start_matches("x.toml").to_owned()).collect()
}

fn has(text: &str, expected: &str) {
    let found = mistakes(text);
    assert!(found.iter().any(|mistake| mistake == expected), "{found:#?}\n{text}");
}

#[test]
fn names_of_nothing_find_the_nearest_name() {
    let text = format!("{HEAD}{DB}[load.x]\nservice = \"dbb\"\nrate = 1\n");
    has(&text, ":7:11: unknown service \"dbb\"; did you mean \"db\"?");
    let text = format!("{HEAD}{DB}{LOAD}[upstreams.shop]\nservice = \"1ms\"\n");
    let remedy = "write [services.shop] for what the config does not know";
    has(&text, &format!(":9:12: there is no config that has upstreams; {remedy}"));
    let text = format!("{HEAD}{CONFIG}{LOAD}[upstreams.payment]\nservice = \"1ms\"\n");
    has(&text, ":17:12: the config has no upstream \"payment\"; did you mean \"payments\"?");
    let event = "[[events]]\nat = \"1s\"\ndo = \"crash\"\ntarget = \"service:bd\"\n";
    let text = format!("{HEAD}{DB}{LOAD}{event}");
    has(&text, ":12:10: \"service:bd\": nothing is called \"bd\"; did you mean \"db\"?");
}

#[test]
fn unknown_keys_find_the_nearest_key() {
    let text = format!("{HEAD}{DB}wrokers = 3\n{LOAD}");
    has(&text, ":6:1: unknown key \"wrokers\" in services.db; did you mean \"workers\"?");
    let text = format!("{HEAD}horzon = 3\n{DB}{LOAD}");
    has(&text, ":3:1: unknown key \"horzon\" in scenario; did you mean \"horizon\"?");
    let text = format!("{HEAD}{DB}{LOAD}[expct]\n");
    has(&text, ":9:2: unknown key \"expct\" in the file; did you mean \"expect\"?");
}

#[test]
fn services_that_call_each_other_in_a_circle_are_told_of_once() {
    let calls = |name: &str, other: &str| {
        format!("[services.{name}]\nservice = \"1ms\"\ncalls = [{{ service = \"{other}\" }}]\n")
    };
    let (a, b, db) = (calls("a", "b"), calls("b", "db"), calls("db", "a"));
    let text = format!("{HEAD}{a}{b}{db}{LOAD}");
    let circle = "services call each other in a circle: a → b → db → a";
    assert_eq!(mistakes(&text), [format!(":5:10: {circle}; remove one of these calls")]);
}

#[test]
fn numbers_out_of_range_are_refused() {
    let text = format!("{HEAD}{DB}[load.x]\nservice = \"db\"\nrate = -5\n");
    let remedy = "write calls in a second, from 0 to 10000000";
    has(&text, &format!(":8:8: load.x.rate is -5, which is no rate; {remedy}"));
    let text = format!("[scenario]\nhorizon = \"0s\"\n{DB}{LOAD}");
    let what = "scenario.horizon: zero leaves no time at all";
    has(&text, &format!(":2:11: {what}; write horizon = \"120s\""));
    let text = format!("{HEAD}{DB}replicas = 0\n{LOAD}");
    let what = "services.db.replicas: 0 is not from 1 to 10000";
    has(&text, &format!(":6:12: {what}; write replicas = 3"));
    let text = format!("{HEAD}warmup = \"10s\"\n{DB}{LOAD}");
    has(&text, ":3:10: warmup leaves nothing to be looked at; shorten it");
}

#[test]
fn what_is_missing_is_asked_for() {
    assert!(mistakes("").len() >= 2, "{:?}", mistakes(""));
    let text = format!("{HEAD}{DB}[load.x]\nservice = \"db\"\n");
    let remedy = "write rate = 100, or users = 10 with think = \"1s\"";
    has(&text, &format!(":6:7: load.x needs one of rate, users and times; {remedy}"));
    let text = format!("{HEAD}{LOAD}[services.db]\nworkers = 2\n");
    let remedy = "write service = { dist = \"exponential\", mean = \"20ms\" }";
    has(&text, &format!(":6:11: services.db says not how long its work takes; {remedy}"));
    let event = "[[events]]\nat = \"1s\"\ndo = \"slower\"\ntarget = \"service:db\"\n";
    let text = format!("{HEAD}{DB}{LOAD}{event}");
    has(&text, ":9:1: events[0] says no factor; write factor = 3");
}

#[test]
fn files_that_are_not_there_are_told_at_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let read = |text: &str| {
        let result = super::Scenario::parse(text, "x.toml", Some(folder.path()));
        result.map(|_| ()).unwrap_err().to_string()
    };
    let why = read(&format!("{HEAD}config = \"no.toml\"\n{DB}{LOAD}"));
    assert!(why.starts_with("x.toml:3:10: cannot read \"no.toml\": "), "{why}");
    let file = "service = { dist = \"empirical\", file = \"no.txt\" }\n";
    let why = read(&format!("{HEAD}{LOAD}[services.db]\n{file}"));
    assert!(why.starts_with("x.toml:7:40: cannot read \"no.txt\": "), "{why}");
    let missing = super::Scenario::load(&folder.path().join("no.toml")).unwrap_err();
    assert!(missing.to_string().contains("no.toml"), "{missing}");
}

#[test]
fn mistakes_in_the_config_have_their_own_places() {
    let config = "[config.upstreams.x]\nendpoints = []\n";
    let why = mistakes(&format!("{HEAD}{config}{DB}{LOAD}"));
    assert!(why[0].starts_with(":4:1: upstreams.x has no endpoints"), "{why:?}");
}

#[test]
fn expectations_that_can_never_be_are_refused() {
    let expect = |line: &str| format!("{HEAD}{DB}{LOAD}[expect]\n{line}\n");
    let range = "it lies in 0% to 100%; write \">= 99.5%\"";
    let never = format!(":10:16: success_rate > 100% can never be: {range}");
    has(&expect("success_rate = \"> 100%\""), &never);
    let never = format!(":10:16: success_rate >= 101% can never be: {range}");
    has(&expect("success_rate = \">= 101%\""), &never);
    let unknown = ":10:16: nothing is measured as \"sucess_rate\"; did you mean \"success_rate\"?";
    has(&expect("sucess_rate  = \"> 90%\""), unknown);
    let below = "it is never below 0; write \"<= 1.3\"";
    let never = format!(":10:17: amplification < 0 can never be: {below}");
    has(&expect("amplification = \"< 0\""), &never);
    let late = "goodput >= 1% within 20s after events end can never be seen: \
                the scenario is over at 20s";
    let mend = "lengthen horizon, or let the events end earlier";
    let line = "goodput = \">= 1% within 20s after events end\"";
    has(&expect(line), &format!(":10:11: {late}; {mend}"));
    for wrong in ["goodput = true", "goodput = \"90%\"", "goodput = \">= x\"", "unstable = \"> 1\""]
    {
        assert_eq!(mistakes(&expect(wrong)).len(), 1, "{wrong}");
    }
}

#[test]
fn expectations_of_some_loads_and_points_name_what_there_is() {
    let expect =
        |lines: &str| format!("{HEAD}{DB}{LOAD}[sweep]\n\"load.shop.rate\" = [1, 2]\n{lines}\n");
    let found = mistakes(&expect("[expect]\nload.shp.p99 = \"<= 1s\""));
    assert!(found[0].ends_with("no load is called \"shp\"; did you mean \"shop\"?"), "{found:?}");
    let found = mistakes(&expect("[expect]\nload.shop.fairness = \">= 1%\""));
    assert!(
        found[0].contains("nothing is measured as \"fairness\"; known measures: "),
        "{found:?}"
    );
    let at = |of: &str| expect(&format!("[[expect.at]]\nwhere = {{ {of} }}\np99 = \"<= 1s\""));
    let found = mistakes(&at("\"load.shop.rat\" = 1"));
    let what = "the sweep does not vary \"load.shop.rat\"; did you mean \"load.shop.rate\"?";
    assert!(found[0].ends_with(what), "{found:?}");
    let found = mistakes(&at("\"load.shop.rate\" = 3"));
    assert!(found[0].ends_with("\"load.shop.rate\" never is 3; its values: 1, 2"), "{found:?}");
    assert_eq!(mistakes(&at("\"load.shop.rate\" = 2")), [""; 0]);
    let found = mistakes(&expect("[[expect.at]]\np99 = \"<= 1s\""));
    assert!(found[0].contains("says not where"), "{found:?}");
}

#[test]
fn sweeps_that_lead_nowhere_or_never_end_are_refused() {
    let sweep = |lines: &str| format!("{HEAD}seeds = 20\n{DB}{LOAD}[sweep]\n{lines}\n");
    let what = "\"load.shp.rate\": there is no load.shp; did you mean \"shop\"?";
    let found = mistakes(&sweep("\"load.shp.rate\" = [1]"));
    assert!(found[0].starts_with(&format!(":11:1: {what}")), "{found:?}");
    let found = mistakes(&sweep("\"services.db.workers\" = [1, 0]"));
    let what = "with services.db.workers = 0: services.db.workers: 0 is not from 1 to 1000000";
    assert!(found[0].starts_with(&format!(":11:1: {what}")), "{found:?}");
    let axis = |key: &str| format!("\"{key}\" = {{ from = 1, to = 2, steps = 101 }}\n");
    let huge = sweep(&(axis("load.shop.rate") + &axis("load.shop.scale")));
    let what = "the sweep has 10201 points; keep at most 10000: fewer values, or fewer axes";
    has(&huge, &format!(":11:1: {what}"));
    let many = sweep("\"load.shop.scale\" = { from = 1, to = 2, steps = 900 }");
    let many = many.replace("seeds = 20", "seeds = 1000");
    let what = "900 points under 1000 seeds are 900000 runs";
    has(&many, &format!(":11:1: {what}; keep at most 100000: fewer values or seeds"));
}

#[test]
fn faults_must_fit_whom_they_befall() {
    let event = |lines: &str| format!("{HEAD}{DB}{LOAD}[[events]]\nat = \"1s\"\n{lines}\n");
    let surge = event("do = \"surge\"\nfactor = 2\ntarget = \"service:db\"");
    has(&surge, ":13:10: a surge cannot befall service:db; name a load");
    let load = event("do = \"crash\"\ntarget = \"load:shop\"");
    let remedy = "name an upstream, a service or a zone";
    has(&load, &format!(":12:10: a crash cannot befall load:shop; {remedy}"));
    let third = event("do = \"crash\"\ntarget = \"service:db#3\"");
    let what = "\"service:db#3\": \"db\" has 1 replicas; write a number from 1 to 1";
    has(&third, &format!(":12:10: {what}"));
    let share = event("do = \"errors\"\nshare = \"120%\"\ntarget = \"service:db\"");
    has(&share, ":12:1: events[0].share is 120%; it must be above 0% and up to 100%");
    let late = event("do = \"crash\"\ntarget = \"service:db\"").replace("\"1s\"", "\"11s\"");
    assert_eq!(mistakes(&late).len(), 1);
    let unknown = event("do = \"crahs\"\ntarget = \"service:db\"");
    has(&unknown, ":11:6: unknown do \"crahs\" in events[0]; did you mean \"crash\"?");
}

/// A scenario with every kind of section.
fn whole() -> String {
    format!(
        "{HEAD}seeds = 2\n{CONFIG}{DB}{LOAD}
[load.shop.client]
attempts = 3
budget = \"10%\"
[upstreams.payments]
service = {{ dist = \"exponential\", mean = \"5ms\" }}
cache = {{ capacity = 10, ttl = \"5s\", ttl_jitter = \"10%\" }}
calls = [{{ service = \"db\", fan_out = 2, need = 1 }}]
[load.pay]
route = \"/pay\"
rate = {{ shape = \"line\", points = [[\"0s\", 1], [\"5s\", 20]] }}
keys = {{ count = 10, zipf = 1.1 }}
[network]
all = \"1ms\"
[[events]]
name = \"one\"
at = \"2s\"
do = \"errors\"
share = \"20%\"
target = \"upstream:payments#1\"
for = \"2s\"
[[events]]
after = \"one\"
do = \"flush\"
target = \"upstream:payments\"
[sweep]
\"load.shop.scale\" = [1, 2]
[expect]
goodput = \">= 1%\"
"
    )
}

#[test]
fn the_scenario_that_is_mutated_is_valid() {
    assert_eq!(mistakes(&whole()), [""; 0]);
}

proptest! {
    /// Lines lost, doubled and swapped, and bytes overwritten: what comes out is a scenario or a
    /// list of mistakes.
    #[test]
    fn no_mutation_of_a_scenario_makes_reading_panic(
        edits in prop::collection::vec((0_usize..1200, 0_u8..5, "[ -~\\n]{0,3}"), 1..4),
    ) {
        let mut lines: Vec<String> = whole().lines().map(str::to_owned).collect();
        for (at, kind, text) in edits {
            let count = lines.len();
            let line = at % count;
            match kind {
                0 => drop(lines.remove(line)),
                1 => lines.insert(line, lines[line].clone()),
                2 => lines.swap(line, (at * 7) % count),
                3 => lines[line].push_str(&text),
                _ => {
                    let place = at % (lines[line].len() + 1);
                    lines[line].insert_str(place, &text);
                }
            }
            if lines.is_empty() {
                lines.push(text);
            }
        }
        let result = parse(&lines.join("\n"));
        if let Err(why) = result {
            prop_assert!(!why.is_empty());
        }
    }
}

#[test]
fn slowdowns_and_spells_that_cannot_be_are_refused() {
    let forms = "write \"1ms\", { per_waiting = \"1ms\" }, { per_job = \"1ms\", every = 100 } or \
                 { crowd = [{ jobs = 10, factor = 1 }, { jobs = 50, factor = 4 }] }";
    let slow = |words: &str| format!("{HEAD}{DB}slowdown = {words}\n{LOAD}");
    has(&slow("{}"), &format!(":6:12: services.db.slowdown says not by how much; {forms}"));
    has(&slow("3"), &format!(":6:12: services.db.slowdown is neither text nor a table; {forms}"));
    let both = slow("{ per_job = \"1ms\", per_waiting = \"1ms\" }");
    has(&both, &format!(":6:12: services.db.slowdown says several things; {forms}"));
    let falling = slow("{ crowd = [{ jobs = 9, factor = 2 }, { jobs = 1, factor = 1 }] }");
    let remedy = "write crowd = [{ jobs = 10, factor = 1 }, { jobs = 50, factor = 4 }]";
    has(
        &falling,
        &format!(":6:14: the jobs of services.db.slowdown.crowd do not ascend; {remedy}"),
    );
    let spells = |words: &str| format!("{HEAD}{DB}weather = {words}\n{LOAD}");
    let remedy = "write bad = { dist = \"exponential\", mean = \"30s\" }";
    let dry = spells("{ good = \"10s\" }");
    has(&dry, &format!(":6:1: services.db.weather says no bad; {remedy}"));
    let never = spells("{ good = { dist = \"normal\", mean = \"0s\" }, bad = \"1s\" }");
    assert!(!mistakes(&never).is_empty());
}
