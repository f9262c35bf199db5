//! Results made by hand: four products in five scenarios, of which each shows something else.

use crate::measure::Figures;
use crate::measure::made::{MILLI, Made, SECOND, answer, at, right};
use crate::peer::{Product, Settings};
use crate::record::Seen;
use crate::rehearse::{Rehearsed, Simulated};
use crate::report::{Entrant, Host, Measured, NotRun, Results, Told};
use crate::run::Key;
use crate::scenario::Fault;
use std::sync::OnceLock;
use std::time::Duration;

const SEEDS: [u64; 3] = [11, 12, 13];

/// All of it, made once.
pub(super) fn results() -> Results {
    static MADE: OnceLock<Results> = OnceLock::new();
    MADE.get_or_init(make).clone()
}

fn rehearsed() -> Vec<Rehearsed> {
    let told = |id: &str, outcome| Rehearsed { scenario: id.to_owned(), outcome };
    let simulated =
        Simulated { failed: Some(0.0), amplification: Some(1.004), p50: Some(0.0201), p99: None };
    vec![told("G1", Ok(simulated)), told("G18", Err("the simulator said: no".to_owned()))]
}

fn make() -> Results {
    let scenarios = ["G0", "G1", "G4-200ms", "G10-3s", "G18"];
    let mut results = Results {
        date: "2026-01-31".to_owned(),
        command: "cargo run --release -p gauntlet -- --quick".to_owned(),
        seed: 7,
        host: host(),
        entrants: entrants(),
        scenarios: scenarios.iter().map(|id| Told::of(&scene(id, 0, 0).scenario)).collect(),
        runs: Vec::new(),
        not_run: vec![NotRun {
            product: Product::Pingora,
            settings: Settings::Default,
            scenario: None,
            reason: "no cargo to build it with".to_owned(),
        }],
        rehearsed: rehearsed(),
    };
    for seed in SEEDS {
        for (place, product) in PRODUCTS.iter().enumerate().filter(|(place, _)| *place < 3) {
            for scenario in scenarios {
                let made = scene(scenario, place, seed);
                let key = Key {
                    product: *product,
                    settings: Settings::Default,
                    scenario: scenario.to_owned(),
                    seed,
                };
                let figures = made.figures();
                results.runs.push(Measured { key, figures, deeds: made.run.deeds });
            }
        }
    }
    results
}

const PRODUCTS: [Product; 4] = [Product::Seawall, Product::Nginx, Product::Envoy, Product::Pingora];

fn host() -> Host {
    Host {
        processor: "A <processor>".to_owned(),
        cores: 2,
        memory: 4 << 30,
        kernel: "6.1".to_owned(),
        ground: "network namespaces".to_owned(),
        reduced: None,
    }
}

fn entrants() -> Vec<Entrant> {
    let all = PRODUCTS.iter().map(|product| Entrant {
        product: *product,
        settings: Settings::Default,
        version: "1.2".to_owned(),
        lacks: if *product == Product::Nginx { vec!["total deadline".to_owned()] } else { vec![] },
    });
    all.collect()
}

/// A run of the product at a place: 0 hides most, 1 waits, 2 passes errors on.
fn scene(scenario: &str, place: usize, seed: u64) -> Made {
    let mut made = match scenario {
        "G1" => struck(Fault::Crash, &[1], place, seed),
        "G4-200ms" => struck(Fault::Slow { by: Duration::from_millis(200) }, &[1], place, seed),
        "G10-3s" => dark(place, seed),
        "G18" => flooded(place, seed),
        _ => Made::steady(10),
    };
    made.scenario.id = scenario.to_owned();
    made.run.key.scenario = scenario.to_owned();
    made.scenario.name = match scenario {
        "G0" => "control",
        "G1" => "crash of one replica",
        "G4-200ms" => "answers 200 ms late",
        "G10-3s" => "all down for 3 s",
        _ => "overload 3 times",
    }
    .to_owned();
    made
}

fn struck(fault: Fault, targets: &[u8], place: usize, seed: u64) -> Made {
    let is_slow = matches!(fault, Fault::Slow { .. });
    let mut made = Made::struck(10, fault, targets);
    let noticed = [6.5, 8.0, 11.0][place];
    for id in made.asked(6.0, 11.0).into_iter().filter(|id| id % 3 == 1) {
        let second = crate::measure::seconds(made.planned(id).at);
        if second > noticed {
            made.run.attempts.iter_mut().filter(|one| one.id == Some(id)).for_each(|one| {
                one.replica = 0;
            });
        } else if place == 0 {
            let begun = made.intended(id).after(60 * MILLI);
            made.attempt(id, 0, begun);
            made.see(id, 81 + seed % 3, right(0));
        } else if is_slow {
            made.see(id, 221, right(1));
        } else {
            made.see(id, 5, if place == 1 { answer(502, None) } else { Seen::NoAnswer });
        }
    }
    made
}

fn dark(place: usize, seed: u64) -> Made {
    let mut made = Made::struck(10, Fault::Crash, &[0, 1, 2]);
    made.scenario.faults[0].lasts = Some(Duration::from_secs(3));
    made.run.deeds.last_mut().unwrap().at = at(9);
    let back = 9.0 + [0.1, 2.0, 4.0][place] + crate::measure::seconds(seed * MILLI);
    for id in made.asked(6.0, back) {
        let second = crate::measure::seconds(made.planned(id).at);
        let held = place == 0 && second > 7.1;
        if held {
            let after = (9100 * MILLI).saturating_sub(made.planned(id).at).max(20 * MILLI);
            made.forget_attempts(id);
            made.attempt(id, 2, at(9).after(100 * MILLI));
            made.see(id, after / MILLI, right(2));
        } else {
            made.forget_attempts(id);
            made.see(id, 2, answer(if place == 1 { 502 } else { 503 }, None));
        }
    }
    made
}

fn flooded(place: usize, seed: u64) -> Made {
    let mut made = Made::steady(10);
    made.scenario.replicas.workers = 1;
    made.strike(Fault::Overload { times: 3.0 }, &[]);
    let capacity = 166;
    for extra in 0..1000 {
        let id = 10_000 + extra;
        made.ask(id, 6 * SECOND + extra * 5 * MILLI);
        let fits = extra * 5 % 1000 < (capacity - 100) * 5 - seed % 5 * 5;
        if fits && place < 2 {
            made.answer(id, 0);
        } else {
            made.see(id, 1, answer(503, None));
        }
    }
    if place == 2 {
        for id in made.asked(7.0, 31.0).into_iter().filter(|id| id % 4 > 0) {
            made.see(id, 5000, Seen::TimedOut);
        }
        made.post(800);
        let begun = made.intended(800).after(9 * MILLI);
        made.attempt(800, 1, begun);
    }
    made
}

/// The figures of a product in a scenario.
pub(super) fn of<'a>(
    results: &'a mut Results,
    product: Product,
    scenario: &'a str,
) -> impl Iterator<Item = &'a mut Figures> {
    let runs = results
        .runs
        .iter_mut()
        .filter(move |run| run.key.product == product && run.key.scenario == scenario);
    runs.map(|run| &mut run.figures)
}
