//! Which runs there are, and in which order.

use std::collections::BTreeSet;

use super::order::{Axes, runs};
use super::select::{Profile, scenarios};
use crate::peer::{Product, Settings};
use crate::run::Key;
use crate::scenario;

fn ids(words: &[&str], profile: Profile) -> Vec<String> {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let all = scenarios(scenario::builtin().unwrap(), &words, profile).unwrap();
    all.into_iter().map(|one| one.id).collect()
}

#[test]
fn a_family_means_all_its_variants_and_a_variant_itself() {
    assert_eq!(ids(&["G8-one"], Profile::Full), ["G8-one"]);
    assert_eq!(ids(&["g8"], Profile::Quick), ["G8-one", "G8-two", "G8-all-10", "G8-all-30"]);
    assert_eq!(ids(&["G1"], Profile::Full), ["G1"], "G1 is not G10");
    let refused = scenarios(scenario::builtin().unwrap(), &["G99".to_owned()], Profile::Full);
    assert!(refused.unwrap_err().contains("there is no scenario G99; there are G0, G1"));
}

#[test]
fn each_profile_takes_its_families_where_none_is_named() {
    assert_eq!(ids(&[], Profile::Smoke), ["G0", "G1", "G3"]);
    let quick = ids(&[], Profile::Quick);
    assert!(quick.contains(&"G4-200ms".to_owned()) && !quick.contains(&"G5-1".to_owned()));
    assert_eq!(ids(&[], Profile::Full).len(), scenario::builtin().unwrap().len());
}

fn order(master: u64) -> Vec<Key> {
    runs(&Axes {
        products: &[Product::Seawall, Product::Nginx, Product::Direct],
        settings: &[Settings::Default, Settings::Tuned],
        scenarios: &["G0".to_owned(), "G1".to_owned(), "G3".to_owned()],
        seeds: 3,
        master,
    })
}

#[test]
fn every_run_comes_once_in_whole_rounds_of_seeds_in_an_order_of_the_master_seed() {
    let one = order(1);
    // Two products with two configs and users without a gateway, three scenarios, three seeds.
    assert_eq!(one.len(), (2 * 2 + 1) * 3 * 3);
    assert_eq!(one.iter().collect::<BTreeSet<_>>().len(), one.len());
    assert!(one.is_sorted_by_key(|key| key.seed));
    assert_eq!(one, order(1));
    assert_ne!(one, order(2));
}

#[test]
fn products_are_interleaved() {
    let one = order(1);
    let changes = one.windows(2).filter(|pair| pair[0].product != pair[1].product).count();
    assert!(changes > one.len() / 3, "{changes} changes of product in {} runs", one.len());
}
