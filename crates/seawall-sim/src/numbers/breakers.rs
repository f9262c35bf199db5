//! When breakers trip by accident, found out from the machine itself.

use seawall_core::breaker::{Breaker, BreakerSettings, Ended, Probing, WindowKind};
use seawall_core::event::Discard;
use seawall_core::outcome::Class;
use seawall_core::ratio::Ratio;
use seawall_core::rng::{Draw, Rng};
use seawall_core::time::{Duration, Instant};

use super::case::{Case, Run, Runs};
use super::judge::Rule;
use super::stats::real;

pub(super) fn cases() -> Vec<Case> {
    e17().chain(e18()).collect()
}

/// One call after the other through a breaker.
struct Trial {
    breaker: Breaker,
    calls: u64,
    failures: u32,
}

impl Trial {
    fn new(settings: BreakerSettings) -> Self {
        Self { breaker: Breaker::new(settings, Instant::EPOCH), calls: 0, failures: 0 }
    }

    /// Makes a call, unless the breaker is open.
    fn call(&mut self, fails: bool) -> bool {
        let (now, draw) = (Instant::EPOCH, Draw::HALF);
        let admitted = self.breaker.admit(now, Probing::Allowed, draw, &mut Discard);
        let Ok(ticket) = admitted else { return false };
        let class = if fails { Class::Failure } else { Class::Success };
        let ended = Ended { class, elapsed: Duration::ZERO };
        self.breaker.settle(ticket, ended, (now, draw), &mut Discard);
        self.calls += 1;
        self.failures += u32::from(fails);
        true
    }

    fn is_open(&mut self) -> bool {
        let (now, draw) = (Instant::EPOCH, Draw::HALF);
        self.breaker.admit(now, Probing::Allowed, draw, &mut Discard).is_err()
    }
}

/// How many trials a run has, of a full number and at least two.
fn trials(full: f64, share: f64) -> u64 {
    (1..).take_while(|count| real(*count) <= full * share).last().unwrap_or(2)
}

fn consecutive(row: u32) -> BreakerSettings {
    let window = WindowKind::Calls(1);
    let rates = BreakerSettings { failure_rate: None, window, ..BreakerSettings::for_upstream() };
    BreakerSettings { consecutive: Some(row), min_calls: 1, ..rates }
}

fn e17() -> impl Iterator<Item = Case> {
    let table = [(50, "62.0"), (20, "3905"), (10, "111110"), (90, "6.94")];
    table.into_iter().map(|(percent, calls)| {
        let model = move |run: Run| {
            let mut chance = run.seed.stream("outcomes");
            let (mut sum, count) = (0, trials(800.0, run.share));
            for _ in 0..count {
                let mut trial = Trial::new(consecutive(5));
                while trial.call(chance.draw().is_below(Ratio::from_percent(percent))) {}
                sum += trial.calls;
            }
            vec![real(sum) / real(count)]
        };
        let name = format!("5 failures in a row at p {percent} %");
        Case::new("E17", name, Runs { full: 10, quick: 6, share: 0.02 }, model)
            .from("runs of trials")
            .claims("calls", calls, Rule::Within(0.03))
    })
}

fn ratio(calls: u32, rate: u32) -> BreakerSettings {
    let failure_rate = Some(Ratio::from_percent(rate));
    let window = WindowKind::Calls(calls);
    BreakerSettings { failure_rate, window, min_calls: calls, ..BreakerSettings::for_upstream() }
}

/// A window of calls and the percentage that trips; the probability of failure, and the one that
/// it is drawn by; what is published.
struct Noise {
    calls: u32,
    rate: u32,
    percent: u32,
    drawn: u32,
    trips: &'static str,
}

const NOISE: [Noise; 4] = [
    Noise { calls: 5, rate: 50, percent: 5, drawn: 50, trips: "1.16e-3" },
    Noise { calls: 10, rate: 50, percent: 5, drawn: 50, trips: "6.4e-5" },
    Noise { calls: 20, rate: 50, percent: 5, drawn: 50, trips: "1.1e-8" },
    Noise { calls: 100, rate: 10, percent: 5, drawn: 10, trips: "0.0282" },
];

impl Noise {
    /// How much more likely these outcomes are at the real probability than as they were drawn.
    fn weight(&self, failures: u32) -> f64 {
        let (real, drawn) = (f64::from(self.percent) / 100.0, f64::from(self.drawn) / 100.0);
        let failed = libm::pow(real / drawn, f64::from(failures));
        failed * libm::pow((1.0 - real) / (1.0 - drawn), f64::from(self.calls - failures))
    }

    /// The share of windows that trip. Where trips are rare, failures are drawn more often than
    /// they come, and each trip counts by its weight (importance sampling): at 10⁻⁸ nobody could
    /// wait for the others.
    fn trips(&self, run: Run) -> f64 {
        let mut chance = run.seed.stream("outcomes");
        let (mut sum, count) = (0.0, trials(100_000.0, run.share));
        for _ in 0..count {
            let mut trial = Trial::new(ratio(self.calls, self.rate));
            for _ in 0..self.calls {
                trial.call(chance.draw().is_below(Ratio::from_percent(self.drawn)));
            }
            sum += if trial.is_open() { self.weight(trial.failures) } else { 0.0 };
        }
        sum / real(count)
    }
}

fn e18() -> impl Iterator<Item = Case> {
    NOISE.into_iter().map(|noise| {
        let name = format!("{} calls at {} %, p {} %", noise.calls, noise.rate, noise.percent);
        let trips = noise.trips;
        let model = move |run: Run| vec![noise.trips(run)];
        Case::new("E18", name, Runs { full: 10, quick: 6, share: 0.1 }, model)
            .from("binomial")
            .claims("false trips", trips, Rule::Within(0.05))
    })
}
