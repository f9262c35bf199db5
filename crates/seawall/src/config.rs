//! Policies from files of the config schema, the same that the gateway reads.
//!
//! What a file may say, and how its mistakes are told, is the business of `seawall-config`.

use std::sync::Arc;

use seawall_config::{ConfigError, PolicyFile, PolicySettings};
use seawall_core::Mode;
use seawall_core::balance::EndpointInfo;
use seawall_core::timeout::Hedges;
use seawall_core::upstream::EndpointName;

use crate::settings::{Implied, Plan, Total};
use crate::{AdaptiveTimeout, EndpointSettings, Hedge, Policy, PolicyBuilder, RateLimit, Retry};

impl Policy {
    /// Describes a policy by the text of a policy file; `file` is its name in messages. What the
    /// file does not mention is as in [`Policy::standard`], and as the gateway has it: deadlines,
    /// retries and breakers are on, and bulkhead, hedges and limits off. Options of the builder may
    /// follow.
    ///
    /// ```
    /// use seawall::Policy;
    ///
    /// let file = r#"
    ///     name = "orders"
    ///     safety = "idempotent"
    ///     retry = { max_attempts = 2 }
    ///     bulkhead = { permits = 20 }
    /// "#;
    /// let orders = Policy::from_toml(file, "orders.toml")?.build()?;
    /// assert_eq!(orders.name(), Some("orders"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with all mistakes of the file, each with line, column and remedy.
    pub fn from_toml(text: &str, file: &str) -> Result<PolicyBuilder, ConfigError> {
        let settings = PolicyFile::parse(text, file)?.into_settings();
        let name = settings.name.clone();
        let builder = Self::builder().settings(settings);
        Ok(match name {
            Some(name) => builder.name(name),
            None => builder,
        })
    }
}

impl<S> PolicyBuilder<S> {
    /// Replaces all that was said so far by settings that were read from a file; of a running
    /// policy in [`Policy::reconfigure`] too. The name in them is left out: see
    /// [`Policy::from_toml`].
    pub fn settings(mut self, settings: PolicySettings) -> Self {
        self.plan = Plan::from(settings);
        self
    }
}

impl From<PolicySettings> for Plan {
    fn from(settings: PolicySettings) -> Self {
        let PolicySettings { call, upstream, overrides, safety, priority, .. } = settings;
        let retry = Retry {
            max_attempts: call.max_attempts,
            max_while_helping: Some(call.max_while_helping),
            backoff: call.backoff,
            throttled_backoff: call.throttled_backoff,
            budget: upstream.budget,
        };
        let zones: Vec<Arc<str>> = settings.zones.into_iter().map(Arc::from).collect();
        let named = |(name, info)| described(&name, info, &zones);
        let endpoints =
            settings.endpoints.map(|endpoints| endpoints.into_iter().map(named).collect());
        let (hedge, adaptive) = (upstream.hedge, upstream.timeout);
        let bounded = upstream.bulkhead.permits < u32::MAX || upstream.bulkhead.queue > 0;
        Self {
            total: call.total.map_or(Total::Off, Total::Limit),
            attempt: Some(call.attempt),
            safety,
            retry: Some(retry),
            hedge: (is_on(hedge.mode) && call.hedges != Hedges::Never).then_some(Hedge(hedge)),
            breaker: is_on(upstream.breaker.mode).then_some(upstream.breaker),
            bulkhead: bounded.then_some(upstream.bulkhead),
            hold: is_on(upstream.hold.mode).then_some(upstream.hold),
            endpoints,
            rate: upstream.rate.map(RateLimit::from),
            shed: upstream.shed.filter(|shed| is_on(shed.mode)),
            throttle: upstream.throttle.filter(|throttle| is_on(throttle.mode)),
            concurrency: upstream.concurrency.filter(|limit| is_on(limit.mode)),
            adaptive: is_on(adaptive.mode).then_some(AdaptiveTimeout(adaptive)),
            overrides: Ok(overrides),
            opt_ins: call.opt_ins,
            priority: priority.into(),
            // A program that names the endpoints gets what the file says of them.
            implied: Implied {
                endpoint_breaker: upstream.endpoint_breaker,
                endpoint_limit: upstream.endpoint_limit.filter(|limit| is_on(limit.mode)),
                outlier: upstream.outlier,
                balance: upstream.balance,
                when_all_down: upstream.when_all_down,
            },
            numbered: zones,
            ..Self::default()
        }
    }
}

const fn is_on(mode: Mode) -> bool {
    matches!(mode, Mode::Enforce | Mode::Shadow)
}

fn described(name: &EndpointName, info: EndpointInfo, zones: &[Arc<str>]) -> EndpointSettings {
    let zone = info.zone.and_then(|zone| zones.get(zone.index()).cloned());
    EndpointSettings { name: name.as_str().into(), info, zone }
}

#[cfg(test)]
mod tests;
