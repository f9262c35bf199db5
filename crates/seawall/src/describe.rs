//! A policy in words: the order in which a call passes its mechanisms, with the values in force.
//!
//! The order is the core's own list, so that what is printed is what runs.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use seawall_core::Mode;
use seawall_core::breaker::{BreakerSettings, WindowKind};
use seawall_core::call::Layer;
use seawall_core::concurrency::LimitSettings;
use seawall_core::hedge::HedgeDelay;
use seawall_core::hold::HoldSettings;
use seawall_core::upstream::UpstreamSettings;

use crate::Hedge;
use crate::describe_gates as gates;
use crate::settings::{NO_LIMIT, Plan, Resolved};

pub(crate) const ABSENT: &str = "absent";

/// The whole text.
pub(crate) fn describe(name: Option<&str>, plan: &Plan) -> String {
    let mut text = format!("policy {}\n", name.unwrap_or("(unnamed)"));
    let safety = match plan.safety.is_repeatable() {
        true => "idempotent: any attempt may be repeated",
        false => "NOT idempotent: only what provably never reached the dependency is repeated",
    };
    put(&mut text, format_args!("operations: {safety}"));
    put(&mut text, format_args!("a call passes, from the outside in:"));
    for (number, (layer, values)) in
        (1..).zip(Layer::ALL.iter().map(|layer| (layer, value(*layer, plan))))
    {
        put(&mut text, format_args!("{number:>2}. {layer}\n      {values}"));
    }
    if let Some(note) = misfit(plan) {
        put(&mut text, format_args!("note: {note}"));
    }
    text
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _infallible = writeln!(text, "{line}");
}

fn put_in(text: &mut String, part: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _infallible = text.write_fmt(part);
}

/// What is in force at a layer.
fn value(layer: Layer, plan: &Plan) -> String {
    let Resolved { call, upstream } = plan.resolve();
    match layer {
        Layer::Guards => "a call without time left is refused".to_owned(),
        Layer::RateLimit => gates::rate(upstream.rate.as_ref()),
        Layer::Shedding => gates::shed(upstream.shed.as_ref()),
        Layer::Throttle => gates::throttle(upstream.throttle.as_ref()),
        Layer::Ladder => "each call brings its own, if any".to_owned(),
        Layer::TotalDeadline => {
            call.total.map_or_else(|| "off".to_owned(), |total| format!("{total:?}"))
        }
        Layer::Breaker => breaker(plan.breaker.and(Some(&upstream.breaker))),
        Layer::Attempts => format!("retries: {}; hedges: {}", retry(plan), hedge(plan)),
        Layer::Hold => hold(plan),
        Layer::Bulkhead => bulkhead(plan, upstream.concurrency.as_ref()),
        Layer::Choice => choice(plan, &upstream),
        Layer::EndpointGuards => match &plan.endpoints {
            None => ABSENT.to_owned(),
            Some(_) => format!(
                "{}; outlier detector {}",
                breaker(Some(&upstream.endpoint_breaker)),
                mode(upstream.outlier.mode)
            ),
        },
        Layer::AttemptTimeout => {
            let fixed = match call.attempt {
                NO_LIMIT => "off".to_owned(),
                limit => format!("{limit:?}"),
            };
            match plan.adaptive {
                None => fixed,
                Some(_) => format!("{fixed}; {}", gates::adaptive(&upstream.timeout)),
            }
        }
    }
}

fn bulkhead(plan: &Plan, limit: Option<&LimitSettings>) -> String {
    let fixed = plan.bulkhead.map(|bulkhead| {
        let (permits, queue, wait) = (bulkhead.permits, bulkhead.queue, bulkhead.max_wait);
        format!("{permits} permits, {queue} may wait for {wait:?}")
    });
    match (fixed, limit.map(gates::limit)) {
        (None, None) => ABSENT.to_owned(),
        (Some(one), None) | (None, Some(one)) => one,
        (Some(fixed), Some(adaptive)) => format!("{fixed}; {adaptive}"),
    }
}

fn choice(plan: &Plan, upstream: &UpstreamSettings) -> String {
    let Some(endpoints) = &plan.endpoints else { return ABSENT.to_owned() };
    let (algorithm, down) = (upstream.balance.algorithm, upstream.when_all_down);
    let mut text = format!("{} endpoints, {algorithm:?}", endpoints.len());
    let levels: BTreeSet<_> = endpoints.iter().map(|endpoint| endpoint.info.level).collect();
    if levels.len() > 1 {
        put_in(&mut text, format_args!(", {} levels", levels.len()));
    }
    if let Some(own) = &plan.own_zone {
        put_in(&mut text, format_args!(", {own} of {} zones preferred", plan.zones().len()));
    }
    put_in(&mut text, format_args!(", when all are down {down:?}"));
    text
}

fn retry(plan: &Plan) -> String {
    let Some(retry) = plan.retry().filter(|retry| retry.max_attempts > 1) else {
        return ABSENT.to_owned();
    };
    let (backoff, budget) = (retry.backoff, retry.budget);
    format!(
        "{} attempts at most; waits {:?} to {:?}, times {}; \
         budget {} of {:?}, at least {} a second",
        retry.max_attempts,
        backoff.base,
        backoff.cap,
        backoff.factor,
        budget.ratio,
        budget.window,
        budget.floor_per_second,
    )
}

fn hedge(plan: &Plan) -> String {
    let Some(Hedge(_)) = plan.hedge() else { return ABSENT.to_owned() };
    let settings = plan.resolve().upstream.hedge;
    let delay = match settings.delay {
        HedgeDelay::Fixed(delay) => format!("{delay:?}"),
        HedgeDelay::Quantile { share, floor } => {
            format!("{share} of recent answers, at least {floor:?}")
        }
    };
    let (mode, most, share) = (mode(settings.mode), settings.max_extra, settings.share);
    format!("{mode}: {most} at most, after {delay}, for {share} of calls")
}

fn hold(plan: &Plan) -> String {
    if plan.hold.is_none() {
        return ABSENT.to_owned();
    }
    let HoldSettings { calls, longest, outage, mode: own, .. } = plan.hold();
    let mode = mode(own);
    format!("{mode}: {calls} calls for {longest:?} at most, through outages of up to {outage:?}")
}

fn breaker(settings: Option<&BreakerSettings>) -> String {
    let Some(settings) = settings else { return ABSENT.to_owned() };
    let mut conditions = Vec::new();
    if let Some(number) = settings.consecutive {
        conditions.push(format!("{number} failures in a row"));
    }
    let window = match settings.window {
        WindowKind::Calls(calls) => format!("the last {calls}"),
        WindowKind::Time(time) => format!("{time:?}"),
    };
    let least = settings.min_calls;
    if let Some(rate) = settings.failure_rate {
        conditions.push(format!("{rate} failures of at least {least} in {window}"));
    }
    if let Some(slow) = settings.slow_calls {
        let (rate, limit) = (slow.rate, slow.limit);
        conditions.push(format!("{rate} above {limit:?} of at least {least} in {window}"));
    }
    let (base, max) = (settings.cool_down.base, settings.cool_down.max);
    let conditions = conditions.join(" or ");
    format!("{}: trips on {conditions}; cool-down {base:?} to {max:?}", mode(settings.mode))
}

pub(crate) const fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "enforced",
        Mode::Shadow => "in shadow",
        Mode::Off => "off",
    }
}

/// Attempts that can never all be made. They are no contradiction: most attempts end early.
fn misfit(plan: &Plan) -> Option<String> {
    let (attempts, attempt, total) = (plan.max_attempts(), plan.attempt(), plan.total()?);
    let needed = attempt.checked_mul(attempts).unwrap_or(Duration::MAX);
    (attempts > 1 && attempt != NO_LIMIT && needed > total).then(|| {
        format!("{attempts} attempts that time out after {attempt:?} do not fit into {total:?}")
    })
}
