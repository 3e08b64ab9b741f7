//! What the program says of itself to people.

use std::fmt::Write as _;

use crossdock_core::error::Result;
use crossdock_core::session::Session;
use crossdock_core::spec::Spec;
use serde_json::Value;

use crate::connector::Connector;

/// Objects deeper than this are one setting.
const DEEPEST: usize = 4;

/// The whole page.
pub(crate) async fn text(connector: &Connector, session: &Session) -> Result<String> {
    let name = &connector.name;
    let mut page = format!(
        "{name} {}: {}\n\nUnder Airbyte, and whoever starts programs as Airbyte does:\n",
        connector.version, connector.summary
    );
    let mut line = |words: &str| {
        let _ = writeln!(page, "  {name} {words}");
    };
    line("spec");
    line("check --config FILE");
    if connector.source.is_some() {
        line("discover --config FILE");
        line("read --config FILE --catalog FILE [--state FILE]");
    }
    if connector.destination.is_some() {
        line("write --config FILE --catalog FILE < MESSAGES");
    }
    let _ = write!(
        page,
        "Under Conduit: put the program into the folder `connectors`, and write `plugin: standalone:{name}`\n\
         Under DataFlow: call it `dataflow-connector-{name}`, and write `type: {name}`\n\
         Under Crossdock: as `airbyte:exec:PATH`, `conduit:exec:PATH` or `dataflow:exec:PATH`\n"
    );
    if let Some(source) = &connector.source {
        settings(&mut page, "source", &source.spec(session).await?);
    }
    if let Some(destination) = &connector.destination {
        settings(&mut page, "destination", &destination.spec(session).await?);
    }
    Ok(page)
}

fn settings(page: &mut String, half: &str, spec: &Spec) {
    let mut rows = Vec::new();
    walk(&spec.connection_specification, "", true, 0, &mut rows);
    let _ = writeln!(page, "\nSettings of the {half}:");
    if rows.is_empty() {
        page.push_str("  none\n");
    }
    let width = |part: fn(&[String; 3]) -> usize| rows.iter().map(part).max().unwrap_or_default();
    let (names, kinds) = (
        width(|row| row[0].chars().count()),
        width(|row| row[1].chars().count()),
    );
    for [name, kind, description] in &rows {
        let text = format!("  {name:names$}  {kind:kinds$}  {description}");
        let _ = writeln!(page, "{}", text.trim_end());
    }
}

fn walk(
    object: &Value,
    prefix: &str,
    is_required: bool,
    depth: usize,
    rows: &mut Vec<[String; 3]>,
) {
    let required = object["required"].as_array();
    for (name, property) in object["properties"].as_object().into_iter().flatten() {
        let path = format!("{prefix}{name}");
        let is_needed =
            is_required && required.is_some_and(|names| names.iter().any(|one| one == name));
        if property["properties"].is_object() && depth < DEEPEST {
            walk(property, &format!("{path}."), is_needed, depth + 1, rows);
            continue;
        }
        rows.push([path, kind(property, is_needed), description(property)]);
    }
}

/// The type, and what stands for a value that is not given.
fn kind(property: &Value, is_needed: bool) -> String {
    let mut kind = match (&property["enum"], &property["type"]) {
        (Value::Array(values), _) => values
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join("|"),
        (_, Value::String(name)) => name.clone(),
        (_, Value::Array(names)) => names
            .iter()
            .filter_map(Value::as_str)
            .filter(|name| *name != "null")
            .collect::<Vec<_>>()
            .join(" or "),
        _ => "any".to_owned(),
    };
    if property["airbyte_secret"] == true {
        kind += ", secret";
    }
    match &property["default"] {
        _ if is_needed => kind += ", required",
        Value::Null => {}
        Value::String(text) => kind += &format!(" [{text}]"),
        other => kind += &format!(" [{other}]"),
    }
    kind
}

/// The first paragraph, on one line.
fn description(property: &Value) -> String {
    let text = property["description"].as_str().unwrap_or_default();
    let first = text.split("\n\n").next().unwrap_or_default();
    first.split_whitespace().collect::<Vec<_>>().join(" ")
}
