//! Specs from configuration structs: title, descriptions and defaults come from the struct, so a
//! setting is described in one place.

use std::path::PathBuf;

use crossdock_core::batch::BodyShape;
use crossdock_core::capability::{DestinationCapabilities, SourceCapabilities};
use crossdock_core::error::Result;
use crossdock_core::spec::{Checked, Spec};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use crate::file::staging;
use crate::semantics::target::GROWING;

/// JSON Schema (draft-07, without references) of a configuration.
fn schema<C: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft07()
        .with(|s| s.inline_subschemas = true)
        .for_deserialize();
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<C>()
        .to_value();
    simplify(&mut schema);
    schema
}

/// Turns alternatives that are all constants into one `enum`, and leaves out formats that only
/// name a Rust type. A form built from the schema (Airbyte §1.8) expects objects in a `oneOf`.
fn simplify(schema: &mut Value) {
    let Value::Object(map) = schema else {
        if let Value::Array(items) = schema {
            items.iter_mut().for_each(simplify);
        }
        return;
    };
    map.values_mut().for_each(simplify);
    if let Some(constants) = map.get("oneOf").and_then(constants) {
        map.remove("oneOf");
        map.insert("type".to_owned(), "string".into());
        map.insert("enum".to_owned(), constants);
    }
    if map
        .get("format")
        .and_then(Value::as_str)
        .is_some_and(|f| f.starts_with("uint"))
    {
        map.remove("format");
    }
}

fn constants(alternatives: &Value) -> Option<Value> {
    let values = alternatives.as_array()?.iter().map(|a| {
        let only = a
            .get("enum")
            .and_then(Value::as_array)
            .and_then(|v| v.first());
        a.get("const").or(only).cloned()
    });
    values.collect::<Option<Vec<_>>>().map(Value::Array)
}

/// The spec of a source.
pub(crate) fn source<C: JsonSchema>(capabilities: SourceCapabilities) -> Spec {
    Spec {
        connection_specification: schema::<C>(),
        source: capabilities,
        ..Spec::default()
    }
}

/// The spec of a destination.
pub(crate) fn destination<C: JsonSchema>(capabilities: DestinationCapabilities) -> Spec {
    let modes = capabilities.sync_modes.clone();
    Spec {
        connection_specification: schema::<C>(),
        supported_destination_sync_modes: Some(modes),
        destination: capabilities,
        extra: Map::new(),
        ..Spec::default()
    }
}

/// The spec of a destination that writes files.
pub(crate) fn files<C: JsonSchema>(shape: BodyShape) -> Spec {
    destination::<C>(DestinationCapabilities {
        sync_modes: GROWING.to_vec(),
        generations: true,
        staged: true,
        // Some file systems do, and a folder may be carried to one of them.
        ignores_case: true,
        shape,
        ..DestinationCapabilities::default()
    })
}

/// Whether files can be written below `path`.
pub(crate) async fn checked_folder(path: PathBuf) -> Result<Checked> {
    let probed = tokio::task::spawn_blocking(move || staging::probe(&path)).await;
    match probed {
        Ok(answer) => Ok(checked(answer)),
        Err(cause) => Ok(Checked::Failed(cause.to_string())),
    }
}

/// Whether a source can be read, from an attempt to find out.
pub(crate) fn checked<T>(attempt: Result<T>) -> Checked {
    match attempt {
        Ok(_) => Checked::Succeeded,
        Err(error) => {
            let mut says = error.message().to_owned();
            for (key, value) in error.context() {
                says.push_str(&format!("; {key}: {value}"));
            }
            for cause in error.causes() {
                says.push_str(&format!("; {cause}"));
            }
            Checked::Failed(says)
        }
    }
}
