//! The sink peer: counts lines, returns states as they came, and says at the end what it counted.

use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::peer::request;
use crate::peer::setting::Setting;

/// How much is read at once. As large as a pipe can become, so that a full one is emptied by one call.
const CHUNK: usize = 1 << 20;
/// The beginning of a line that is counted without a further look.
const RECORD: &[u8] = br#"{"type":"RECORD""#;

/// Runs the peer with the arguments after the program's name.
pub fn main(arguments: impl IntoIterator<Item = String>) -> ExitCode {
    super::finish(run(arguments))
}

fn run(arguments: impl IntoIterator<Item = String>) -> Result<()> {
    let request = request::parse(arguments)?;
    let setting = Setting::of(&request)?;
    let mut out = super::raw_stdout()?;
    match request.command.as_str() {
        "spec" => super::say(&mut out, &super::spec())?,
        "check" => super::say(&mut out, &super::succeeded())?,
        "write" => {
            let count = write(&mut super::raw_stdin()?, &mut out)?;
            if let Some(path) = &setting.report {
                count.save(path)?;
            }
        }
        other => return Err(request::unable(other).into()),
    }
    Ok(())
}

/// What a sink counted.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Count {
    /// RECORD lines.
    pub(crate) records: u64,
    /// Bytes of all lines.
    pub(crate) bytes: u64,
    /// STATE lines, each of which was returned.
    pub(crate) states: u64,
    /// Lines of any other kind.
    pub(crate) others: u64,
}

impl Count {
    fn save(&self, path: &Path) -> Result<()> {
        let text = json!({"records": self.records, "bytes": self.bytes, "states": self.states, "others": self.others});
        std::fs::write(path, text.to_string())
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Reads the report that a sink left.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let report = super::setting::read_json(path)?;
        let number = |name: &str| {
            report[name]
                .as_u64()
                .with_context(|| format!("no `{name}` in the sink's report"))
        };
        Ok(Count {
            records: number("records")?,
            bytes: number("bytes")?,
            states: number("states")?,
            others: number("others")?,
        })
    }
}

/// Reads messages until the end of input. A record is never kept: only the beginning of its line is looked at.
fn write(input: &mut impl Read, out: &mut impl Write) -> Result<Count> {
    let mut count = Count::default();
    let mut chunk = vec![0; CHUNK];
    let mut line = Vec::new();
    let mut in_record = false;
    loop {
        let length = input.read(&mut chunk)?;
        if length == 0 {
            break;
        }
        count.bytes += length as u64;
        let mut rest = &chunk[..length];
        while !rest.is_empty() {
            let (part, ended) = match memchr::memchr(b'\n', rest) {
                Some(end) => (&rest[..end], true),
                None => (rest, false),
            };
            rest = &rest[part.len() + usize::from(ended)..];
            if !in_record {
                if line.is_empty() && part.starts_with(RECORD) {
                    in_record = true;
                } else {
                    line.extend_from_slice(part);
                    in_record = line.starts_with(RECORD);
                }
            }
            if !ended {
                continue;
            }
            if in_record {
                count.records += 1;
            } else {
                other(&mut line, &mut count, out)?;
            }
            line.clear();
            in_record = false;
        }
    }
    if in_record || !line.is_empty() {
        anyhow::bail!("the input ended in the middle of a line");
    }
    Ok(count)
}

/// Deals with a line that does not begin as a record does: its type may stand elsewhere in it.
fn other(line: &mut Vec<u8>, count: &mut Count, out: &mut impl Write) -> Result<()> {
    let message: Value = serde_json::from_slice(line).unwrap_or(Value::Null);
    match message["type"].as_str() {
        Some("STATE") => {
            line.push(b'\n');
            out.write_all(line)?;
            count.states += 1;
        }
        Some("RECORD") => count.records += 1,
        _ => count.others += 1,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its text in pieces of a chosen size, to cut lines everywhere.
    struct Piece<'a>(&'a [u8], usize);

    impl Read for Piece<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let length = self.1.min(self.0.len()).min(into.len());
            into[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    #[test]
    fn lines_are_counted_and_states_returned_wherever_the_input_is_cut() {
        let record = r#"{"type":"RECORD","record":{"stream":"item","data":{},"emitted_at":1}}"#;
        let state = r#"{"type":"STATE","id":3,"state":{"type":"STREAM"}}"#;
        let spaced = r#"{"record": {}, "type": "RECORD"}"#;
        let text = format!("{record}\n{state}\n{spaced}\nnoise\n{record}\n{state}\n");
        for size in 1..text.len() + 1 {
            let mut out = Vec::new();
            let count = write(&mut Piece(text.as_bytes(), size), &mut out).unwrap();
            let expected = Count {
                records: 3,
                bytes: text.len() as u64,
                states: 2,
                others: 1,
            };
            assert_eq!(count, expected, "pieces of {size}");
            assert_eq!(out, format!("{state}\n{state}\n").into_bytes());
        }
    }

    #[test]
    fn half_a_line_is_an_error() {
        for text in [r#"{"type":"RECORD","rec"#, r#"{"type":"#] {
            assert!(
                write(&mut Piece(text.as_bytes(), 64), &mut Vec::new()).is_err(),
                "{text}"
            );
        }
    }

    #[test]
    fn a_report_reads_as_it_was_written() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let count = Count {
            records: 1,
            bytes: 2,
            states: 3,
            others: 4,
        };
        count.save(file.path()).unwrap();
        assert_eq!(Count::load(file.path()).unwrap(), count);
    }
}
