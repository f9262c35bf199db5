//! L19: hedges that cost more than the budget, that start too late, or that are not cancelled.

use seawall_core::Mode;
use seawall_core::hedge::{HedgeDelay, HedgeSettings};
use seawall_core::ratio::Ratio;
use seawall_core::time::Duration;

use super::Shown;
use super::look::{Look, Trial};
use super::scene::{Scene, place, route_place};
use super::subject::Subject;
use crate::dist::{Distribution, seconds};
use crate::plan::{Abandoned, Cancel, Plan, Server};
use crate::verdict::{Unit, number};

/// The advised delay.
const P95: HedgeDelay =
    HedgeDelay::Quantile { share: Ratio::from_percent(95), floor: Duration::from_millis(1) };

/// How a world hedges.
#[derive(Clone, Copy)]
struct Way {
    delay: HedgeDelay,
    cancel: Cancel,
    /// All latency is so many times as long.
    slower: u32,
}

/// L19: the hedges that are assumed, by the hedging machine without its own limit.
pub(super) fn unbudgeted(subject: &Subject<'_>) -> Shown {
    let facts = subject.of_route(subject.route);
    let hedge = facts.hedge.ok_or("only hedges that `assume` describes are simulated")?;
    let methods = &subject.route.methods;
    let kept = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"];
    let safe = !methods.is_empty() && methods.iter().all(|method| kept.contains(&method.as_str()));
    if !safe && !facts.keyed {
        return Err("simulated hedges are of what may be repeated; anything else would be \
                    executed twice"
            .to_owned());
    }
    let service = place(subject.config, &subject.upstream.name);
    let cancel = if hedge.cancels { Cancel::OnTimeout } else { Cancel::Never };
    let now = Way { delay: hedge.after, cancel, slower: 1 };
    let fixed = match hedge.cancels {
        true => Way { delay: P95, ..now },
        false => Way { cancel: Cancel::OnTimeout, ..now },
    };
    let fix = if hedge.cancels { "a delay at the 95th percentile" } else { "losers cancelled" };
    let rate = subject.rate().min(500.0);
    let hedged = Trial {
        scene: format!("{rate:.1} calls/s of the latency that is assumed; breakers off"),
        fix: fix.to_owned(),
        runs: 1,
        plans: [world(subject, now, rate)?, world(subject, fixed, rate)?],
        looks: vec![share_of("hedged calls"), Look::wasted(service), Look::p99()],
    };
    let mut contrast = hedged.run();
    let slow = |way: Way| world(subject, Way { slower: 2, ..way }, rate);
    let doubled = Trial {
        scene: String::new(),
        fix: String::new(),
        runs: 1,
        plans: [slow(now)?, slow(fixed)?],
        looks: vec![share_of("hedged if all latency doubles")],
    };
    contrast.measures.extend(doubled.run().measures);
    Ok(contrast)
}

fn world(subject: &Subject<'_>, way: Way, rate: f64) -> Result<Plan, String> {
    const CALM: f64 = 20.0;
    let edited = subject.edited().unbroken().unbudgeted();
    let place = place(subject.config, &subject.upstream.name);
    let scene = Scene::of(&edited.config, 60.0).alone().warm_up(CALM);
    let scene = scene.gateway(|gateway| {
        if let Some(upstream) = gateway.upstreams.get_mut(place) {
            upstream.cancel = way.cancel;
            upstream.settings.hedge = HedgeSettings {
                mode: Mode::Enforce,
                delay: way.delay,
                share: Ratio::ONE,
                ..HedgeSettings::default()
            };
        }
    });
    let scene = scene.service(place, |service| {
        let time = service.server.time.clone();
        // A service without limit: hedges are seen by themselves, not by the queues they cause.
        let server = Server::unlimited(times(time, way.slower));
        service.server = Server { abandoned: Abandoned::Stops, ..server };
    });
    scene.load(route_place(subject.config, &subject.route.name), rate).plan()
}

/// A distribution that takes so many times as long.
fn times(time: Distribution, factor: u32) -> Distribution {
    match time {
        Distribution::Constant(time) => Distribution::Constant(time * factor),
        Distribution::Exponential(mean) => Distribution::Exponential(mean * factor),
        Distribution::LogNormal { median, sigma } => {
            Distribution::LogNormal { median: median * factor, sigma }
        }
        other => Distribution::Exponential(seconds(other.mean() * f64::from(factor))),
    }
}

fn share_of(name: &'static str) -> Look {
    Look::new(name, Unit::Share, |record| {
        let all = record.upstreams.iter().flatten();
        let (firsts, hedges) =
            all.fold((0, 0), |(firsts, hedges), u| (firsts + u.firsts, hedges + u.hedges));
        (firsts > 0).then(|| number(hedges) / number(firsts))
    })
}
