//! What a peer is told: how many records, how long, of which shape. From the config file, flags winning.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::peer::request::Request;

/// What the `data` of a record looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A few scalar fields and one text that fills the line.
    Flat,
    /// As flat, with an object and an array of objects inside.
    Nested,
    /// Twenty typed columns; the line is as long as they are.
    Columns,
}

impl Shape {
    /// The word for it in a config file.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Shape::Flat => "flat",
            Shape::Nested => "nested",
            Shape::Columns => "columns",
        }
    }

    pub(crate) fn of(word: &str) -> Result<Self> {
        match word {
            "flat" => Ok(Shape::Flat),
            "nested" => Ok(Shape::Nested),
            "columns" => Ok(Shape::Columns),
            _ => bail!("`shape` is `flat`, `nested` or `columns`, not `{word}`"),
        }
    }
}

/// The settings of a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    /// How many records a read gives.
    pub(crate) records: u64,
    /// How long a line is, in bytes, its line feed included.
    pub(crate) line_bytes: usize,
    /// How many records lie between two states.
    pub(crate) state_every: u64,
    /// What the records look like.
    pub(crate) shape: Shape,
    /// How many streams there are. With more than one, the records are short and of a shape of their own.
    pub(crate) streams: u64,
    /// Where the sink writes what it counted, as JSON.
    pub(crate) report: Option<PathBuf>,
}

impl Default for Setting {
    fn default() -> Self {
        Setting {
            records: 1_000_000,
            line_bytes: 500,
            state_every: 10_000,
            shape: Shape::Flat,
            streams: 1,
            report: None,
        }
    }
}

/// The JSON Schema of the config, for `spec`.
pub(crate) fn schema() -> Value {
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "additionalProperties": true,
        "properties": {
            "records": {"type": "integer", "minimum": 0},
            "line_bytes": {"type": "integer", "minimum": 1},
            "state_every": {"type": "integer", "minimum": 1},
            "shape": {"type": "string", "enum": ["flat", "nested", "columns"]},
            "streams": {"type": "integer", "minimum": 1},
            "report": {"type": "string"},
        },
    })
}

impl Setting {
    /// Reads the config file that the request names, then its flags.
    pub(crate) fn of(request: &Request) -> Result<Self> {
        let mut setting = Setting::default();
        if let Some(path) = &request.config {
            let config = read_json(path)?;
            let fields = config.as_object().context("the config is not an object")?;
            for (name, value) in fields {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                setting.set(name, &text)?;
            }
        }
        for (name, value) in &request.settings {
            setting.set(name, value)?;
        }
        if setting.state_every == 0 {
            bail!("`state_every` is at least 1");
        }
        if setting.streams == 0 {
            bail!("`streams` is at least 1");
        }
        Ok(setting)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let number = || {
            value
                .parse::<u64>()
                .with_context(|| format!("`{name}` is a whole number, not `{value}`"))
        };
        match name {
            "records" => self.records = number()?,
            "line_bytes" => self.line_bytes = usize::try_from(number()?)?,
            "state_every" => self.state_every = number()?,
            "shape" => self.shape = Shape::of(value)?,
            "streams" => self.streams = number()?,
            "report" => self.report = Some(value.into()),
            _ => bail!("there is no setting `{name}`"),
        }
        Ok(())
    }
}

/// Reads a file of JSON.
pub(crate) fn read_json(path: &Path) -> Result<Value> {
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is not JSON", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::request;

    fn of(config: &str, flags: &str) -> Result<Setting> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("config.json");
        std::fs::write(&path, config)?;
        let line = format!("read --config {} {flags}", path.display());
        Setting::of(&request::parse(line.split_whitespace().map(str::to_owned))?)
    }

    #[test]
    fn flags_win_over_the_config() {
        let setting = of(r#"{"records": 7, "shape": "nested"}"#, "--records 9").unwrap();
        assert_eq!(
            setting,
            Setting {
                records: 9,
                shape: Shape::Nested,
                ..Setting::default()
            }
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (config, flags, part) in [
            ("[]", "", "not an object"),
            ("{", "", "not JSON"),
            (r#"{"records": "many"}"#, "", "whole number"),
            (r#"{"shape": "round"}"#, "", "not `round`"),
            ("{}", "--state-every 0", "at least 1"),
            ("{}", "--streams 0", "at least 1"),
            ("{}", "--colour blue", "no setting `colour`"),
        ] {
            let error = format!("{:#}", of(config, flags).unwrap_err());
            assert!(error.contains(part), "{config} {flags}: {error}");
        }
    }
}
