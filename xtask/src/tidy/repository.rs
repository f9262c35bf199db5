//! The files of the repository, read once for all checks. What the files mean is for the checks.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::rust_file::{self, RustFile};
use crate::error::Error;

/// All files that belong to the project, by their path from the root, with `/` on any system.
pub(crate) struct Repository {
    /// The text of each file; empty for files that are no text.
    pub(super) files: BTreeMap<String, String>,
    pub(crate) rust: Vec<RustFile>,
}

impl Repository {
    pub(crate) fn read(root: &Path) -> Result<Self, Error> {
        let names = match listed_by_git(root) {
            Some(names) => names,
            None => walked(root)?,
        };
        let mut files = BTreeMap::new();
        for name in names {
            let path = root.join(&name);
            // Git still lists a file that was deleted but not yet committed.
            if path.is_file() {
                let bytes = fs::read(&path).map_err(|source| Error::Read { path, source })?;
                files.insert(name, String::from_utf8(bytes).unwrap_or_default());
            }
        }
        Ok(Self::of(files))
    }

    /// From texts in memory.
    pub(super) fn of(files: BTreeMap<String, String>) -> Self {
        let rust = rust_file::parse_all(&files);
        Self { files, rust }
    }

    /// The files whose path ends in `ending`.
    pub(super) fn ending<'a>(
        &'a self,
        ending: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.files
            .iter()
            .filter(move |(path, _)| path.ends_with(ending))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Whether a file or a folder has this path.
    pub(super) fn has(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        path.is_empty()
            || self.files.contains_key(path)
            || self.files.keys().any(|file| file.starts_with(&folder))
    }
}

/// Tracked files and those that would be; nothing when this is no checkout or git is missing.
fn listed_by_git(root: &Path) -> Option<Vec<String>> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let mut git = Command::new("git");
    let output = git.args(arguments).current_dir(root).stdin(Stdio::null()).output().ok()?;
    let listing = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    Some(listing.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

/// An unpacked archive has no git: everything but build products and hidden version control.
fn walked(root: &Path) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder)? {
            if path.is_symlink() || path.ends_with("target") || path.ends_with(".git") {
                continue;
            } else if path.is_dir() {
                folders.push(path);
            } else {
                names.extend(relative(&path, root));
            }
        }
    }
    Ok(names)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let unreadable = |source| Error::Read { path: folder.to_owned(), source };
    let entries = fs::read_dir(folder).map_err(unreadable)?;
    entries.map(|entry| Ok(entry.map_err(unreadable)?.path())).collect()
}

fn relative(path: &Path, root: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> =
        path.strip_prefix(root).ok()?.components().map(|part| part.as_os_str().to_str()).collect();
    Some(parts?.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Workspace;

    #[test]
    fn the_walk_finds_what_git_tracks() {
        let root = Workspace::find().unwrap().root;
        let walked = walked(&root).unwrap();
        assert!(walked.iter().any(|name| name == "xtask/src/main.rs"));
        assert!(!walked.iter().any(|name| name.starts_with("target/")));
    }
}
