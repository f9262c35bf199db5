//! The packages of the build as cargo resolved them, and the versions below which none may be.
//! Who may depend on whom is in `direction`, licences are in `licences`.

use std::path::Path;

use cargo_metadata::semver::Version;
use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, Package};

use super::findings::Finding;
use crate::error::Error;
use crate::process;

/// A package of the tree.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) version: Version,
    pub(super) licence: Option<String>,
    /// Its features in the product binary; empty for what only libraries, tests and examples use.
    /// There a feature of our library may switch on what the gateway must not have.
    pub(super) features: Vec<String>,
    /// For packages of the workspace: the manifest, from the root.
    pub(super) manifest: Option<String>,
    /// What its product code uses; dev-dependencies are free.
    pub(super) uses: Vec<Use>,
}

/// A dependency of product code or of a build script.
#[derive(Clone, Debug)]
pub(super) struct Use {
    pub(super) name: String,
    pub(super) optional: bool,
}

/// All packages that this machine builds.
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
}

impl Graph {
    pub(super) fn read(root: &Path) -> Result<Self, Error> {
        let mut command = MetadataCommand::new();
        command.current_dir(root).features(CargoOpt::AllFeatures);
        // Packages of other platforms may never have been fetched here.
        let described = process::answer("rustc", &["-vV"])?;
        if let Some(host) = described.lines().find_map(|line| line.strip_prefix("host: ")) {
            command.other_options(["--filter-platform".to_owned(), host.to_owned()]);
        }
        let mut graph = Self::of(&command.exec()?);
        graph.note_features(&product_tree(root)?);
        Ok(graph)
    }

    /// Takes the features from lines of a name, a version and the features with commas.
    fn note_features(&mut self, tree: &str) {
        for line in tree.lines() {
            let (package, features) = line.split_once('\t').unwrap_or((line, ""));
            let name = package.split(' ').next().unwrap_or_default();
            for node in self.nodes.iter_mut().filter(|node| node.name == name) {
                node.features = features.split(',').map(str::to_owned).collect();
            }
        }
    }

    fn of(metadata: &Metadata) -> Self {
        let root = metadata.workspace_root.as_str();
        Self { nodes: metadata.packages.iter().map(|package| node(package, root)).collect() }
    }

    /// The crates of this workspace, with their manifests.
    pub(super) fn ours(&self) -> impl Iterator<Item = (&Node, &str)> {
        self.nodes.iter().filter_map(|node| Some((node, node.manifest.as_deref()?)))
    }

    pub(super) fn check_floors(&self, findings: &mut Vec<Finding>) {
        for (name, floor, why) in FLOORS {
            for node in self.nodes.iter().filter(|node| node.name == name && node.version < floor) {
                let what = format!("{name} {} is below {floor}: {why}", node.version);
                let mend = format!("cargo update -p {name}@{} --precise {floor}", node.version);
                findings.push(Finding::new("Cargo.lock", 1, what, mend));
            }
        }
    }
}

/// A crate, its lowest version, and what was wrong before.
const FLOORS: [(&str, Version, &str); 2] = [
    ("hyper", Version::new(1, 12, 0), "older ones forward framing that peers read differently"),
    ("h2", Version::new(0, 4, 20), "older ones do not count known floods of frames"),
];

/// What the product binary is built of, with the features that its build switches on.
fn product_tree(root: &Path) -> Result<String, Error> {
    let manifest = root.join("Cargo.toml").to_string_lossy().into_owned();
    let of = ["--package", "seawall-cli", "--all-features", "--edges", "normal,build"];
    let form = ["--prefix", "none", "--format", "{p}\t{f}", "--manifest-path", &manifest];
    process::answer("cargo", &[&["tree"], &of[..], &form[..]].concat())
}

fn node(package: &Package, root: &str) -> Node {
    let manifest = package.manifest_path.as_str().strip_prefix(root);
    let product = package.dependencies.iter().filter(|one| one.kind != DependencyKind::Development);
    Node {
        name: package.name.to_string(),
        version: package.version.clone(),
        licence: package.license.clone(),
        features: Vec::new(),
        manifest: manifest
            .filter(|_| package.source.is_none())
            .map(|path| path.trim_start_matches(['/', '\\']).replace('\\', "/")),
        uses: product.map(|one| Use { name: one.name.clone(), optional: one.optional }).collect(),
    }
}
