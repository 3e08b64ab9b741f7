//! A configuration that a connector replaced, kept in a file beside the user's own.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use serde_json::Value;

/// Where the new configuration of the one in `file` is kept.
pub(crate) fn path(file: &str) -> Option<PathBuf> {
    let path = Path::new(file);
    path.is_file().then(|| path.with_extension("replaced.json"))
}

/// Writes `config` to `path`, readable by the user alone (P10): the old content or the new, never
/// half of it.
pub(crate) fn write(path: &Path, config: &Value) -> Result<()> {
    let new = path.with_extension("new");
    let write = || {
        let _ = fs::remove_file(&new);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(config.to_string().as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    write().map_err(|cause| {
        Error::new(
            &code::IO,
            "the connector's new configuration could not be written",
        )
        .with("path", path.display())
        .caused_by(cause)
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use serde_json::json;

    #[test]
    fn the_file_is_private_and_replaced_whole() {
        let dir = std::env::temp_dir().join(format!("crossdock-beside-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let file = dir.join("config.yaml");
        assert_eq!(path(file.to_str().unwrap()), None);
        fs::write(&file, "a: 1").unwrap();
        let beside = path(file.to_str().unwrap()).unwrap();
        for n in 0..2 {
            write(&beside, &json!({"n": n})).unwrap();
            assert_eq!(
                fs::read_to_string(&beside).unwrap(),
                format!("{{\"n\":{n}}}")
            );
        }
        let mode = fs::metadata(&beside).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        fs::remove_dir_all(dir).unwrap();
    }
}
