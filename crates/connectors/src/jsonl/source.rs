//! The JSON Lines source: each line's text is passed on as it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use crossdock_core::capability::SourceCapabilities;
use crossdock_core::catalog::{Catalog, ConfiguredStream};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::session::Session;
use crossdock_core::source::{Source, SourceOpening, SourceReader};
use crossdock_core::spec::{Checked, Spec};
use encoding_rs::Encoding;
use serde_json::{Map, Value, json};

use super::source_config::SourceConfig;
use crate::describe;
use crate::file::fault::io;
use crate::file_source::input::{self, Input};
use crate::file_source::list::Found;
use crate::file_source::reader::{self, FileReader};
use crate::file_source::record::{Records, SourceFormat, Step, line};
use crate::file_source::setting::{encoding, patterns};

/// Longest line that is read, in bytes (P11).
const LONGEST: u64 = 256 << 20;

/// Reads JSON Lines files.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonlSource;

#[async_trait]
impl Source for JsonlSource {
    type Config = SourceConfig;

    async fn spec(&self, _: &Session) -> Result<Spec> {
        Ok(describe::source::<SourceConfig>(SourceCapabilities {
            incremental: true,
            bounded: true,
            drains: true,
        }))
    }

    async fn check(&self, config: SourceConfig, session: &Session) -> Result<Checked> {
        Ok(describe::checked(self.discover(config, session).await))
    }

    async fn discover(&self, config: SourceConfig, _: &Session) -> Result<Catalog> {
        let (format, patterns) = format(config)?;
        reader::discover(format, patterns).await
    }

    async fn open(
        &self,
        config: SourceConfig,
        opening: SourceOpening,
    ) -> Result<Box<dyn SourceReader>> {
        let bad_lines = config.bad_lines;
        let (format, patterns) = format(config)?;
        Ok(Box::new(FileReader::open(
            format, &patterns, bad_lines, opening,
        )?))
    }
}

/// The name and the files of each stream.
type Patterns = Vec<(String, String)>;

fn format(config: SourceConfig) -> Result<(Arc<dyn SourceFormat>, Patterns)> {
    let patterns = patterns(
        config.path.as_deref(),
        config.stream.as_deref(),
        &config.streams,
    )?;
    let encoding = encoding(config.encoding.as_deref())?;
    Ok((Arc::new(JsonLines { config, encoding }), patterns))
}

struct JsonLines {
    config: SourceConfig,
    encoding: Option<&'static Encoding>,
}

impl SourceFormat for JsonLines {
    fn infer(&self, files: &[Found]) -> Result<Value> {
        let mut kinds: BTreeMap<usize, (String, Seen)> = BTreeMap::new();
        let mut places: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
        let mut left = self.config.sample_records;
        for found in files {
            let mut lines = Lines::new(self.open(found, 0)?, found, 1);
            let mut text = Vec::new();
            while left > 0 {
                text.clear();
                match lines.next(&mut text)? {
                    Step::End => break,
                    // Whether a bad line matters is decided when it is read.
                    Step::Bad { .. } => {}
                    Step::Record => {
                        left -= 1;
                        let object: Map<String, Value> =
                            serde_json::from_slice(&text).unwrap_or_default();
                        for (name, value) in object {
                            let next = places.len();
                            let place = *places.entry(name.clone()).or_insert(next);
                            kinds
                                .entry(place)
                                .or_insert((name, Seen::default()))
                                .1
                                .see(&value);
                        }
                    }
                }
            }
            if left == 0 {
                break;
            }
        }
        let mut properties = Map::new();
        for (name, seen) in kinds.into_values() {
            properties.insert(name, seen.schema());
        }
        for (name, kind) in &self.config.types {
            properties.insert(name.clone(), kind.schema());
        }
        Ok(json!({"type": "object", "properties": properties}))
    }

    fn records(
        &self,
        _: &ConfiguredStream,
        found: &Found,
        (offset, line): (u64, u64),
    ) -> Result<Box<dyn Records>> {
        Ok(Box::new(Lines::new(self.open(found, offset)?, found, line)))
    }

    fn open(&self, found: &Found, offset: u64) -> Result<Input> {
        input::open(found, self.config.compression, self.encoding, offset)
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["jsonl", "ndjson", "json"]
    }
}

/// The JSON types that a field's values had.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    boolean: bool,
    integer: bool,
    number: bool,
    string: bool,
    array: bool,
    object: bool,
}

impl Seen {
    fn see(&mut self, value: &Value) {
        match value {
            Value::Null => {}
            Value::Bool(_) => self.boolean = true,
            Value::Number(number) if number.is_i64() => self.integer = true,
            Value::Number(_) => self.number = true,
            Value::String(_) => self.string = true,
            Value::Array(_) => self.array = true,
            Value::Object(_) => self.object = true,
        }
    }

    fn schema(self) -> Value {
        let mut types = vec!["null"];
        let all = [
            (self.boolean, "boolean"),
            (self.integer && !self.number, "integer"),
            (self.number, "number"),
            (self.string, "string"),
            (self.array, "array"),
            (self.object, "object"),
        ];
        types.extend(all.iter().filter(|(has, _)| *has).map(|(_, name)| *name));
        if types.len() == 1 {
            types.push("string");
        }
        json!({"type": types})
    }
}

/// The lines of one file.
struct Lines {
    input: Input,
    found: Found,
    line: u64,
    text: Vec<u8>,
}

impl Lines {
    fn new(input: Input, found: &Found, line: u64) -> Self {
        Self {
            input,
            found: found.clone(),
            line,
            text: Vec::new(),
        }
    }
}

impl Records for Lines {
    fn next(&mut self, out: &mut Vec<u8>) -> Result<Step> {
        loop {
            let read = line(&mut *self.input.text, LONGEST, &mut self.text)
                .map_err(io("read the file", &self.found.path))?;
            if read == 0 {
                return Ok(Step::End);
            }
            if read > LONGEST {
                return Err(
                    Error::new(&code::DATA_INVALID, "a line is longer than 256 MiB")
                        .with("path", &self.found.name)
                        .with("line", self.line)
                        .hint("make sure that the file holds one JSON object a line"),
                );
            }
            let number = self.line;
            self.input.offset += read;
            self.line += 1;
            let text = self.text.trim_ascii();
            if text.is_empty() {
                continue;
            }
            if let Err(reason) = object(text) {
                return Ok(Step::Bad {
                    line: number,
                    reason,
                });
            }
            out.extend_from_slice(text);
            return Ok(Step::Record);
        }
    }

    fn place(&self) -> (u64, u64) {
        (self.input.offset, self.line)
    }
}

/// Says why `text` is not one JSON object.
fn object(text: &[u8]) -> std::result::Result<(), String> {
    if std::str::from_utf8(text).is_err() {
        return Err(input::not_utf8("the line"));
    }
    if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(text) {
        return Err(format!("not JSON: {error}"));
    }
    if text.first() == Some(&b'{') {
        Ok(())
    } else {
        Err("the line is JSON, but not an object".to_owned())
    }
}
