//! Who is struck when, and what is done about it in which order.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Act, Host, Strike, order, plan, strikes, unmet};
use crate::arena::Ground;
use crate::peer::Product;
use crate::record::Phase;
use crate::scenario::{self, Fault, Phases, Scenario};
use crate::stream::Seed;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const PHASES: Phases =
    Phases { warm_up: secs(2), control: secs(4), fault: secs(8), observation: secs(6) };

fn builtin(id: &str) -> Scenario {
    let all = scenario::builtin().unwrap();
    all.into_iter().find(|one| one.id == id).unwrap()
}

fn of(id: &str) -> Vec<Strike> {
    strikes(&builtin(id), PHASES, Seed { master: 1, number: 0 })
}

#[test]
fn a_fault_holds_from_the_fault_phase_to_its_end() {
    let crash = of("G1");
    assert_eq!(crash.len(), 1);
    assert_eq!((crash[0].from, crash[0].until), (secs(6), secs(14)));
    assert_eq!(crash[0].targets.len(), 1);
    let outage = of("G10-3s");
    assert_eq!((outage[0].until, outage[0].targets.as_slice()), (secs(9), &[0, 1, 2][..]));
}

#[test]
fn which_replica_is_struck_follows_from_the_seed_and_scenario_alone() {
    let crash = builtin("G1");
    let targets = |number| strikes(&crash, PHASES, Seed { master: 1, number })[0].targets.clone();
    assert_eq!(targets(3), targets(3));
    let struck: BTreeSet<Vec<u8>> = (0..30).map(targets).collect();
    assert_eq!(struck.len(), 3, "over 30 seeds each of three replicas is struck");
    let all = order(&crash, Seed { master: 1, number: 0 });
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 3);
}

#[test]
fn two_faults_that_strike_one_replica_strike_the_same() {
    let vanished = of("G21");
    assert_eq!(vanished.len(), 2);
    assert_eq!(vanished[0].targets, vanished[1].targets);
}

#[test]
fn what_comes_and_goes_is_taken_apart() {
    let flapping = of("G13");
    let times: Vec<_> = flapping.iter().map(|one| (one.from, one.until)).collect();
    assert_eq!(times, [(secs(6), secs(8)), (secs(10), secs(12))]);
    assert!(flapping.iter().all(|one| one.fault == Fault::BlackHole));
    let pauses = of("G3-pauses");
    assert_eq!(pauses.len(), 8);
    assert!(pauses.iter().all(|one| one.fault == Fault::Freeze));
    let deploy = of("G12");
    let targets: Vec<_> = deploy.iter().map(|one| one.targets.clone()).collect();
    assert_eq!(targets, [[0], [1], [2]]);
    assert!(deploy.windows(2).all(|pair| pair[0].until < pair[1].from));
}

#[test]
fn a_rolling_deploy_fits_the_quick_fault_phase() {
    let deploy = builtin("G12");
    let all = strikes(&deploy, deploy.quick, Seed::default());
    let end = deploy.quick.warm_up + deploy.quick.control + deploy.quick.fault;
    assert!(all.iter().all(|one| one.until <= end), "{all:?} end after {end:?}");
}

#[test]
fn phases_begin_before_what_strikes_at_their_beginning() {
    let acts = plan(&of("G1"), PHASES);
    let kinds: Vec<Act> = acts.iter().map(|(_, act)| *act).collect();
    let expected = [
        Act::Phase(Phase::WarmUp),
        Act::Phase(Phase::Control),
        Act::Phase(Phase::Fault),
        Act::Set(0),
        Act::Prove(0),
        Act::Prove(0),
        Act::Phase(Phase::Observation),
        Act::Lift(0),
        Act::ProveGone(0),
    ];
    assert_eq!(kinds, expected);
    assert!(acts.is_sorted_by_key(|(at, _)| *at));
}

#[test]
fn every_strike_of_every_scenario_is_set_shown_and_lifted() {
    for one in scenario::builtin().unwrap() {
        for phases in [one.phases, one.quick, PHASES] {
            let all = strikes(&one, phases, Seed::default());
            let acts = plan(&all, phases);
            let has = |act| acts.iter().any(|(_, other)| *other == act);
            for index in 0..all.len() {
                let whole = has(Act::Set(index)) && has(Act::Prove(index)) && has(Act::Lift(index));
                assert!(whole, "{}: strike {index} of {all:?}", one.id);
            }
        }
    }
}

#[test]
fn a_pause_that_is_followed_by_the_next_is_not_asked_to_be_gone_in_between() {
    let pauses = of("G3-pauses");
    let acts = plan(&pauses, PHASES);
    let gone: Vec<_> = acts.iter().filter(|(_, act)| matches!(act, Act::ProveGone(_))).collect();
    assert_eq!(gone.len(), 1);
    assert_eq!(gone[0].1, Act::ProveGone(pauses.len() - 1));
}

#[test]
fn what_a_host_cannot_do_is_left_out_with_the_reason() {
    let packets = Some("needs network namespaces, and so root".to_owned());
    let poor = Host { ground: Ground::Loopback, packets: packets.clone(), quotas: None };
    let rich = Host { ground: Ground::Namespaces, packets: None, quotas: None };
    let why = |id: &str, host: &Host| unmet(&builtin(id), Product::Seawall, host);
    for id in ["G5-1", "G6", "G6-hole", "G7-refused", "G13", "G21"] {
        assert_eq!(why(id, &poor), packets, "{id}");
        assert_eq!(why(id, &rich), None, "{id}");
    }
    for id in ["G0", "G1", "G3", "G3-pauses", "G4-10x", "G7", "G8-one", "G12", "G30"] {
        assert_eq!(why(id, &poor), None, "{id}");
    }
    assert!(why("G14-empty", &rich).unwrap().contains("lacks discovery"));
    let restart = unmet(&builtin("G27-kill"), Product::Direct, &rich);
    assert_eq!(restart.as_deref(), Some("there is no gateway to restart"));
}
