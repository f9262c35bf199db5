//! What would tie the repository to one machine: absolute paths of a workplace and the hosts of
//! package registries. A clone must build anywhere.

use super::findings::Finding;
use super::repository::Repository;

/// Written apart, so that this file does not find itself.
const FOLDERS: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/Us", "ers/")];

const REGISTRIES: [&str; 5] = [
    concat!("crates", ".io"),
    concat!("registry.npm", "js.org"),
    concat!("pypi", ".org"),
    concat!("proxy.go", "lang.org"),
    concat!("static.rust-", "lang.org"),
];

/// Written by cargo, which names the registry on every second line.
const LOCK_FILE: &str = "Cargo.lock";

pub(super) fn check(repository: &Repository, findings: &mut Vec<Finding>) {
    for (path, text) in repository.files.iter().filter(|(path, _)| !path.ends_with(LOCK_FILE)) {
        for (index, line) in text.lines().enumerate() {
            check_line(path, index + 1, line, findings);
        }
    }
}

fn check_line(path: &str, number: usize, line: &str, findings: &mut Vec<Finding>) {
    for folder in FOLDERS.into_iter().filter(|folder| names_folder(line, folder)) {
        let what = format!("names the folder `{folder}` of some machine");
        let mend = "use a path relative to the repository, or a scratch folder";
        findings.push(Finding::new(path, number, what, mend));
    }
    for host in REGISTRIES.into_iter().filter(|host| line.contains(host)) {
        let what = format!("names the registry `{host}`");
        let mend = "leave the choice of registry to whoever builds";
        findings.push(Finding::new(path, number, what, mend));
    }
}

/// Whether an absolute path begins with `folder`: `net/work/` is another thing.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|letter| letter.is_alphanumeric() || "._-}/".contains(letter))
    })
}
