//! One run of Crossdock from the source peer to some destination, in a folder of its own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bench::meter::{self, Use};
use crate::bench::program::Programs;
use crate::peer::setting::Setting;
use crate::peer::sink::Count;

/// A folder with all that one run needs, gone when this is dropped.
pub(crate) struct Pipeline {
    folder: TempDir,
    setting: Setting,
}

impl Pipeline {
    /// Makes a fresh folder, so that no run finds the state of an earlier one.
    pub(crate) fn fresh(setting: &Setting) -> Result<Self> {
        Ok(Pipeline {
            folder: tempfile::tempdir().context("no temporary folder")?,
            setting: setting.clone(),
        })
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The configuration of a peer; the sink reports what it counted.
    pub(crate) fn peer_config(&self) -> Value {
        json!({
            "records": self.setting.records,
            "line_bytes": self.setting.line_bytes,
            "state_every": self.setting.state_every,
            "shape": self.setting.shape.word(),
            "streams": self.setting.streams,
            "report": self.path("report.json"),
        })
    }

    /// Writes the pipeline file, from the source peer to the destination.
    pub(crate) fn file(&self, programs: &Programs, destination: &Value) -> Result<PathBuf> {
        let source = json!({"connector": exec(&programs.source), "config": self.peer_config()});
        self.file_between(&source, destination, &json!({}))
    }

    fn file_between(
        &self,
        source: &Value,
        destination: &Value,
        settings: &Value,
    ) -> Result<PathBuf> {
        let file = json!({
            "version": 1,
            "settings": {
                "store": self.path("state.db"),
                // A benchmark that has to try twice has failed.
                "retries": {"complete_failures": 1, "partial_failures": 1},
            },
            "pipelines": [{
                "id": "bench",
                "source": source,
                "destination": destination,
                "settings": settings,
            }],
        });
        let path = self.path("pipeline.yaml");
        fs::write(&path, format!("{file:#}"))?;
        Ok(path)
    }

    /// Runs `crossdock run` from the source peer to the destination, and says what Crossdock itself took.
    pub(crate) fn run(&self, programs: &Programs, destination: &Value) -> Result<Use> {
        let path = self.file(programs, destination)?;
        self.run_file(programs, &path)
    }

    /// The same from another source.
    pub(crate) fn run_between(
        &self,
        programs: &Programs,
        source: &Value,
        destination: &Value,
    ) -> Result<Use> {
        self.run_with(programs, source, destination, &json!({}))
    }

    /// The same with settings of the pipeline.
    pub(crate) fn run_with(
        &self,
        programs: &Programs,
        source: &Value,
        destination: &Value,
        settings: &Value,
    ) -> Result<Use> {
        let path = self.file_between(source, destination, settings)?;
        self.run_file(programs, &path)
    }

    fn run_file(&self, programs: &Programs, path: &Path) -> Result<Use> {
        let log = self.path("log");
        let output = File::create(&log)?;
        let mut command = Command::new(&programs.crossdock);
        command.current_dir(self.folder.path()).arg("run").arg(path);
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let begin = Instant::now();
        let child = command.spawn().context("cannot start crossdock")?;
        match meter::wait(begin, vec![child]) {
            Ok(uses) => uses.first().copied().context("nothing was measured"),
            Err(error) => Err(error.context(format!("crossdock run: {}", end(&log)))),
        }
    }

    /// Runs Crossdock into the sink peer and makes sure that every record came through.
    pub(crate) fn run_to_sink(&self, programs: &Programs) -> Result<(Use, Count)> {
        let destination = json!({"connector": exec(&programs.sink), "config": self.peer_config()});
        let used = self.run(programs, &destination)?;
        Ok((used, self.counted()?))
    }

    /// What the sink reported, which must be every record.
    pub(crate) fn counted(&self) -> Result<Count> {
        let count = Count::load(&self.path("report.json"))?;
        if count.records != self.setting.records {
            bail!(
                "{} records were sent, {} came",
                self.setting.records,
                count.records
            );
        }
        Ok(count)
    }
}

/// The reference of a local program that speaks Airbyte. Quotes keep a path with spaces together.
pub(crate) fn exec(program: &Path) -> String {
    let path = program.display().to_string();
    if path.contains(' ') {
        format!("airbyte:exec:\"{path}\"")
    } else {
        format!("airbyte:exec:{path}")
    }
}

fn end(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
