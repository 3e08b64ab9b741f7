//! Records to lines.

use crossdock_core::batch::{Body, Rows};
use crossdock_core::code;
use crossdock_core::convert;
use crossdock_core::error::{Error, Result};

use super::config::LineFormat;
use crate::file::row_texts::RowTexts;
use crate::semantics::metadata::{EXTRACTED_AT, GENERATION_ID, META, Meta, RAW_ID};
use crate::semantics::raw_id::RawIds;
use crate::semantics::shape::Shape;
use crate::semantics::target::Target;

/// Text of lines.
pub(crate) type Lines = Vec<u8>;

/// Makes lines of one stream's records.
pub(crate) struct LineShape {
    format: LineFormat,
    metadata: Option<Meta>,
    generation: String,
}

impl LineShape {
    pub(crate) fn new(target: &Target, format: LineFormat, metadata_columns: bool) -> Self {
        let generation = target.generation_id.to_string();
        Self {
            format,
            metadata: metadata_columns.then(|| Meta::new(target.sync_id)),
            generation,
        }
    }

    fn metadata(&self, out: &mut Lines, meta: &Meta, ids: &mut RawIds, rows: &Rows, at: usize) {
        let member = |out: &mut Lines, name: &str, write: &mut dyn FnMut(&mut Lines)| {
            out.extend_from_slice(if out.last() == Some(&b'{') {
                b"\""
            } else {
                b",\""
            });
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            write(out);
        };
        member(out, RAW_ID, &mut |out| {
            out.push(b'"');
            out.extend_from_slice(ids.next());
            out.push(b'"');
        });
        member(out, EXTRACTED_AT, &mut |out| {
            timestamp(out, rows.emitted_at(at))
        });
        member(out, META, &mut |out| {
            meta.write(out, rows.metadata(at), rows.operation(at), rows.key(at));
        });
        member(out, GENERATION_ID, &mut |out| {
            out.extend_from_slice(self.generation.as_bytes())
        });
    }

    fn line(&self, out: &mut Lines, ids: &mut RawIds, rows: &Rows, at: usize) -> Result<()> {
        let data = rows.after(at).trim_ascii();
        let Some(members) = data.strip_prefix(b"{") else {
            return Err(Error::new(
                &code::DATA_INVALID,
                "a record is not a JSON object",
            ));
        };
        let start = out.len();
        out.push(b'{');
        if let Some(meta) = &self.metadata {
            self.metadata(out, meta, ids, rows, at);
        }
        let comma = if out.len() > start + 1 {
            &b","[..]
        } else {
            b""
        };
        match self.format {
            LineFormat::Envelope => {
                out.extend_from_slice(comma);
                out.extend_from_slice(b"\"_airbyte_data\":");
                one_line(out, data);
                out.push(b'}');
            }
            LineFormat::Flat => {
                if !members.trim_ascii_start().starts_with(b"}") {
                    out.extend_from_slice(comma);
                }
                one_line(out, members);
            }
        }
        out.push(b'\n');
        Ok(())
    }
}

impl Shape<RowTexts> for LineShape {
    fn tells_deletes(&self) -> bool {
        self.metadata.is_some()
    }

    fn shape(&mut self, body: Body) -> Result<RowTexts> {
        let rows = match body {
            Body::Rows(rows) => rows,
            Body::Columns(columns) => convert::columns_to_rows(&columns, None)?,
        };
        let mut ids = RawIds::draw();
        let bytes = rows.value_bytes() + rows.len() * 220;
        let mut out = RowTexts::with_capacity(bytes, rows.len());
        for at in 0..rows.len() {
            self.line(&mut out.text, &mut ids, &rows, at)?;
            out.end_row();
        }
        Ok(out)
    }
}

/// JSON text without line ends: outside of strings, where they cannot stand, they are white space.
fn one_line(out: &mut Lines, json: &[u8]) {
    let start = out.len();
    out.extend_from_slice(json);
    for byte in &mut out[start..] {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
}

/// A moment as JSON text: RFC 3339 in UTC, to the millisecond; beyond the years 0 to 9999, the
/// number of milliseconds.
pub(crate) fn timestamp(out: &mut Lines, ms: i64) {
    use std::io::Write;
    // Writing to memory does not fail.
    let _ = match jiff::Timestamp::from_millisecond(ms) {
        Ok(at) => write!(out, "\"{at:.3}\""),
        Err(_) => write!(out, "{ms}"),
    };
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use crossdock_core::batch::{Operation, RowSpans, RowsBuilder, Span};
    use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream, Stream};
    use serde_json::{Value, json};

    use super::*;
    use crate::semantics::target::{GROWING, Manner, folder, targets};

    fn lines(format: LineFormat, metadata: bool, data: &str) -> Result<String> {
        let mut stream = ConfiguredStream::new(Stream::new("s", json!({})));
        (stream.generation_id, stream.sync_id) = (Some(3), Some(8));
        let catalog = ConfiguredCatalog {
            streams: vec![stream],
            ..ConfiguredCatalog::default()
        };
        let manner = Manner {
            what: "x",
            sync_modes: &GROWING,
            reserved: &[],
            nested: false,
            place: folder,
        };
        let target = targets(&catalog, 1, &manner).unwrap().remove(0);
        let mut rows = RowsBuilder::default();
        rows.push(RowSpans {
            after: Span::new(0, data.len()).unwrap(),
            emitted_at: 1_795_289_451_713,
            operation: Operation::Create,
            ..RowSpans::default()
        });
        let rows = rows.finish(Bytes::from(data.to_owned()), None);
        let lines = LineShape::new(&target, format, metadata).shape(Body::Rows(rows))?;
        Ok(String::from_utf8(lines.text).unwrap())
    }

    #[test]
    fn data_is_written_verbatim() {
        let check = |format, data: &str, expected: &str| {
            assert_eq!(lines(format, false, data).unwrap(), expected);
        };
        use LineFormat::{Envelope, Flat};
        check(
            Flat,
            r#"{"a": 1.500, "b":12345678901234567890123}"#,
            "{\"a\": 1.500, \"b\":12345678901234567890123}\n",
        );
        check(Flat, "{}", "{}\n");
        check(Flat, " {\n\"a\":\r\n1} ", "{ \"a\":  1}\n");
        check(Envelope, r#"{"a":1}"#, "{\"_airbyte_data\":{\"a\":1}}\n");
        assert_eq!(
            lines(Flat, false, "[1]").unwrap_err().code().name,
            "data.invalid"
        );
    }

    #[test]
    fn metadata_columns_come_first() {
        for (data, own) in [(r#"{"a":1}"#, json!({"a": 1})), ("{ }", json!({}))] {
            let flat: Value =
                serde_json::from_str(&lines(LineFormat::Flat, true, data).unwrap()).unwrap();
            assert_eq!(flat[EXTRACTED_AT], "2026-11-21T19:30:51.713Z");
            assert_eq!(flat[META], json!({"sync_id": 8, "changes": []}));
            assert_eq!(flat[GENERATION_ID], 3);
            assert_eq!(flat[RAW_ID].as_str().unwrap().len(), 36);
            assert_eq!(
                flat.as_object().unwrap().len(),
                4 + own.as_object().unwrap().len()
            );
            let envelope = lines(LineFormat::Envelope, true, data).unwrap();
            let envelope: Value = serde_json::from_str(&envelope).unwrap();
            assert_eq!(envelope["_airbyte_data"], own);
        }
    }
}
