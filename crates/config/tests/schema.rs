//! The JSON Schema is checked in, and says the truth.

use std::path::Path;

use crossdock_config::{Settings, json_schema};
use serde_json::Value;

use super::fixture::{Fake, parse, pipeline};

#[test]
fn the_checked_in_schema_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/pipeline.schema.json");
    let current = serde_json::to_string_pretty(&json_schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == current,
        "docs/pipeline.schema.json is old: run the test again with UPDATE=1"
    );
}

#[test]
fn the_documented_defaults_are_the_defaults() {
    let schema = json_schema();
    let write_out = |name: &str, indent: &str| {
        let properties = &schema["definitions"][name]["properties"];
        let with_default = properties.as_object().unwrap().iter();
        let lines = with_default.filter_map(|(key, property)| {
            property
                .get("default")
                .map(|value| format!("{indent}{key}: {value}\n"))
        });
        lines.collect::<String>()
    };
    let (settings, retries) = (write_out("Settings", "  "), write_out("Retries", "    "));
    assert_eq!(settings.lines().count(), 18, "{settings}");
    assert_eq!(retries.lines().count(), 8, "{retries}");
    let text = pipeline(&format!("settings:\n{settings}  retries:\n{retries}"));
    let plan = parse(&text, &Fake::default())
        .map_err(|e| e.to_string())
        .unwrap();
    let mut expected = Settings::default();
    // They were named.
    expected.retries.is_counted = true;
    assert_eq!(plan.pipelines[0].settings, expected);
}

#[test]
fn every_key_is_described() {
    fn walk(path: &str, schema: &Value) {
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            assert!(
                property["description"].is_string(),
                "{path}.{key} has no description"
            );
        }
        for (name, definition) in schema["definitions"].as_object().into_iter().flatten() {
            walk(name, definition);
        }
    }
    walk("file", &json_schema());
}
