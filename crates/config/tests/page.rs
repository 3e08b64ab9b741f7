//! `docs/pipeline-file.md`: the JSON Schema as a page for people.
//!
//! A definition that has keys is a section; one that lists values stands in the cell of the key that takes them. A
//! form of the schema that is not known here ends the test, so nothing is left out in silence.

use std::path::Path;

use crossdock_config::json_schema;
use serde_json::Value;

/// What stands before the sections.
const HEAD: &str = "\
# The pipeline file

What to move from where to where, as YAML or JSON. `crossdock init` writes one, `crossdock validate` checks it without
starting anything, `crossdock run` runs it. [tutorial.md](tutorial.md) goes through one from the beginning; `crossdock schema`
prints the JSON Schema, for editors ([pipeline.schema.json](pipeline.schema.json)).

```yaml
version: 1
pipelines:
  - id: orders
    source:
      connector: native:csv
      config: {path: \"./in/orders_*.csv\"}
    streams:
      - {name: orders, sync_mode: incremental, destination_sync_mode: append_dedup, primary_key: id}
    destination:
      connector: native:sqlite
      config: {path: ./shop.db}
    settings: {retries: {complete_failures: 1}}
```

This page is made from the schema, and a test compares it. An unknown key is an error that names the nearest one that is known.
A key without a value counts as left out. What stands in `config` is the connector's affair: `crossdock spec REF` prints it.

| what is written | how |
|---|---|
| duration | `500ms`, `10s`, `5m`, `2h`, `1d`, `1m 30s` |
| size | `64MB`, `256MiB`, or a number of bytes |
| a value from outside, in `config` and wherever it says so | `${env:NAME}`, `${env:NAME:-default}`, `${file:PATH}`; `$${` is `${` itself ([secrets.md](secrets.md)) |
";

/// The sections, in their order: the definition, its heading, and where it stands.
const SECTIONS: [(&str, &str, &str); 14] = [
    ("", "The file", ""),
    ("Pipeline", "An entry of `pipelines`", ""),
    (
        "Connector",
        "A connector",
        "Under `source`, `destination`, in the list `destinations`, and under `dead_letters.destination`.",
    ),
    (
        "Docker",
        "`docker`",
        "Beside a connector `airbyte:docker:…`; [docker.md](docker.md) is its page.",
    ),
    (
        "DataChannel",
        "`data_channel`",
        "Beside a connector of Airbyte; [airbyte.md](airbyte.md#sockets) is its page.",
    ),
    (
        "Stream",
        "An entry of `streams`",
        "[streams.md](streams.md) is its page.",
    ),
    (
        "Mapper",
        "An entry of `mappers`",
        "In an entry of `streams`; [processors.md](processors.md) has their settings.",
    ),
    (
        "Processor",
        "An entry of `processors`",
        "[processors.md](processors.md) has all of them with their settings.",
    ),
    ("Namespace", "`namespace`", ""),
    (
        "DeadLetters",
        "`dead_letters`",
        "[dead-letters.md](dead-letters.md) is its page.",
    ),
    (
        "Notification",
        "An entry of `notifications`",
        "Of the file or of a pipeline.",
    ),
    (
        "Settings",
        "`settings`",
        "Of the file, for all its pipelines, or of one pipeline, whose keys override those of the file one by one.",
    ),
    ("Answers", "`settings.answers`", ""),
    ("Retries", "`settings.retries`", ""),
];

/// The heading as a link's target, as both GitHub and mdBook make it.
fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || " _-".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

fn text(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace('|', "\\|")
}

fn definition<'a>(root: &'a Value, schema: &'a Value) -> Option<(&'a str, &'a Value)> {
    let name = schema["$ref"].as_str()?.strip_prefix("#/definitions/")?;
    Some((name, &root["definitions"][name]))
}

/// The constants of a list of values, each with what it means.
fn constants(schema: &Value) -> Option<Vec<(&str, String)>> {
    if let Some(values) = schema["enum"].as_array() {
        return Some(
            values
                .iter()
                .filter_map(|v| Some((v.as_str()?, String::new())))
                .collect(),
        );
    }
    let forms = schema["oneOf"].as_array()?;
    let all: Vec<_> = forms
        .iter()
        .filter_map(|form| Some((form["const"].as_str()?, text(&form["description"]))))
        .collect();
    (all.len() == forms.len()).then_some(all)
}

/// Several of what these words name.
fn plural(words: &str) -> String {
    let words = words.replace("list of texts", "lists of texts");
    let words = words
        .strip_prefix("text")
        .map_or(words.clone(), |rest| format!("texts{rest}"));
    words
        .replace("[mapping]", "[mappings]")
        .replace("one of", "these")
}

/// The form of a value, in words, and the values that it may have.
fn form(root: &Value, schema: &Value) -> (String, Vec<(String, String)>) {
    if let Some((name, target)) = definition(root, schema) {
        if let Some(values) = constants(target) {
            let values = values.into_iter().map(|(name, why)| (name.to_owned(), why));
            return ("one of".to_owned(), values.collect());
        }
        let section = SECTIONS.iter().find(|(known, ..)| *known == name);
        let heading = section
            .unwrap_or_else(|| panic!("`{name}` needs a section"))
            .1;
        return (format!("[mapping](#{})", anchor(heading)), Vec::new());
    }
    if let Some(values) = constants(schema) {
        let values = values.into_iter().map(|(name, why)| (name.to_owned(), why));
        return ("one of".to_owned(), values.collect());
    }
    for keyword in ["anyOf", "allOf"] {
        if let Some(forms) = schema[keyword].as_array() {
            let forms = forms.iter().filter(|form| form["type"] != "null");
            let forms: Vec<_> = forms.map(|schema| form(root, schema)).collect();
            let words: Vec<_> = forms.iter().map(|(words, _)| words.as_str()).collect();
            return (
                words.join(" or "),
                forms.into_iter().flat_map(|(_, values)| values).collect(),
            );
        }
    }
    if let Some(value) = schema.get("const") {
        return (format!("`{value}`"), Vec::new());
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many
            .iter()
            .filter_map(Value::as_str)
            .filter(|t| *t != "null")
            .collect(),
        other => panic!("no type: {other} in {schema}"),
    };
    let pattern = schema["pattern"].as_str().unwrap_or_default();
    let bounds = match (schema["minimum"].as_f64(), schema["maximum"].as_f64()) {
        (Some(least), Some(most)) => format!(", {least} to {most}"),
        (Some(least), None) => format!(", {least} or more"),
        _ => String::new(),
    };
    let words = match types.as_slice() {
        ["string", "integer"] if pattern.contains("[Bb]") => "size".to_owned(),
        ["string", "integer"] if pattern.contains("ms") => "duration, or a whole number".to_owned(),
        ["string"] if pattern.contains("ms|s") => "duration".to_owned(),
        ["string"] => "text".to_owned(),
        ["boolean"] => "`true` or `false`".to_owned(),
        ["integer"] => format!("whole number{bounds}"),
        ["number"] => format!("number{bounds}"),
        ["object"] => "mapping".to_owned(),
        ["array"] => {
            let (words, values) = form(root, &schema["items"]);
            return (format!("list of {}", plural(&words)), values);
        }
        other => panic!("a form that the page does not know: {other:?} in {schema}"),
    };
    (words, Vec::new())
}

fn row(root: &Value, key: &str, schema: &Value, is_required: bool) -> String {
    let (mut words, values) = form(root, schema);
    if schema["minItems"] == 1 {
        words += ", at least one";
    }
    let default = match schema.get("default") {
        _ if is_required => "**required**".to_owned(),
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => format!("`{text}`"),
        Some(value) => format!("`{value}`"),
    };
    let mut says = text(&schema["description"]);
    if !values.is_empty() {
        let names: Vec<_> = values.iter().map(|(name, _)| format!("`{name}`")).collect();
        words = format!("{words}: {}", names.join(", "));
        for (name, why) in values.iter().filter(|(_, why)| !why.is_empty()) {
            says += &format!("<br>• `{name}`: {why}");
        }
    }
    let example = schema["examples"][0].clone();
    // What a duration or a size looks like is said at the top.
    if !example.is_null() && !words.starts_with("duration") && words != "size" {
        let example = example
            .as_str()
            .map_or_else(|| example.to_string(), str::to_owned);
        says += &format!("<br>E.g. `{}`", example.replace('|', "\\|"));
    }
    format!("| `{key}` | {words} | {default} | {says} |\n")
}

fn page() -> String {
    let root = json_schema();
    let mut page = HEAD.to_owned();
    for (name, heading, place) in SECTIONS {
        let schema = if name.is_empty() {
            &root
        } else {
            &root["definitions"][name]
        };
        page += &format!("\n## {heading}\n");
        for says in [text(&schema["description"]), place.to_owned()] {
            if !says.is_empty() && !name.is_empty() {
                page += &format!("\n{says}\n");
            }
        }
        page += "\n| key | value | without it | what it means |\n|---|---|---|---|\n";
        let properties = schema["properties"]
            .as_object()
            .expect("a section has keys");
        let required = schema["required"].as_array();
        for (key, property) in properties {
            let is_required = required.is_some_and(|all| all.iter().any(|one| one == key));
            page += &row(&root, key, property, is_required);
        }
    }
    page
}

#[test]
fn the_page_of_the_pipeline_file_is_what_the_schema_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/pipeline-file.md");
    let page = page();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == page,
        "docs/pipeline-file.md is old: run the test again with UPDATE=1"
    );
}

#[test]
fn every_definition_with_keys_has_a_section() {
    let root = json_schema();
    let definitions = root["definitions"].as_object().unwrap().iter();
    let with_keys = definitions.filter(|(_, schema)| schema["properties"].is_object());
    let missing: Vec<_> = with_keys
        .filter(|(name, _)| !SECTIONS.iter().any(|(known, ..)| known == name))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(missing, Vec::<&String>::new());
}
