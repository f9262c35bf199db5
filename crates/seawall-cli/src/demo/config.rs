//! The gateway's config file in the demo: the one that ships as `examples/shop.toml`, with the
//! addresses that the system chose in place of the fixed ones. Nothing else is changed, so what
//! the demo shows is what the example does.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::shop::Kind;
use super::trouble::Trouble;

/// The shipped example.
pub(super) const SHOP: &str = include_str!("../../../../examples/shop.toml");
/// The address of the example's listener.
pub(super) const WEB: &str = "127.0.0.1:8080";
/// The address of the example's admin side, which the demo keeps if it is free.
pub(super) const ADMIN: &str = "127.0.0.1:9900";

/// The address that the example gives to the replica of `kind` at `place`.
pub(super) fn shipped_address(kind: Kind, place: usize) -> String {
    let tens = match kind {
        Kind::Payments => 900,
        Kind::Inventory => 901,
        Kind::Search => 902,
        Kind::Recommendations => 903,
        Kind::Storefront => 904,
    };
    format!("127.0.0.1:{tens}{}", place + 1)
}

/// `template` with every quoted address that is a key of `real` replaced by its value. One pass
/// over the quoted strings: a real address that equals a shipped one is not replaced again.
pub(super) fn with_addresses(template: &str, real: &BTreeMap<String, SocketAddr>) -> String {
    let pieces = template
        .split('"')
        .map(|piece| real.get(piece).map_or_else(|| piece.to_owned(), SocketAddr::to_string));
    pieces.collect::<Vec<_>>().join("\"")
}

/// Names tried for the folder.
const FOLDER_TRIES: u32 = 16;

/// A private folder for the demo's files, removed when dropped.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: PathBuf,
}

impl Scratch {
    /// A new folder that only this user can read.
    pub(super) fn new() -> Result<Self, Trouble> {
        let name = format!("seawall-demo-{}", std::process::id());
        // A demo that was killed with kill -9 leaves its folder, and process ids come again.
        for attempt in 0..FOLDER_TRIES {
            let folder = std::env::temp_dir().join(format!("{name}-{attempt}"));
            match DirBuilder::new().mode(0o700).create(&folder) {
                Ok(()) => return Ok(Self { folder }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(Trouble::system(format!("make {}", folder.display()))(error));
                }
            }
        }
        let taken = io::Error::from(io::ErrorKind::AlreadyExists);
        Err(Trouble::system(format!("make {name} in the folder for temporary files"))(taken))
    }

    /// A new file in the folder.
    pub(super) fn file(&self, name: &str) -> Result<(PathBuf, File), Trouble> {
        let path = self.folder.join(name);
        let doing = format!("write {}", path.display());
        let file = File::create_new(&path).map_err(Trouble::system(doing))?;
        Ok((path, file))
    }

    /// A new file with `text` in the folder.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf, Trouble> {
        let (path, mut file) = self.file(name)?;
        let doing = format!("write {}", path.display());
        file.write_all(text.as_bytes()).map_err(Trouble::system(doing))?;
        Ok(path)
    }

    /// The last lines of a file, for an error message; empty if there is none.
    pub(super) fn tail(path: &Path, lines: usize) -> String {
        let text = fs::read(path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let all: Vec<&str> = text.lines().collect();
        all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is left to the system's own cleaning of its temporary folder.
        fs::remove_dir_all(&self.folder).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seawall_config::Config;

    fn assert_valid(text: &str) {
        if let Err(mistakes) = Config::parse(text, "examples/shop.toml") {
            panic!("{mistakes}");
        }
    }

    fn every_address() -> Vec<String> {
        let replicas = Kind::BACKENDS
            .into_iter()
            .chain([Kind::Storefront])
            .flat_map(|kind| (0..kind.replicas()).map(move |place| shipped_address(kind, place)));
        replicas.chain([WEB.to_owned(), ADMIN.to_owned()]).collect()
    }

    #[test]
    fn the_shipped_example_names_each_address_exactly_once() {
        for address in every_address() {
            let quoted = format!("\"{address}\"");
            assert_eq!(SHOP.matches(&quoted).count(), 1, "{quoted}");
        }
        assert_eq!(SHOP.matches("\"127.0.0.1:").count(), every_address().len());
    }

    #[test]
    fn every_address_is_replaced_and_nothing_else() {
        let real: BTreeMap<String, SocketAddr> = (40_001_u16..)
            .zip(every_address())
            .map(|(port, address)| (address, SocketAddr::from(([127, 0, 0, 1], port))))
            .collect();
        let text = with_addresses(SHOP, &real);
        for (shipped, real) in &real {
            assert!(!text.contains(&format!("\"{shipped}\"")), "{shipped} is still there");
            assert!(text.contains(&format!("\"{real}\"")), "{real} is missing");
        }
        assert_eq!(text.lines().count(), SHOP.lines().count());
        let kept = |text: &str| text.split('"').filter(|p| !p.starts_with("127.")).count();
        assert_eq!(kept(&text), kept(SHOP));
        assert_valid(&text);
    }

    #[test]
    fn the_shipped_example_is_a_valid_config() {
        assert_valid(SHOP);
    }

    #[test]
    fn the_demo_runs_a_config_that_the_check_finds_nothing_in() {
        let config = Config::parse(SHOP, "examples/shop.toml").unwrap();
        let report = seawall_config::lint::lint(&config, &config.assume);
        assert_eq!(report.findings, Vec::new());
    }

    #[test]
    fn folders_of_one_process_do_not_collide() {
        let [one, other] = [Scratch::new().unwrap(), Scratch::new().unwrap()];
        assert_ne!(one.folder, other.folder);
    }

    #[test]
    fn a_real_address_that_equals_a_shipped_one_is_not_replaced_again() {
        let swap = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let real = BTreeMap::from([
            ("127.0.0.1:9001".to_owned(), swap(9002)),
            ("127.0.0.1:9002".to_owned(), swap(9001)),
        ]);
        let text = with_addresses("e = [\"127.0.0.1:9001\", \"127.0.0.1:9002\"]", &real);
        assert_eq!(text, "e = [\"127.0.0.1:9002\", \"127.0.0.1:9001\"]");
    }

    #[test]
    fn the_tail_of_a_file_is_its_last_lines() {
        let scratch = Scratch::new().unwrap();
        let path = scratch.write("log", "one\ntwo\nthree\n").unwrap();
        assert_eq!(Scratch::tail(&path, 2), "two\nthree");
        assert_eq!(Scratch::tail(&path, 9), "one\ntwo\nthree");
        let folder = scratch.folder.clone();
        drop(scratch);
        assert!(!folder.exists());
        assert_eq!(Scratch::tail(&path, 9), "");
    }
}
