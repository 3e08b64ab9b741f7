//! How deletes are told, since Airbyte's records have no operations (§1.9).

use crossdock_core::catalog::Catalog;
use serde_json::{Map, Value, json};

/// The property that has the time of the deletion in a row that is no more.
pub(crate) const DELETED_AT: &str = "_ab_cdc_deleted_at";

/// Adds the property to every stream that does not have it: what is not in a stream's schema has no place in frames,
/// and destinations make no column for it.
pub(crate) fn announce_deletes(catalog: &mut Catalog) {
    for stream in &mut catalog.streams {
        let Value::Object(schema) = &mut stream.json_schema else {
            continue;
        };
        let properties = schema
            .entry("properties")
            .or_insert_with(|| Map::new().into());
        if let Value::Object(properties) = properties {
            properties.entry(DELETED_AT).or_insert_with(|| {
                json!({"type": ["null", "string"], "format": "date-time", "airbyte_type": "timestamp_with_timezone"})
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use crossdock_core::catalog::Stream;

    use super::*;

    #[test]
    fn every_stream_has_the_property_once() {
        let check = |schema: Value, expected: Value| {
            let mut catalog = Catalog {
                streams: vec![Stream::new("s", schema)],
                ..Catalog::default()
            };
            announce_deletes(&mut catalog);
            assert_eq!(
                catalog.streams[0].json_schema["properties"][DELETED_AT]["type"],
                expected
            );
        };
        check(json!({"properties": {"id": {}}}), json!(["null", "string"]));
        check(json!({}), json!(["null", "string"]));
        check(
            json!({"properties": {DELETED_AT: {"type": "string"}}}),
            json!("string"),
        );
        check(json!(true), Value::Null);
    }
}
