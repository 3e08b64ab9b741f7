//! Checks a document against the JSON Schema of its kind, and tells everything that is wrong at
//! once, each with its place and the nearest thing that would be right.
//!
//! The schema is generated from [`crate::wire`], so keys are named once in this crate. Only what
//! those types produce is understood here: this is not a JSON Schema validator.

use crossdock_core::code;
use serde_json::Value;

use crate::diagnostic::{Diagnostics, quoted};
use crate::node::{Node, Place, Tree};
use crate::suggestion;

/// Checks `place` against `schema`, a part of `root`.
pub(crate) fn check(place: &Place<'_>, schema: &Value, root: &Value, out: &mut Diagnostics) {
    let schema = resolve(schema, root);
    if let Some(alternatives) = alternatives(schema) {
        return choose(place, alternatives, root, out);
    }
    if !has_type(place.node, schema) {
        return wrong_type(place, &types(schema), example(schema), out);
    }
    match &place.node.tree {
        Tree::Mapping(_) => mapping(place, schema, root, out),
        Tree::Sequence(items) => {
            if items.is_empty() && schema.get("minItems").is_some() {
                out.push(place.fault(&code::CONFIG_INVALID, "the list is empty"));
            }
            if let Some(item_schema) = schema.get("items") {
                for item in place.items() {
                    check(&item, item_schema, root, out);
                }
            }
        }
        Tree::String(text) => string(place, text, schema, out),
        Tree::Number(number) => {
            let bound = |keyword| schema.get(keyword).and_then(Value::as_f64);
            let value = number.as_f64().unwrap_or(f64::NAN);
            if let Some(least) = bound("minimum").filter(|least| value < *least) {
                out.push(place.fault(
                    &code::CONFIG_INVALID,
                    format!("the number is less than {least}"),
                ));
            }
            if let Some(most) = bound("maximum").filter(|most| value > *most) {
                out.push(place.fault(
                    &code::CONFIG_INVALID,
                    format!("the number is greater than {most}"),
                ));
            }
        }
        Tree::Null | Tree::Bool(_) => {}
    }
}

/// Keys that stand twice, everywhere in the document, connectors' configurations included.
pub(crate) fn duplicates(place: &Place<'_>, out: &mut Diagnostics) {
    let mut seen = std::collections::HashMap::new();
    for entry in place.node.entries() {
        let first = *seen.entry(entry.key.as_str()).or_insert(entry.at);
        let here = place.to(&entry.value, &entry.key);
        if first != entry.at {
            let message = format!(
                "the key {} stands twice, first in line {}",
                quoted(&entry.key),
                first.line
            );
            let mut fault = here.fault(&code::CONFIG_SYNTAX, message);
            fault.at = here.located(entry.at);
            out.push(fault.hint("remove one of them"));
        }
        duplicates(&here, out);
    }
    for item in place.items() {
        duplicates(&item, out);
    }
}

/// Follows `$ref`, alone or as the only part of an `allOf`.
fn resolve<'a>(mut schema: &'a Value, root: &'a Value) -> &'a Value {
    loop {
        let all = schema.get("allOf").and_then(Value::as_array);
        if let Some([only]) = all.map(Vec::as_slice) {
            schema = only;
            continue;
        }
        let reference = schema.get("$ref").and_then(Value::as_str);
        match reference.and_then(|r| root.pointer(r.trim_start_matches('#'))) {
            Some(target) => schema = target,
            None => return schema,
        }
    }
}

fn alternatives(schema: &Value) -> Option<&Vec<Value>> {
    let found = schema.get("anyOf").or_else(|| schema.get("oneOf"));
    found.and_then(Value::as_array)
}

/// Several forms are allowed: takes the one of the right type, so that its faults are told rather
/// than "none of the forms fits".
fn choose(place: &Place<'_>, alternatives: &[Value], root: &Value, out: &mut Diagnostics) {
    let constants: Vec<&str> = alternatives
        .iter()
        .filter_map(|a| a.get("const").and_then(Value::as_str))
        .collect();
    if constants.len() == alternatives.len() {
        return match place.node.text() {
            Some(text) => one_of(place, text, &constants, out),
            None => wrong_type(place, &["string"], allowed(&constants), out),
        };
    }
    let fitting = alternatives
        .iter()
        .map(|alternative| resolve(alternative, root))
        .find(|alternative| alternative_fits(place.node, alternative));
    match fitting {
        Some(alternative) => check(place, alternative, root, out),
        None => {
            let all = || alternatives.iter().map(|a| resolve(a, root));
            let expected: Vec<&str> = all().flat_map(types).filter(|t| *t != "null").collect();
            let constants: Vec<&str> = all().flat_map(constants_of).collect();
            wrong_type(place, &expected, allowed(&constants), out);
        }
    }
}

fn alternative_fits(node: &Node, schema: &Value) -> bool {
    // An enum of described constants has no type of its own.
    alternatives(schema).map_or_else(
        || has_type(node, schema),
        |inner| inner.iter().any(|schema| alternative_fits(node, schema)),
    )
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ if schema.get("const").is_some_and(Value::is_string) => vec!["string"],
        // An enum of described constants has no type of its own.
        _ => {
            let inner = alternatives(schema).into_iter().flatten();
            let mut found: Vec<&str> = inner.flat_map(types).collect();
            found.dedup();
            found
        }
    }
}

/// The texts that an enum of described constants allows.
fn constants_of(schema: &Value) -> Vec<&str> {
    let own = schema.get("const").and_then(Value::as_str);
    let inner = alternatives(schema).into_iter().flatten();
    own.into_iter()
        .chain(inner.flat_map(constants_of))
        .collect()
}

fn has_type(node: &Node, schema: &Value) -> bool {
    let types = types(schema);
    types.is_empty()
        || types.iter().any(|expected| {
            matches!(
                (&node.tree, *expected),
                (Tree::Null, "null")
                    | (Tree::Bool(_), "boolean")
                    | (Tree::Number(_), "number")
                    | (Tree::String(_), "string")
                    | (Tree::Sequence(_), "array")
                    | (Tree::Mapping(_), "object")
            ) || matches!((&node.tree, *expected), (Tree::Number(n), "integer") if !n.is_f64())
        })
}

/// What a right value looks like, where its type alone does not tell.
fn example(schema: &Value) -> Option<String> {
    let example = schema.get("examples")?.get(0)?.as_str()?;
    Some(format!("write e.g. `{example}`"))
}

fn allowed(constants: &[&str]) -> Option<String> {
    let list = suggestion::list(constants);
    (!constants.is_empty()).then(|| format!("the allowed values are {list}"))
}

fn wrong_type(place: &Place<'_>, expected: &[&str], advice: Option<String>, out: &mut Diagnostics) {
    let names: Vec<&str> = expected
        .iter()
        .filter(|name| **name != "null")
        .map(|name| match *name {
            "object" => "a mapping",
            "array" => "a list",
            "string" => "a string",
            "integer" => "an integer",
            "boolean" => "a boolean",
            _ => "a number",
        })
        .collect();
    let message = format!(
        "expected {}, found {}",
        names.join(" or "),
        place.node.kind()
    );
    let fault = place.fault(&code::CONFIG_SYNTAX, message);
    let scalar = matches!(place.node.tree, Tree::Bool(_) | Tree::Number(_));
    out.push(match advice {
        Some(advice) => fault.hint(advice),
        None if scalar && names.contains(&"a string") => fault.hint("put it in quotes"),
        None => fault,
    });
}

fn mapping(place: &Place<'_>, schema: &Value, root: &Value, out: &mut Diagnostics) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    let required = schema.get("required").and_then(Value::as_array);
    let required: Vec<&str> = required
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut misspelt = Vec::new();
    for entry in place.node.entries() {
        let here = place.to(&entry.value, &entry.key);
        match properties.get(&entry.key) {
            // A key without a value is as good as absent.
            Some(_) if matches!(entry.value.tree, Tree::Null) => {}
            Some(property) => check(&here, property, root, out),
            None => {
                let known: Vec<&str> = properties.keys().map(String::as_str).collect();
                let message = format!("unknown key {}", quoted(&entry.key));
                let mut fault = here.fault(&code::CONFIG_UNKNOWN_KEY, message);
                fault.at = here.located(entry.at);
                out.push(fault.hint(suggestion::hint(&entry.key, &known, "known keys")));
                misspelt.extend(suggestion::nearest(&entry.key, known));
            }
        }
    }
    for key in required {
        let value = place.node.get(key);
        let missing = value.is_none_or(|value| matches!(value.tree, Tree::Null));
        // A key that is there under a wrong name has been told.
        if missing && !misspelt.contains(&key) {
            out.push(place.fault(&code::CONFIG_INVALID, format!("`{key}` is missing")));
        }
    }
}

fn string(place: &Place<'_>, text: &str, schema: &Value, out: &mut Diagnostics) {
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array) {
        let allowed: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
        return one_of(place, text, &allowed, out);
    }
    // A connector's own configuration is not walked here, so this is every other string, but for secrets.
    if schema.get("writeOnly") == Some(&Value::Bool(true)) {
        return;
    }
    if text.contains("${env:") || text.contains("${file:") {
        let message = "a reference stands where none is resolved";
        out.push(
            place
                .fault(&code::CONFIG_INVALID, message)
                .hint("`${env:…}` and `${file:…}` are for values inside a connector's `config` or a mapper's settings"),
        );
    }
}

fn one_of(place: &Place<'_>, text: &str, allowed: &[&str], out: &mut Diagnostics) {
    if !allowed.contains(&text) {
        let message = format!("{} is not allowed here", quoted(text));
        out.push(
            place
                .fault(&code::CONFIG_INVALID, message)
                .hint(suggestion::hint(text, allowed, "allowed values")),
        );
    }
}
