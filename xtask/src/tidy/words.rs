//! Words that must not stay in the repository: unfinished work, switched-off lints, ignored
//! tests without a reason. Names of items are in `names`.

use super::findings::Finding;
use super::repository::Repository;
use super::rust_file::RustFile;
use super::tokens::{group_at, positions};

/// Written apart, so that this file does not find itself.
const UNFINISHED: &str = concat!("FIX", "ME");

pub(super) fn check(repository: &Repository, findings: &mut Vec<Finding>) {
    for (path, text) in &repository.files {
        for (index, _) in text.lines().enumerate().filter(|(_, line)| line.contains(UNFINISHED)) {
            let mend = "finish it, or open an issue and say in a sentence what holds until then";
            findings.push(Finding::new(path, index + 1, format!("says {UNFINISHED}"), mend));
        }
    }
    for file in &repository.rust {
        check_tokens(file, findings);
        check_conditional_allow(file, findings);
    }
}

/// Tokens, what they are, and the mend.
type Ban = (&'static [&'static str], &'static str, &'static str);

const WRITE_IT: &str = "write what it stands for";
const EXPECT: &str = "use `#[expect(…, reason = \"…\")]` on the smallest item";

const BANS: [Ban; 6] = [
    (&["todo", "!"], "a stub", WRITE_IT),
    (&["unimplemented", "!"], "a stub", WRITE_IT),
    (&["dbg", "!"], "a debugging print", "remove it"),
    (&["#", "[", "allow", "("], "switches a lint off for ever", EXPECT),
    (&["#", "!", "[", "allow", "("], "switches a lint off for ever", EXPECT),
    (&["#", "[", "ignore", "]"], "an ignored test", "say why: `#[ignore = \"…\"]`"),
];

fn check_tokens(file: &RustFile, findings: &mut Vec<Finding>) {
    for (tokens, what, mend) in BANS {
        for line in file.lines_of(tokens) {
            let what = format!("`{}` is {what}", tokens.concat());
            findings.push(Finding::new(&file.path, line, what, mend));
        }
    }
}

/// `cfg_attr(…, allow(…))` in an attribute, and nowhere else: `allow` is also a good name for a
/// function of a limiter.
fn check_conditional_allow(file: &RustFile, findings: &mut Vec<Finding>) {
    for start in positions(&file.tokens, &["[", "cfg_attr", "("]) {
        let attribute = group_at(&file.tokens, start);
        for index in positions(attribute, &["allow", "("]) {
            let what = "`cfg_attr(…, allow(…))` switches a lint off for ever";
            findings.push(Finding::new(&file.path, attribute[index].line, what, EXPECT));
        }
    }
}
