//! The one place of this crate that touches the disk: the config file and the files of rungs.

use crate::config::Config;
use crate::mistake::ConfigError;
use crate::policy_file::PolicyFile;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The largest config file. Real ones have kilobytes; beyond this a wrong file was named.
const CONFIG_BYTES_MAX: u64 = 4 << 20;

/// The largest file of a rung. Its contents stay in memory for as long as the config does.
const RUNG_BYTES_MAX: u64 = 1 << 20;

impl Config {
    /// Reads the config file at `path`, and the files of rungs relative to its folder.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`] if the file cannot be read, is no UTF-8 or is above 4 MiB;
    /// [`ConfigError::Mistakes`] with everything that is wrong in it.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = read_text(path)?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        let read_rung = |file: &str| {
            read_bounded(&folder.join(file), RUNG_BYTES_MAX).map_err(|error| error.to_string())
        };
        Self::parse_with(&text, &path.display().to_string(), &read_rung)
    }
}

impl PolicyFile {
    /// Reads the policy file at `path`.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`] if the file cannot be read, is no UTF-8 or is above 4 MiB;
    /// [`ConfigError::Mistakes`] with everything that is wrong in it.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::parse(&read_text(path)?, &path.display().to_string())
    }
}

/// The text of a file of at most 4 MiB.
///
/// # Errors
/// [`ConfigError::Unreadable`] if there is no such file, or it is too large or no UTF-8.
pub fn read_text(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    let bytes = read_bounded(path, CONFIG_BYTES_MAX).map_err(unreadable)?;
    String::from_utf8(bytes)
        .map_err(|error| unreadable(io::Error::new(io::ErrorKind::InvalidData, error)))
}

/// The contents of a regular file of at most `most` bytes. Pipes and devices are refused: they
/// can be endless or never answer.
///
/// # Errors
/// What the operating system said, or that the file is no regular one or too large.
pub fn read_bounded(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let refuse = |why: String| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    if !std::fs::metadata(path)?.is_file() {
        return refuse("it is not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    // One byte more than allowed, so that a file which grew after a look at its size is noticed.
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > most) {
        return refuse(format!("it is above {most} bytes"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTED: &str = "[upstreams.a]\nendpoints = [\"127.0.0.1:1\"]\n\
                          [defaults]\nfallback = [{ file = \"best.json\" }]\n";

    #[test]
    fn a_rung_is_read_relative_to_the_config_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.toml");
        std::fs::write(&path, ROUTED).unwrap();
        std::fs::write(folder.path().join("best.json"), "[1]").unwrap();
        let config = Config::load(&path).unwrap();
        let rung = &config.routes[0].policy.fallback[0];
        assert_eq!(&rung.body[..], b"[1]");
        assert_eq!(rung.content_type, "application/json");
        assert_eq!(rung.status, 200);
    }

    #[test]
    fn a_missing_or_huge_rung_is_a_mistake_at_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.toml");
        std::fs::write(&path, ROUTED).unwrap();
        let missing = Config::load(&path).unwrap_err().to_string();
        assert!(
            missing.contains("shop.toml:4:22: cannot read the rung \"best.json\""),
            "{missing}"
        );
        let huge = vec![b'x'; usize::try_from(RUNG_BYTES_MAX).unwrap() + 1];
        std::fs::write(folder.path().join("best.json"), huge).unwrap();
        let huge = Config::load(&path).unwrap_err().to_string();
        assert!(huge.contains("it is above 1048576 bytes"), "{huge}");
    }

    #[test]
    fn a_policy_file_is_read_from_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orders.toml");
        std::fs::write(&path, "name = \"orders\"\n").unwrap();
        let policy = PolicyFile::load(&path).unwrap();
        assert_eq!(policy.settings().name.as_deref(), Some("orders"));
        assert!(policy.file().ends_with("orders.toml"));
        let missing = PolicyFile::load(&folder.path().join("no.toml")).unwrap_err();
        assert!(matches!(missing, ConfigError::Unreadable { .. }));
    }

    #[test]
    fn an_unreadable_file_says_which_and_why() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Config::load(&folder.path().join("no.toml")).unwrap_err();
        assert!(matches!(missing, ConfigError::Unreadable { .. }));
        assert!(missing.to_string().contains("no.toml"));
        let not_a_file = Config::load(folder.path()).unwrap_err();
        assert!(not_a_file.to_string().contains("not a regular file"));
        let binary = folder.path().join("binary.toml");
        std::fs::write(&binary, [0xff, 0xfe]).unwrap();
        assert!(Config::load(&binary).unwrap_err().to_string().contains("utf-8"));
    }
}
