//! Where the quickstart keeps things, and the file it writes.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crossdock_core::{Error, code};

use super::shown;
use crate::args::QuickstartSource;

/// Paths in the quickstart's folder.
#[derive(Debug)]
pub(super) struct Layout {
    /// The pipeline file; one for each source.
    pub(super) file: PathBuf,
    /// The folder of the data.
    pub(super) data: PathBuf,
    /// The state.
    pub(super) store: PathBuf,
    template: &'static str,
}

impl Layout {
    pub(super) fn new(dir: &Path, source: QuickstartSource) -> Self {
        let (file, data, template) = match source {
            QuickstartSource::Faker => ("pipeline.yaml", "data", include_str!("faker.yaml")),
            QuickstartSource::Sample => (
                "pipeline-sample.yaml",
                "data-sample",
                include_str!("sample.yaml"),
            ),
        };
        Self {
            file: dir.join(file),
            data: dir.join(data),
            store: dir.join("state.db"),
            template,
        }
    }

    /// Writes the pipeline file, unless it is there: by then it is the user's. Tells whether it
    /// was written.
    pub(super) fn write(&self) -> Result<bool, Error> {
        let failed = |cause: io::Error| {
            Error::new(&code::IO, "the pipeline file cannot be written")
                .with("file", shown(&self.file))
                .caused_by(cause)
        };
        if let Some(dir) = self.file.parent() {
            fs::create_dir_all(dir).map_err(failed)?;
        }
        // A half-written file would be taken for the user's own, so it appears whole.
        let draft = self.file.with_extension("yaml.new");
        if self.file.exists() {
            return Ok(false);
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&draft)
            .map_err(failed)?;
        file.write_all(self.text().as_bytes()).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        fs::rename(&draft, &self.file).map_err(failed)?;
        Ok(true)
    }

    fn text(&self) -> String {
        self.template
            .replace("@STORE@", &quoted(&self.store))
            .replace("@DATA@", &quoted(&self.data))
    }
}

/// A path as a YAML string. Plain where nothing in it means something to YAML or to us.
fn quoted(path: &Path) -> String {
    let text = shown(path);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    if text.chars().all(plain) && text.starts_with(['.', '/']) {
        return text;
    }
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_written_once_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        for source in [QuickstartSource::Faker, QuickstartSource::Sample] {
            let odd = dir.path().join("odd: #dir \\\"");
            let layout = Layout::new(&odd, source);
            assert!(layout.write().unwrap());
            let plan = crossdock_config::load(&layout.file, &crossdock_config::ProcessEnvironment);
            let plan = plan.unwrap();
            let path = plan.pipelines[0].destinations[0].config["path"].as_str();
            assert_eq!(path, Some(&*shown(&layout.data)));
            fs::write(&layout.file, "mine").unwrap();
            assert!(!layout.write().unwrap());
            assert_eq!(fs::read_to_string(&layout.file).unwrap(), "mine");
        }
    }
}
