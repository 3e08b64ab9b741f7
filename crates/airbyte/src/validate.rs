//! A configuration against its connector's specification, before any process is started (§1.8), and records against
//! the schemas of their streams.

mod record;

pub use record::{Look, RecordSchema};

use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::spec::Spec;
use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, ValidationError, Validator};
use serde_json::{Map, Value, json};

/// Names shown at most: who sees five faults corrects the cause first.
const SHOWN: usize = 5;

/// Fills in the defaults of `spec` and checks `config` against it. A specification that is not a
/// valid JSON Schema refuses nothing: that is not the user's fault.
///
/// # Errors
///
/// `config.violates_spec`, naming the places in `config` and never their values (P10). The context
/// `pointer` is the JSON pointer of the first.
pub fn validate_config(spec: &Spec, config: &mut Value) -> Result<()> {
    let root = &spec.connection_specification;
    fill(root, root, config, 0);
    let Some(validator) = compile(root) else {
        tracing::warn!(
            "the specification is not a valid JSON Schema; the configuration is not checked"
        );
        return Ok(());
    };
    let mut first = None;
    let mut faults = Vec::new();
    for error in validator.iter_errors(config) {
        first.get_or_insert_with(|| error.instance_path().as_str().to_owned());
        faults.push(fault(&error));
    }
    faults.dedup();
    let Some(pointer) = first else {
        return Ok(());
    };
    let rest = faults.len().saturating_sub(SHOWN);
    faults.truncate(SHOWN);
    if rest > 0 {
        faults.push(format!("and {rest} more"));
    }
    let error = Error::new(&code::CONFIG_SPEC, faults.join("; "));
    Err(if pointer.is_empty() {
        error
    } else {
        error.with("pointer", pointer)
    })
}

/// Compiles a schema as connectors mean it: `oneOf` as "any of", since real alternatives overlap
/// where their discriminator is not required; formats unchecked, as Python's validator has it.
fn compile(schema: &Value) -> Option<Validator> {
    let build = |schema: &Value| {
        jsonschema::options()
            .with_draft(Draft::Draft7)
            .should_validate_formats(false)
            .build(schema)
            .ok()
    };
    let schema = relax(schema, false);
    // A pattern in a dialect that is not ours must not refuse the whole specification.
    build(&schema).or_else(|| build(&relax(&schema, true)))
}

fn relax(schema: &Value, drop_patterns: bool) -> Value {
    match schema {
        Value::Object(members) => {
            let mut relaxed = Map::new();
            for (key, value) in members {
                match key.as_str() {
                    "pattern" if drop_patterns && value.is_string() => {}
                    "oneOf" if value.is_array() && !members.contains_key("anyOf") => {
                        relaxed.insert("anyOf".into(), relax(value, drop_patterns));
                    }
                    // Values, not schemas.
                    "default" | "const" | "enum" | "examples" => {
                        relaxed.insert(key.clone(), value.clone());
                    }
                    _ => {
                        relaxed.insert(key.clone(), relax(value, drop_patterns));
                    }
                }
            }
            Value::Object(relaxed)
        }
        Value::Array(items) => items
            .iter()
            .map(|item| relax(item, drop_patterns))
            .collect(),
        other => other.clone(),
    }
}

/// One fault in words, with its place. For alternatives: the fault of the one that comes nearest.
fn fault(error: &ValidationError<'_>) -> String {
    if let ValidationErrorKind::AnyOf { context } = error.kind() {
        let nearest = context
            .iter()
            .filter(|faults| !faults.iter().any(is_discriminator))
            .min_by_key(|faults| faults.len());
        if let Some(fault_of_alternative) = nearest.and_then(|faults| faults.first()) {
            return fault(fault_of_alternative);
        }
    }
    words(error, "config")
}

/// A fault with its place, `whole` if that is the whole. Masked: the value may be a secret (P10).
fn words(error: &ValidationError<'_>, whole: &str) -> String {
    format!(
        "`{}`: {}",
        place(error, whole),
        error.masked_with("the value")
    )
}

fn is_discriminator(error: &ValidationError<'_>) -> bool {
    matches!(
        error.kind(),
        ValidationErrorKind::Constant { .. } | ValidationErrorKind::Enum { .. }
    )
}

fn place(error: &ValidationError<'_>, whole: &str) -> String {
    let pointer = error.instance_path().as_str();
    let path = pointer.trim_start_matches('/').replace('/', ".");
    if path.is_empty() {
        whole.to_owned()
    } else {
        path.replace("~1", "/").replace("~0", "~")
    }
}

/// Resolves a local reference; others stay as they are.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|reference| reference.strip_prefix('#'))
        .and_then(|pointer| root.pointer(pointer))
        .unwrap_or(schema)
}

/// Fills defaults and discriminators into `value`. Depth is bounded: a schema may contain itself.
fn fill(root: &Value, schema: &Value, value: &mut Value, depth: usize) {
    if depth > 32 {
        return;
    }
    let schema = resolve(root, schema);
    for part in schema
        .get("allOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        fill(root, part, value, depth + 1);
    }
    if let (Some(properties), Value::Object(members)) = (
        schema.get("properties").and_then(Value::as_object),
        &mut *value,
    ) {
        for (name, property) in properties {
            let property = resolve(root, property);
            match members.get_mut(name) {
                Some(member) => fill(root, property, member, depth + 1),
                None => {
                    if let Some(default) = property.get("default").filter(|d| !d.is_null()) {
                        members.insert(name.clone(), default.clone());
                    }
                }
            }
        }
    }
    if let (Some(items), Value::Array(elements)) = (schema.get("items"), &mut *value) {
        for element in elements {
            fill(root, items, element, depth + 1);
        }
    }
    let alternatives = ["oneOf", "anyOf"]
        .into_iter()
        .find_map(|key| schema.get(key)?.as_array());
    if let Some(alternatives) = alternatives
        && value.is_object()
        && let Some(chosen) = choose(root, alternatives, value, depth)
    {
        *value = chosen;
    }
}

/// The value as the alternative that it stands for has it. By the discriminator if it is there,
/// else the first alternative that the value satisfies once discriminator and defaults are added.
fn choose(root: &Value, alternatives: &[Value], value: &Value, depth: usize) -> Option<Value> {
    let mut fallback = None;
    for alternative in alternatives {
        let alternative = resolve(root, alternative);
        let constants = constants(alternative);
        let named = constants
            .iter()
            .any(|(name, constant)| value.get(*name) == Some(*constant));
        let denied = constants
            .iter()
            .any(|(name, constant)| value.get(*name).is_some_and(|own| own != *constant));
        if denied {
            continue;
        }
        let mut candidate = value.clone();
        if let Value::Object(members) = &mut candidate {
            for (name, constant) in constants {
                members.entry(name).or_insert_with(|| constant.clone());
            }
        }
        fill(root, alternative, &mut candidate, depth + 1);
        if named {
            return Some(candidate);
        }
        if fallback.is_none() && satisfies(root, alternative, &candidate) {
            fallback = Some(candidate);
        }
    }
    fallback
}

/// The properties that an alternative fixes: a `const`, or the only value of an `enum`.
fn constants(alternative: &Value) -> Vec<(&str, &Value)> {
    let properties = alternative.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flatten()
        .filter_map(|(name, property)| {
            let only = match property
                .get("enum")
                .and_then(Value::as_array)
                .map(Vec::as_slice)
            {
                Some([only]) => Some(only),
                _ => None,
            };
            Some((name.as_str(), property.get("const").or(only)?))
        })
        .collect()
}

fn satisfies(root: &Value, schema: &Value, value: &Value) -> bool {
    let mut whole = json!({"allOf": [schema]});
    for definitions in ["definitions", "$defs"] {
        if let Some(found) = root.get(definitions) {
            whole[definitions] = found.clone();
        }
    }
    compile(&whole).is_none_or(|validator| validator.is_valid(value))
}

#[cfg(test)]
mod tests;
