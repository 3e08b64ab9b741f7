//! `discover`: the streams of a source.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::subject::{Stream, Subject, path};
use super::{Invocation, command_line, lines};
use crate::rule::checks;
use crate::{Outcome, broken, skip};

checks! { Subject;
    "discover/answers" Must "Airbyte Protocol, discover" "`discover` prints one CATALOG and ends with exit code 0"
    "print all streams in one CATALOG" answers;
    "discover/only-messages" Should "Airbyte Protocol, AirbyteMessage" "every line on stdout of `discover` is a message"
    "write logs as LOG messages, and everything else to stderr" only_messages;
    "discover/refuses-nothing" Must "Airbyte Protocol, discover" "`discover` of a configuration that cannot work fails with an error that is told"
    "a TRACE of type ERROR and exit code 1; an empty catalog would remove every stream" refuses_nothing;
    "discover/names" Must "AirbyteStream, name" "every stream has a name, and none the name and namespace of another"
    "use namespaces where names come twice" names;
    "discover/schemas" Must "AirbyteStream, json_schema" "every stream has a valid JSON Schema of an object"
    "draft 7, `type: object`, `properties` for each field" schemas;
    "discover/types" Should "Data types reference, airbyte_type" "every airbyte_type is a known one"
    "unknown types arrive as JSON texts" types;
    "discover/sync-modes" Must "AirbyteStream, supported_sync_modes" "every stream supports full_refresh or incremental, and nothing else"
    "`full_refresh` at the least" sync_modes;
    "discover/cursor-known" Must "AirbyteStream, default_cursor_field" "a default cursor is a field of the schema"
    "destinations look the cursor up in the schema" cursor_known;
    "discover/key-known" Must "AirbyteStream, source_defined_primary_key" "each part of a primary key is a field of the schema"
    "destinations look the key up in the schema" key_known;
    "discover/no-nulls" Must "AirbyteStream" "what has no value is left out, not null"
    "newer destinations refuse a catalog with null for namespace, source_defined_cursor or is_resumable" no_nulls;
    "discover/distinct-fields" Should "Destinations, naming" "no two fields of a stream differ only in case"
    "most databases fold case, so one of the two is lost" distinct_fields;
    "discover/reserved-fields" Should "Destinations, metadata columns" "no field is called as a column that destinations add"
    "names that begin with `_airbyte_` are theirs" reserved_fields;
    "discover/same-twice" Should "Airbyte Protocol, discover" "a second `discover` says the same"
    "every difference is a change of schema that somebody has to look at" same_twice;
}

async fn answers(it: &Subject) -> Outcome {
    let exchange = it.discover().await?;
    match exchange.of("CATALOG").count() {
        1 if exchange.succeeded() => Ok(()),
        1 => broken(exchange.ended(), exchange.shown(None)),
        count => broken(format!("there are {count} catalogs"), exchange.shown(None)),
    }
}

async fn only_messages(it: &Subject) -> Outcome {
    lines::are_messages(&*it.discover().await?)
}

async fn refuses_nothing(it: &Subject) -> Outcome {
    let exchange = it.without_required("discover").await?;
    command_line::fails(&exchange)?;
    match exchange.error() {
        Some(error) if !error.text("/error/message").is_empty() => Ok(()),
        _ => broken("there is no TRACE of an error", exchange.shown(None)),
    }
}

/// Says of the first stream that has a fault which one it is.
async fn each(it: &Subject, fault: impl Fn(&Stream) -> Option<String>) -> Outcome {
    for stream in it.streams().await? {
        if let Some(fault) = fault(&stream) {
            let seen = format!("stream `{}`: {fault}", stream.name());
            return broken(seen, it.discover().await?.shown(None));
        }
    }
    Ok(())
}

async fn names(it: &Subject) -> Outcome {
    let exchange = it.discover().await?;
    let Some(catalog) = exchange.of("CATALOG").next() else {
        return skip("`discover` prints no CATALOG");
    };
    let mut seen = BTreeSet::new();
    let streams = catalog.body["streams"].as_array().into_iter().flatten();
    for stream in streams.map(|stream| Stream(stream.clone())) {
        if stream.name().is_empty() {
            return broken("a stream has no name", exchange.shown(None));
        }
        if !seen.insert(stream.id()) {
            let seen = format!("`{}` comes twice", stream.name());
            return broken(seen, exchange.shown(None));
        }
    }
    Ok(())
}

async fn schemas(it: &Subject) -> Outcome {
    each(it, |stream| {
        let schema = stream.schema();
        let object = match &schema["type"] {
            Value::Array(types) => types.contains(&json!("object")),
            of => of == "object",
        };
        if !object {
            return Some("the type of its schema is not `object`".to_owned());
        }
        let error = jsonschema::draft7::meta::validate(schema).err()?;
        Some(format!("{error} (at {})", error.instance_path()))
    })
    .await
}

async fn types(it: &Subject) -> Outcome {
    const KNOWN: [&str; 7] = [
        "timestamp_with_timezone",
        "timestamp_without_timezone",
        "time_with_timezone",
        "time_without_timezone",
        "integer",
        "big_integer",
        "json",
    ];
    each(it, |stream| {
        let fields = stream.schema()["properties"].as_object()?;
        let unknown = fields.iter().find(|(_, field)| {
            let of = field.get("airbyte_type").and_then(Value::as_str);
            of.is_some_and(|of| !KNOWN.contains(&of))
        })?;
        Some(format!(
            "field `{}` is of the airbyte_type {}",
            unknown.0, unknown.1["airbyte_type"]
        ))
    })
    .await
}

async fn sync_modes(it: &Subject) -> Outcome {
    each(it, |stream| {
        let modes = stream.0["supported_sync_modes"].as_array();
        let Some(modes) = modes.filter(|modes| !modes.is_empty()) else {
            return Some("it supports no mode".to_owned());
        };
        let unknown = modes
            .iter()
            .find(|mode| *mode != "full_refresh" && *mode != "incremental")?;
        Some(format!("an unknown mode {unknown}"))
    })
    .await
}

/// Whether a path leads to a field that the schema declares.
fn declares(schema: &Value, path: &[String]) -> bool {
    let mut at = schema;
    path.iter().all(
        |part| match at.get("properties").and_then(|of| of.get(part)) {
            Some(field) => {
                at = field;
                true
            }
            None => false,
        },
    )
}

async fn cursor_known(it: &Subject) -> Outcome {
    each(it, |stream| {
        let cursor = path(&stream.0["default_cursor_field"]);
        (!cursor.is_empty() && !declares(stream.schema(), &cursor))
            .then(|| format!("there is no field `{}`", cursor.join(".")))
    })
    .await
}

async fn key_known(it: &Subject) -> Outcome {
    each(it, |stream| {
        let key = stream.key();
        let unknown = key.iter().find(|path| !declares(stream.schema(), path))?;
        Some(format!("there is no field `{}`", unknown.join(".")))
    })
    .await
}

async fn no_nulls(it: &Subject) -> Outcome {
    each(it, |stream| {
        let nulls = stream
            .0
            .as_object()?
            .iter()
            .find(|(_, value)| value.is_null())?;
        Some(format!("`{}` is null", nulls.0))
    })
    .await
}

async fn distinct_fields(it: &Subject) -> Outcome {
    each(it, |stream| {
        let mut seen = BTreeMap::new();
        let fields = stream.schema()["properties"].as_object()?;
        fields.keys().find_map(|name| {
            let other = seen.insert(name.to_lowercase(), name)?;
            Some(format!("`{other}` and `{name}`"))
        })
    })
    .await
}

async fn reserved_fields(it: &Subject) -> Outcome {
    each(it, |stream| {
        let fields = stream.schema()["properties"].as_object()?;
        let reserved = fields.keys().find(|name| name.starts_with("_airbyte_"))?;
        Some(format!("`{reserved}`"))
    })
    .await
}

async fn same_twice(it: &Subject) -> Outcome {
    let first = it.discover().await?;
    let second = it.again(&Invocation::clone(&first.invocation)).await?;
    let catalog =
        |exchange: &super::Exchange| exchange.of("CATALOG").next().map(|m| m.body.clone());
    match catalog(&first) == catalog(&second) {
        true => Ok(()),
        false => broken("the second catalog is another", second.shown(None)),
    }
}
