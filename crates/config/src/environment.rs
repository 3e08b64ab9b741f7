//! What lies outside a pipeline file and is asked for while it is read: variables and files.
//! Behind a trait, so that a test decides what they hold.

use std::env::VarError;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The surroundings of a pipeline file.
pub trait Environment {
    /// The value of an environment variable.
    fn variable(&self, name: &str) -> Result<String, VarError>;

    /// The text of a file of at most `limit` bytes. A longer file is an error, and so is one that
    /// is not UTF-8.
    fn read(&self, path: &Path, limit: usize) -> io::Result<String>;
}

/// The environment of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn variable(&self, name: &str) -> Result<String, VarError> {
        std::env::var(name)
    }

    fn read(&self, path: &Path, limit: usize) -> io::Result<String> {
        // Reading stops at the limit whatever the file says of its own length (P11): devices and
        // pipes say nothing true.
        let mut bytes = Vec::new();
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        File::open(path)?.take(most).read_to_end(&mut bytes)?;
        if bytes.len() > limit {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("it is longer than {limit} bytes"),
            ));
        }
        String::from_utf8(bytes)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
    }
}
