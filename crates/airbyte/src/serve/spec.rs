//! The specification that is printed: that of one half, or of both (§1.7). Pure.

use crossdock_core::spec::Spec;
use serde_json::{Map, Value, json};

use super::form::for_forms;
use crate::channel::{OPTIONS, ours};

/// How long a source that has no end may have nothing new before the read ends: a member of its configuration.
pub(super) const UNTIL_IDLE: &str = "crossdock.until_idle";

/// The specification as it is printed: for forms, and with a word that the connector speaks over sockets as well. Airbyte reads that in the metadata of its registry; whoever
/// has none finds it here.
pub(super) fn announcing(mut spec: Spec) -> Spec {
    for_forms(&mut spec.connection_specification);
    spec.extra.insert(OPTIONS.to_owned(), ours());
    spec
}

/// What the platform is to know of a source.
pub(super) fn of_source(mut spec: Spec) -> Spec {
    if !ends(&spec) {
        let property = json!({
            "type": "number", "minimum": 0, "default": 10, "title": "Seconds without news",
            "description": "The source has no end of its own; a read ends when nothing new has come for so many seconds.",
        });
        edit(&mut spec.connection_specification, |properties| {
            properties.insert(UNTIL_IDLE.to_owned(), property);
        });
    }
    spec.supported_destination_sync_modes = None;
    spec
}

/// Whether the source ends by itself.
pub(super) fn ends(spec: &Spec) -> bool {
    spec.source.bounded || spec.source.bounded_on_wish
}

/// What the platform is to know of a destination.
pub(super) fn of_destination(mut spec: Spec) -> Spec {
    if spec.supported_destination_sync_modes.is_none() && !spec.destination.sync_modes.is_empty() {
        spec.supported_destination_sync_modes = Some(spec.destination.sync_modes.clone());
    }
    spec
}

/// What both may be given; required is what both require. Where both know a property, the destination's stands.
pub(super) fn of_both(source: Spec, destination: Spec) -> Spec {
    let mut both = of_destination(destination);
    let source = of_source(source).connection_specification;
    let schema = &mut both.connection_specification;
    let required = |schema: &Value| -> Vec<Value> {
        let names = schema.get("required").and_then(Value::as_array);
        names.cloned().unwrap_or_default()
    };
    let source_required = required(&source);
    let mut common = required(schema);
    common.retain(|name| source_required.contains(name));
    if let Some(Value::Object(own)) = source.get("properties") {
        edit(schema, |known| {
            for (name, property) in own {
                known.entry(name).or_insert_with(|| property.clone());
            }
        });
    }
    if let Value::Object(members) = schema {
        // Definitions that properties of the source refer to.
        for keyword in ["definitions", "$defs"] {
            if let Some(Value::Object(own)) = source.get(keyword) {
                let known = members.entry(keyword).or_insert_with(|| json!({}));
                if let Value::Object(known) = known {
                    for (name, definition) in own {
                        known.entry(name).or_insert_with(|| definition.clone());
                    }
                }
            }
        }
        members.insert("required".to_owned(), Value::Array(common));
    }
    both
}

/// Takes out of a configuration what only the other half knows: a platform that was told of both fills in the
/// defaults of both.
pub(super) fn for_half(config: &mut Value, own: &Spec, other: &Spec) {
    let knows = |spec: &Spec, name: &str| {
        let properties = spec.connection_specification.get("properties");
        properties.is_some_and(|properties| properties.get(name).is_some())
    };
    if let Value::Object(members) = config {
        members.retain(|name, _| knows(own, name) || !knows(other, name));
    }
}

/// Changes the properties of a schema, which it gets if it has none.
fn edit(schema: &mut Value, change: impl FnOnce(&mut Map<String, Value>)) {
    if let Value::Object(members) = schema
        && let Value::Object(properties) = members.entry("properties").or_insert_with(|| json!({}))
    {
        change(properties);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossdock_core::catalog::DestinationSyncMode;

    #[test]
    fn both_halves_are_one() {
        let spec = |schema| Spec {
            connection_specification: schema,
            ..Spec::default()
        };
        let mut source = spec(
            json!({"properties": {"path": {"type": "string"}, "glob": {}}, "required": ["path", "glob"]}),
        );
        source.source.bounded = true;
        let mut destination = spec(
            json!({"properties": {"path": {"type": "string", "title": "To"}, "size": {}}, "required": ["path", "size"]}),
        );
        destination.destination.sync_modes = vec![DestinationSyncMode::Append];
        let both = of_both(source.clone(), destination.clone());
        assert_eq!(
            both.connection_specification,
            json!({"properties": {"path": {"type": "string", "title": "To"}, "size": {}, "glob": {}}, "required": ["path"]})
        );
        let mut config = json!({"path": "a", "glob": "*", "size": 1, "odd": true});
        for_half(&mut config, &destination, &source);
        assert_eq!(
            config,
            json!({"path": "a", "size": 1, "odd": true}),
            "a slip is still refused"
        );
        let modes = both.supported_destination_sync_modes;
        assert_eq!(modes, Some(vec![DestinationSyncMode::Append]));
    }

    #[test]
    fn a_source_without_an_end_has_a_patience() {
        let of = |bounded| {
            let mut spec = Spec {
                connection_specification: json!({}),
                ..Spec::default()
            };
            spec.source.bounded = bounded;
            of_source(spec).connection_specification["properties"][UNTIL_IDLE].is_object()
        };
        assert!(of(false));
        assert!(!of(true));
    }
}
