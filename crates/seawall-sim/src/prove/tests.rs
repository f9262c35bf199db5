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
fn every_case_has_a_proof_or_a_reason_and_the_same_again() {
    for (rule, text) in TEXTS {
        for proof in proofs(text) {
            if proof.rule.to_string() != *rule { continue; }
            let start = std::time::Instant::now();
            let config = Config::parse(text, "gateway.toml").unwrap();
            let report = lint(&config, &config.assume);
            for f in report.findings.iter().filter(|f| f.rule.to_string() == *rule) { let _ = prove(&config, f); }
            println!("{} [{:?}]\n", proof.text(), start.elapsed());
        }
    }
}
