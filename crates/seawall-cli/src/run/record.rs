//! The record of `seawall run`: where it goes and how large it may become.

use std::path::PathBuf;

use clap::Args;

use seawall_config::units::parse_size;
use seawall_gateway::{GatewayError, RecordFile};

/// A file, and its bound.
#[derive(Debug, Args)]
pub(super) struct RecordArgs {
    /// Write every call into this new file, for a later replay; traffic never waits for it
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    /// Where the record ends; traffic goes on. A call takes some 150 bytes
    #[arg(
        long,
        value_name = "SIZE",
        default_value = "1GiB",
        requires = "record",
        value_parser = parse_size
    )]
    record_max_bytes: u64,
}

impl RecordArgs {
    /// Makes the file, where a record is wanted.
    pub(super) fn create(&self) -> Result<Option<RecordFile>, GatewayError> {
        let create = |path: &PathBuf| RecordFile::create(path, self.record_max_bytes);
        self.record.as_ref().map(create).transpose()
    }
}
