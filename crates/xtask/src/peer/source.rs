//! The source peer: prepared lines as fast as the pipe takes them, with a state now and then.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::peer::line::{self, Block, STREAM};
use crate::peer::many;
use crate::peer::request::{self, Request};
use crate::peer::setting::{self, Setting};

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
        "discover" => super::say(
            &mut out,
            &json!({"type": "CATALOG", "catalog": {"streams": streams(&setting)}}),
        )?,
        "read" if setting.streams > 1 => many::read(&setting, &mut out)?,
        "read" => read(&setting, Progress::of(&request)?, &mut out)?,
        other => return Err(request::unable(other).into()),
    }
    Ok(())
}

fn streams(setting: &Setting) -> Vec<Value> {
    if setting.streams > 1 {
        many::streams(setting)
    } else {
        vec![stream(setting)]
    }
}

/// The one stream, as `discover` shows it and as a configured catalog holds it.
pub(crate) fn stream(setting: &Setting) -> Value {
    json!({
        "name": STREAM,
        "json_schema": line::schema(setting.shape),
        "supported_sync_modes": ["full_refresh", "incremental"],
        "source_defined_cursor": true,
        "default_cursor_field": ["id"],
        "source_defined_primary_key": [["id"]],
    })
}

/// What the state says: how far a read has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Progress {
    records: u64,
    block: u64,
}

impl Progress {
    fn of(request: &Request) -> Result<Self> {
        let start = Progress {
            records: 0,
            block: line::FIRST_BLOCK,
        };
        let Some(path) = &request.state else {
            return Ok(start);
        };
        let states = setting::read_json(path)?;
        let states = states.as_array().context("the state is not an array")?;
        let found = states.iter().find_map(|state| {
            let state = &state["stream"]["stream_state"];
            Some(Progress {
                records: state["records"].as_u64()?,
                block: state["block"].as_u64()?,
            })
        });
        Ok(found.unwrap_or(start))
    }
}

fn read(setting: &Setting, mut progress: Progress, out: &mut impl Write) -> Result<()> {
    let mut block = Block::prepare(setting)?;
    super::status(out, STREAM, "STARTED")?;
    super::status(out, STREAM, "RUNNING")?;
    let mut since_state = 0;
    while progress.records < setting.records {
        let count = (block.len() as u64)
            .min(setting.state_every - since_state)
            .min(setting.records - progress.records);
        out.write_all(block.numbered(progress.block, usize::try_from(count)?))?;
        let last = line::identifier(progress.block, usize::try_from(count)? - 1);
        progress = Progress {
            records: progress.records + count,
            block: progress.block + 1,
        };
        since_state += count;
        if since_state == setting.state_every || progress.records == setting.records {
            super::say(out, &state(progress, last, since_state))?;
            since_state = 0;
        }
    }
    Ok(super::status(out, STREAM, "COMPLETE")?)
}

fn state(progress: Progress, last: u64, records: u64) -> Value {
    json!({"type": "STATE", "state": {
        "type": "STREAM",
        "stream": {
            "stream_descriptor": {"name": STREAM},
            "stream_state": {"id": last, "records": progress.records, "block": progress.block},
        },
        "sourceStats": {"recordCount": records},
    }})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(setting: &Setting, progress: Progress) -> Vec<Value> {
        let mut out = Vec::new();
        read(setting, progress, &mut out).unwrap();
        out.split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    fn kinds(messages: &[Value]) -> String {
        messages
            .iter()
            .filter_map(|message| message["type"].as_str()?.chars().next())
            .collect()
    }

    #[test]
    fn states_stand_where_they_were_asked_for_and_count_their_records() {
        let setting = Setting {
            records: 5,
            state_every: 2,
            ..Setting::default()
        };
        let messages = messages(
            &setting,
            Progress {
                records: 0,
                block: line::FIRST_BLOCK,
            },
        );
        assert_eq!(kinds(&messages), "TTRRSRRSRST");
        let last = &messages[9]["state"];
        assert_eq!(last["sourceStats"]["recordCount"], 1);
        assert_eq!(last["stream"]["stream_state"]["records"], 5);
        assert_eq!(
            last["stream"]["stream_state"]["id"],
            messages[8]["record"]["data"]["id"]
        );
    }

    #[test]
    fn a_read_goes_on_where_its_state_stands() {
        let setting = Setting {
            records: 5,
            state_every: 2,
            ..Setting::default()
        };
        let start = Progress {
            records: 0,
            block: line::FIRST_BLOCK,
        };
        let whole = messages(&setting, start);
        let state = whole[4]["state"]["stream"]["stream_state"].clone();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            file.path(),
            json!([{"type": "STREAM", "stream": {"stream_state": state}}]).to_string(),
        )
        .unwrap();
        let line = format!("read --state {}", file.path().display());
        let request = request::parse(line.split_whitespace().map(str::to_owned)).unwrap();
        let rest = messages(&setting, Progress::of(&request).unwrap());
        assert_eq!(rest[2..], whole[5..]);
    }
}
