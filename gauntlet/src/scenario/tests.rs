//! Tests of reading scenario files.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Arrivals, Fault, Path, Target, builtin, list, read};

const HEAD: &str = "id = \"G1\"\nname = \"n\"\nabout = \"a\"\n";

fn mistakes(rest: &str) -> Vec<String> {
    match read(&format!("{HEAD}{rest}"), "g.toml") {
        Ok(scenario) => panic!("read as {scenario:?}"),
        Err(list) => list.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn every_file_of_the_folder_is_built_in_and_right() {
    let all = builtin().unwrap_or_else(|mistakes| panic!("{}", list(&mistakes)));
    let ids: BTreeSet<String> = all.iter().map(|one| one.id.to_lowercase()).collect();
    assert_eq!(ids.len(), all.len(), "an id is used twice");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
    let files = std::fs::read_dir(folder).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let names: BTreeSet<String> = names.map(|n| n.trim_end_matches(".toml").to_owned()).collect();
    assert_eq!(ids, names);
}

#[test]
fn every_family_of_the_benchmark_has_a_scenario() {
    let all = builtin().unwrap();
    let families: BTreeSet<u32> = all
        .iter()
        .map(|one| one.id.trim_start_matches('G').split('-').next().unwrap().parse().unwrap())
        .collect();
    let wanted: BTreeSet<u32> = (0..=15).chain(18..=22).chain(25..=27).chain([30]).collect();
    assert_eq!(families, wanted);
}

#[test]
fn what_a_file_leaves_out_is_the_base_profile() {
    let read = read(HEAD, "g.toml").unwrap();
    assert!((read.load.rate - 300.0).abs() < 1e-9);
    assert_eq!(read.load.arrivals, Arrivals::Poisson);
    assert_eq!(read.quick.fault, Duration::from_secs(7));
    assert_eq!((read.path, read.replicas.count), (Path::Direct, 3));
    assert_eq!(read.faults, []);
}

#[test]
fn a_fault_strikes_one_replica_to_the_end_of_the_phase_unless_told() {
    let text = "[[fault]]\nkind = \"freeze\"\n[[fault]]\nkind = \"slow\"\nby = \"200ms\"\n\
        at = \"1s\"\nlasts = \"2s\"\ntarget = \"all\"\n";
    let read = read(&format!("{HEAD}{text}"), "g.toml").unwrap();
    assert_eq!(read.faults[0].fault, Fault::Freeze);
    assert_eq!((read.faults[0].target, read.faults[0].lasts), (Target::Some(1), None));
    assert_eq!(read.faults[1].fault, Fault::Slow { by: Duration::from_millis(200) });
    assert_eq!(read.faults[1].at, Duration::from_secs(1));
    assert_eq!(read.faults[1].target, Target::All);
}

#[test]
fn all_mistakes_come_at_once_in_order_with_place_and_mend() {
    let text = "colour = 1\n[load]\nrate = 0\ndeadline = \"2\"\n[[fault]]\nkind = \"los\"\n";
    let found = mistakes(text);
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(found[0].starts_with("g.toml:4:1: colour is not known; known here: id"), "{found:#?}");
    assert!(found[1].starts_with("g.toml:6:8: load.rate is no number above 0;"), "{found:#?}");
    assert!(found[2].starts_with("g.toml:7:12: load.deadline is no duration: \"2\" has no unit;"));
    assert!(found[3].starts_with("g.toml:9:8: fault.kind is none of crash,"), "{found:#?}");
}

#[test]
fn what_is_missing_is_named() {
    let found = mistakes("[[fault]]\nkind = \"loss\"\n[[fault]]\nat = \"1s\"\n");
    assert!(found[0].contains("\"loss\" needs share"), "{found:#?}");
    assert!(found[1].contains("this fault has no kind"), "{found:#?}");
    let bare = read("", "g.toml").unwrap_err();
    let whats: Vec<&str> = bare.iter().map(|mistake| mistake.what.as_str()).collect();
    assert_eq!(whats, ["id is missing", "name is missing", "about is missing"]);
}

#[test]
fn contradictions_are_mistakes() {
    let cases = [
        ("[load]\npatience = \"1s\"\n", "shorter than load.deadline"),
        ("[load]\nhigh = \"70%\"\nlow = \"40%\"\n", "more than all requests"),
        ("[load]\nusers = 5\n", "belong to a closed loop"),
        ("[replicas]\naside = 1\n", "there is no route aside"),
        ("[load]\narrivals = \"closed\"\n", "a closed loop has users"),
        ("[load]\nevery = \"2s\"\n", "belong to bursts"),
        ("[load]\narrivals = \"bursts\"\nevery = \"1s\"\nlasts = \"1s\"\n", "a burst is shorter"),
        ("[quick]\nfault = \"0s\"\n", "has no length"),
        ("[[fault]]\nkind = \"crash\"\ntarget = 4\n", "there are only 3 replicas"),
        ("[[fault]]\nkind = \"crash\"\ntarget = 0\n", "neither a number of replicas"),
        ("[[fault]]\nkind = \"crash\"\nlasts = \"0s\"\n", "lasts is no time"),
        ("[[fault]]\nkind = \"crash\"\nlasts = \"8s\"\n", "ends after quick.fault"),
        ("[[fault]]\nkind = \"corrupt\"\n", "needs a relay"),
        ("path = \"relay\"\n[[fault]]\nkind = \"freeze\"\n", "hides this fault"),
        ("[[fault]]\nkind = \"overload\"\ntimes = 3\ntarget = 1\n", "strikes no replica"),
        ("[[fault]]\nkind = \"pauses\"\npause = \"2s\"\nevery = \"1s\"\n", "after the next one"),
        ("[[fault]]\nkind = \"loss\"\nshare = \"0%\"\n", "is nothing"),
        ("fault = 3\n", "is no list of tables"),
        ("load = 3\n", "load is no table"),
    ];
    for (text, what) in cases {
        let found = mistakes(text);
        assert!(found.iter().any(|one| one.contains(what)), "{text}: {found:#?}");
    }
}

#[test]
fn a_file_that_is_no_toml_or_not_there_says_so() {
    let found = read("id = \n", "g.toml").unwrap_err();
    assert_eq!((found.len(), found[0].line), (1, 1));
    let found = super::load(std::path::Path::new("/nowhere/g.toml")).unwrap_err();
    assert!(found[0].to_string().starts_with("/nowhere/g.toml: cannot be read:"));
}
