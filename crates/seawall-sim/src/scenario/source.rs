//! The documents that a scenario is made of: its own, the config, and the policies of programs.
//! Their values can be replaced one by one before they are read.

use std::path::{Path, PathBuf};

use seawall_config::reader::{Document, Plain, read_bounded, read_text};
use seawall_config::{Config, ConfigError, PolicyFile};

/// The largest file that a scenario names: a record of some million latencies.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A document with its name in messages.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) document: Document,
    pub(super) file: String,
    folder: Option<PathBuf>,
}

/// All documents of a scenario.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    pub(super) own: Source,
    /// The config: a file, or a part of the scenario. What is wrong with the file, otherwise.
    pub(super) config: Option<Result<Source, String>>,
    /// The policies of programs, by name.
    policies: Vec<(String, Result<Source, String>)>,
}

impl Source {
    fn parse(text: &str, file: &str, folder: Option<&Path>) -> Result<Self, ConfigError> {
        let document = Document::parse(text, file)?;
        Ok(Self { document, file: file.to_owned(), folder: folder.map(Path::to_owned) })
    }

    /// The bytes of a file beside this one.
    pub(super) fn read_file(&self, name: &str) -> Result<Vec<u8>, String> {
        let folder = self.folder.as_ref().ok_or("there is no folder to look in")?;
        read_bounded(&folder.join(name), FILE_BYTES_MAX).map_err(|error| error.to_string())
    }

    /// A file beside this one, as a document. Outside is what is wrong with its contents, inside
    /// why there are none.
    pub(super) fn beside(&self, name: &str) -> Result<Result<Self, String>, ConfigError> {
        let bytes = match self.read_file(name) {
            Ok(bytes) => bytes,
            Err(why) => return Ok(Err(why)),
        };
        let Ok(text) = String::from_utf8(bytes) else {
            return Ok(Err("it is no text in UTF-8".to_owned()));
        };
        let folder = self.folder.as_ref().map(|folder| folder.join(name));
        let file = folder.as_ref().map_or_else(|| name.to_owned(), |p| p.display().to_string());
        let folder = folder.as_deref().and_then(Path::parent);
        Self::parse(&text, &file, folder).map(Ok)
    }

    /// The part of the document at a path, with the name and folder of the whole.
    fn part(&self, path: &[&str]) -> Option<Self> {
        Some(Self { document: self.document.part(path)?, ..self.clone() })
    }

    /// Reads it as a config.
    pub(super) fn config(&self) -> Result<Config, ConfigError> {
        Config::of_document(&self.document, &self.file, &|name: &str| self.read_file(name))
    }
}

impl Sources {
    pub(super) fn parse(
        text: &str,
        file: &str,
        folder: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let own = Source::parse(text, file, folder)?;
        let config = match own.document.text(&["scenario", "config"]) {
            Some(name) => Some(own.beside(name)?),
            None => own.part(&["config"]).map(Ok),
        };
        let mut policies = Vec::new();
        for name in own.document.keys("policies") {
            let path = ["policies", &name, "config"];
            let source = match own.document.text(&path) {
                Some(file) => own.beside(file)?,
                None => own.part(&path).ok_or_else(String::new),
            };
            policies.push((name, source));
        }
        Ok(Self { own, config, policies })
    }

    /// Takes another config in place of the scenario's.
    pub(super) fn take_config(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = read_text(path)?;
        let source = Source::parse(&text, &path.display().to_string(), path.parent())?;
        self.config = Some(Ok(source));
        Ok(())
    }

    /// The policy of a program; what is wrong with its file otherwise.
    pub(super) fn policy(&self, name: &str) -> Option<Result<PolicyFile, PolicyError>> {
        let (_, source) = self.policies.iter().find(|(known, _)| known == name)?;
        Some(match source {
            Err(why) => Err(PolicyError::Missing(why.clone())),
            Ok(source) => {
                PolicyFile::of_document(&source.document, &source.file).map_err(PolicyError::Wrong)
            }
        })
    }

    /// Replaces a value by its path: `config.…` and `policies.NAME.config.…` lead into those
    /// documents, and everything else into the scenario.
    pub(super) fn set(&mut self, path: &str, value: &Plain) -> Result<(), String> {
        if let Some(within) = path.strip_prefix("config.") {
            return match &mut self.config {
                Some(Ok(source)) => source.document.set(within, value),
                Some(Err(_)) => Ok(()),
                None => Err("the scenario has no config".to_owned()),
            };
        }
        for (name, source) in &mut self.policies {
            let prefix = format!("policies.{name}.config.");
            if let (Some(within), Ok(source)) = (path.strip_prefix(&prefix), source) {
                return source.document.set(within, value);
            }
        }
        self.own.document.set(path, value)
    }
}

/// Why there is no policy.
#[derive(Debug)]
pub(super) enum PolicyError {
    /// Its file cannot be read, for this reason.
    Missing(String),
    /// It was read and is wrong.
    Wrong(ConfigError),
}
