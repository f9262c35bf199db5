//! A fix that is printed as an edit mends what it is for.

use super::cases::{CASES, Case};
use super::{check, of, texts};

/// A rule, the edit that its fix names, and how the first case that it fits takes it over.
const FIXES: &[(&str, &str, (&str, &str))] = &[
    ("L1", "attempt = \"1.7s\"", ("attempt = \"800ms\"", "attempt = \"1.7s\"")),
    ("L2", "max_attempts = 2", ("timeouts", "retry = { max_attempts = 2 }\ntimeouts")),
    ("L2", "attempt = \"280ms\"", ("attempt = \"400ms\"", "attempt = \"280ms\"")),
    ("L3", "max_attempts = 3", ("max_attempts = 4", "max_attempts = 3")),
    ("L4", "budget = { floor = \"6/s\" }", ("\n\n[[", "\nbudget = { floor = \"6/s\" }\n[[")),
    ("L6", "jitter = \"full\"", ("jitter = \"none\"", "jitter = \"full\"")),
    ("L8", "\"refused\"", ("\"503\", \"silence\"", "\"refused\"")),
    ("L9", "min_calls = 5", ("\n\n[[", "\nbreaker = { min_calls = 5 }\n[[")),
    ("L9", "window = \"40s\"", ("\n\n[[", "\nbreaker = { window = \"40s\" }\n[[")),
    (
        "L9",
        "failure_rate = \"25%\", window = \"20s\", min_calls = 10",
        (
            "failure_rate = \"off\", consecutive = 5",
            "failure_rate = \"25%\", window = \"20s\", min_calls = 10",
        ),
    ),
    (
        "L9",
        "failure_rate = \"15%\", window = \"10s\", min_calls = 20",
        ("failure_rate = \"80%\"", "failure_rate = \"15%\""),
    ),
    ("L10", "min_calls = 10", ("min_calls = 5", "min_calls = 10")),
    ("L11", "breaker = \"off\"", ("\n\n[[", "\nbreaker = \"off\"\n[[")),
    ("L12", "permits = 32", ("permits = 20", "permits = 32")),
    ("L15", "cap = \"at_least_one\"", ("cap = \"strict\"", "cap = \"at_least_one\"")),
    ("L17", "every = \"40s\"", ("every = \"1s\"", "every = \"40s\"")),
    ("L21", "rate = \"140/s\"", ("rate = \"150/s\"", "rate = \"140/s\"")),
    ("L24", "idle = \"3.999s\"", ("idle = \"5s\"", "idle = \"3.999s\"")),
    ("L25", "drain = \"15s\"", ("drain = \"10s\"", "drain = \"15s\"")),
    ("L28", "breaker = \"off\"", ("breaker = { mode = \"shadow\" }", "breaker = \"off\"")),
    ("L29", "policy = \"money\"", ("\"/pay\"", "\"/pay\"\npolicy = \"money\"")),
];

#[test]
fn printed_edits_mend_what_they_are_for() {
    for (rule, fix, (from, to)) in FIXES {
        let fits = |case: &&Case| case.rule == *rule && case.fires.contains(from);
        let case = CASES.iter().find(fits).unwrap_or_else(|| panic!("{rule}: {from:?}"));
        let report = check(case.fires);
        let found = of(&report, case);
        assert!(found[0].fix.contains(fix), "{rule}: {fix} is not in {}", found[0].fix);
        let mended = check(&case.fires.replacen(from, to, 1));
        assert!(of(&mended, case).is_empty(), "{rule}: {to}\n{}", texts(&mended));
    }
}
