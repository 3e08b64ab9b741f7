//! Settings of the sample source.

use std::collections::HashSet;
use std::fmt;

use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use schemars::JsonSchema;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

/// Makes up records, the same ones every time.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Sample data")]
pub struct Config {
    /// Another seed makes other records.
    #[serde(default)]
    pub seed: u64,
    /// Records in each stream.
    #[serde(default = "count")]
    pub count: u64,
    /// How many streams, or their names.
    #[serde(default)]
    pub streams: Streams,
    /// Columns of each stream; beyond thirteen, the same kinds come again.
    #[serde(default = "columns")]
    #[schemars(range(min = 1, max = 1000))]
    pub columns: usize,
    /// Records per second over all streams; 0: as fast as they can be taken.
    #[serde(default)]
    pub rate: u64,
    /// Records in a batch.
    #[serde(default = "batch_records")]
    #[schemars(range(min = 1))]
    pub batch_records: u64,
    /// Records between two checkpoints of a stream.
    #[serde(default = "checkpoint_every")]
    #[schemars(range(min = 1))]
    pub checkpoint_every: u64,
    /// Whether streams have checkpoints at all.
    #[serde(default = "yes")]
    pub checkpoints: bool,
    /// How batches are made: `rows` of JSON text, or typed `columns`.
    #[serde(default)]
    pub shape: Shape,
    /// Break on purpose.
    #[serde(default)]
    pub fail_after: Option<FailAfter>,
}

fn count() -> u64 {
    1000
}

fn columns() -> usize {
    13
}

fn batch_records() -> u64 {
    1000
}

fn checkpoint_every() -> u64 {
    10_000
}

fn yes() -> bool {
    true
}

/// How batches are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// JSON text.
    #[default]
    Rows,
    /// Arrow columns.
    Columns,
}

/// A way to break.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailAfter {
    /// After so many records of this read, over all streams.
    pub records: u64,
    /// `error`: the read fails. `incomplete_stream`: the stream fails, the others go on. `hang`:
    /// silence.
    #[serde(default)]
    pub how: Failure,
}

/// How to break.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The read fails.
    #[default]
    Error,
    /// The stream fails, the others go on.
    IncompleteStream,
    /// Nothing more comes, until the read is stopped.
    Hang,
}

/// How many streams, or their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Streams {
    /// So many, called `sample`, or `sample_1`, `sample_2` …
    Count(u32),
    /// These.
    Names(Vec<String>),
}

impl Default for Streams {
    fn default() -> Self {
        Self::Count(1)
    }
}

/// By hand, since the derived way cannot say what is wrong.
impl<'de> Deserialize<'de> for Streams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Streams;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of streams or a list of their names")
            }

            fn visit_u64<E: serde::de::Error>(self, n: u64) -> Result<Streams, E> {
                u32::try_from(n)
                    .map(Streams::Count)
                    .map_err(|_| E::custom("too many streams"))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Streams, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = items.next_element()? {
                    names.push(name);
                }
                Ok(Streams::Names(names))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl Config {
    /// The streams' names, or why the configuration makes no sense.
    pub(crate) fn names(&self) -> Result<Vec<String>> {
        let invalid = |says: &str| Err(Error::new(&code::CONFIG_INVALID, says));
        for (name, value) in [
            ("columns", self.columns as u64),
            ("batch_records", self.batch_records),
            ("checkpoint_every", self.checkpoint_every),
        ] {
            if value == 0 {
                return invalid(&format!("`{name}` must be at least 1"));
            }
        }
        if self.columns > 1000 {
            return invalid("`columns` must be at most 1000");
        }
        let names = match &self.streams {
            Streams::Count(1) => vec!["sample".to_owned()],
            Streams::Count(n) => (1..=*n).map(|at| format!("sample_{at}")).collect(),
            Streams::Names(names) => names.clone(),
        };
        if names.is_empty() {
            return invalid("`streams` must name at least one stream");
        }
        let mut seen = HashSet::new();
        if let Some(twice) = names.iter().find(|name| !seen.insert(*name)) {
            return invalid(&format!("`streams` names `{twice}` twice"));
        }
        Ok(names)
    }
}
