//! `spec`, and the schema that it prints.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::subject::Subject;
use crate::rule::checks;
use crate::{Outcome, broken};

checks! { Subject;
    "spec/answers" Must "Airbyte Protocol, spec" "`spec` prints one SPEC and ends with exit code 0"
    "print the specification without reading any configuration" answers;
    "spec/only-messages" Should "Airbyte Protocol, AirbyteMessage" "every line on stdout of `spec` is a message"
    "write logs as LOG messages, and everything else to stderr" only_messages;
    "spec/same-twice" Should "Airbyte Protocol, spec" "`spec` says the same each time"
    "platforms keep the specification of a version; do not put times or random values into it" same_twice;
    "spec/schema" Must "ConnectorSpecification, connectionSpecification" "the specification has a valid JSON Schema of an object"
    "connectionSpecification is a JSON Schema (draft 7) with `type: object` and `properties`" schema;
    "spec/required-known" Must "Connector specification reference" "every required property is defined"
    "add the property, or take its name out of `required`" required_known;
    "spec/protocol-version" Must "ConnectorSpecification, protocol_version" "protocol_version, if it is there, is a semantic version of major version 0"
    "`0.2.0` is assumed where there is none" protocol_version;
    "spec/documentation" Should "ConnectorSpecification, documentationUrl" "documentationUrl is there and is an address"
    "users are sent there by the form" documentation;
    "spec/secrets" Must "Connector specification reference, airbyte_secret" "properties whose names say that they are secret are marked with airbyte_secret"
    "add `airbyte_secret: true`, or the value is stored and logged in the clear" secrets;
    "spec/one-of" Must "Connector specification reference, oneOf" "alternatives are objects with one property that is a different constant in each"
    "give each alternative a property with a `const` of its own; the form cannot show it otherwise" one_of;
    "spec/defaults" Should "Connector specification reference" "defaults and examples are allowed by the schema"
    "the form fills defaults in, and `check` would then refuse them" defaults;
    "spec/order" Should "Connector specification reference, order" "`order` is a whole number, and different among siblings"
    "number the properties of one object from 0" order;
    "spec/groups" Should "Connector specification reference, group" "every `group` is one of `groups`"
    "add `{id, title}` to `groups` beside `properties`" groups;
    "spec/titles" Should "Connector specification reference" "every property has a title or a description"
    "the form shows the bare name otherwise" titles;
    "spec/sync-modes" Must "ConnectorSpecification, supported_destination_sync_modes" "a destination says which modes it supports"
    "one of append, overwrite, append_dedup, update, soft_delete" sync_modes;
}

async fn answers(it: &Subject) -> Outcome {
    let exchange = it.spec().await?;
    match exchange.of("SPEC").count() {
        1 if exchange.succeeded() => Ok(()),
        1 => broken(exchange.ended(), exchange.shown(None)),
        count => broken(
            format!("there are {count} SPEC messages"),
            exchange.shown(None),
        ),
    }
}

async fn only_messages(it: &Subject) -> Outcome {
    super::lines::are_messages(&*it.spec().await?)
}

async fn same_twice(it: &Subject) -> Outcome {
    let exchange = it.spec().await?;
    let first = it.specification().await?;
    let again = it.again(&exchange.invocation).await?;
    match again.of("SPEC").next() {
        Some(second) if second.body == first => Ok(()),
        _ => broken("the second SPEC is another", again.shown(None)),
    }
}

async fn schema(it: &Subject) -> Outcome {
    let exchange = it.spec().await?;
    let specification = it.specification().await?;
    let seen = match specification.get("connectionSpecification") {
        Some(schema) if schema["type"] != "object" => "its type is not `object`".to_owned(),
        Some(schema) => match jsonschema::draft7::meta::validate(schema) {
            Ok(()) => return Ok(()),
            Err(error) => format!("{error} (at {})", error.instance_path()),
        },
        None => "there is no connectionSpecification".to_owned(),
    };
    broken(seen, exchange.shown(None))
}

/// An object of the schema, with the place where it stands.
struct Part<'a> {
    place: String,
    schema: &'a Value,
}

impl Part<'_> {
    fn properties(&self) -> Option<&Map<String, Value>> {
        self.schema.get("properties")?.as_object()
    }
}

/// Every schema within: properties, items, alternatives.
fn parts(schema: &Value) -> Vec<Part<'_>> {
    fn walk<'a>(schema: &'a Value, place: String, found: &mut Vec<Part<'a>>) {
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            walk(property, format!("{place}/{name}"), found);
        }
        if let Some(items) = schema.get("items") {
            walk(items, format!("{place}[]"), found);
        }
        for keyword in ["oneOf", "anyOf", "allOf"] {
            let alternatives = schema.get(keyword).and_then(Value::as_array);
            for (number, alternative) in alternatives.into_iter().flatten().enumerate() {
                walk(alternative, format!("{place}({keyword} {number})"), found);
            }
        }
        found.push(Part { place, schema });
    }
    let mut found = Vec::new();
    walk(schema, String::new(), &mut found);
    found
}

/// Says of the first part that has a fault where it is.
async fn each_part(it: &Subject, fault: impl Fn(&Part<'_>) -> Option<String>) -> Outcome {
    let schema = it.schema().await?;
    for part in parts(&schema) {
        if let Some(fault) = fault(&part) {
            let place = if part.place.is_empty() {
                "/"
            } else {
                &part.place
            };
            return broken(format!("{place}: {fault}"), it.spec().await?.shown(None));
        }
    }
    Ok(())
}

async fn required_known(it: &Subject) -> Outcome {
    each_part(it, |part| {
        let required = part.schema.get("required")?.as_array()?;
        let properties = part.properties()?;
        let mut names = required.iter().filter_map(Value::as_str);
        let unknown = names.find(|name| !properties.contains_key(*name))?;
        Some(format!("`{unknown}` is required and not defined"))
    })
    .await
}

async fn protocol_version(it: &Subject) -> Outcome {
    let specification = it.specification().await?;
    let version = match specification.get("protocol_version") {
        None => return Ok(()),
        Some(version) => version.as_str().unwrap_or_default(),
    };
    match semver::Version::parse(version) {
        Ok(version) if version.major == 0 => Ok(()),
        _ => broken(
            format!("protocol_version is `{version}`"),
            it.spec().await?.shown(None),
        ),
    }
}

async fn documentation(it: &Subject) -> Outcome {
    let specification = it.specification().await?;
    let url = specification
        .get("documentationUrl")
        .and_then(Value::as_str);
    match url {
        Some(url) if url.starts_with("https://") || url.starts_with("http://") => Ok(()),
        Some(url) => broken(
            format!("documentationUrl is `{url}`"),
            it.spec().await?.shown(None),
        ),
        None => broken("there is no documentationUrl", it.spec().await?.shown(None)),
    }
}

/// Names that can only be of secrets; a `token_url` is none.
fn is_secret(name: &str) -> bool {
    const ENDS: [&str; 9] = [
        "password",
        "passwd",
        "secret",
        "api_key",
        "apikey",
        "access_token",
        "refresh_token",
        "private_key",
        "api_token",
    ];
    let name = name.to_ascii_lowercase();
    ENDS.iter().any(|end| name.ends_with(end))
}

async fn secrets(it: &Subject) -> Outcome {
    each_part(it, |part| {
        let mut properties = part.properties()?.iter();
        let (name, _) = properties.find(|(name, property)| {
            let text = property["type"] == "string" && property.get("const").is_none();
            is_secret(name) && text && property["airbyte_secret"] != true
        })?;
        Some(format!("`{name}` is not marked with airbyte_secret"))
    })
    .await
}

async fn one_of(it: &Subject) -> Outcome {
    each_part(it, |part| {
        let alternatives = part.schema.get("oneOf")?.as_array()?;
        let objects: Option<Vec<_>> = alternatives
            .iter()
            .map(|alternative| alternative.get("properties")?.as_object())
            .collect();
        let Some(objects) = objects else {
            // Of plain types, e.g. a text or a number: no form, but no choice either.
            let objects = alternatives.iter().any(|a| a.get("properties").is_some());
            return objects.then(|| "an alternative has no properties".to_owned());
        };
        let first = objects.first()?;
        let told_by = |name: &&String| {
            let values: Option<Vec<&Value>> = objects
                .iter()
                .map(|object| constant(object.get(*name)?))
                .collect();
            values.is_some_and(|values| {
                let different: BTreeSet<String> = values.iter().map(|v| v.to_string()).collect();
                different.len() == objects.len()
            })
        };
        match first.keys().find(told_by) {
            Some(_) => None,
            None => Some("no property tells the alternatives apart".to_owned()),
        }
    })
    .await
}

/// The only value that a property can have.
fn constant(property: &Value) -> Option<&Value> {
    property
        .get("const")
        .or_else(|| match property.get("enum")?.as_array()?.as_slice() {
            [only] => Some(only),
            _ => None,
        })
}

async fn defaults(it: &Subject) -> Outcome {
    each_part(it, |part| {
        let validator = jsonschema::draft7::new(part.schema).ok()?;
        let default = part.schema.get("default").filter(|value| !value.is_null());
        let examples = part.schema.get("examples").and_then(Value::as_array);
        // Examples are often written as texts, whatever the type; the form shows them as such.
        let texts = |value: &&Value| !value.is_string();
        let examples = examples.into_iter().flatten().filter(texts);
        let wrong = default
            .into_iter()
            .chain(examples)
            .find(|value| !validator.is_valid(value))?;
        Some(format!("{wrong} is not allowed"))
    })
    .await
}

async fn order(it: &Subject) -> Outcome {
    each_part(it, |part| {
        let mut seen = BTreeSet::new();
        for (name, property) in part.properties()? {
            let order = match property.get("order") {
                None => continue,
                Some(order) => order.as_i64(),
            };
            match order {
                None => return Some(format!("the order of `{name}` is not a whole number")),
                Some(order) if !seen.insert(order) => {
                    return Some(format!("`{name}` has the same order as another, {order}"));
                }
                Some(_) => {}
            }
        }
        None
    })
    .await
}

async fn groups(it: &Subject) -> Outcome {
    let schema = it.schema().await?;
    let groups = schema.get("groups").and_then(Value::as_array);
    let known: BTreeSet<&str> = groups
        .into_iter()
        .flatten()
        .filter_map(|g| g["id"].as_str())
        .collect();
    each_part(it, |part| {
        let group = part.schema.get("group")?.as_str()?;
        (!known.contains(group)).then(|| format!("there is no group `{group}`"))
    })
    .await
}

async fn titles(it: &Subject) -> Outcome {
    each_part(it, |part| {
        let mut properties = part.properties()?.iter();
        let (name, _) = properties.find(|(_, property)| {
            let says = |key: &str| property.get(key).is_some_and(Value::is_string);
            !(says("title") || says("description") || property.get("const").is_some())
        })?;
        Some(format!("`{name}` has neither"))
    })
    .await
}

async fn sync_modes(it: &Subject) -> Outcome {
    const KNOWN: [&str; 5] = [
        "append",
        "overwrite",
        "append_dedup",
        "update",
        "soft_delete",
    ];
    let specification = it.specification().await?;
    let modes = specification.get("supported_destination_sync_modes");
    let modes: Vec<&str> = match modes.and_then(Value::as_array) {
        Some(modes) => modes
            .iter()
            .map(|mode| mode.as_str().unwrap_or("?"))
            .collect(),
        None => Vec::new(),
    };
    let seen = match (it.role, modes.iter().find(|mode| !KNOWN.contains(mode))) {
        (_, Some(unknown)) => format!("an unknown mode `{unknown}`"),
        (crate::Role::Destination, None) if modes.is_empty() => "it supports none".to_owned(),
        _ => return Ok(()),
    };
    broken(seen, it.spec().await?.shown(None))
}
