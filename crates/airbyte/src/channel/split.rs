//! The partitions of records in lines of JSON (§4.5), where each line names its own. Pure.

use std::sync::Arc;

use crossdock_core::batch::Rows;
use crossdock_core::json::scan::{Members, ScanError, unquote};

/// Cuts rows where the partition changes. Lines that name none are of the partition "".
pub(super) fn by_partition(rows: &Rows) -> Vec<(Arc<str>, Rows)> {
    let mut parts: Vec<(Arc<str>, Rows)> = Vec::new();
    let mut start = 0;
    let mut current: Option<Arc<str>> = None;
    for index in 0..rows.len() {
        let named = rows.line(index).and_then(|line| partition(line).ok());
        let named = named.flatten().unwrap_or_default();
        if current.as_deref() == Some(named.as_str()) {
            continue;
        }
        if let Some(partition) = current.replace(named.into()) {
            parts.push((partition, rows.slice(start..index)));
        }
        start = index;
    }
    if let Some(partition) = current {
        parts.push((partition, rows.slice(start..rows.len())));
    }
    parts
}

fn partition(line: &[u8]) -> Result<Option<String>, ScanError> {
    let mut members = Members::new(line, 0)?;
    while let Some(member) = members.next()? {
        if member.raw_key(line) != b"record" {
            continue;
        }
        let record = member.value(line);
        let mut members = Members::new(record, 0)?;
        while let Some(member) = members.next()? {
            if member.raw_key(record) == b"partition_id" {
                return Ok(unquote(member.value(record)).map(|text| text.into_owned()));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    use crate::wire::{Decoder, Message};

    #[test]
    fn rows_are_cut_where_the_partition_changes() {
        let line = |partition: &str| {
            format!(
                r#"{{"type":"RECORD","record":{{"stream":"a","data":{{"partition_id":"no"}},"emitted_at":1{partition}}}}}"#
            ) + "\n"
        };
        let named = |name: &str| line(&format!(r#","partition_id":"{name}""#));
        let text = [named("p"), named("p"), named("q"), line(""), named("p")].concat();
        let mut messages = Vec::new();
        Decoder::new().decode(&Bytes::from(text), 0, &mut messages);
        let mut found = Vec::new();
        for message in messages {
            if let Message::Records { rows, .. } = message {
                let parts = by_partition(&rows).into_iter();
                found.extend(parts.map(|(name, rows)| (name.to_string(), rows.len())));
            }
        }
        let expected = [("p", 2), ("q", 1), ("", 1), ("p", 1)];
        assert_eq!(
            found,
            expected.map(|(name, count)| (name.to_owned(), count))
        );
    }
}
