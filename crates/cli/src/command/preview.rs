//! `crossdock preview`.

use crossdock_config::{ConnectorRef, Settings};
use crossdock_control::preview::{self, Preview};
use crossdock_core::json::scan::{Members, unquote};
use crossdock_core::{Error, Json, StreamId};
use serde::Serialize;

use crate::answer::Answer;
use crate::args;
use crate::context::{self, Context};
use crate::quantity;
use crate::table::{Side, Table};
use crate::text;

/// A cell is cut after so many characters.
const CELL: usize = 40;
/// So many columns are shown; `--json` has all.
const COLUMNS: usize = 12;

/// Shows the first records of a stream.
pub(super) async fn execute(args: args::Preview, context: &Context) -> Result<Answer, Error> {
    let reference: ConnectorRef = args.reference.parse()?;
    let config = context::config(args.config.as_deref(), "--config")?;
    let ask = context.ask(Settings::default());
    let stream = args.stream.as_deref();
    let preview = preview::preview(&reference, config, stream, args.limit, &ask).await?;
    let data = Data {
        stream: &preview.stream,
        records: &preview.records,
        is_all: preview.is_all,
    };
    Answer::new(&data, shown(&preview))
}

/// The records are written as they are, to the digit.
#[derive(Serialize)]
struct Data<'a> {
    stream: &'a StreamId,
    records: &'a [Json],
    is_all: bool,
}

/// The members of a record, in their order: the name and the value's text.
fn members(record: &Json) -> Vec<(String, &str)> {
    let text = record.bytes();
    let mut found = Vec::new();
    let Ok(mut members) = Members::new(text, 0) else {
        return found;
    };
    while let Ok(Some(member)) = members.next() {
        let quoted = &text[member.key_start - 1..=member.key_end];
        let name = unquote(quoted).unwrap_or_default().into_owned();
        let value = std::str::from_utf8(member.value(text)).unwrap_or_default();
        found.push((name, value));
    }
    found
}

fn shown(preview: &Preview) -> String {
    let number = u64::try_from(preview.records.len()).unwrap_or(u64::MAX);
    let more = if preview.is_all { "" } else { " and more" };
    let head = format!(
        "{}: {}{more}\n",
        preview.stream,
        quantity::of(number, "record")
    );
    if preview.records.is_empty() {
        return head;
    }
    let records: Vec<_> = preview.records.iter().map(members).collect();
    let fields = preview.schema.fields.iter();
    let mut names: Vec<&str> = fields.map(|f| f.name.as_str()).collect();
    for (name, _) in records.iter().flatten() {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let hidden = names.len().saturating_sub(COLUMNS);
    names.truncate(COLUMNS);
    let find = |record: &'_ Vec<(String, &'_ str)>, wanted: &str| -> Option<String> {
        let found = record.iter().find(|(name, _)| name == wanted);
        found
            .map(|(_, value)| (*value).to_owned())
            .filter(|value| value != "null")
    };
    let is_number = |name: &str| {
        let mut values = records
            .iter()
            .filter_map(|record| find(record, name))
            .peekable();
        values.peek().is_some()
            && values.all(|value| value.starts_with(|c: char| c == '-' || c.is_ascii_digit()))
    };
    let heads = names.iter().map(|name| {
        let side = if is_number(name) {
            Side::Right
        } else {
            Side::Left
        };
        (text::shortened(name, CELL), side)
    });
    let mut table = Table::of(heads);
    for record in &records {
        table.cells(names.iter().map(|name| {
            let value = find(record, name).unwrap_or_default();
            let text = unquote(value.as_bytes()).unwrap_or(value.as_str().into());
            text::shortened(&text, CELL)
        }));
    }
    let mut shown = format!("{head}\n{}", table.render(2));
    if hidden > 0 {
        let hidden = quantity::of(u64::try_from(hidden).unwrap_or(u64::MAX), "column");
        shown += &format!("\n  {hidden} more: see `--json`\n");
    }
    shown
}
