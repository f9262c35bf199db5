//! The effective settings of a route, its policy merged.

use super::{Outline, size, word};
use crate::explain::{Origin, SettingValue};
use crate::policy::{
    FIRST, JITTER, PRIORITIES, PolicyConfig, RetryConfig, Rung, Timeouts, schedule_word, usual,
};
use crate::reader::Scope;
use crate::route::RouteConfig;
use crate::units::{print_factor, print_size};
use seawall_core::backoff::{BackoffSettings, FirstRetry};
use seawall_core::outcome::{OptIn, OptIns};
use seawall_core::timeout::OperationKind;

impl RouteConfig {
    pub(super) fn outline(&self, out: &mut Outline<'_>) {
        out.enter(&["routes", &self.name]);
        out.sources = vec![format!("routes[{}]", self.index)];
        out.put("host", self.host.as_deref().unwrap_or("any"), "every host matches");
        out.put("path", self.path.as_str(), "every path matches");
        out.put("methods", SettingValue::List(self.methods.clone()), "every method matches");
        out.put("upstream", self.upstream.as_str(), "the only upstream");
        if let Some(policy) = &self.policy_name {
            out.put("policy", policy.as_str(), "as given");
            out.sources.push(format!("policies.{policy}"));
        }
        if let Some(field) = &self.affinity {
            out.put("affinity", format!("header:{field}"), "as given");
        }
        out.sources.push("defaults".to_owned());
        self.policy.outline(out);
    }
}

impl PolicyConfig {
    fn outline(&self, out: &mut Outline<'_>) {
        self.outline_calls(Scope::Gateway, out);
        out.put("replay", size(self.replay), "holds most requests, bounds memory");
        let rungs = self.fallback.iter().map(describe_rung).collect();
        let why = "a fallback nobody asked for hides outages";
        out.put("fallback", SettingValue::List(rungs), why);
    }

    /// What a gateway and a program have in common; keys of one table stay together.
    pub(super) fn outline_calls(&self, scope: Scope, out: &mut Outline<'_>) {
        // Every field is named, so that a new one cannot be forgotten here.
        let Self { class, kind, priority, timeouts: _, retry, replay: _, fallback: _ } = self;
        out.put("class", class.name(), "fits three attempts in ten seconds");
        if let Some(kind) = kind {
            out.put("kind", kind.name(), "as given");
        }
        let priority = word(&PRIORITIES, *priority);
        out.put("priority", priority, "most calls are neither first nor last");
        self.outline_timeouts(scope, out);
        match retry {
            Some(retry) => retry.outline(*kind, out),
            None => out.put_off("retry", "as given"),
        }
    }

    fn outline_timeouts(&self, scope: Scope, out: &mut Outline<'_>) {
        let Timeouts { total, attempt, body_idle, connect } = self.timeouts;
        let class = Origin::Class(self.class.name());
        let preset = self.kind.map_or_else(|| class.clone(), |kind| Origin::Kind(kind.name()));
        out.preset = Some(preset.clone());
        out.put("timeouts.total", total, "that of the class");
        let uncut = attempt == usual((self.class, self.kind)).1;
        out.preset = uncut.then_some(preset);
        out.put("timeouts.attempt", attempt, "that of the class, cut to the total");
        if scope == Scope::Gateway {
            out.preset = Some(class);
            out.put("timeouts.body_idle", body_idle, "that of the class");
            out.preset = None;
            out.put("timeouts.connect", connect, "that of the pool, cut to the attempt");
        }
        out.preset = None;
    }
}

impl RetryConfig {
    fn outline(&self, kind: Option<OperationKind>, out: &mut Outline<'_>) {
        let Self { max_attempts, max_while_helping, backoff: waits, throttled, opt_ins } = self;
        out.preset = kind.map(|kind| Origin::Kind(kind.name()));
        out.put("retry.max_attempts", *max_attempts, "1% failures become one in a million");
        let why = "30% failures become one in four hundred, within the budget";
        out.put("retry.max_while_helping", *max_while_helping, why);
        out.preset = None;
        backoff(out, "retry", (waits, "a transient failure is over by then"));
        let first = word(&FIRST, waits.first);
        let why = match waits.first {
            FirstRetry::AtOnceElsewhere => "what cut one endpoint off says nothing of another",
            FirstRetry::Waits | FirstRetry::AtOnceIfUnsent => {
                "a lost connection may be a sign of load"
            }
        };
        out.put("retry.first", first, why);
        backoff(out, "retry.throttled", (throttled, "who is out of capacity needs quiet"));
        let OptIns { on_500, on_aborted, on_data_loss } = *opt_ins;
        let flag = |opt_in| SettingValue::Flag(opt_in == OptIn::IfSafe);
        out.put("retry.on_500", flag(on_500), "a deterministic bug repeats");
        let why = "the retry belongs above the transaction";
        out.put("retry.on_aborted", flag(on_aborted), why);
        out.put("retry.on_data_loss", flag(on_data_loss), "what is lost stays lost");
    }
}

/// `base` comes with its reason, the rest is the same for every backoff.
fn backoff(out: &mut Outline<'_>, path: &str, (settings, why): (&BackoffSettings, &'static str)) {
    let BackoffSettings { base, factor, cap, jitter, first: _ } = settings;
    let mut put =
        |key: &str, value: SettingValue, why| out.put(&format!("{path}.{key}"), value, why);
    let schedule = schedule_word(settings);
    put("backoff", schedule.into(), "backs off fast, and never for long");
    if schedule == "none" {
        return;
    }
    put("base", (*base).into(), why);
    if schedule == "exponential" {
        put("factor", print_factor(*factor).into(), "doubling backs off fast");
        put("max", (*cap).into(), "longer waits seldom fit a deadline");
    }
    put("jitter", word(&JITTER, *jitter).into(), "the fewest calls of all kinds");
}

fn describe_rung(rung: &Rung) -> String {
    let from = rung.file.as_deref().unwrap_or("body");
    let length = u64::try_from(rung.body.len()).unwrap_or(u64::MAX);
    format!("{} {} from {from}, {}", rung.status, rung.content_type, print_size(length))
}
