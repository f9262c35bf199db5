//! The effective settings of a route, its policy merged.

use super::{Outline, size, word};
use crate::explain::SettingValue;
use crate::policy::{JITTER, PolicyConfig, RetryConfig, Rung};
use crate::route::RouteConfig;
use crate::units::{print_factor, print_size};
use seawall_core::outcome::RetryOn500;

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
        out.sources.push("defaults".to_owned());
        self.policy.outline(out);
    }
}

impl PolicyConfig {
    fn outline(&self, out: &mut Outline<'_>) {
        out.put("class", self.class.name(), "fits three attempts in ten seconds");
        out.class = Some(self.class.name());
        out.put("timeouts.total", self.timeouts.total, "that of the class");
        out.put("timeouts.body_idle", self.timeouts.body_idle, "that of the class");
        let uncut = self.timeouts.attempt == self.class.timeouts().1;
        out.class = uncut.then_some(self.class.name());
        out.put("timeouts.attempt", self.timeouts.attempt, "that of the class, cut to the total");
        out.class = None;
        out.put("timeouts.connect", self.timeouts.connect, "that of the pool, cut to the attempt");
        match &self.retry {
            Some(retry) => retry.outline(out),
            None => out.put_off("retry"),
        }
        out.put("replay", size(self.replay), "holds most requests, bounds memory");
        let rungs = self.fallback.iter().map(describe_rung).collect();
        let why = "a fallback nobody asked for hides outages";
        out.put("fallback", SettingValue::List(rungs), why);
    }
}

impl RetryConfig {
    fn outline(&self, out: &mut Outline<'_>) {
        out.put("retry.max_attempts", self.max_attempts, "1% failures become one in a million");
        out.put("retry.base", self.backoff.base, "a transient failure is over by then");
        out.put("retry.factor", print_factor(self.backoff.factor), "doubling backs off fast");
        out.put("retry.max", self.backoff.cap, "longer waits seldom fit a deadline");
        out.put(
            "retry.jitter",
            word(&JITTER, self.backoff.jitter),
            "the fewest calls of all kinds",
        );
        let on_500 = SettingValue::Flag(self.on_500 == RetryOn500::IfSafe);
        out.put("retry.on_500", on_500, "a deterministic bug repeats");
    }
}

fn describe_rung(rung: &Rung) -> String {
    let from = rung.file.as_deref().unwrap_or("body");
    let length = u64::try_from(rung.body.len()).unwrap_or(u64::MAX);
    format!("{} {} from {from}, {}", rung.status, rung.content_type, print_size(length))
}
