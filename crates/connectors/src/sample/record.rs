//! The columns of a sample stream: their names, types and values.

use serde_json::{Map, Value, json};

use super::random::{Draw, Random};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    Email,
    Score,
    Active,
    CreatedAt,
    BirthDate,
    Address,
    Tags,
    Account,
    Balance,
    Note,
    LocalTime,
}

/// The kinds in the order of the columns after `id`.
const KINDS: [(&str, Kind); 12] = [
    ("name", Kind::Name),
    ("email", Kind::Email),
    ("score", Kind::Score),
    ("is_active", Kind::Active),
    ("created_at", Kind::CreatedAt),
    ("birth_date", Kind::BirthDate),
    ("address", Kind::Address),
    ("tags", Kind::Tags),
    ("account", Kind::Account),
    ("balance_cents", Kind::Balance),
    ("note", Kind::Note),
    ("local_time", Kind::LocalTime),
];

pub(super) const FIRST: [&str; 12] = [
    "Ada",
    "Grace",
    "Łukasz",
    "Zoë",
    "José",
    "Мария",
    "美咲",
    "Ravi",
    "Amélie",
    "Björn",
    "Chloe",
    "Omar",
];
pub(super) const LAST: [&str; 12] = [
    "Lovelace",
    "Hopper",
    "Nowak",
    "García",
    "O'Neill",
    "Иванова",
    "田中",
    "Patel",
    "Müller",
    "Sørensen",
    "Smith",
    "Haddad",
];
pub(super) const CITIES: [&str; 8] = [
    "Utrecht",
    "São Paulo",
    "Kraków",
    "大阪",
    "Lagos",
    "Reykjavík",
    "Austin",
    "Pune",
];
pub(super) const TAGS: [&str; 6] = ["new", "vip", "β-test", "churned", "b2b", "trial"];
pub(super) const NOTES: [&str; 6] = [
    "said \"call me\" twice",
    "path C:\\data\\in",
    "line one\nline two",
    "naïve café ☕ 🚚",
    "",
    "plain",
];

/// The columns of every stream of a configuration.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    columns: Vec<(String, Kind)>,
}

impl Columns {
    /// `count` columns, `id` included.
    pub(crate) fn new(count: usize) -> Self {
        let columns = KINDS
            .iter()
            .cycle()
            .take(count.saturating_sub(1))
            .enumerate();
        let columns = columns.map(|(at, (name, kind))| match at / KINDS.len() {
            0 => ((*name).to_owned(), *kind),
            again => (format!("{name}_{}", again + 1), *kind),
        });
        Self {
            columns: columns.collect(),
        }
    }

    /// What the columns after `id` hold.
    pub(super) fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.columns.iter().map(|(_, kind)| *kind)
    }

    /// JSON Schema of a record.
    pub(crate) fn schema(&self) -> Value {
        let mut properties = Map::new();
        properties.insert("id".to_owned(), json!({"type": "integer"}));
        for (name, kind) in &self.columns {
            properties.insert(name.clone(), kind.schema());
        }
        json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": properties,
        })
    }

    /// Appends record `index` of the stream with this key, as JSON text.
    pub(crate) fn write(&self, out: &mut Vec<u8>, stream: u64, index: u64) {
        let mut random = Random::of(stream, index);
        out.extend_from_slice(b"{\"id\":");
        integer(out, index);
        for (name, kind) in &self.columns {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            // A record has nulls here and there, but never for the same reason as its values.
            let mut draw = random.column();
            if draw.below(20) == 0 {
                out.extend_from_slice(b"null");
            } else {
                kind.write(out, &mut draw, index);
            }
        }
        out.push(b'}');
    }
}

impl Kind {
    fn schema(self) -> Value {
        match self {
            Self::Name | Self::Email | Self::Note => json!({"type": ["null", "string"]}),
            Self::Score => json!({"type": ["null", "number"]}),
            Self::Active => json!({"type": ["null", "boolean"]}),
            Self::CreatedAt => json!({
                "type": ["null", "string"],
                "format": "date-time",
                "airbyte_type": "timestamp_with_timezone",
            }),
            Self::LocalTime => json!({
                "type": ["null", "string"],
                "format": "date-time",
                "airbyte_type": "timestamp_without_timezone",
            }),
            Self::BirthDate => json!({"type": ["null", "string"], "format": "date"}),
            Self::Address => json!({
                "type": ["null", "object"],
                "properties": {"city": {"type": "string"}, "zip": {"type": "string"},
                    "geo": {"type": "object"}},
            }),
            Self::Tags => json!({"type": ["null", "array"], "items": {"type": "string"}}),
            Self::Account => json!({"type": ["null", "string"], "airbyte_type": "big_integer"}),
            Self::Balance => json!({"type": ["null", "integer"]}),
        }
    }

    fn write(self, out: &mut Vec<u8>, draw: &mut Draw<'_>, index: u64) {
        match self {
            Self::Name => {
                let (first, last) = (draw.one(&FIRST), draw.one(&LAST));
                text(out, &[first, " ", last]);
            }
            Self::Email => {
                out.extend_from_slice(b"\"user");
                integer(out, index);
                out.extend_from_slice(b"@example");
                integer(out, draw.below(50));
                out.extend_from_slice(b".org\"");
            }
            Self::Score => {
                integer(out, draw.below(1000));
                out.push(b'.');
                digits(out, draw.below(1000), 3);
            }
            Self::Active => {
                let value = if draw.below(3) == 0 { "false" } else { "true" };
                out.extend_from_slice(value.as_bytes());
            }
            Self::CreatedAt => {
                out.push(b'"');
                day(out, draw.below(2000));
                time(out, draw);
                out.extend_from_slice(b"Z\"");
            }
            Self::LocalTime => {
                out.push(b'"');
                day(out, draw.below(2000));
                time(out, draw);
                out.push(b'"');
            }
            Self::BirthDate => {
                out.push(b'"');
                day(out, draw.below(20_000));
                out.push(b'"');
            }
            Self::Address => {
                out.extend_from_slice(b"{\"city\":");
                text(out, &[draw.one(&CITIES)]);
                out.extend_from_slice(b",\"zip\":\"");
                digits(out, draw.below(100_000), 5);
                out.extend_from_slice(b"\",\"geo\":{\"lat\":");
                integer(out, draw.below(90));
                out.push(b'.');
                digits(out, draw.below(10_000), 4);
                out.extend_from_slice(b"}}");
            }
            Self::Tags => {
                out.push(b'[');
                for at in 0..draw.below(4) {
                    if at > 0 {
                        out.push(b',');
                    }
                    text(out, &[draw.one(&TAGS)]);
                }
                out.push(b']');
            }
            Self::Account => {
                // More digits than any machine integer has.
                out.extend_from_slice(b"\"9");
                digits(out, draw.next() >> 1, 19);
                digits(out, draw.next() >> 1, 19);
                out.push(b'"');
            }
            Self::Balance => {
                let value = i64::from_ne_bytes(draw.next().to_ne_bytes());
                out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
            }
            Self::Note => text(out, &[draw.one(&NOTES)]),
        }
    }
}

fn integer(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// A number with leading zeros, cut to its last `width` digits.
fn digits(out: &mut Vec<u8>, mut value: u64, width: usize) {
    let start = out.len();
    out.resize(start + width, b'0');
    for digit in out[start..].iter_mut().rev() {
        *digit = b'0' + u8::try_from(value % 10).unwrap_or_default();
        value /= 10;
    }
}

pub(super) fn text(out: &mut Vec<u8>, parts: &[&str]) {
    out.push(b'"');
    for byte in parts.iter().flat_map(|p| p.bytes()) {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// The day so many days after 1970-01-01, in months of 28 days: every date is one, and no calendar
/// is needed.
fn day(out: &mut Vec<u8>, days: u64) {
    digits(out, 1970 + days / 336, 4);
    out.push(b'-');
    digits(out, 1 + days / 28 % 12, 2);
    out.push(b'-');
    digits(out, 1 + days % 28, 2);
}

fn time(out: &mut Vec<u8>, draw: &mut Draw<'_>) {
    out.push(b'T');
    digits(out, draw.below(24), 2);
    out.push(b':');
    digits(out, draw.below(60), 2);
    out.push(b':');
    digits(out, draw.below(60), 2);
    out.push(b'.');
    digits(out, draw.below(1_000_000), 6);
}

#[cfg(test)]
mod tests {
    use crossdock_core::schema::{DataType, StreamSchema};

    use super::*;

    #[test]
    fn records_are_valid_and_have_every_type() {
        let columns = Columns::new(30);
        let schema = StreamSchema::from_json_schema(&columns.schema());
        assert_eq!(schema.fields.len(), 30);
        for wanted in [
            DataType::Integer,
            DataType::String,
            DataType::Number,
            DataType::Boolean,
            DataType::Date,
            DataType::TimestampWithTimezone,
            DataType::TimestampWithoutTimezone,
            DataType::Json,
        ] {
            assert!(
                schema.fields.iter().any(|f| f.data_type == wanted),
                "{wanted:?}"
            );
        }
        for index in 0..500 {
            let mut text = Vec::new();
            columns.write(&mut text, 7, index);
            let record: Value = serde_json::from_slice(&text).unwrap();
            let names: Vec<_> = record.as_object().unwrap().keys().cloned().collect();
            let declared: Vec<_> = schema.fields.iter().map(|f| f.name.clone()).collect();
            assert_eq!(names, declared);
            assert_eq!(record["id"], index);
        }
    }

    #[test]
    fn content_follows_from_the_place_alone() {
        let columns = Columns::new(12);
        let write = |stream, index| {
            let mut out = Vec::new();
            columns.write(&mut out, stream, index);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(write(1, 5), write(1, 5));
        assert_ne!(write(1, 5), write(2, 5));
        // A change of these bytes changes what every user of a seed gets.
        assert_eq!(Columns::new(1).columns.len(), 0);
        assert_eq!(write(1, 0), EXPECTED);
    }

    const EXPECTED: &str = r#"{"id":0,"name":"Мария O'Neill","email":"user0@example36.org","score":988.988,"is_active":true,"created_at":"1972-02-02T07:43:00.487639Z","birth_date":"2026-11-07","address":{"city":"Utrecht","zip":"25704","geo":{"lat":86.0024}},"tags":["β-test"],"account":"903085842157006432664648697543307665020","balance_cents":-1075015208265505177,"note":"plain"}"#;
}
