//! In words: what keeps calls out before anything is sent, and what adapts by itself. The other
//! mechanisms and their order are in `describe.rs`.

use std::time::Duration;

use seawall_core::concurrency::{Algorithm as LimitAlgorithm, LimitSettings};
use seawall_core::rate::{Algorithm, LimiterSettings, Quota, Rate, WindowLimit};
use seawall_core::shed::ShedSettings;
use seawall_core::throttle::ThrottleSettings;
use seawall_core::timeout::AdaptiveSettings;

use crate::describe::{ABSENT, mode};

pub(crate) fn rate(settings: Option<&LimiterSettings>) -> String {
    let Some(settings) = settings else { return ABSENT.to_owned() };
    let rule = match settings.algorithm {
        Algorithm::Gcra(numbers) => format!("{}, GCRA", quota(&numbers)),
        Algorithm::TokenBucket(numbers) => format!("{}, token bucket", quota(&numbers)),
        Algorithm::WarmUp(warm_up) => {
            format!("{}, warming up for {:?}", quota(&warm_up.quota), warm_up.period)
        }
        Algorithm::FixedWindow(limit) => format!("{}, fixed window", window(&limit)),
        Algorithm::SlidingCounter(limit) => format!("{}, sliding counter", window(&limit)),
        Algorithm::SlidingLog(limit) => format!("{}, sliding log", window(&limit)),
    };
    let adaptive = if settings.adaptive.is_some() { ", gives way when throttled" } else { "" };
    format!("{}: {rule}{adaptive}", mode(settings.mode))
}

fn quota(quota: &Quota) -> String {
    format!("{}, at most {} at once", of(quota.rate), quota.burst)
}

fn of(rate: Rate) -> String {
    match rate.is_zero() {
        true => "nothing".to_owned(),
        false => format!("{} in each {:?}", rate.count(), Duration::from_nanos(rate.period())),
    }
}

fn window(limit: &WindowLimit) -> String {
    format!("{} in {:?}", limit.limit, limit.window)
}

pub(crate) fn shed(settings: Option<&ShedSettings>) -> String {
    let Some(settings) = settings else { return ABSENT.to_owned() };
    let (wait, window) = (settings.queue_wait, settings.window);
    let (mode, floor) = (mode(settings.mode), settings.floor);
    format!("{mode}: while waits average {wait:?} over {window:?}; {floor} always pass")
}

pub(crate) fn throttle(settings: Option<&ThrottleSettings>) -> String {
    let Some(settings) = settings else { return ABSENT.to_owned() };
    let ThrottleSettings { critical, high, normal, low, window, .. } = settings;
    let mode = mode(settings.mode);
    format!(
        "{mode}: beyond {normal} of what was accepted in {window:?} \
         (critical {critical}, high {high}, low {low})"
    )
}

pub(crate) fn limit(settings: &LimitSettings) -> String {
    let LimitSettings { initial, min, max, .. } = settings;
    let rule = match settings.algorithm {
        LimitAlgorithm::Steady { tolerance } => {
            format!("up to {tolerance} of the latency of quiet times")
        }
        LimitAlgorithm::Knee { tolerance } => format!("the knee, up to {tolerance} of the base"),
        LimitAlgorithm::Aimd { backoff, .. } => format!("AIMD, {backoff} on a drop"),
        LimitAlgorithm::Vegas => "Vegas".to_owned(),
        LimitAlgorithm::Gradient2 => "Gradient2".to_owned(),
        LimitAlgorithm::Envoy => "gradient controller".to_owned(),
    };
    let mode = mode(settings.mode);
    format!("adaptive limit {mode}: {rule}, {initial} at first, {min} to {max}")
}

pub(crate) fn adaptive(settings: &AdaptiveSettings) -> String {
    let AdaptiveSettings { quantile, factor, floor, .. } = settings;
    let mode = mode(settings.mode);
    format!("adaptive, {mode}: {factor} of what {quantile} take, at least {floor:?}")
}
