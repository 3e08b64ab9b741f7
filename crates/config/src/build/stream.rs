//! Selected streams: the short forms of keys, cursors and windows.

use std::time::Duration;

use crossdock_core::catalog::{FieldPath, Lookback};
use crossdock_core::code;
use serde_json::Value;

use super::Builder;
use crate::node::Place;
use crate::plan::StreamSelection;
use crate::quantity;
use crate::wire;

impl Builder<'_> {
    pub(super) fn stream(&mut self, given: wire::Stream, place: &Place<'_>) -> StreamSelection {
        let paths = given.primary_key.iter().flat_map(primary_key).flatten();
        let names = given.cursor_field.iter().flat_map(field_path);
        let fields = given.fields.iter().flatten();
        // The schema lets a string be empty, and no field's name is.
        for (key, empty) in [
            ("name", given.name.is_empty()),
            ("primary_key", paths.into_iter().any(|name| name.is_empty())),
            (
                "cursor_field",
                names.into_iter().any(|name| name.is_empty()),
            ),
            ("fields", fields.into_iter().any(String::is_empty)),
        ] {
            if empty {
                let place = place.key(key);
                self.wrong
                    .push(place.fault(&code::CONFIG_INVALID, "the name is empty"));
            }
        }
        let lookback = given.lookback.as_ref();
        let lookback = lookback.and_then(|value| self.lookback(value, &place.key("lookback")));
        StreamSelection {
            name: given.name,
            namespace: given.namespace,
            sync_mode: given.sync_mode,
            destination_sync_mode: given.destination_sync_mode,
            primary_key: given.primary_key.as_ref().map(primary_key),
            cursor_field: given.cursor_field.as_ref().map(field_path),
            lookback,
            fields: given.fields,
            refresh: given.refresh,
            schema_changes: given.schema_changes,
            backfill: given.backfill,
            at: place.location(),
        }
    }
}

impl Builder<'_> {
    fn lookback(&mut self, value: &Value, place: &Place<'_>) -> Option<Lookback> {
        let read = match value {
            Value::String(text) => quantity::duration(text).map(Lookback::Time),
            other => other.as_u64().map(Lookback::Number).ok_or_else(|| {
                "a window is a duration, `1d`, or a whole number in the unit of the cursor".into()
            }),
        };
        match read {
            Ok(Lookback::Time(Duration::ZERO) | Lookback::Number(0)) => {
                let fault = place.fault(&code::CONFIG_INVALID, "the window is empty");
                self.wrong.push(fault.hint("leave `lookback` out"));
                None
            }
            Ok(window) => Some(window),
            Err(why) => {
                let fault = place.fault(&code::CONFIG_INVALID, "the window cannot be read");
                self.wrong.push(fault.hint(why));
                None
            }
        }
    }
}

/// `id` → one field; `[id, region]` → two fields; `[[a, b], [c]]` → two paths.
fn primary_key(value: &Value) -> Vec<FieldPath> {
    match value {
        Value::Array(fields) => fields.iter().map(field_path).collect(),
        one => vec![field_path(one)],
    }
}

/// `a` → the top-level field; `[a, b]` → the field `b` in `a`.
fn field_path(value: &Value) -> FieldPath {
    match value {
        Value::String(name) => vec![name.clone()],
        Value::Array(names) => names
            .iter()
            .filter_map(Value::as_str)
            .map(ToOwned::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}
