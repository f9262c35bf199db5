//! L26: entries of a cache that expire together.

use crate::lint::facts::CacheFacts;
use crate::lint::finding::{Finding, Severity};
use crate::lint::rule::Rule;
use crate::lint::text::{number, rate, time};
use crate::lint::view::{Hour, Judged, Notes, View};
use crate::upstream::UpstreamConfig;
use seawall_core::ratio::Ratio;

/// Equal lifetimes, or nothing to serve when the refill fails.
pub(super) fn l26_in_step(view: &View<'_>, notes: &mut Notes) {
    let rule = Rule::numbered::<26>();
    for upstream in &view.config.upstreams {
        let Some(cache) = view.of_upstream(&upstream.name).cache else { continue };
        let about = format!("upstream {}", upstream.name);
        notes.findings.extend(nothing_stale(view, upstream, &cache));
        notes.keep(rule, &about, in_step(view, upstream, &cache));
    }
}

fn in_step(view: &View<'_>, upstream: &UpstreamConfig, cache: &CacheFacts) -> Judged {
    let name = &upstream.name;
    if cache.jitter > Ratio::ZERO || cache.keys == Some(1) {
        return Ok(None);
    }
    let keys = cache.keys.ok_or_else(|| view.needs_of_upstream(name, "cache.keys"))?;
    let refill = cache.refill.ok_or_else(|| view.needs_of_upstream(name, "cache.refill"))?;
    let (ttl, entries) = (time(cache.ttl), f64::from(keys));
    let (burst, formula) = if cache.single_flight {
        (entries, format!("{keys} keys expire at once after {ttl}: {keys} refills"))
    } else {
        let each = view.rate_to(name, Hour::Peak)? / entries.max(1.0);
        let burst = entries * (each * refill.as_secs_f64()).max(1.0);
        let formula = format!(
            "{keys} keys × max(1, {} × {}) = {} refills at once, every {ttl}",
            rate(each),
            time(refill),
            number(burst)
        );
        (burst, formula)
    };
    let fix = format!(
        "a random part of the lifetime and single flight in the cache of {name} \
         (assume.upstreams.{name}.cache.jitter)"
    );
    let finding = found(view, upstream, "cache.ttl", ttl).mend(fix);
    let consequence = "what was stored together is fetched together, and the service behind gets \
                       a wave";
    let numbers = [("burst", burst), ("keys", entries), ("ttl_s", cache.ttl.as_secs_f64())];
    Ok(Some(finding.says(formula, consequence).numbers(&numbers)))
}

fn nothing_stale(
    view: &View<'_>,
    upstream: &UpstreamConfig,
    cache: &CacheFacts,
) -> Option<Finding> {
    if cache.stale_if_error {
        return None;
    }
    let formula = format!("entries live {} and are never served after it", time(cache.ttl));
    let fix = format!(
        "stale-if-error in the cache of {0} (assume.upstreams.{0}.cache.stale_if_error)",
        upstream.name
    );
    let finding = found(view, upstream, "cache.stale_if_error", "false".to_owned()).mend(fix);
    let consequence = "an outage longer than that empties the cache, and the recovery meets all \
                       of its misses";
    Some(finding.says(formula, consequence).numbers(&[("ttl_s", cache.ttl.as_secs_f64())]))
}

fn found(view: &View<'_>, upstream: &UpstreamConfig, key: &str, value: String) -> Finding {
    let finding = Finding::new(Rule::numbered::<26>(), Severity::Warning);
    let used = view.fact_of_upstream(&upstream.name, key, value);
    finding.on_upstream(&upstream.name).uses([used]).uses(view.rates_to(&upstream.name))
}
