//! The scenario files that come with the program, in the order of their ids.

/// Name and text of each file.
macro_rules! files {
    ($($name:literal,)*) => {
        &[$((
            concat!("gauntlet/scenarios/", $name, ".toml"),
            include_str!(concat!("../../scenarios/", $name, ".toml")),
        )),*]
    };
}

/// All of them.
pub(super) const ALL: &[(&str, &str)] = files![
    "g0",
    "g1",
    "g2",
    "g3",
    "g3-pauses",
    "g3-two",
    "g4-10x",
    "g4-100x",
    "g4-200ms",
    "g4-5s",
    "g4-cpu",
    "g5-1",
    "g5-5",
    "g6",
    "g6-hole",
    "g6-blind",
    "g7",
    "g7-refused",
    "g8-one",
    "g8-two",
    "g8-all-10",
    "g8-all-30",
    "g9",
    "g9-aside",
    "g10",
    "g10-3s",
    "g10-closed",
    "g11-5s",
    "g11-9s",
    "g11-10s",
    "g11-low",
    "g12",
    "g13",
    "g14-servfail",
    "g14-silence",
    "g14-empty",
    "g14-nobody",
    "g15-down",
    "g15-empty",
    "g15-foreign",
    "g18",
    "g19",
    "g20",
    "g21",
    "g22",
    "g25",
    "g26-cut",
    "g26-length",
    "g27-kill",
    "g27-upgrade",
    "g30",
];
