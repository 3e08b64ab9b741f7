//! Data that came encoded: which schema they name, and what they are.

use crossdock_avro as avro;

use crate::wire::record::{RecordView, SchemaKeys};
use crossdock_core::fault::Fault;

/// A schema's name in the registry.
pub(crate) type SchemaName = (String, i32);

/// The words that name a part's schema.
pub(super) fn schema_text<'a>(
    view: &RecordView,
    message: &'a [u8],
    keys: SchemaKeys,
) -> Option<(&'a str, &'a str)> {
    let subject = view.metadata(message, keys.subject)?;
    Some((subject, view.metadata(message, keys.version)?))
}

/// A schema's name of the words for it.
pub(super) fn schema_name(subject: &str, version: &str) -> Result<SchemaName, Fault> {
    let number = version.parse();
    let number =
        number.map_err(|_| Fault::new(format!("`{version}` is no version of a schema")))?;
    Ok((subject.to_owned(), number))
}

fn is_record(schema: &avro::Schema) -> bool {
    matches!(
        schema.node(schema.root()).kind,
        avro::Type::Record(_) | avro::Type::Map(_)
    )
}

/// A payload that is no record becomes one with a single field.
pub(super) fn decode(schema: &avro::Schema, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    if is_record(schema) {
        return schema.write_json(bytes, out);
    }
    out.extend_from_slice(b"{\"value\":");
    schema.write_json(bytes, out)?;
    out.push(b'}');
    Ok(())
}

/// The JSON Schema of what [`decode`] writes.
pub(super) fn described(schema: &avro::Schema) -> serde_json::Value {
    let described = schema.json_schema();
    if is_record(schema) {
        described
    } else {
        serde_json::json!({"properties": {"value": described}})
    }
}
