//! `cargo xtask profiled`: builds `seawall` twice, the second time with what the first was seen to
//! do under load (profile-guided optimisation). The compiler then knows which branches are rare
//! and keeps what runs together close together, which a gateway, whose code is wide and flat,
//! gains from. The load is that of the bench of the gauntlet.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::Clean;
use crate::error::Error;
use crate::process::{self, CargoCall, Workspace};

/// Below the root: everything that this chore makes.
const FOLDER: &str = "target/profiled";

/// What the instrumented program is seen to do: both protocols, short and longer answers. Too
/// little of it, and what was not seen is built for size.
const ROWS: &str = "h1-64,h2,10k";

/// Where the parts are.
struct Places {
    /// The target folder of both builds.
    builds: PathBuf,
    /// What the instrumented program writes at its end.
    raw: PathBuf,
    merged: PathBuf,
    /// The target that is named for both builds, so that only what is shipped is instrumented and
    /// no build script is.
    host: String,
}

/// How a build deals with the profile.
#[derive(Clone, Copy)]
enum Use {
    Write,
    Read,
}

pub(crate) fn run(out: &mut dyn Write) -> Result<Clean, Error> {
    let workspace = Workspace::find()?;
    let places = Places::of(&workspace)?;
    let merger = merger(&places.host)?;
    places.clear()?;
    let steps = [places.build(Use::Write), places.load()];
    for step in &steps {
        if !process::loud(&workspace, step)? {
            return Ok(false);
        }
    }
    places.merge(&merger)?;
    let done = process::loud(&workspace, &places.build(Use::Read))?;
    if done {
        writeln!(out, "{}", places.program().display())?;
    }
    Ok(done)
}

impl Places {
    fn of(workspace: &Workspace) -> Result<Self, Error> {
        let root = workspace.root.join(FOLDER);
        let (raw, merged) = (root.join("raw"), root.join("merged.profdata"));
        Ok(Self { builds: root.join("build"), raw, merged, host: host()? })
    }

    fn program(&self) -> PathBuf {
        self.builds.join(&self.host).join("release/seawall")
    }

    /// A profile of older sources would be merged with the new one.
    fn clear(&self) -> Result<(), Error> {
        let path = self.raw.clone();
        match fs::remove_dir_all(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::Write { path, source })
            }
            _ => Ok(()),
        }
    }

    fn build(&self, how: Use) -> CargoCall {
        let flag = match how {
            Use::Write => joined("-Cprofile-generate=", &self.raw),
            Use::Read => joined("-Cprofile-use=", &self.merged),
        };
        let build = ["build", "--release", "--locked", "-p", "seawall-cli", "--target-dir"];
        let call = CargoCall::new(&build).arg(&self.builds.display().to_string());
        call.arg("--target").arg(&self.host).env("RUSTFLAGS", flag)
    }

    fn load(&self) -> CargoCall {
        let run = ["run", "--release", "--locked", "-p", "gauntlet", "--", "--throughput"];
        let once = ["--peers", "seawall", "--rounds", "1", "--rows", ROWS];
        let call = once.iter().fold(CargoCall::new(&run), |call, word| call.arg(word));
        call.env("GAUNTLET_SEAWALL", self.program())
    }

    fn merge(&self, merger: &Path) -> Result<(), Error> {
        let merger = merger.display().to_string();
        let (raw, merged) = (self.raw.display().to_string(), self.merged.display().to_string());
        process::answer(&merger, &["merge", "-o", &merged, &raw])?;
        // It says on standard error what it could not read.
        if self.merged.exists() { Ok(()) } else { Err(Error::NoProfile { path: self.raw.clone() }) }
    }
}

fn joined(flag: &str, path: &Path) -> OsString {
    let mut flag = OsString::from(flag);
    flag.push(path);
    flag
}

/// The machine that the compiler is built for, as it calls it.
fn host() -> Result<String, Error> {
    let said = process::answer("rustc", &["-vV"])?;
    Ok(host_in(&said).to_owned())
}

fn host_in(said: &str) -> &str {
    said.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default()
}

/// The program that merges profiles: it has to be of the compiler's own version.
fn merger(host: &str) -> Result<PathBuf, Error> {
    let root = process::answer("rustc", &["--print", "sysroot"])?;
    let folder = Path::new(root.trim()).join("lib/rustlib").join(host).join("bin");
    let merger = folder.join("llvm-profdata");
    if merger.exists() { Ok(merger) } else { Err(Error::NoMerger { path: merger }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        let [builds, raw, merged] = ["/b", "/raw", "/merged"].map(PathBuf::from);
        Places { builds, raw, merged, host: "x86_64-any".to_owned() }
    }

    #[test]
    fn what_is_loaded_is_what_was_built_to_be_watched() {
        let places = places();
        assert_eq!(places.program(), Path::new("/b/x86_64-any/release/seawall"));
        let load = format!("{:?}", places.load());
        assert!(load.contains("GAUNTLET_SEAWALL") && load.contains("/b/x86_64-any"), "{load}");
    }

    #[test]
    fn the_second_build_reads_what_the_first_had_written() {
        let places = places();
        let shown = |how| format!("{:?}", places.build(how));
        assert!(shown(Use::Write).contains("-Cprofile-generate=/raw"), "{}", shown(Use::Write));
        assert!(shown(Use::Read).contains("-Cprofile-use=/merged"), "{}", shown(Use::Read));
        assert!(places.build(Use::Read).shown().contains("--target x86_64-any"));
    }

    #[test]
    fn the_compilers_host_is_found_in_what_it_says() {
        let said = "rustc 1.95.0 (59807616e 2026-04-14)\nhost: x86_64-unknown-linux-gnu\n";
        assert_eq!(host_in(said), "x86_64-unknown-linux-gnu");
    }
}
