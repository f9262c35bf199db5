//! Each tidy check against a table of files that break it and of neighbours that must pass,
//! and the repository itself against all checks.

use std::collections::BTreeMap;

use cargo_metadata::semver::Version;

use super::graph::{Node, Use};
use super::*;

/// A repository of the given paths and texts.
pub(super) fn repository(files: &[(&str, &str)]) -> Repository {
    let owned = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    Repository::of(owned.collect::<BTreeMap<_, _>>())
}

/// What `look` says about the files.
fn told(look: Look, files: &[(&str, &str)]) -> Vec<String> {
    let mut findings = Vec::new();
    look(&repository(files), &mut findings);
    findings.iter().map(ToString::to_string).collect()
}

/// Each file must be found, at the line and with the words given.
fn assert_found(look: Look, table: &[(&str, &str, usize, &str)]) {
    for (path, text, line, words) in table {
        let told = told(look, &[(path, text)]);
        let place = format!("{path}:{line}: ");
        let hit = told.iter().any(|one| one.starts_with(&place) && one.contains(words));
        assert!(hit, "{path} with {text:?} gave {told:?}, not line {line} with {words:?}");
    }
}

fn assert_clean(look: Look, files: &[(&str, &str)]) {
    for file in files {
        assert_eq!(told(look, &[*file]), Vec::<String>::new(), "{file:?}");
    }
}

#[test]
fn the_repository_is_tidy() {
    let mut report = Vec::new();
    let clean = run(&mut report).unwrap();
    assert!(clean, "{}", String::from_utf8_lossy(&report));
}

#[test]
fn a_finding_says_where_what_and_how_to_mend_it() {
    let finding = Finding::new("a/b.rs", 7, "is wide", "break the line");
    assert_eq!(finding.to_string(), "a/b.rs:7: is wide; break the line");
}

#[test]
fn layout_finds_missing_headers_wide_lines_and_broken_syntax() {
    let wide = format!("//! x\n// {}\n", "é".repeat(98));
    assert_found(
        layout::check,
        &[
            ("a.rs", "fn f() {}\n", 1, "has no header"),
            ("a.rs", "//!\nfn f() {}\n", 1, "has no header"),
            ("a.rs", "// x\n//! y\n", 1, "has no header"),
            ("a.rs", &wide, 2, "is 101 columns wide"),
            ("a.rs", "//! x\nfn f( {}\n", 1, "is not Rust"),
        ],
    );
    let just_fits = format!("//! x\n// {}\n", "é".repeat(97));
    assert_clean(layout::check, &[("a.rs", &just_fits), ("a.md", &"x".repeat(300))]);
}

#[test]
fn sizes_find_long_functions_and_files() {
    let body = |lines: usize| "    g();\n".repeat(lines);
    let function = |lines: usize| format!("//! x\nfn f() {{\n{}}}\n", body(lines - 2));
    let method = |lines: usize| format!("//! x\nimpl A {{\nfn f() {{\n{}}}\n}}\n", body(lines - 2));
    let provided =
        |lines: usize| format!("//! x\ntrait A {{\nfn f() {{\n{}}}\n}}\n", body(lines - 2));
    assert_found(
        sizes::check,
        &[
            ("a.rs", &function(71), 2, "`f` has 71 lines"),
            ("a.rs", &method(71), 3, "`f` has 71 lines"),
            ("a.rs", &provided(71), 3, "`f` has 71 lines"),
            ("a.rs", &format!("//! x\n{}", "// y\n".repeat(600)), 1, "601 lines"),
        ],
    );
    assert_clean(sizes::check, &[("a.rs", &function(70)), ("a.rs", &method(70))]);
}

#[test]
fn sizes_leave_test_code_out() {
    let long = format!("fn f() {{\n{}}}\n", "    g();\n".repeat(700));
    let marks = ["#[cfg(test)]\nmod tests {\n", "#[cfg(all(test, unix))]\nmod tests {\n"];
    for mark in marks {
        assert_clean(sizes::check, &[("a.rs", &format!("//! x\n{mark}{long}}}\n"))]);
    }
    let single = format!("//! x\n#[test]\n{long}");
    let asynchronous = format!("//! x\n#[tokio::test]\n{long}");
    let whole = format!("//! x\n{long}");
    assert_clean(sizes::check, &[("a.rs", &single), ("a.rs", &asynchronous)]);
    assert_clean(sizes::check, &[("crates/a/tests/b.rs", &whole)]);
    let declared = [("src/a.rs", "//! x\n#[cfg(test)]\nmod spec;\n"), ("src/a/spec.rs", &*whole)];
    assert_eq!(told(sizes::check, &declared), Vec::<String>::new());
    let product = [("src/a.rs", "//! x\nmod spec;\n"), ("src/a/spec.rs", &*whole)];
    assert_eq!(told(sizes::check, &product).len(), 2);
    let negated = format!("//! x\n#[cfg(not(test))]\n{long}");
    assert_eq!(told(sizes::check, &[("a.rs", &negated)]).len(), 2);
}

#[test]
fn words_find_stubs_prints_and_switched_off_lints() {
    let unfinished = concat!("//! x\n// FIX", "ME later\n");
    assert_found(
        words::check,
        &[
            ("a.rs", unfinished, 2, "says"),
            ("b.toml", unfinished, 2, "says"),
            ("a.rs", "//! x\nfn f() { todo!() }\n", 2, "a stub"),
            ("a.rs", "//! x\nfn f() {\n    g!(unimplemented!())\n}\n", 3, "a stub"),
            ("a.rs", "//! x\nfn f() { dbg!(1); }\n", 2, "a debugging print"),
            ("a.rs", "//! x\n#[allow(dead_code)]\nfn f() {}\n", 2, "switches a lint off"),
            ("a.rs", "//! x\n#![allow(dead_code)]\n", 2, "switches a lint off"),
            ("a.rs", "//! x\n#[cfg_attr(test, allow(a))]\nfn f() {}\n", 2, "switches a lint off"),
            ("a.rs", "//! x\n#[test]\n#[ignore]\nfn f() {}\n", 3, "an ignored test"),
        ],
    );
}

#[test]
fn words_leave_strings_reasons_and_names_alone() {
    assert_clean(
        words::check,
        &[
            ("a.rs", "//! x\nconst A: &str = \"todo!() #[allow(b)]\"; // dbg!()\n"),
            ("a.rs", "//! x\n#[ignore = \"needs an hour\"]\nfn f() {}\n"),
            ("a.rs", "//! x\n#[expect(dead_code, reason = \"r\")]\nfn f() { a.allow(1); }\n"),
            ("a.rs", "//! x\n#[cfg_attr(test, derive(Debug))]\nfn allow() { allow(1) }\n"),
        ],
    );
}

#[test]
fn names_find_empty_words_and_prefixes() {
    assert_found(
        names::check,
        &[
            ("a.rs", "//! x\nstruct PoolManager;\n", 2, "`manager`"),
            ("a.rs", "//! x\nenum CallData {}\n", 2, "`data`"),
            ("a.rs", "//! x\ntrait RetryHelper {}\n", 2, "`helper`"),
            ("a.rs", "//! x\ntype StrUtil = u8;\n", 2, "`util`"),
            ("a.rs", "//! x\nmod time_utils;\n", 2, "`utils`"),
            ("a.rs", "//! x\nfn get_name() {}\n", 2, "`get_name`"),
            ("a.rs", "//! x\nimpl A {\n    fn get_name() {}\n}\n", 3, "call it `name`"),
            ("a.rs", "//! x\ntrait A {\n    fn get_name();\n}\n", 3, "`get_name`"),
        ],
    );
}

#[test]
fn names_leave_whole_words_and_foreign_traits_alone() {
    assert_clean(
        names::check,
        &[
            ("a.rs", "//! x\nstruct Utility;\nstruct Database;\nfn getter() {}\n"),
            ("a.rs", "//! x\nimpl Foreign for A {\n    fn get_name() {}\n}\n"),
        ],
    );
}

#[test]
fn manifests_must_inherit_lints_and_give_reasons() {
    let table = "[workspace.dependencies]\n# --- group ---\nours = { path = \"x\" }\n";
    let bare = format!("{table}bytes = \"1\"\n");
    let titled = "[workspace.dependencies]\n# --- group ---\nbytes = \"1\"\n";
    let spaced = "[workspace.dependencies]\n# A reason.\n\nbytes = \"1\"\n";
    assert_found(
        manifests::check,
        &[
            ("crates/a/Cargo.toml", "[package]\nname = \"a\"\n", 1, "inherit"),
            ("crates/a/Cargo.toml", "[package]\n[lints]\nworkspace = false\n", 1, "inherit"),
            ("Cargo.toml", &bare, 4, "`bytes` has no reason"),
            ("Cargo.toml", titled, 3, "`bytes` has no reason"),
            ("Cargo.toml", spaced, 4, "`bytes` has no reason"),
        ],
    );
    let beside = "[workspace]\n[package]\nlints.workspace = true\n";
    let beside = beside.replace("[package]\n", "") + "[dependencies]\nrival = \"1\"\n";
    assert_found(manifests::check, &[("bench/Cargo.toml", &beside, 4, "`rival` has no reason")]);
    let reasoned =
        format!("{table}# What bodies are made of.\nbytes = \"1\"\n[profile.dev]\na = 1\n");
    assert_clean(
        manifests::check,
        &[
            ("crates/a/Cargo.toml", "[package]\n[lints]\nworkspace = true\n"),
            ("crates/a/Cargo.toml", "lints.workspace = true\n[package]\nname = \"a\"\n"),
            ("Cargo.toml", &reasoned),
        ],
    );
}

#[test]
fn a_nested_clippy_file_repeats_the_root() {
    let root = "lines = 70\nbans = [{ path = \"a::b\", reason = \"r\" }, \"c::d\"]\n";
    let nested = "crates/core/clippy.toml";
    let lacking = |text: &str| told(clippy_files::check, &[("clippy.toml", root), (nested, text)]);
    let missing_ban = lacking("lines = 70\nbans = [\"c::d\", \"e::f\"]\n");
    assert_eq!(missing_ban.len(), 1, "{missing_ban:?}");
    assert!(missing_ban[0].contains("`bans: a::b`"), "{missing_ban:?}");
    let looser = lacking("lines = 90\nbans = [\"c::d\", \"a::b\"]\n");
    assert!(looser[0].contains("`lines = 70`"), "{looser:?}");
    let more = "lines = 70\nbans = [\"c::d\", { path = \"a::b\", reason = \"own\" }, \"e::f\"]\n";
    assert_eq!(lacking(more), Vec::<String>::new());
}

#[test]
fn links_must_lead_somewhere() {
    assert_found(
        links::check,
        &[
            ("README.md", "x\n[a](gone.md)\n", 2, "`gone.md`"),
            ("docs/a.md", "[a](../gone/)\n", 1, "`../gone/`"),
            ("docs/a.md", "[a](../../README.md)\n", 1, "leads nowhere"),
            ("README.md", "[a](README.md) and ![b](gone.svg \"t\")\n", 1, "`gone.svg`"),
            ("README.md", "[a][b]\n\n[b]: gone.md\n", 3, "`gone.md`"),
            ("README.md", "[a](gone.md#part)\n", 1, "`gone.md#part`"),
        ],
    );
    let good = "[a](docs/a.md#x) [b](docs/) [c](https://example.org/x) [d](#e) `[f](gone.md)`\n\
                ```\n[g](gone.md)\n```\n[h](/README.md) [i](./docs/../README.md)\n";
    let files = [("README.md", good), ("docs/a.md", "[a](../README.md)\n")];
    assert_eq!(told(links::check, &files), Vec::<String>::new());
}

#[test]
fn programs_on_pages_must_be_run_by_tests() {
    let run = "//! x\n#[doc = include_str!(\"../../../docs/a.md\")]\nmod a {}\n";
    let lists = ("crates/seawall/src/pages.rs", run);
    let good = "```rust\nfn main() {}\n```\n```toml\n```\n";
    assert_eq!(told(pages::check, &[lists, ("docs/a.md", good)]), Vec::<String>::new());
    let skipped = told(pages::check, &[lists, ("docs/a.md", "x\n```rust,ignore\n```\n")]);
    assert!(skipped[0].starts_with("docs/a.md:2: `ignore`"), "{skipped:?}");
    let absent = told(pages::check, &[lists, ("docs/b.md", good)]);
    assert!(absent[0].starts_with("docs/b.md:1: no test runs"), "{absent:?}");
}

#[test]
fn places_find_paths_of_a_machine_and_registries() {
    assert_found(
        places::check,
        &[
            ("a.md", concat!("x\nsee /wo", "rk/main\n"), 2, "some machine"),
            ("a.rs", concat!("//! `/ro", "ot/x`\n"), 1, "some machine"),
            (".cargo/config.toml", concat!("a = \"https://crates", ".io\"\n"), 1, "registry"),
            ("a.sh", concat!("curl https://pypi", ".org/simple\n"), 1, "registry"),
        ],
    );
    let lock = concat!("source = \"registry+https://github.com/rust-lang/crates", ".io-index\"\n");
    let routes = concat!("GET /api/wo", "rk/1 and frame", "wo", "rk/x\n");
    let locks = [("Cargo.lock", lock), ("bench/Cargo.lock", lock), ("a.md", routes)];
    assert_clean(places::check, &locks);
}

#[test]
fn the_core_stays_without_std_and_without_floats() {
    let lib = "crates/seawall-core/src/lib.rs";
    let breaker = "crates/seawall-core/src/breaker.rs";
    let float = "//! x\n#[expect(clippy::float_arithmetic, reason = \"r\")]\nfn f() {}\n";
    assert_found(
        core_rules::check,
        &[
            (lib, "//! x\n#![cfg_attr(not(test), no_std)]\n", 1, "not always `no_std`"),
            (lib, "//! x\n#![no_std]\nextern crate std;\n", 3, "names `std`"),
            (breaker, "//! x\nuse std::time::Instant;\n", 2, "names `std`"),
            (breaker, "//! x\nfn f(a: ::std::string::String) {}\n", 2, "names `std`"),
            (breaker, float, 2, "no estimator"),
        ],
    );
    assert_clean(
        core_rules::check,
        &[
            (lib, "//! x\n#![no_std]\n#[cfg(test)]\nextern crate std;\n"),
            (breaker, "//! x\n#[cfg(test)]\nmod tests { use std::vec; }\n"),
            ("crates/seawall-core/src/peak_ewma.rs", float),
            ("crates/seawall-cli/src/main.rs", "//! x\nuse std::io;\n"),
        ],
    );
}

fn node(name: &str, uses: &[(&str, bool)]) -> Node {
    let uses =
        uses.iter().map(|(name, optional)| Use { name: (*name).to_owned(), optional: *optional });
    Node {
        name: name.to_owned(),
        version: Version::new(1, 0, 0),
        licence: Some("MIT".to_owned()),
        features: Vec::new(),
        manifest: Some(format!("crates/{name}/Cargo.toml")),
        uses: uses.collect(),
    }
}

fn direction_of(nodes: Vec<Node>, files: &[(&str, &str)]) -> Vec<String> {
    let mut findings = Vec::new();
    direction::check(&repository(files), &Graph { nodes }, &mut findings);
    findings.iter().map(ToString::to_string).collect()
}

#[test]
fn crates_may_only_point_towards_the_core() {
    let core = || node("seawall-core", &[("libm", false), ("serde", true)]);
    let config = || node("seawall-config", &[("seawall-core", false), ("strsim", false)]);
    assert_eq!(direction_of(vec![core(), config()], &[]), Vec::<String>::new());

    let upwards = node("seawall-upstream", &[("seawall-config", false)]);
    let told = direction_of(vec![core(), config(), upwards], &[]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("`seawall-upstream` must not depend on `seawall-config`"));

    let to_chores = node("seawall-cli", &[("xtask", false)]);
    assert_eq!(direction_of(vec![to_chores, node("xtask", &[])], &[]).len(), 1);

    let stranger = direction_of(vec![node("seawall-new", &[])], &[]);
    assert!(stranger[0].contains("has no place"), "{stranger:?}");
}

#[test]
fn the_core_uses_only_what_is_listed() {
    let told = direction_of(vec![node("seawall-core", &[("tokio", false)])], &[]);
    assert!(told[0].contains("the core must not depend on `tokio`"), "{told:?}");
    let told = direction_of(vec![node("seawall-core", &[("serde", false)])], &[]);
    assert!(told[0].contains("the core must not depend on `serde`"), "{told:?}");
}

#[test]
fn the_simulator_reaches_no_socket_by_any_way() {
    let foreign = |name: &str, uses: &[(&str, bool)]| Node { manifest: None, ..node(name, uses) };
    let tree = |far: &str| {
        let sim = node("seawall-sim", &[("middle", false)]);
        let nodes = vec![sim, foreign("middle", &[(far, false)]), foreign(far, &[])];
        direction_of(nodes, &[])
    };
    assert_eq!(tree("libm"), Vec::<String>::new());
    assert!(tree("mio")[0].contains("comes to depend on `mio`"), "{:?}", tree("mio"));
}

#[test]
fn the_picture_in_the_document_matches_the_table() {
    let head = "# A\n\n<!-- crate-direction -->\n```text\nseawall-core ->\n\
                seawall -> seawall-core seawall-config\n\
                seawall-config -> seawall-core\nseawall-upstream -> seawall-core\n";
    let gateway = "seawall-gateway -> seawall-core seawall-config seawall-upstream\n";
    let tail = "seawall-plot ->\nseawall-sim -> seawall-core seawall-config seawall-plot\n\
                seawall-admin -> seawall-gateway seawall-core seawall-config\n\
                seawall-cli -> seawall-core seawall-config seawall-upstream seawall-gateway \
                seawall-admin seawall-sim\ngauntlet -> seawall-core seawall-plot\n```\n";
    let right = format!("{head}{gateway}{tail}");
    let wrong = format!("{head}{tail}");
    let told = |text: &str| direction_of(Vec::new(), &[("ARCHITECTURE.md", text)]);
    assert_eq!(told(&right), Vec::<String>::new());
    assert!(told(&wrong)[0].starts_with("ARCHITECTURE.md:3: the crate direction differs"));
    assert!(told("# A\n")[0].contains("does not show"));
}

#[test]
fn packages_below_their_floor_are_found() {
    let at = |name: &str, version: Version| Node { version, ..node(name, &[]) };
    let nodes = vec![
        at("hyper", Version::new(1, 11, 9)),
        at("hyper", Version::new(1, 12, 0)),
        at("h2", Version::new(0, 4, 19)),
        at("h2", Version::new(0, 5, 0)),
    ];
    let mut findings = Vec::new();
    Graph { nodes }.check_floors(&mut findings);
    let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("hyper 1.11.9 is below 1.12.0"), "{told:?}");
    assert!(told[1].contains("h2 0.4.19 is below 0.4.20"), "{told:?}");
}

#[test]
fn licences_off_the_list_are_found() {
    let list = "[licenses]\nallow = [\"MIT\", \"Apache-2.0\", \"Unicode-3.0\"]\n";
    let under = |licence: Option<&str>| {
        let nodes = vec![Node { licence: licence.map(str::to_owned), ..node("x", &[]) }];
        let mut findings = Vec::new();
        licences::check(&repository(&[("deny.toml", list)]), &Graph { nodes }, &mut findings);
        findings.len()
    };
    let fine = [
        "MIT",
        "MIT/Apache-2.0",
        "GPL-3.0-only OR MIT",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception",
    ];
    for licence in fine {
        assert_eq!(under(Some(licence)), 0, "{licence}");
    }
    let refused = ["GPL-3.0-only", "MIT AND GPL-3.0-only", "LicenseRef-own", "none at all"];
    for licence in refused {
        assert_eq!(under(Some(licence)), 1, "{licence}");
    }
    assert_eq!(under(None), 1);
}

#[test]
fn an_empty_list_of_licences_is_found() {
    let mut findings = Vec::new();
    licences::check(&repository(&[]), &Graph { nodes: Vec::new() }, &mut findings);
    assert!(findings[0].to_string().contains("allows no licence"));
}

#[test]
fn banned_crates_and_features_are_found() {
    let list = "[bans]\ndeny = [{ crate = \"openssl\", reason = \"no C\" }]\n\
                [[bans.features]]\ncrate = \"hyper-util\"\ndeny = [\"client-legacy\"]\n\
                reason = \"own pool\"\n";
    let files = repository(&[("deny.toml", list)]);
    let told = |name: &str, feature: &str| {
        let nodes = vec![Node { features: vec![feature.to_owned()], ..node(name, &[]) }];
        let mut findings = Vec::new();
        bans::check(&files, &Graph { nodes }, &mut findings);
        findings.iter().map(ToString::to_string).collect::<String>()
    };
    assert!(told("openssl", "std").contains("is banned: no C"));
    assert!(told("hyper-util", "client-legacy").contains("`client-legacy`, which is banned"));
    assert_eq!(told("hyper-util", "server"), "");
    assert_eq!(told("rustls", "client-legacy"), "");
}

#[test]
fn the_tree_of_this_workspace_has_features() {
    let graph = Graph::read(&Workspace::find().unwrap().root).unwrap();
    let hyper = graph.nodes.iter().find(|node| node.name == "hyper").unwrap();
    assert!(hyper.features.iter().any(|feature| feature == "http1"), "{hyper:?}");
}
