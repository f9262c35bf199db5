//! The effective settings of balancing.

use super::{Outline, count_or, word};
use crate::explain::SettingValue;
use crate::units::print_factor;
use crate::upstream::balance::{LEVELS, algorithm_word};
use crate::upstream::place::Places;
use seawall_core::balance::{
    Algorithm, BalanceSettings, Callers, Compare, SubsetSettings, ZoneSettings,
};

pub(super) fn balance(out: &mut Outline<'_>, settings: &BalanceSettings, places: &Places) {
    let BalanceSettings {
        algorithm,
        decay,
        first_latency,
        slow_start,
        slow_start_bend,
        bounded_loads,
        levels,
        overprovisioning,
        zone,
        subset,
        panic_threshold,
    } = *settings;
    let word_of = algorithm_word(algorithm);
    out.put("balance.algorithm", word_of, "leaves a slow endpoint within one answer");
    numbers(out, algorithm);
    out.put("balance.decay", decay, "forgets a slow phase within a minute");
    out.put("balance.first_latency", first_latency, "between a fast service and a slow one");
    out.put("balance.bounded_loads", bounded_loads, "keys stay where they belong");
    out.put("balance.levels", word(&LEVELS, levels), "the first level serves while it can");
    let why = "a few lost endpoints move no traffic";
    out.put("balance.overprovisioning", overprovisioning, why);
    out.put("balance.panic_threshold", panic_threshold, "other limits protect those that are left");
    where_callers_stand(out, zone.as_ref(), places);
    part(out, subset.as_ref(), places);
    out.put("slow_start", slow_start, "a cold endpoint warms up first");
    if slow_start.is_some() {
        out.put("slow_start_bend", print_factor(slow_start_bend), "load grows in a straight line");
    }
}

/// The numbers that belong to one algorithm each.
fn numbers(out: &mut Outline<'_>, algorithm: Algorithm) {
    match algorithm {
        Algorithm::LeastRequest(compare) => {
            let drawn = match compare {
                Compare::All => None,
                Compare::Drawn(few) => Some(few.into()),
            };
            out.put("balance.compare", count_or(drawn, "all"), "the least is the least of all");
        }
        Algorithm::Ring { points } => {
            out.put("balance.points", points, "a tenth of spread for little memory");
        }
        Algorithm::Maglev { size } => {
            out.put("balance.size", size, "a hundred entries each for 655 endpoints");
        }
        _ => {}
    }
}

fn where_callers_stand(out: &mut Outline<'_>, zone: Option<&ZoneSettings>, places: &Places) {
    let Some(zone) = zone else {
        return out.put("balance.zone", "off", "where callers stand is not known");
    };
    let ZoneSettings { own, callers, endpoints_min } = *zone;
    out.put("balance.zone.own", places.zone_name(own), "as given");
    let why = "one endpoint more or less must not swing the shares";
    out.put("balance.zone.endpoints_min", endpoints_min, why);
    let shares = match callers {
        Callers::Even => SettingValue::from("even"),
        Callers::Shares(shares) => {
            let named = places.zones.iter().zip(shares);
            SettingValue::List(named.map(|(name, share)| format!("{name} {share}")).collect())
        }
    };
    out.put("balance.zone.callers", shares, "nothing else is known");
}

fn part(out: &mut Outline<'_>, subset: Option<&SubsetSettings>, places: &Places) {
    let Some(subset) = subset else {
        return out.put("balance.subset", "off", "few upstreams are too large for one instance");
    };
    let SubsetSettings { size, instance: _ } = *subset;
    out.put("balance.subset.size", size, "one endpoint out is a small part of what is left");
    out.put("balance.subset.instance", places.instance.as_deref().unwrap_or(""), "as given");
}
