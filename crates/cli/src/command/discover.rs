//! `crossdock discover`.

use crossdock_config::{ConnectorRef, Settings};
use crossdock_core::catalog::{Catalog, FieldPath, Stream};
use crossdock_core::{Error, SyncMode};
use serde_json::Value;

use super::spec::type_name;
use crate::answer::Answer;
use crate::args::Discover;
use crate::context::{self, Context};
use crate::quantity;
use crate::table::{Side, Table};

/// What a source offers.
pub(super) async fn execute(args: Discover, context: &Context) -> Result<Answer, Error> {
    let reference: ConnectorRef = args.reference.parse()?;
    let config = context::config(args.config.as_deref(), "--config")?;
    let ask = context.ask(Settings::default());
    let catalog = crossdock_control::command::discover(&reference, config, &ask).await?;
    if args.raw {
        return Answer::document(&catalog);
    }
    Answer::new(&catalog, outline(&catalog))
}

/// The catalog for people.
fn outline(catalog: &Catalog) -> String {
    let number = u64::try_from(catalog.streams.len()).unwrap_or(u64::MAX);
    let mut text = quantity::of(number, "stream") + "\n";
    for stream in &catalog.streams {
        text += &format!("\n{}", stream_outline(stream));
    }
    text
}

fn stream_outline(stream: &Stream) -> String {
    let modes: Vec<&str> = stream
        .supported_sync_modes
        .iter()
        .copied()
        .map(SyncMode::as_str)
        .collect();
    let mut table = Table::new([("", Side::Left), ("", Side::Left)]);
    table.row(["sync modes".to_owned(), modes.join(", ")]);
    if let Some(cursor) = &stream.default_cursor_field {
        let fixed = match stream.source_defined_cursor {
            Some(true) => " (set by the source)",
            _ => "",
        };
        table.row(["cursor".to_owned(), path(cursor) + fixed]);
    }
    if let Some(key) = &stream.source_defined_primary_key {
        let key: Vec<String> = key.iter().map(path).collect();
        table.row(["primary key".to_owned(), key.join(", ")]);
    }
    for (at, (name, schema)) in fields(&stream.json_schema).enumerate() {
        let head = if at == 0 { "fields" } else { "" };
        table.row([head.to_owned(), format!("{name}: {}", type_name(schema))]);
    }
    let table = table.render(2);
    // The table has no headings.
    let table = table.strip_prefix('\n').unwrap_or(&table);
    format!("{}\n{table}", stream.id())
}

fn path(path: &FieldPath) -> String {
    path.join(".")
}

fn fields(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}
