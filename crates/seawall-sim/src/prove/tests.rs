//! Proofs of the worked examples: what fails with the present values and does not with the fix.

mod cases;

use seawall_config::Config;
use seawall_config::lint::lint;

use super::{Contrast, Proof, SEED, prove};
use cases::TEXTS;

/// All proofs of a config.
fn proofs(text: &str) -> Vec<Proof> {
    let config = Config::parse(text, "gateway.toml").expect("a config without mistakes");
    let report = lint(&config, &config.assume);
    report.findings.iter().filter_map(|finding| prove(&config, finding)).collect()
}

/// The proof of a rule in the nth config that fires it.
fn shown(rule: &str, nth: usize) -> Contrast {
    let texts = TEXTS.iter().filter(|(name, _)| *name == rule);
    let (_, text) = texts.clone().nth(nth).expect("as many configs");
    let mut of_rule = proofs(text).into_iter().filter(|proof| proof.rule.to_string() == rule);
    let proof = of_rule.next().expect("it fires");
    proof.result.unwrap_or_else(|why| panic!("{rule} {nth} is not simulated: {why}"))
}

/// A measure now and with the fix.
fn both(contrast: &Contrast, name: &str) -> (Option<f64>, Option<f64>) {
    let measure = contrast.measure(name).unwrap_or_else(|| panic!("no {name}: {contrast:?}"));
    (measure.now, measure.fixed)
}

#[test]
fn every_finding_has_a_proof_or_a_reason() {
    for (rule, text) in TEXTS {
        for proof in proofs(text) {
            let told = proof.text();
            assert!(told.starts_with(&proof.rule.to_string()), "{rule}: {told}");
            match &proof.result {
                Ok(contrast) => assert!(!contrast.measures.is_empty(), "{rule}: {told}"),
                Err(why) => assert!(told.contains("not simulated") && why.len() > 20, "{told}"),
            }
            assert_eq!(proof.json()["rule"], proof.rule.to_string());
        }
    }
}

#[test]
fn what_the_world_cannot_express_is_said() {
    let unseen = |rule: &str| {
        let texts = TEXTS.iter().filter(move |(name, _)| *name == rule);
        let proofs = texts.flat_map(|(_, text)| proofs(text));
        let of_rule = proofs.filter(|proof| proof.rule.to_string() == rule);
        of_rule.filter(|proof| proof.result.is_err()).count()
    };
    let all = TEXTS.iter().map(|(rule, _)| *rule);
    let mut some: Vec<_> = all.filter(|rule| unseen(rule) > 0).collect();
    some.dedup();
    assert_eq!(some, ["L13", "L16", "L18", "L19", "L20", "L21", "L24", "L26"]);
}

#[test]
fn a_world_that_is_too_large_is_refused_before_it_is_built() {
    let huge = [
        ("L4", "[assume.routes", "[assume]\ngateways = 1000000\n[assume.routes", "machines"),
        ("L12", "rate = 100", "rate = 90000", "calls"),
        ("L26", "keys = 100", "keys = 4000000000", "keys"),
    ];
    for (rule, part, instead, why) in huge {
        let texts = TEXTS.iter().filter(|(name, _)| *name == rule);
        let text = texts.clone().next().expect("a config").1.replacen(part, instead, 1);
        let of_rule = proofs(&text).into_iter().find(|proof| proof.rule.to_string() == rule);
        let refused = of_rule.expect("it fires").result.expect_err("it is too large");
        assert!(refused.contains(why), "{rule}: {refused}");
    }
}

#[test]
fn a_proof_is_the_same_again() {
    assert_eq!(shown("L12", 0), shown("L12", 0));
    let text = TEXTS.iter().find(|(rule, _)| *rule == "L12").expect("it is there").1;
    let proof = proofs(text).into_iter().find(|proof| proof.rule.number() == 12);
    let told = proof.expect("it fires").text();
    assert!(told.contains(&format!("(seed {SEED}")), "{told}");
}

#[test]
fn l1_work_is_wasted_until_the_caller_waits_long_enough() {
    let (now, fixed) = both(&shown("L1", 0), "wasted work");
    // Three of ten calls need a second attempt, and that ends when the caller has left.
    assert!(now > Some(0.2), "{now:?}");
    assert_eq!(fixed, Some(0.0));
}

#[test]
fn l2_calls_fail_whose_last_attempt_has_no_time() {
    let (now, fixed) = both(&shown("L2", 0), "failed calls");
    let (now, fixed) = (now.expect("calls ended"), fixed.expect("calls ended"));
    // Two attempts of which half hang, and three.
    assert!((now - 0.25).abs() < 0.04 && (fixed - 0.125).abs() < 0.04, "{now} {fixed}");
}

#[test]
fn l3_an_outage_multiplies_calls_by_the_attempts() {
    let (now, fixed) = both(&shown("L3", 0), "requests at payments for each call");
    assert!(now > Some(3.5) && fixed <= Some(3.0), "{now:?} {fixed:?}");
}

#[test]
fn l4_a_smaller_floor_lets_less_through_in_an_outage() {
    let (now, fixed) = both(&shown("L4", 0), "requests at payments for each call");
    // 1.7 at most, and 1.5 with the fix; what a bucket of the window does not use is lost.
    assert!(now > Some(1.5) && now <= Some(1.72), "{now:?}");
    assert!(fixed > Some(1.2) && fixed <= Some(1.5), "{fixed:?}");
}

#[test]
fn l5_layers_multiply_until_one_retries() {
    let (now, fixed) = both(&shown("L5", 0), "requests at stock for each call");
    assert!(now > Some(7.0) && fixed <= Some(3.0), "{now:?} {fixed:?}");
}

#[test]
fn l6_callers_in_step_fail_together() {
    let (now, fixed) = both(&shown("L6", 0), "failed calls");
    // Three times twenty of a hundred are taken.
    assert!(now.is_some_and(|now| (now - 0.4).abs() < 0.01), "{now:?}");
    assert!(fixed < Some(0.05), "{fixed:?}");
}

#[test]
fn l7_every_attempt_meets_the_dead_replica_at_times() {
    let (now, fixed) = both(&shown("L7", 0), "failed calls");
    // A third, three times.
    assert!(now.is_some_and(|now| (now - 1.0 / 27.0).abs() < 0.02), "{now:?}");
    assert_eq!(fixed, Some(0.0));
}

#[test]
fn l8_what_is_sent_again_is_done_twice() {
    let (now, fixed) = both(&shown("L8", 0), "executed twice");
    assert!(now > Some(100.0) && fixed == Some(0.0), "{now:?} {fixed:?}");
}

#[test]
fn l9_the_breaker_opens_with_the_fix_alone() {
    for nth in [0, 3] {
        assert_eq!(both(&shown("L9", nth), "opens"), (Some(0.0), Some(1.0)), "{nth}");
    }
    assert_eq!(both(&shown("L9", 2), "opens within the target"), (Some(0.0), Some(1.0)));
    let (now, fixed) = both(&shown("L9", 1), "opens within the target");
    assert!(now < Some(0.5) && fixed > Some(0.7), "{now:?} {fixed:?}");
}

#[test]
fn l10_an_ordinary_day_trips_the_breaker_several_times() {
    let (now, fixed) = both(&shown("L10", 0), "trips a day");
    assert!(now > Some(5.0) && fixed < Some(2.0), "{now:?} {fixed:?}");
}

#[test]
fn l11_a_breaker_of_its_own_opens_for_the_dead_shard() {
    let (now, fixed) = both(&shown("L11", 0), "opens after");
    assert!(now.is_none() && fixed < Some(15.0), "{now:?} {fixed:?}");
}

#[test]
fn l12_the_refused_share_is_that_of_erlang() {
    let (now, fixed) = both(&shown("L12", 0), "refused calls");
    let now = now.expect("calls ended");
    assert!((now - 0.159).abs() < 0.02, "{now}");
    assert!(fixed < Some(0.01), "{fixed:?}");
}

#[test]
fn l13_permits_keep_down_what_is_in_flight() {
    let (now, fixed) = both(&shown("L13", 0), "in flight");
    assert!(now > Some(300.0) && fixed < Some(30.0), "{now:?} {fixed:?}");
}

#[test]
fn l14_the_long_queue_makes_all_work_useless() {
    let (now, fixed) = both(&shown("L14", 0), "wasted work");
    assert!(now > Some(0.9) && fixed < Some(0.05), "{now:?} {fixed:?}");
    let (now, fixed) = both(&shown("L14", 1), "p99 of failing calls");
    assert!(now > Some(8.0) && fixed < Some(4.0), "{now:?} {fixed:?}");
}

#[test]
fn l15_the_sick_replica_keeps_its_share_until_it_can_be_ejected() {
    for nth in 0..4 {
        let contrast = shown("L15", nth);
        let (now, fixed) = both(&contrast, "failed calls");
        let (now, fixed) = (now.expect("calls ended"), fixed.expect("calls ended"));
        assert!(now > 0.15 && fixed < now / 3.0, "{nth}: {now} {fixed}");
        let (_, ejected) = both(&contrast, "ejected after");
        assert!(ejected.is_some(), "{nth}: {contrast:?}");
    }
}

#[test]
fn l16_the_frozen_replica_is_taken_out_in_time() {
    for nth in [0, 2] {
        let (now, fixed) = both(&shown("L16", nth), "taken out in time");
        assert!(now < Some(0.5) && fixed > Some(0.5), "{nth}: {now:?} {fixed:?}");
    }
}

#[test]
fn l17_probes_take_the_share_of_the_formula() {
    let (now, fixed) = both(&shown("L17", 0), "probes of what a replica serves");
    assert!(now.is_some_and(|now| (now - 0.4).abs() < 0.02), "{now:?}");
    assert!(fixed < Some(0.012), "{fixed:?}");
}

#[test]
fn l19_hedges_stay_within_the_budget_with_the_fix() {
    let (now, fixed) = both(&shown("L19", 0), "hedged calls");
    assert!(now.is_some_and(|now| (now - 0.5).abs() < 0.05), "{now:?}");
    assert!(fixed < Some(0.08), "{fixed:?}");
    let (doubled, _) = both(&shown("L19", 0), "hedged if all latency doubles");
    assert!(doubled > Some(0.7), "{doubled:?}");
    let (now, fixed) = both(&shown("L19", 3), "wasted work");
    assert!(now > Some(0.1) && fixed < Some(0.02), "{now:?} {fixed:?}");
}

#[test]
fn l20_the_fallback_fails_with_what_it_stands_in_for() {
    assert_eq!(both(&shown("L20", 1), "failed at stock"), (Some(1.0), Some(0.0)));
}

#[test]
fn l22_the_zones_that_are_left_make_calls_wait() {
    let (now, fixed) = both(&shown("L22", 0), "mean wait in the service");
    // Two replicas of eight workers, busy to nine tenths, against three.
    assert!(now > Some(0.02) && fixed < Some(0.005), "{now:?} {fixed:?}");
}

#[test]
fn l23_the_spike_leaves_it_down_unless_a_budget_holds() {
    let contrast = shown("L23", 0);
    assert_eq!(both(&contrast, "stays down"), (Some(1.0), Some(0.0)));
    let (now, fixed) = both(&contrast, "calls/s from which it stays down");
    // It holds itself above 64.3/s ÷ 3, and comes down to it from a spike that is long enough.
    assert!(now.is_some_and(|now| (21.4..40.0).contains(&now)), "{now:?}");
    assert_eq!(fixed, None);
}

#[test]
fn l25_a_longer_drain_cuts_no_call_off() {
    let (now, fixed) = both(&shown("L25", 0), "calls cut off");
    assert!(now > Some(20.0) && fixed < Some(1.0), "{now:?} {fixed:?}");
}

#[test]
fn l26_jitter_and_single_flight_flatten_the_wave() {
    let (now, fixed) = both(&shown("L26", 0), "refills in the worst half second");
    assert!(now > Some(200.0) && fixed < Some(30.0), "{now:?} {fixed:?}");
}

#[test]
fn l30_refusals_open_the_breaker_no_more() {
    let (now, fixed) = both(&shown("L30", 0), "opens after");
    assert!(now.is_some() && fixed.is_none(), "{now:?} {fixed:?}");
}
