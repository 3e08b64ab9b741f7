//! The JSON Lines source: each line's text is passed on as it is.

use std::io::{BufRead as _, Read as _};
use std::sync::Arc;

use crossdock_core::catalog::ConfiguredStream;
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::inference::Members;
use encoding_rs::Encoding;
use serde_json::{Map, Value, json};

use super::source_config::SourceConfig;
use crate::file::fault::io;
use crate::file_source::input::{self, Input};
use crate::file_source::list::Found;
use crate::file_source::record::{Records, SourceFormat, Step};
use crate::file_source::setting::{BadLines, Patterns, encoding, patterns};
use crate::file_source::source::{FileSource, FileSourceConfig};

/// Longest line that is read, in bytes (P11).
const LONGEST: u64 = 256 << 20;

/// Reads JSON Lines files.
pub type JsonlSource = FileSource<SourceConfig>;

impl FileSourceConfig for SourceConfig {
    fn patterns(&self) -> Result<Patterns> {
        patterns(self.path.as_deref(), self.stream.as_deref(), &self.streams)
    }

    fn bad_lines(&self) -> BadLines {
        self.bad_lines
    }

    fn cursor(&self) -> Option<String> {
        self.cursor.clone()
    }

    fn hive_partitions(&self) -> bool {
        self.hive_partitions
    }

    fn format(self) -> Result<Arc<dyn SourceFormat>> {
        Ok(Arc::new(JsonLines {
            encoding: encoding(self.encoding.as_deref())?,
            config: self,
        }))
    }
}

struct JsonLines {
    config: SourceConfig,
    encoding: Option<&'static Encoding>,
}

impl JsonLines {
    fn open(&self, found: &Found, offset: u64) -> Result<Input> {
        input::open(found, self.config.compression, self.encoding, offset)
    }
}

impl SourceFormat for JsonLines {
    fn infer(&self, files: &[Found]) -> Result<Value> {
        let mut members = Members::default();
        let mut left = self.config.sample_records;
        for found in files {
            let mut lines = Lines::new(self.open(found, 0)?, found, 1);
            let mut text = Vec::new();
            while left > 0 {
                text.clear();
                match lines.next(&mut text)? {
                    Step::End => break,
                    // Whether a bad line matters is decided when it is read.
                    Step::Bad { .. } | Step::Batch(_) => {}
                    Step::Record => {
                        left -= 1;
                        let object: Map<String, Value> =
                            serde_json::from_slice(&text).unwrap_or_default();
                        members.see(&object);
                    }
                }
            }
            if left == 0 {
                break;
            }
        }
        let mut properties = members.properties();
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

    fn continues(&self, found: &Found, offset: u64) -> Result<bool> {
        match offset.checked_sub(1) {
            None => Ok(true),
            Some(before) => Ok(input::ends_a_line(&mut self.open(found, before)?)),
        }
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["jsonl", "ndjson", "json"]
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
            self.text.clear();
            let read = (&mut self.input.text)
                .take(LONGEST + 1)
                .read_until(b'\n', &mut self.text)
                .map_err(io("read the file", &self.found.path))? as u64;
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
                    text: text.to_vec(),
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
