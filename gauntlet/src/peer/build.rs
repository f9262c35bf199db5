//! Programs that are built from sources: ours, and the small one over Pingora.

use std::env::current_exe;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use super::wheel::CMAKE;
use super::{Missing, Product};

/// The root of our sources, as it was when this program was built.
fn sources() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// The folder of build products that we run from, or else that of our sources.
pub(super) fn target() -> PathBuf {
    let ours = current_exe().ok();
    let mut folders = ours.iter().flat_map(|path| path.ancestors());
    let marked = folders.find(|folder| folder.join("CACHEDIR.TAG").exists());
    marked.map_or_else(|| sources().join("target"), Path::to_owned)
}

/// A program of ours: where it is built, and from what.
struct Built {
    product: Product,
    program: PathBuf,
    sources: Vec<PathBuf>,
}

fn of_seawall() -> Built {
    let (product, program) = (Product::Seawall, target().join("release").join("seawall"));
    let sources = ["crates", "Cargo.lock", "Cargo.toml"].map(|name| sources().join(name)).into();
    Built { product, program, sources }
}

fn of_pingora() -> Built {
    let product = Product::Pingora;
    let program = target().join("gauntlet/pingora/release/pingora-peer");
    let sources =
        ["src", "Cargo.lock", "Cargo.toml"].map(|name| pingora_sources().join(name)).into();
    Built { product, program, sources }
}

fn pingora_sources() -> PathBuf {
    sources().join("gauntlet/peers/pingora")
}

impl Built {
    /// Where it is, if it is no older than its sources.
    fn fresh(&self) -> Option<PathBuf> {
        let made = fs::metadata(&self.program).and_then(|found| found.modified()).ok()?;
        let young = self.newest_source().is_none_or(|changed| changed <= made);
        young.then(|| self.program.clone())
    }

    fn newest_source(&self) -> Option<SystemTime> {
        self.sources.iter().filter_map(|path| newest(path)).max()
    }

    /// Nothing may have changed for the compiler where dates say otherwise: it then leaves the
    /// program as it was, and we note that it has been looked at.
    fn note(self) -> Result<PathBuf, Missing> {
        let noted = || {
            let file = fs::File::options().append(true).open(&self.program)?;
            let made = file.metadata()?.modified()?;
            let newest = self.newest_source().filter(|newest| *newest > made);
            newest.map_or(Ok(()), |newest| file.set_modified(newest))
        };
        let what = self.program.display().to_string();
        noted().map_err(Missing::system(self.product, what))?;
        Ok(self.program)
    }
}

/// Names a `seawall` that is measured as it is, in place of the one that is built from the sources.
const GIVEN: &str = "GAUNTLET_SEAWALL";

pub(super) fn given() -> Option<PathBuf> {
    std::env::var_os(GIVEN).map(PathBuf::from)
}

/// The released `seawall`, if it is no older than its sources.
pub(super) fn seawall_built() -> Option<PathBuf> {
    given().or_else(|| of_seawall().fresh())
}

/// The program over Pingora, likewise.
pub(super) fn pingora_built() -> Option<PathBuf> {
    of_pingora().fresh()
}

/// Builds `seawall` as it is released, unless that has been done or one is given.
pub(super) fn seawall() -> Result<PathBuf, Missing> {
    if let Some(given) = given() {
        return Ok(given);
    }
    let built = of_seawall();
    if let Some(path) = built.fresh() {
        return Ok(path);
    }
    let folder = target().display().to_string();
    let arguments = ["build", "--release", "--quiet", "-p", "seawall-cli", "--target-dir", &folder];
    run(Product::Seawall, sources(), "cargo", &arguments)?;
    built.note()
}

/// Builds the program over Pingora, likewise. What it is made of needs `cmake`, which is fetched
/// where it is not installed.
pub(super) fn pingora() -> Result<PathBuf, Missing> {
    let built = of_pingora();
    if let Some(path) = built.fresh() {
        return Ok(path);
    }
    let folder = target().join("gauntlet/pingora").display().to_string();
    let arguments = ["build", "--release", "--quiet", "--locked", "--target-dir", &folder];
    let (cmake, root) = (cmake()?, pingora_sources());
    run_with(Product::Pingora, (&root, &[("CMAKE", &cmake)]), "cargo", &arguments)?;
    built.note()
}

fn cmake() -> Result<PathBuf, Missing> {
    let installed = Command::new("cmake").arg("--version").output();
    match installed {
        Ok(output) if output.status.success() => Ok(PathBuf::from("cmake")),
        _ => CMAKE.fetch(Product::Pingora),
    }
}

/// The latest change of a file, or in a folder.
fn newest(path: &Path) -> Option<SystemTime> {
    let found = fs::metadata(path).ok()?;
    if !found.is_dir() {
        return found.modified().ok();
    }
    let entries = fs::read_dir(path).ok()?;
    entries.filter_map(|entry| newest(&entry.ok()?.path())).max()
}

/// Runs a program to its end; an error has the end of what it said.
pub(super) fn run(
    product: Product,
    folder: &Path,
    program: &str,
    arguments: &[&str],
) -> Result<(), Missing> {
    run_with(product, (folder, &[]), program, arguments)
}

fn run_with(
    product: Product,
    (folder, environment): (&Path, &[(&str, &PathBuf)]),
    program: &str,
    arguments: &[&str],
) -> Result<(), Missing> {
    let unready = |said: String| {
        let command = format!("{program} {}", arguments.join(" "));
        Missing::Unready { product, command, said }
    };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).envs(environment.iter().copied());
    let output = command.output().map_err(|why| unready(why.to_string()))?;
    if output.status.success() { Ok(()) } else { Err(unready(tail(&output.stderr))) }
}

/// The last lines of what a program said.
pub(super) fn tail(said: &[u8]) -> String {
    const LINES: usize = 8;
    let said = String::from_utf8_lossy(said);
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default().join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_old_once_a_source_is_younger() {
        let folder = tempfile::tempdir().unwrap();
        let (deep, program) = (folder.path().join("deep"), folder.path().join("program"));
        let source = deep.join("source");
        fs::create_dir(&deep).unwrap();
        fs::write(&source, "").unwrap();
        let built =
            Built { product: Product::Seawall, program: program.clone(), sources: vec![deep] };
        assert_eq!(built.fresh(), None);
        fs::write(&program, "").unwrap();
        assert_eq!(built.fresh(), Some(program.clone()));
        let later = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1 << 33);
        fs::File::options().append(true).open(&source).unwrap().set_modified(later).unwrap();
        assert_eq!(built.fresh(), None);
        assert_eq!(built.note().unwrap(), program);
        assert_eq!(fs::metadata(program).unwrap().modified().unwrap(), later);
    }

    #[test]
    fn an_error_has_the_end_of_what_was_said() {
        let script = "for line in 1 2 3 4 5 6 7 8 9; do echo $line >&2; done; exit 1";
        let error = run(Product::Nginx, Path::new("."), "sh", &["-c", script]).unwrap_err();
        assert!(error.to_string().ends_with("failed: 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9"), "{error}");
    }
}
