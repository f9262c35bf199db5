//! L3 to L5: what retries on the hops of a path multiply to.

use crate::lint::finding::{Finding, Severity, Used};
use crate::lint::paths::{Heaviest, Paths, arrows, attempts, budgeted};
use crate::lint::rule::Rule;
use crate::lint::text::{number, rate};
use crate::lint::view::{Hour, Judged, Missing, Notes, View};
use crate::route::RouteConfig;

/// Above this product retries are a load of their own.
const WORST_MAX: f64 = 3.0;

/// Above this product an outage at the bottom ends the service, whatever the cause was.
const WORST_ERROR: f64 = 10.0;

/// With budgets the load stays near one; above this they are too wide for the traffic.
const BUDGETED_MAX: f64 = 1.5;

/// Worst-case amplification along the heaviest path from each route that nobody calls.
pub(super) fn l3_worst_case(view: &View<'_>, notes: &mut Notes) {
    let paths = Paths::down(view);
    let weights: Vec<f64> = view.config.routes.iter().map(attempts).collect();
    let heaviest = paths.heaviest(&weights);
    let bounded = budgets(view, Hour::Peak).ok().map(|weights| paths.heaviest(&weights));
    for top in paths.tops() {
        let held = bounded.as_ref().map(|bounded| bounded.product(top));
        notes.findings.extend(worst_case(view, &heaviest, (top, held)));
    }
}

/// `held` is the product with budgets, where the rates are known.
fn worst_case(
    view: &View<'_>,
    heaviest: &Heaviest<'_>,
    (top, held): (usize, Option<f64>),
) -> Option<Finding> {
    let product = heaviest.product(top);
    if product <= WORST_MAX {
        return None;
    }
    let path = heaviest.path(top);
    let first = *path.first()?;
    let held = held.filter(|held| *held <= BUDGETED_MAX);
    let severity = match held {
        Some(_) => Severity::Info,
        None if product > WORST_ERROR => Severity::Error,
        None => Severity::Warning,
    };
    let factors: Vec<_> = path.iter().map(|route| number(attempts(route))).collect();
    let mut formula = format!("{} = {} > {WORST_MAX}", factors.join(" × "), number(product));
    if let Some(held) = held {
        formula += &format!(", which budgets hold at {}", number(held));
    }
    let consequence =
        format!("when the last service fails, one call becomes {} attempts at it", number(product));
    let used = path.iter().map(|route| view.on_route(route, "retry.max_attempts"));
    let fix = if path.len() > 1 {
        "retry = \"off\" on all routes of the path but one".to_owned()
    } else {
        format!("retry = {{ max_attempts = 3 }} on route {}", first.name)
    };
    let finding = Finding::new(Rule::numbered::<3>(), severity).uses(used).mend(fix);
    let finding = on_path(view, finding, &path).says(formula, consequence);
    Some(finding.numbers(&[("amplification", product), ("hops", count(path.len()))]))
}

/// Amplification with budgets, in the quietest hour, when floors weigh the most.
pub(super) fn l4_budgeted(view: &View<'_>, notes: &mut Notes) {
    let rule = Rule::numbered::<4>();
    let paths = Paths::down(view);
    match budgets(view, Hour::Quiet) {
        Ok(weights) => {
            let heaviest = paths.heaviest(&weights);
            let tops = paths.tops().into_iter();
            notes.findings.extend(tops.filter_map(|top| above_budget(view, &heaviest, top)));
        }
        Err(missing) => notes.keep(rule, "gateway", Err::<Option<Finding>, _>(missing)),
    }
}

/// The factor of each route under its budget.
fn budgets(view: &View<'_>, hour: Hour) -> Result<Vec<f64>, Missing> {
    view.config.routes.iter().map(|route| budgeted(view, route, hour)).collect()
}

fn above_budget(view: &View<'_>, heaviest: &Heaviest<'_>, top: usize) -> Option<Finding> {
    let product = heaviest.product(top);
    if product <= BUDGETED_MAX {
        return None;
    }
    let path = heaviest.path(top);
    let factors: Vec<_> = path.iter().map(|route| factor(view, route)).collect();
    let formula = format!("{} = {} > {BUDGETED_MAX}", factors.join(" × "), number(product));
    let used: Vec<Used> = path.iter().flat_map(|route| budget_values(view, route)).collect();
    let consequence = format!(
        "in an outage at the quiet hour the floor of the budget lets {} attempts through for \
         each call",
        number(product)
    );
    let fix = match path.as_slice() {
        [only] => smaller_budget(view, only),
        _ => "retry = \"off\" on all routes of the path but one, and a smaller floor".to_owned(),
    };
    let finding = Finding::new(Rule::numbered::<4>(), Severity::Warning).uses(used).mend(fix);
    let finding = on_path(view, finding, &path).says(formula, consequence);
    Some(finding.numbers(&[("amplification", product)]))
}

/// The largest floor that keeps the product within bounds, for the share that is configured.
fn smaller_budget(view: &View<'_>, route: &RouteConfig) -> String {
    let name = &route.upstream;
    let share = view
        .config
        .upstream(name)
        .map_or(0.0, |upstream| f64::from(upstream.budget.ratio.ppm()) / 1e6);
    let rate = view.rate_to(name, Hour::Quiet).unwrap_or(0.0) / view.gateways();
    let floor = ((BUDGETED_MAX - 1.0 - share) * rate).floor();
    if floor >= 0.0 {
        return format!("budget = {{ floor = \"{floor:.0}/s\" }} in [upstreams.{name}]");
    }
    format!("budget = {{ ratio = \"20%\", floor = \"0/s\" }} in [upstreams.{name}]")
}

/// `min(3, 1 + 0.2 + 10/s ÷ 20/s)`, or the number alone where no budget counts.
fn factor(view: &View<'_>, route: &RouteConfig) -> String {
    let most = attempts(route);
    let known: Judged<f64> = view.rate_to(&route.upstream, Hour::Quiet);
    match (view.upstream(&route.upstream), known) {
        (Some(upstream), Ok(per_second)) if most > 1.0 => {
            let share = f64::from(upstream.budget.ratio.ppm()) / 1e6;
            let floor = view.gateways() * f64::from(upstream.budget.floor_per_second);
            let (share, floor) = (number(share), rate(floor));
            format!("min({}, 1 + {share} + {floor} ÷ {})", number(most), rate(per_second))
        }
        _ => number(most),
    }
}

fn budget_values(view: &View<'_>, route: &RouteConfig) -> Vec<Used> {
    let Some(upstream) = view.upstream(&route.upstream) else { return Vec::new() };
    let budget = ["budget.ratio", "budget.floor"].map(|key| view.on_upstream(upstream, key));
    let attempts = view.on_route(route, "retry.max_attempts");
    budget.into_iter().chain([attempts]).chain(view.rates_to(&upstream.name)).collect()
}

/// Retries on several layers of one path.
pub(super) fn l5_layers(view: &View<'_>, notes: &mut Notes) {
    let paths = Paths::down(view);
    // Twos multiply to the most where the most hops retry.
    let retries = |route: &RouteConfig| if attempts(route) > 1.0 { 2.0 } else { 1.0 };
    let weights: Vec<f64> = view.config.routes.iter().map(retries).collect();
    let heaviest = paths.heaviest(&weights);
    let tops = paths.tops().into_iter();
    notes.findings.extend(tops.filter_map(|top| layers(view, &heaviest, top)));
}

fn layers(view: &View<'_>, heaviest: &Heaviest<'_>, top: usize) -> Option<Finding> {
    let path = heaviest.path(top);
    let retrying: Vec<_> = path.iter().filter(|route| attempts(route) > 1.0).collect();
    if retrying.len() < 2 {
        return None;
    }
    let names: Vec<_> = retrying.iter().map(|route| route.name.as_str()).collect();
    let formula = format!("{} hops of one path retry: {}", names.len(), names.join(", "));
    let consequence = "each layer retries what the one below has retried already";
    let kept = names.last().copied().unwrap_or_default();
    let fix = format!("retry = \"off\" on the others, and keep it on {kept}, nearest to the fault");
    let used = retrying.iter().map(|route| view.on_route(route, "retry.max_attempts"));
    let finding = Finding::new(Rule::numbered::<5>(), Severity::Warning).uses(used).mend(fix);
    let finding = on_path(view, finding, &path).says(formula, consequence);
    Some(finding.numbers(&[("layers", count(retrying.len()))]))
}

/// About a path: its first route, and the upstream at its end.
fn on_path(view: &View<'_>, finding: Finding, path: &[&RouteConfig]) -> Finding {
    let (Some(first), Some(last)) = (path.first(), path.last()) else { return finding };
    let calls = path
        .iter()
        .zip(path.iter().skip(1))
        .map(|(route, next)| view.fact_of_upstream(&route.upstream, "calls", next.name.clone()));
    let finding = finding.on_route(&first.name, &last.upstream).uses(calls);
    match path.len() {
        1 => finding,
        _ => finding.about(format!("path {}", arrows(path))),
    }
}

fn count(length: usize) -> f64 {
    u32::try_from(length).map_or(f64::INFINITY, f64::from)
}
