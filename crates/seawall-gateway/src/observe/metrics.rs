//! The counters as Prometheus text (OpenMetrics 1.0). Labels come from the config and from fixed
//! lists, never from requests, so their number is bounded.

use std::fmt::Error;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::status::status;
use super::{EndpointStatus, PoolStatus, Status};
use crate::proxy::VERDICTS;
use crate::shared::Shared;

/// All metrics at this moment.
pub(crate) fn render(shared: &Arc<Shared>) -> String {
    let mut registry = Registry::with_prefix("seawall");
    registry.register_collector(Box::new(Scrape { shared: Arc::clone(shared) }));
    let mut out = String::new();
    match text::encode(&mut out, &registry) {
        Ok(()) => out,
        Err(Error) => {
            tracing::error!("metrics could not be written as text");
            String::new()
        }
    }
}

#[derive(Debug)]
struct Scrape {
    shared: Arc<Shared>,
}

/// One series: its labels and its value.
type Series<V> = (Vec<(&'static str, String)>, V);

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let status = status(&self.shared);
        self.process(&mut encoder, &status)?;
        self.record(&mut encoder)?;
        self.routes(&mut encoder)?;
        self.upstreams(&mut encoder)?;
        upstream_states(&mut encoder, &status)?;
        endpoint_states(&mut encoder, &status)
    }
}

impl Scrape {
    fn process(&self, encoder: &mut DescriptorEncoder<'_>, status: &Status) -> Result<(), Error> {
        let shared = &self.shared;
        let info = vec![("version", status.version.to_owned()), ("name", status.name.clone())];
        gauges(encoder, "build_info", "The program and its name.", [(info, 1)])?;
        let (generation, state) = (signed(status.generation), i64::from(status.state == "serving"));
        gauges(encoder, "config_generation", "Configs that have been live.", alone(generation))?;
        gauges(encoder, "serving", "Whether traffic is accepted.", alone(state))?;
        gauges(
            encoder,
            "connections",
            "Connections of callers.",
            alone(signed(status.connections)),
        )?;
        let replay = signed(shared.replay_memory.used());
        gauges(encoder, "replay_bytes", "Request bodies kept for retries.", alone(replay))?;
        let refused = shared.rejected_configs.total();
        counters(encoder, "config_rejected", "Configs that were refused.", alone(refused))?;
        let full = shared.replay_memory.refused();
        counters(encoder, "replay_overflow", "Bodies that found no room.", alone(full))?;
        let closed = shared.inbound.closed();
        let closed = closed.map(|(reason, total)| (vec![("reason", reason.to_owned())], total));
        counters(encoder, "connections_closed", "Connections closed by a bound.", closed)
    }

    fn record(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let Some(recorder) = self.shared.recorder() else { return Ok(()) };
        let (written, dropped) = recorder.totals();
        counters(encoder, "record_lines", "Calls written to the record.", alone(written))?;
        counters(encoder, "record_dropped", "Calls missing from the record.", alone(dropped))
    }

    fn routes(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let live = self.shared.live();
        let labels = |route: &crate::live::Route| {
            vec![("route", route.name.to_string()), ("upstream", route.upstream.name().to_string())]
        };
        let verdicts = live.routes.iter().flat_map(|route| {
            VERDICTS.iter().zip(&route.meters.verdicts).map(move |(verdict, counter)| {
                (with(labels(route), "verdict", verdict), counter.total())
            })
        });
        counters(encoder, "calls", "Calls that ended, by verdict.", verdicts)?;
        let statuses = live.routes.iter().flat_map(|route| {
            (1..).zip(&route.meters.statuses).map(move |(hundreds, counter): (u16, _)| {
                (with(labels(route), "status", &format!("{hundreds}xx")), counter.total())
            })
        });
        counters(encoder, "answers", "Answers to callers, by status.", statuses)?;
        self.local_answers(encoder)?;
        let mut family = encoder.encode_descriptor(
            "call_duration_seconds",
            "Time from the head of a request to the end of its answer.",
            None,
            MetricType::Histogram,
        )?;
        for route in &live.routes {
            let labels = labels(route);
            route.meters.duration.encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn local_answers(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let live = self.shared.live();
        let routed = live.routes.iter().flat_map(|route| {
            let name = route.name.to_string();
            route.meters.local.totals().map(move |(reason, total)| {
                (vec![("route", name.clone()), ("reason", reason.code().to_owned())], total)
            })
        });
        let routeless = self.shared.routeless.totals().map(|(reason, total)| {
            (vec![("route", String::new()), ("reason", reason.code().to_owned())], total)
        });
        counters(encoder, "local_answers", "Answers of our own.", routed.chain(routeless))
    }

    fn upstreams(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let live = self.shared.live();
        let named = |get: fn(&crate::meters::UpstreamMeters) -> u64| {
            live.upstreams.iter().map(move |upstream| {
                (vec![("upstream", upstream.name().to_string())], get(&upstream.meters))
            })
        };
        counters(encoder, "attempts", "Attempts begun.", named(|meters| meters.begun.total()))?;
        let first = named(|meters| meters.first_attempts.total());
        counters(encoder, "first_attempts", "Calls that had an attempt.", first)?;
        let retries = named(|meters| meters.retries.total());
        counters(encoder, "retries", "Attempts after an earlier one of the same call.", retries)?;
        let hedges = named(|meters| meters.hedges.total());
        counters(encoder, "hedges", "Attempts beside a slow one of the same call.", hedges)?;
        let fallbacks = named(|meters| meters.fallbacks.total());
        counters(encoder, "fallbacks", "Calls answered by a rung.", fallbacks)?;
        let ejections = named(|meters| meters.ejections.total());
        counters(encoder, "ejections", "Endpoints taken out of choice.", ejections)?;
        let opened = live.upstreams.iter().flat_map(|upstream| {
            let meters = &upstream.meters;
            let scopes = [
                ("upstream", &meters.breaker_opened),
                ("endpoint", &meters.endpoint_breakers_opened),
            ];
            let name = upstream.name().to_string();
            scopes.map(|(scope, counter)| {
                let labels = vec![("upstream", name.clone()), ("scope", scope.to_owned())];
                (labels, counter.total())
            })
        });
        counters(encoder, "breaker_opened", "Openings of breakers.", opened)?;
        self.attempt_outcomes(encoder)
    }

    fn attempt_outcomes(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let live = self.shared.live();
        let now = self.shared.clock.now();
        let outcomes = live.upstreams.iter().flat_map(|upstream| {
            let seen = upstream.lock().machine.snapshot(now).outcomes;
            let classes = [
                ("success", seen.success),
                ("failure", seen.failure),
                ("ignored", seen.ignored),
                ("abandoned", seen.abandoned),
            ];
            classes.map(|(class, total)| {
                let labels = vec![("upstream", upstream.name().to_string())];
                (with(labels, "class", class), total)
            })
        });
        counters(encoder, "outcomes", "What attempts came to.", outcomes)?;
        let denied = live.upstreams.iter().flat_map(|upstream| {
            let name = upstream.name().to_string();
            upstream.meters.denied.totals().map(move |(reason, total)| {
                (with(vec![("upstream", name.clone())], "reason", reason.code()), total)
            })
        });
        counters(encoder, "retries_denied", "Retries that were not made.", denied)
    }
}

fn upstream_states(encoder: &mut DescriptorEncoder<'_>, status: &Status) -> Result<(), Error> {
    let named = |get: fn(&super::UpstreamStatus) -> i64| {
        status
            .upstreams
            .iter()
            .map(move |upstream| (vec![("upstream", upstream.name.clone())], get(upstream)))
    };
    let usable = named(|upstream| i64::from(upstream.usable));
    gauges(encoder, "upstream_usable", "Whether an endpoint may be chosen.", usable)?;
    let panic = named(|upstream| i64::from(upstream.panic));
    gauges(encoder, "upstream_panic", "Whether when_all_down is in force.", panic)?;
    let open = named(|upstream| {
        i64::from(upstream.breaker.as_ref().is_some_and(|breaker| breaker.state != "closed"))
    });
    gauges(encoder, "breaker_not_closed", "Whether the upstream's breaker acts.", open)?;
    let left = named(|upstream| signed(upstream.budget.left));
    gauges(encoder, "budget_left", "Extra attempts that would be granted.", left)?;
    let in_use = named(|u| u.bulkhead.map_or(0, |bulkhead| i64::from(bulkhead.in_use)));
    gauges(encoder, "bulkhead_in_use", "Permits held by attempts.", in_use)?;
    let queued = named(|u| u.bulkhead.map_or(0, |bulkhead| i64::from(bulkhead.queued)));
    gauges(encoder, "bulkhead_queued", "Calls waiting for a permit.", queued)?;
    let outage = named(|u| i64::from(u.hold.is_some_and(|hold| hold.state == "outage")));
    gauges(encoder, "upstream_outage", "Whether no endpoint can be reached.", outage)?;
    let held = named(|u| u.hold.map_or(0, |hold| i64::from(hold.held)));
    gauges(encoder, "held", "Calls held through an outage.", held)?;
    held_totals(encoder, status)
}

fn held_totals(encoder: &mut DescriptorEncoder<'_>, status: &Status) -> Result<(), Error> {
    let named = |get: fn(&super::HoldStatus) -> u64| {
        status.upstreams.iter().map(move |upstream| {
            let total = upstream.hold.as_ref().map_or(0, get);
            (vec![("upstream", upstream.name.clone())], total)
        })
    };
    let begun = named(|hold| hold.outages_total);
    counters(encoder, "outages", "Outages that began.", begun)?;
    let held = named(|hold| hold.held_total);
    counters(encoder, "held_calls", "Calls that were held through an outage.", held)?;
    let refused = named(|hold| hold.refused_total);
    counters(encoder, "hold_refused", "Calls refused for the bound on held ones.", refused)?;
    let probes = named(|hold| hold.probes_total);
    counters(encoder, "outage_probes", "Attempts made to see an outage end.", probes)
}

fn endpoint_states(encoder: &mut DescriptorEncoder<'_>, status: &Status) -> Result<(), Error> {
    let named = |get: fn(&EndpointStatus) -> i64| {
        status.upstreams.iter().flat_map(move |upstream| {
            upstream.endpoints.iter().map(move |endpoint| {
                let labels = vec![("upstream", upstream.name.clone())];
                (with(labels, "endpoint", &endpoint.address), get(endpoint))
            })
        })
    };
    let up = named(|e| i64::from(e.standing == "in" && e.health != "unhealthy"));
    gauges(encoder, "endpoint_in_choice", "Whether it may be chosen.", up)?;
    let active = named(|endpoint| i64::from(endpoint.active));
    gauges(encoder, "endpoint_active", "Attempts running there.", active)?;
    let overloaded =
        named(|endpoint| i64::from(endpoint.limit.is_some_and(|limit| limit.overloaded)));
    gauges(encoder, "endpoint_overloaded", "Whether it has all it can work on.", overloaded)?;
    let limit = |e: &EndpointStatus| e.limit.and_then(|limit| limit.in_flight).map(i64::from);
    let limits = status.upstreams.iter().flat_map(|upstream| {
        upstream.endpoints.iter().filter_map(move |endpoint| {
            let labels = vec![("upstream", upstream.name.clone())];
            Some((with(labels, "endpoint", &endpoint.address), limit(endpoint)?))
        })
    });
    gauges(encoder, "endpoint_limit", "Attempts that may run there.", limits)?;
    let idle = named(|endpoint| signed(endpoint.pool.idle));
    gauges(encoder, "pool_idle", "Idle connections.", idle)?;
    let streams = named(|endpoint| signed(endpoint.pool.streams));
    gauges(encoder, "pool_streams", "Exchanges under way on its connections.", streams)?;
    stream_totals(encoder, status)
}

fn stream_totals(encoder: &mut DescriptorEncoder<'_>, status: &Status) -> Result<(), Error> {
    let named = |get: fn(&PoolStatus) -> u64| {
        status.upstreams.iter().flat_map(move |upstream| {
            upstream.endpoints.iter().map(move |endpoint| {
                let labels = vec![("upstream", upstream.name.clone())];
                (with(labels, "endpoint", &endpoint.address), get(&endpoint.pool))
            })
        })
    };
    let goaways = named(|pool| pool.goaways_total);
    counters(encoder, "pool_goaways", "HTTP/2 connections told to end.", goaways)?;
    let refused = named(|pool| pool.streams_refused_total);
    counters(encoder, "pool_streams_refused", "HTTP/2 streams that were refused.", refused)
}

fn counters(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    series: impl IntoIterator<Item = Series<u64>>,
) -> Result<(), Error> {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, value) in series {
        let mut one = family.encode_family(&labels)?;
        one.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
    }
    Ok(())
}

fn gauges(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    series: impl IntoIterator<Item = Series<i64>>,
) -> Result<(), Error> {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, value) in series {
        family.encode_family(&labels)?.encode_gauge(&value)?;
    }
    Ok(())
}

/// The one series of a metric without labels.
fn alone<V>(value: V) -> [Series<V>; 1] {
    [(Vec::new(), value)]
}

fn with(
    mut labels: Vec<(&'static str, String)>,
    name: &'static str,
    value: &str,
) -> Vec<(&'static str, String)> {
    labels.push((name, value.to_owned()));
    labels
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
