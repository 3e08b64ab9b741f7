//! Both halves of a DataFlow connector in native code: a source that does nothing but write prepared messages, and a
//! sink that does nothing but count them. Without the protocol they are the two ends of a plain pipe.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::arguments::Arguments;
use crate::peer::setting;

/// How much is read at once, as large as a pipe can become.
const CHUNK: usize = 1 << 20;
/// Messages that are prepared: as many as a read asks for.
const BLOCK: u64 = 1000;
/// How each message of a `write` begins.
const MESSAGE: &[u8] = b"{\"data\":\"";

/// Runs the peer with the arguments after the program's name: none for the protocol; `--plain source --records N`
/// and `--plain sink --report FILE` without it.
pub fn main(arguments: impl IntoIterator<Item = String>) -> ExitCode {
    super::finish(run(arguments.into_iter().collect()))
}

fn run(arguments: Vec<String>) -> Result<()> {
    let arguments = Arguments::parse(arguments, &["plain"], &["records", "report"])?;
    let mut out = super::raw_stdout()?;
    if !arguments.has("plain") {
        return talk(&mut super::raw_stdin()?, &mut out);
    }
    match arguments.words.first().map(String::as_str) {
        Some("source") => {
            let mut left = arguments.number("records")?.unwrap_or(0);
            let block = block();
            while left > 0 {
                let count = left.min(BLOCK);
                out.write_all(lines(&block, count))?;
                left -= count;
            }
            Ok(())
        }
        Some("sink") => {
            let report: PathBuf = arguments.value("report").context("no --report")?.into();
            count_lines(&mut super::raw_stdin()?)?.save(&report)
        }
        _ => bail!("--plain source or --plain sink"),
    }
}

/// A line of a source, 500 bytes with its end.
fn line(number: u64) -> Vec<u8> {
    const BYTES: usize = 500;
    let make = |pad: usize| {
        let row = json!({"id": number, "name": format!("customer {number}"), "city": "Zürich",
            "email": format!("customer.{number}@example.org"), "active": true, "balance": 1234.5,
            "note": "x".repeat(pad)});
        let metadata = json!({"table": "customers", "operation": "insert", "id": number});
        format!(
            "{{\"type\":\"message\",\"data\":{},\"metadata\":{metadata},\"timestamp\":\"2026-01-15T10:30:00Z\"}}\n",
            Value::from(row.to_string())
        )
    };
    make(BYTES - make(0).len()).into_bytes()
}

fn block() -> Vec<u8> {
    (0..BLOCK).flat_map(line).collect()
}

/// The first `count` lines of the block, which are all of one length.
fn lines(block: &[u8], count: u64) -> &[u8] {
    let each = block.len() / BLOCK as usize;
    &block[..each * count as usize]
}

/// What a sink counted.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

impl Count {
    fn save(&self, path: &Path) -> Result<()> {
        let text = json!({"messages": self.messages, "bytes": self.bytes}).to_string();
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Reads the report that a sink left.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let report = setting::read_json(path)?;
        let number = |name: &str| {
            let number = report[name].as_u64();
            number.with_context(|| format!("no `{name}` in the sink's report"))
        };
        Ok(Count {
            messages: number("messages")?,
            bytes: number("bytes")?,
        })
    }
}

fn count_lines(input: &mut impl Read) -> Result<Count> {
    let mut count = Count::default();
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = input.read(&mut chunk)?;
        if length == 0 {
            return Ok(count);
        }
        count.bytes += length as u64;
        count.messages += memchr::memchr_iter(b'\n', &chunk[..length]).count() as u64;
    }
}

/// Answers commands until the end of input.
fn talk(input: &mut impl Read, out: &mut impl Write) -> Result<()> {
    let mut chunk = vec![0; CHUNK];
    let mut line = Vec::new();
    let mut half = Half::default();
    loop {
        let length = input.read(&mut chunk)?;
        if length == 0 {
            return Ok(());
        }
        let mut rest = &chunk[..length];
        while let Some(end) = memchr::memchr(b'\n', rest) {
            line.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            half.answer(&line, out)?;
            line.clear();
        }
        line.extend_from_slice(rest);
    }
}

#[derive(Default)]
struct Half {
    config: Value,
    block: Vec<u8>,
    sent: u64,
    count: Count,
}

impl Half {
    fn answer(&mut self, line: &[u8], out: &mut impl Write) -> Result<()> {
        if line.starts_with(b"{\"cmd\":\"write\"") {
            self.count.bytes += line.len() as u64;
            self.count.messages += memchr::memmem::find_iter(line, MESSAGE).count() as u64;
            return Ok(super::say(out, &json!({"type": "done"}))?);
        }
        let command: Value = serde_json::from_slice(line)?;
        match command["cmd"].as_str() {
            Some("init") => {
                self.config = command["config"].clone();
                self.block = block();
                super::say(out, &json!({"type": "ready", "maxLineBytes": CHUNK}))?;
            }
            Some("connect") => super::say(out, &json!({"type": "ready"}))?,
            Some("read") => self.read(command["limit"].as_u64().unwrap_or(BLOCK), out)?,
            Some("ping") => super::say(out, &json!({"type": "pong"}))?,
            Some("close") => {
                if let Some(report) = self.config["report"].as_str().filter(|_| self.sent == 0) {
                    self.count.save(Path::new(report))?;
                }
                super::say(out, &json!({"type": "done"}))?;
            }
            _ => bail!("no such command"),
        }
        Ok(())
    }

    fn read(&mut self, limit: u64, out: &mut impl Write) -> Result<()> {
        let all = self.config["records"].as_u64().unwrap_or(0);
        let count = limit.min(BLOCK).min(all - self.sent);
        out.write_all(lines(&self.block, count))?;
        self.sent += count;
        if count > 0 {
            super::say(
                out,
                &json!({"type": "checkpoint", "data": self.sent.to_string()}),
            )?;
        }
        Ok(super::say(out, &json!({"type": "done"}))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_500_bytes_and_are_messages() {
        let block = block();
        assert_eq!(block.len(), 500 * BLOCK as usize);
        for line in block.split_inclusive(|byte| *byte == b'\n') {
            let message: Value = serde_json::from_slice(line).unwrap();
            let row: Value = serde_json::from_str(message["data"].as_str().unwrap()).unwrap();
            assert_eq!(row["id"], message["metadata"]["id"]);
        }
        let mut plain = lines(&block, 7);
        let count = count_lines(&mut plain).unwrap();
        assert_eq!((count.messages, count.bytes), (7, 3500));
    }

    #[test]
    fn both_halves_answer() {
        let mut out = Vec::new();
        let commands = "{\"cmd\":\"init\",\"config\":{\"records\":5}}\n{\"cmd\":\"read\",\"limit\":3}\n\
            {\"cmd\":\"read\",\"limit\":3}\n{\"cmd\":\"read\"}\n\
            {\"cmd\":\"write\",\"messages\":[{\"data\":\"x\"},{\"data\":\"\"}]}\n";
        talk(&mut commands.as_bytes(), &mut out).unwrap();
        let kinds: String = String::from_utf8(out)
            .unwrap()
            .lines()
            .map(|line| line.as_bytes()[9] as char)
            .collect();
        assert_eq!(kinds, "rmmmcdmmcddd");
    }
}
