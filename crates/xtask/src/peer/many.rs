//! The source peer with very many streams: what counts is their number, so the records are few and short.

use std::io::Write;

use anyhow::Result;
use serde_json::{Value, json};

use crate::peer::setting::Setting;

/// How many bytes are written at once.
const BYTES: usize = 100_000;

/// All streams, as `discover` shows them.
pub(crate) fn streams(setting: &Setting) -> Vec<Value> {
    (0..setting.streams)
        .map(|number| {
            json!({
                "name": name(number),
                "json_schema": {"type": "object", "properties": {
                    "id": {"type": "integer"},
                    "note": {"type": ["null", "string"]},
                }},
                "supported_sync_modes": ["full_refresh", "incremental"],
                "source_defined_cursor": true,
                "default_cursor_field": ["id"],
                "source_defined_primary_key": [["id"]],
            })
        })
        .collect()
}

/// The records of all streams by turns, one of each, then the state of each.
pub(crate) fn read(setting: &Setting, out: &mut impl Write) -> Result<()> {
    for number in 0..setting.streams {
        super::status(out, &name(number), "STARTED")?;
    }
    let mut lines = String::new();
    for record in 0..setting.records {
        let stream = name(record % setting.streams);
        lines.push_str(&format!(
            r#"{{"type":"RECORD","record":{{"stream":"{stream}","data":{{"id":{record},"note":"as short as can be"}},"emitted_at":1795289451711}}}}"#
        ));
        lines.push('\n');
        if lines.len() >= BYTES {
            out.write_all(lines.as_bytes())?;
            lines.clear();
        }
    }
    out.write_all(lines.as_bytes())?;
    for number in 0..setting.streams {
        let state = json!({"type": "STATE", "state": {
            "type": "STREAM",
            "stream": {
                "stream_descriptor": {"name": name(number)},
                "stream_state": {"records": setting.records},
            },
        }});
        super::say(out, &state)?;
        super::status(out, &name(number), "COMPLETE")?;
    }
    Ok(())
}

fn name(number: u64) -> String {
    format!("stream_{number:06}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stream_has_its_share_and_a_state() {
        let setting = Setting {
            records: 7,
            streams: 3,
            ..Setting::default()
        };
        let mut out = Vec::new();
        read(&setting, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let count = |part: &str| text.lines().filter(|line| line.contains(part)).count();
        assert_eq!(count("RECORD"), 7);
        assert_eq!(count(r#""stream":"stream_000000""#), 3);
        assert_eq!(count("\"STATE\""), 3);
        assert_eq!(count("COMPLETE"), 3);
        assert_eq!(streams(&setting).len(), 3);
    }
}
