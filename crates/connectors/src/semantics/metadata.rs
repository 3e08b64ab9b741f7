//! The columns that Airbyte's destinations add to every record (§1.9), and where we note what a
//! record did.
//!
//! Files only grow, so an update or a delete is appended like any record. It must not look like
//! one: `_airbyte_meta` then says `"operation"`, and for a delete also the `"key"`.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::StringBuilder;
use arrow_array::{Array, Int64Array, StringArray, TimestampMicrosecondArray};
use crossdock_core::batch::{Columns, Operation, Operations, Rows};
use crossdock_core::json::scan::Members;

use super::raw_id::{LENGTH, RawIds};

/// The row's id.
pub(crate) const RAW_ID: &str = "_airbyte_raw_id";
/// When the source emitted it.
pub(crate) const EXTRACTED_AT: &str = "_airbyte_extracted_at";
/// `sync_id`, `changes` and what the source said beside.
pub(crate) const META: &str = "_airbyte_meta";
/// The stream's generation.
pub(crate) const GENERATION_ID: &str = "_airbyte_generation_id";
/// All of them, in the order of the columns.
pub(crate) const NAMES: [&str; 4] = [RAW_ID, EXTRACTED_AT, META, GENERATION_ID];

/// Writes `_airbyte_meta` of one stream's records.
#[derive(Clone, Debug)]
pub(crate) struct Meta {
    sync: String,
    plain: String,
}

impl Meta {
    /// For records of this sync.
    pub(crate) fn new(sync_id: i64) -> Self {
        let sync = format!(r#"{{"sync_id":{sync_id}"#);
        let plain = format!(r#"{sync},"changes":[]}}"#);
        Self { sync, plain }
    }

    /// Appends the JSON text for a record with this metadata. Metadata that is no object is left
    /// out: it says nothing that a reader could find.
    pub(crate) fn write(
        &self,
        out: &mut Vec<u8>,
        metadata: Option<&[u8]>,
        operation: Operation,
        key: Option<&[u8]>,
    ) {
        let noted = matches!(operation, Operation::Update | Operation::Delete);
        if metadata.is_none() && !noted {
            out.extend_from_slice(self.plain.as_bytes());
            return;
        }
        out.extend_from_slice(self.sync.as_bytes());
        let mut has_changes = false;
        let member_out = |out: &mut Vec<u8>, key: &[u8], value: &[u8]| {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(key);
            out.extend_from_slice(b"\":");
            out.extend_from_slice(value);
        };
        if let Some(text) = metadata
            && let Ok(mut members) = Members::new(text, 0)
        {
            while let Ok(Some(member)) = members.next() {
                let name = member.raw_key(text);
                if name != b"sync_id" {
                    has_changes |= name == b"changes";
                    member_out(out, name, member.value(text));
                }
            }
        }
        if !has_changes {
            member_out(out, b"changes", b"[]");
        }
        if noted {
            let name = if operation == Operation::Delete {
                "\"delete\""
            } else {
                "\"update\""
            };
            member_out(out, b"operation", name.as_bytes());
        }
        if let (Operation::Delete, Some(key)) = (operation, key) {
            member_out(out, b"key", key);
        }
        out.push(b'}');
    }
}

/// The four columns for a batch; `rows` are the rows that `columns` were made of, if they were.
pub(crate) fn columns(
    meta: &Meta,
    generation_id: i64,
    columns: &Columns,
    rows: Option<&Rows>,
) -> Vec<ArrayRef> {
    let n = columns.len();
    let extracted = columns.emitted_at.iter().map(|ms| ms.saturating_mul(1000));
    let extracted = TimestampMicrosecondArray::from_iter_values(extracted).with_timezone("UTC");
    vec![
        Arc::new(raw_ids(n)),
        Arc::new(extracted),
        Arc::new(meta_column(meta, columns, rows)),
        Arc::new(Int64Array::from_value(generation_id, n)),
    ]
}

fn raw_ids(n: usize) -> StringArray {
    let mut ids = RawIds::draw();
    let mut builder = StringBuilder::with_capacity(n, n * LENGTH);
    for _ in 0..n {
        // The digits are ASCII, so this never fails; an empty id would show in the tests.
        builder.append_value(std::str::from_utf8(ids.next()).unwrap_or_default());
    }
    builder.finish()
}

fn meta_column(meta: &Meta, columns: &Columns, rows: Option<&Rows>) -> StringArray {
    let n = columns.len();
    let noted = |o: Operation| matches!(o, Operation::Update | Operation::Delete);
    let all_plain = columns.metadata.is_none()
        && match &columns.operations {
            Operations::Uniform(operation) => !noted(*operation),
            Operations::Each(each) => !each.iter().any(|o| noted(*o)),
        };
    if all_plain {
        return StringArray::from_iter_values(std::iter::repeat_n(meta.plain.as_str(), n));
    }
    let mut builder = StringBuilder::with_capacity(n, n * meta.plain.len());
    let mut text = Vec::new();
    for at in 0..n {
        text.clear();
        let metadata = columns
            .metadata
            .as_ref()
            .filter(|m| m.is_valid(at))
            .map(|m| m.value(at));
        let key = rows.and_then(|rows| rows.key(at));
        meta.write(
            &mut text,
            metadata.map(str::as_bytes),
            columns.operations.get(at),
            key,
        );
        builder.append_value(String::from_utf8_lossy(&text));
    }
    builder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meta_keeps_what_the_source_said() {
        let meta = Meta {
            sync: r#"{"sync_id":4"#.into(),
            plain: r#"{"sync_id":4,"changes":[]}"#.into(),
        };
        let check = |metadata: Option<&str>, operation, key: Option<&str>, expected: &str| {
            let mut out = Vec::new();
            meta.write(
                &mut out,
                metadata.map(str::as_bytes),
                operation,
                key.map(str::as_bytes),
            );
            let text = String::from_utf8(out).unwrap();
            assert_eq!(text, expected);
            serde_json::from_str::<serde_json::Value>(&text).unwrap();
        };
        use Operation::{Create, Delete, Snapshot, Update};
        check(None, Create, None, r#"{"sync_id":4,"changes":[]}"#);
        check(None, Snapshot, Some("1"), r#"{"sync_id":4,"changes":[]}"#);
        check(
            Some(r#"{"changes":[{"field":"a"}],"sync_id":9,"x":1.50}"#),
            Create,
            None,
            r#"{"sync_id":4,"changes":[{"field":"a"}],"x":1.50}"#,
        );
        check(Some("17"), Create, None, r#"{"sync_id":4,"changes":[]}"#);
        check(
            None,
            Update,
            Some("1"),
            r#"{"sync_id":4,"changes":[],"operation":"update"}"#,
        );
        check(
            None,
            Delete,
            Some(r#"{"id":1}"#),
            r#"{"sync_id":4,"changes":[],"operation":"delete","key":{"id":1}}"#,
        );
    }
}
