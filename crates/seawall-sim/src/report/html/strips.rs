//! Strips of states: which breaker was open, which endpoint ejected, and when.

use super::chart::{Axis, Chart, LINE, Named, Room};
use super::figure;
use super::legend::{Key, legend};
use super::scale::Scale;
use super::svg::Area;
use crate::observe::{Condition, MARKS_MAX, Strip, strips};
use crate::plan::Plan;
use crate::report::bands::{bands, seconds};
use crate::report::shown::Shown;
use crate::report::words;

/// Strips that are drawn; the JSON has all.
const DRAWN: usize = 40;

/// Room for names.
const LEFT: f64 = 250.0;

pub(super) fn pictures(run: &Shown<'_>) -> String {
    let all = strips(run.record);
    if all.is_empty() {
        return String::new();
    }
    let plan = &run.point.plan;
    let rows = all.len().min(DRAWN);
    let height = LINE * f64::from(u32::try_from(rows).unwrap_or_default()) + 8.0;
    let room = Room { left: LEFT, ..Room::of(height) };
    let time = Axis::time(plan.horizon.as_secs_f64());
    let none = Axis::new(Scale::Log(2.0, 4.0), "", |_| String::new());
    let mut chart = Chart::new("States of breakers and endpoints over time", room, &time, &none);
    chart.bands(&bands(plan, run.record), Named::No);
    let mut top = chart.area.top + 4.0;
    for strip in all.iter().take(DRAWN) {
        row(&mut chart, strip, (&format!("{} · {}", name(plan, strip), kind(strip)), top));
        top += LINE;
    }
    let used = Condition::ALL.into_iter().filter(|condition| {
        all.iter().any(|strip| strip.stretches.iter().any(|s| s.condition == *condition))
    });
    let keys: Vec<_> = used.map(|used| (Key::Fill, class(used), used.name())).collect();
    let mut keys = keys;
    keys.insert(0, (Key::Fill, "calm", "in order"));
    let picture = format!("{}{}", legend(&keys), chart.finish());
    let mut caption = "Upstreams stand before their endpoints; only what was ever out of order is \
                       drawn. Instances of a gateway know nothing of each other."
        .to_owned();
    if all.len() > DRAWN {
        caption = format!("{caption} {} further strips are in the JSON.", all.len() - DRAWN);
    }
    if run.record.marks_lost > 0 {
        let lost = run.record.marks_lost;
        caption = format!("{caption} After {MARKS_MAX} changes of state {lost} were not kept.");
    }
    figure("States", &picture, &caption)
}

fn row(chart: &mut Chart, strip: &Strip, (name, top): (&str, f64)) {
    let Area { left, right, .. } = chart.area;
    let bottom = top + LINE - 4.0;
    chart.svg.text("tick end", (left - 6.0, top + 10.0), &words::clipped(name, 36));
    chart.svg.rect("calm", Area { left, top, right, bottom }, name);
    for stretch in &strip.stretches {
        let (from, to) = (seconds(stretch.from), seconds(stretch.to));
        let (Some(left), Some(right)) = (chart.across(from), chart.across(to)) else { continue };
        let area = Area { left, top, right: right.max(left + 1.5), bottom };
        let (from, to) = (words::time(from), words::time(to));
        let title = format!("{name}: {} from {from} to {to}", stretch.condition.name());
        chart.svg.rect(class(stretch.condition), area, &title);
    }
}

fn name(plan: &Plan, strip: &Strip) -> String {
    let gateway = plan.gateways.get(strip.gateway);
    let upstream = gateway.and_then(|gateway| gateway.upstreams.get(strip.upstream));
    let mut name = upstream.map_or_else(String::new, |upstream| upstream.name.clone());
    if let Some(endpoint) = strip.endpoint {
        name = format!("{name}#{endpoint}");
    }
    let Some(gateway) = gateway else { return name };
    if gateway.instances > 1 {
        return format!("{}[{}] → {name}", gateway.name, strip.instance);
    }
    format!("{} → {name}", gateway.name)
}

/// What is in the conditions of a strip, which all concern the same machine.
fn kind(strip: &Strip) -> &'static str {
    match strip.stretches.first().map(|stretch| stretch.condition) {
        Some(Condition::Open | Condition::HalfOpen) => "breaker",
        Some(Condition::Ejected) => "ejection",
        Some(Condition::Unhealthy) => "health checks",
        Some(Condition::Panic) => "panic",
        None => "",
    }
}

const fn class(condition: Condition) -> &'static str {
    match condition {
        Condition::Open => "open",
        Condition::HalfOpen => "half",
        Condition::Ejected => "ejected",
        Condition::Unhealthy => "unhealthy",
        Condition::Panic => "panicking",
    }
}
