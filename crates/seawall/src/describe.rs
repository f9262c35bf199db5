//! A policy in words: the order in which a call passes its mechanisms, with the values in force.
//!
//! The order is the core's own list, so that what is printed is what runs.

use std::fmt::Write as _;
use std::time::Duration;

use seawall_core::Mode;
use seawall_core::breaker::{BreakerSettings, WindowKind};
use seawall_core::call::Layer;
use seawall_core::hedge::HedgeDelay;

use crate::Hedge;
use crate::settings::{NO_LIMIT, Plan, Resolved};

const ABSENT: &str = "absent";

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

/// What is in force at a layer.
fn value(layer: Layer, plan: &Plan) -> String {
    let Resolved { call, upstream } = plan.resolve();
    match layer {
        Layer::Guards => "a call without time left is refused".to_owned(),
        Layer::RateLimit | Layer::Shedding | Layer::Throttle => ABSENT.to_owned(),
        Layer::Ladder => "each call brings its own, if any".to_owned(),
        Layer::TotalDeadline => {
            call.total.map_or_else(|| "off".to_owned(), |total| format!("{total:?}"))
        }
        Layer::Breaker => breaker(plan.breaker.as_ref()),
        Layer::Attempts => format!("retries: {}; hedges: {}", retry(plan), hedge(plan)),
        Layer::Bulkhead => match plan.bulkhead {
            None => ABSENT.to_owned(),
            Some(bulkhead) => format!(
                "{} permits, {} may wait for {:?}",
                bulkhead.permits, bulkhead.queue, bulkhead.max_wait
            ),
        },
        Layer::Choice => match &plan.endpoints {
            None => ABSENT.to_owned(),
            Some(names) => format!(
                "{} endpoints, {:?}, when all are down {:?}",
                names.len(),
                upstream.balance.algorithm,
                upstream.when_all_down
            ),
        },
        Layer::EndpointGuards => match &plan.endpoints {
            None => ABSENT.to_owned(),
            Some(_) => format!(
                "{}; outlier detector {}",
                breaker(Some(&upstream.endpoint_breaker)),
                mode(upstream.outlier.mode)
            ),
        },
        Layer::AttemptTimeout => match call.attempt {
            NO_LIMIT => "off".to_owned(),
            limit => format!("{limit:?}"),
        },
    }
}

fn retry(plan: &Plan) -> String {
    let Some(retry) = plan.retry.filter(|retry| retry.max_attempts > 1) else {
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
    let Some(Hedge(settings)) = plan.hedge else { return ABSENT.to_owned() };
    let delay = match settings.delay {
        HedgeDelay::Fixed(delay) => format!("{delay:?}"),
        HedgeDelay::Quantile { share, floor } => {
            format!("{share} of recent answers, at least {floor:?}")
        }
    };
    let (mode, most, share) = (mode(settings.mode), settings.max_extra, settings.share);
    format!("{mode}: {most} at most, after {delay}, for {share} of calls")
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

const fn mode(mode: Mode) -> &'static str {
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
