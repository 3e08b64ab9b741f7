//! The JSON Schema of the pipeline file, for editors and for [`crate::check`].

use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::wire::File;

/// The JSON Schema (draft-07, which editors know best) of a pipeline file. It is checked in as
/// `docs/pipeline.schema.json`.
#[must_use]
pub fn json_schema() -> Value {
    SchemaSettings::draft07()
        .into_generator()
        .into_root_schema_for::<File>()
        .to_value()
}
