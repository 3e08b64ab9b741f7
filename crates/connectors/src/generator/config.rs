//! Settings of the generator: Conduit's names.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Makes up records that differ every time.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(title = "Generator")]
pub struct Config {
    /// How many records to make; 0: without an end.
    #[serde(default)]
    pub record_count: u64,
    /// Records per second; 0: as fast as they can be taken.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub rate: f64,
    /// Instead of `rate`: the time that a record takes, e.g. `100ms`.
    #[serde(default)]
    pub read_time: String,
    /// Bursts, with nothing in between.
    #[serde(default)]
    pub burst: Burst,
    /// Which operations the records of the nameless collection have, separated by commas.
    #[serde(default = "create")]
    pub operations: String,
    /// What the records of the nameless collection are.
    #[serde(default)]
    pub format: Option<Format>,
    /// Collections by name.
    #[serde(default)]
    pub collections: BTreeMap<String, Collection>,
}

/// Bursts.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Burst {
    /// The time between two bursts; none: no bursts.
    #[serde(default)]
    pub sleep_time: String,
    /// How long a burst is.
    #[serde(default = "second")]
    pub generate_time: String,
}

impl Default for Burst {
    fn default() -> Self {
        Self {
            sleep_time: String::new(),
            generate_time: second(),
        }
    }
}

/// A collection.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Collection {
    /// Which operations its records have, separated by commas: `create`, `update`, `delete`, `snapshot`.
    #[serde(default = "create")]
    pub operations: String,
    /// What they are.
    pub format: Format,
}

/// What records are.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Format {
    /// The form.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// For `raw` and `structured`: fields and their types, each one of `int`, `string`, `time`, `bool`,
    /// `duration`. For `file`: the file, as `path`.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

/// The form of payloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The JSON text of an object.
    Raw,
    /// An object.
    Structured,
    /// The contents of a file.
    File,
}

fn create() -> String {
    "create".to_owned()
}

fn second() -> String {
    "1s".to_owned()
}

/// A duration as Go writes it: `1h2m3.5s`, `100ms`. The error says what is wrong.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no duration, such as `100ms` or `1m30s`");
    let mut rest = text.trim();
    let mut seconds = 0.0;
    if matches!(rest, "" | "0") {
        return Ok(Duration::ZERO);
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .ok_or_else(wrong)?;
        let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let end = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(wrong()),
        };
        seconds += number * unit;
        rest = &rest[end..];
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_in_go() {
        let check = |text: &str, expected: Option<u64>| {
            let found = duration(text).ok().map(|d| d.as_millis());
            assert_eq!(found, expected.map(u128::from), "{text}");
        };
        check("", Some(0));
        check("100ms", Some(100));
        check("1m30s", Some(90_000));
        check("1.5s", Some(1500));
        check("1h", Some(3_600_000));
        for broken in ["5", "x", "1x", "s", "-1s"] {
            check(broken, None);
        }
    }
}
