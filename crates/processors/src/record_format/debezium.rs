//! `debezium/json`: what a record changed, beside a schema of Kafka Connect that is read off its values.

use crossdock_core::batch::Operation;

use crate::record::{Data, READ_AT, Record};
use crate::value::{Object, Value};

/// The form's options.
#[derive(Clone, Debug)]
pub(super) struct Debezium {
    /// The name of the schema; left out if empty.
    schema_name: String,
    /// The member that raw data become that are no JSON object.
    raw_key: String,
}

impl Debezium {
    pub(super) fn parse(options: &str) -> Result<Self, String> {
        let mut this = Self {
            schema_name: String::new(),
            raw_key: String::new(),
        };
        for option in options.trim().split(',').filter(|one| !one.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            match name.trim() {
                "debezium.schema.name" => value.clone_into(&mut this.schema_name),
                "debezium.rawData.key" => value.clone_into(&mut this.raw_key),
                other => {
                    return Err(format!(
                        "`{other}` is no option of debezium/json: debezium.schema.name, debezium.rawData.key"
                    ));
                }
            }
        }
        if this.raw_key.is_empty() {
            "opencdc.rawData".clone_into(&mut this.raw_key);
        }
        Ok(this)
    }

    pub(super) fn write(&self, out: &mut Vec<u8>, record: Record) -> Result<(), String> {
        let operation = match record.operation {
            Operation::Create => "c",
            Operation::Update => "u",
            Operation::Delete => "d",
            Operation::Snapshot => "r",
        };
        let read_at = match record.metadata.get(READ_AT) {
            Some(Value::String(nanos)) => nanos.parse().unwrap_or(0_i64).div_euclid(1_000_000),
            _ => 0,
        };
        let before = self.object(record.before)?;
        let after = self.object(record.after)?;
        let source = Value::Object(record.metadata);
        // Where one side is missing it would have the other's schema.
        let of_side = |side: &Value, other: &Value| match (side, other) {
            (Value::Null, Value::Null) => schema("struct", true),
            (Value::Null, other) => schema_of(other),
            (side, _) => schema_of(side),
        };
        let fields = vec![
            field("before", of_side(&before, &after)),
            field("after", of_side(&after, &before)),
            field("source", schema_of(&source)),
            field("op", schema("string", false)),
            field("ts_ms", schema("int64", true)),
            field("transaction", transaction()),
        ];
        let mut whole = with_fields(schema("struct", false), fields);
        if !self.schema_name.is_empty() {
            whole.insert("name", text(&self.schema_name));
        }
        let mut payload = Object::default();
        payload.insert("before", before);
        payload.insert("after", after);
        payload.insert("source", source);
        payload.insert("op", text(operation));
        if read_at != 0 {
            payload.insert("ts_ms", Value::integer(read_at));
        }
        payload.insert("transaction", Value::Null);
        let mut envelope = Object::default();
        envelope.insert("schema", Value::Object(whole));
        envelope.insert("payload", Value::Object(payload));
        envelope.write_json(out);
        Ok(())
    }

    fn object(&self, mut data: Data) -> Result<Value, String> {
        Ok(match data.value()? {
            Value::Bytes(bytes) if bytes.is_empty() => Value::Null,
            Value::Bytes(bytes) => match Value::parse(&bytes) {
                Ok(parsed @ (Value::Object(_) | Value::Null)) => parsed,
                _ => {
                    let hoisted = (self.raw_key.clone(), Value::Bytes(bytes));
                    Value::Object([hoisted].into_iter().collect())
                }
            },
            other => other,
        })
    }
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn schema(kind: &str, is_optional: bool) -> Object {
    let mut schema = Object::default();
    schema.insert("type", text(kind));
    if is_optional {
        schema.insert("optional", Value::Bool(true));
    }
    schema
}

/// The schema of a member.
fn field(name: &str, mut schema: Object) -> Object {
    schema.insert("field", text(name));
    schema
}

fn with_fields(mut schema: Object, fields: Vec<Object>) -> Object {
    if !fields.is_empty() {
        let fields = fields.into_iter().map(Value::Object).collect();
        schema.insert("fields", Value::List(fields));
    }
    schema
}

fn transaction() -> Object {
    let fields = vec![
        field("id", schema("string", false)),
        field("total_order", schema("int64", false)),
        field("data_collection_order", schema("int64", false)),
    ];
    with_fields(schema("struct", true), fields)
}

/// Whole numbers beyond this are no doubles any more.
const LARGEST_EXACT: u64 = 1 << 53;

/// What a value shows of its type. Numbers are doubles, as everywhere in Conduit, so that a column has one
/// type; only a whole number that a double would change is an int64.
fn schema_of(value: &Value) -> Object {
    match value {
        Value::Null => schema("string", true),
        Value::Bool(_) => schema("boolean", false),
        Value::Number(digits) => match digits.parse::<i64>() {
            Ok(number) if number.unsigned_abs() > LARGEST_EXACT => schema("int64", false),
            _ => schema("double", false),
        },
        Value::String(_) | Value::Time(_) => schema("string", false),
        Value::Bytes(_) => schema("bytes", true),
        Value::List(items) => {
            let items = schema_of(items.first().unwrap_or(&Value::Null));
            let mut list = schema("array", true);
            list.insert("items", Value::Object(items));
            list
        }
        Value::Object(members) => {
            let fields = members
                .iter()
                .map(|(name, value)| field(name, schema_of(value)));
            with_fields(schema("struct", true), fields.collect())
        }
    }
}
