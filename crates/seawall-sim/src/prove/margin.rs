//! L23: whether a service comes back from a trigger, and from which load on it does not.

use seawall_core::time::{Duration, Instant};

use super::look::{Look, Trial, good_after, records};
use super::scene::{Scene, place, route_place};
use super::subject::{Edited, Subject};
use super::{Compared, Shown};
use crate::plan::{GatewayId, Plan, Rate, RouteId, Shape, Target};
use crate::verdict::Unit;

/// When the load doubles and until when, the time from which the end is judged, and the whole.
const SPIKE: (u64, u64) = (20, 30);
const JUDGED: f64 = 65.0;
const LASTING: f64 = 80.0;

/// In a run that came back more of the calls than this end well; the outcome has two kinds, and
/// nothing between a fifth and four fifths.
const COLLAPSED: f64 = 0.5;

/// Steps of the search for the threshold: it is known to a thirty-second of the load.
const STEPS: u32 = 5;

/// L23: the load doubles for ten seconds.
pub(super) fn metastable(subject: &Subject<'_>) -> Shown {
    let rate = subject.need("rate")?;
    let (ratio, floor) = (subject.fixed_share("ratio")?, subject.fixed_rate("floor")?);
    let now = subject.edited().unbroken();
    let fixed = now.clone().upstream(|upstream| {
        upstream.budget.ratio = ratio;
        upstream.budget.floor_per_second = super::fix::whole(floor);
    });
    let plans = [world(subject, &now, rate)?, world(subject, &fixed, rate)?];
    let service = place(subject.config, &subject.upstream.name);
    let trial = Trial {
        scene: format!("{rate:.1} calls/s, twice as many from 20 to 30 s; breakers off"),
        fix: format!("budget = {{ ratio = {ratio}, floor = {floor}/s }}"),
        runs: 3,
        plans,
        looks: vec![
            Look::in_the_end(JUDGED),
            Look::new("stays down", Unit::Share, |record| {
                Some(f64::from(u8::from(good_after(record, JUDGED) < COLLAPSED)))
            }),
            Look::amplification(service, &subject.upstream.name),
        ],
    };
    let mut contrast = trial.run();
    let [now, fixed] = [&now, &fixed].map(|edited| threshold(subject, edited, rate));
    let name = "calls/s from which it stays down".to_owned();
    contrast.measures.push(Compared { name, unit: Unit::Number, now, fixed });
    Ok(contrast)
}

fn world(subject: &Subject<'_>, edited: &Edited<'_>, rate: f64) -> Result<Plan, String> {
    let at = |secs: u64| Instant::EPOCH.after(Duration::from_secs(secs));
    let points = vec![(at(0), rate), (at(SPIKE.0), 2.0 * rate), (at(SPIKE.1), rate)];
    let rate = Rate { points, shape: Shape::Steps, scale: 1.0 };
    let route = RouteId(route_place(subject.config, &subject.route.name));
    let scene = Scene::of(&edited.config, LASTING);
    scene.load_of(rate, Target::Route(GatewayId(0), route)).plan()
}

/// The lowest load, up to the present one, at which the same spike leaves it down; `None` where it
/// comes back even at that.
fn threshold(subject: &Subject<'_>, edited: &Edited<'_>, rate: f64) -> Option<f64> {
    let down = |rate: f64| {
        let plan = world(subject, edited, rate).ok()?;
        let record = records(&plan, 1).into_iter().next()?;
        Some(good_after(&record, JUDGED) < COLLAPSED)
    };
    if !down(rate)? {
        return None;
    }
    let (mut back, mut lost) = (0.0, rate);
    for _ in 0..STEPS {
        let middle = f64::midpoint(back, lost);
        match down(middle)? {
            true => lost = middle,
            false => back = middle,
        }
    }
    Some(lost)
}
