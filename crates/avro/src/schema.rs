//! Avro schemas, read from their JSON form.

use std::collections::HashMap;

use crossdock_core::schema::{DataType, json_schema};
use serde_json::{Map, Value, json};

use crossdock_core::fault::Fault;

/// Schemas nested deeper than this are refused: nobody means them (P11).
const DEEPEST: usize = 64;

/// Fields beyond this many are described as JSON: a short schema can stand for a very large one.
const MOST_DESCRIBED: usize = 10_000;

/// A parsed schema. Types stand in one list and refer to each other by place, for named types may
/// refer to themselves.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    nodes: Vec<Node>,
    root: usize,
}

/// A type and what it means.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// How it is encoded.
    pub kind: Type,
    /// What it stands for.
    pub logical: Option<Logical>,
}

/// Avro's types. Places are those of [`Schema::node`].
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// Nothing.
    Null,
    /// One byte.
    Boolean,
    /// 32 bits, zigzag.
    Int,
    /// 64 bits, zigzag.
    Long,
    /// 4 bytes.
    Float,
    /// 8 bytes.
    Double,
    /// A length and bytes.
    Bytes,
    /// A length and UTF-8.
    String,
    /// So many bytes.
    Fixed(usize),
    /// One of these names.
    Enum(Vec<String>),
    /// Fields in this order.
    Record(Vec<(String, usize)>),
    /// Blocks of elements.
    Array(usize),
    /// Blocks of names and values.
    Map(usize),
    /// The number of a branch, then its value.
    Union(Vec<usize>),
}

/// What a type stands for beyond its encoding. Unknown ones are none, as Avro demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logical {
    /// Days since 1970-01-01.
    Date,
    /// Thousandths of a second since midnight.
    TimeMillis,
    /// Millionths of a second since midnight.
    TimeMicros,
    /// A moment: so many of these in a second, since 1970 UTC.
    Timestamp(i64),
    /// The same without a zone.
    LocalTimestamp(i64),
    /// A big-endian number with this many digits after the point.
    Decimal(u32),
}

impl Schema {
    /// Reads the JSON form.
    ///
    /// # Errors
    /// If it is no Avro schema.
    pub fn parse(text: &[u8]) -> Result<Self, Fault> {
        let json: Value = serde_json::from_slice(text)
            .map_err(|cause| Fault::new(format!("an Avro schema is not JSON: {cause}")))?;
        let mut parser = Parser::default();
        let root = parser.parse(&json, "", 0)?;
        let nodes = parser.nodes.into_iter().map(|node| {
            node.ok_or_else(|| Fault::new("an Avro schema refers to itself without an end"))
        });
        Ok(Self {
            nodes: nodes.collect::<Result<_, _>>()?,
            root,
        })
    }

    /// The place of the whole.
    #[must_use]
    pub fn root(&self) -> usize {
        self.root
    }

    /// The type at this place.
    #[must_use]
    pub fn node(&self, place: usize) -> &Node {
        &self.nodes[place]
    }

    /// The JSON Schema of what [`Schema::write_json`] writes.
    #[must_use]
    pub fn json_schema(&self) -> Value {
        self.describe(self.root, &mut Vec::new(), &mut { MOST_DESCRIBED })
    }

    /// `within` are the types around this one: one that holds itself is not described without an end.
    fn describe(&self, place: usize, within: &mut Vec<usize>, left: &mut usize) -> Value {
        let plain = |data_type| json_schema(data_type);
        let node = &self.nodes[place];
        if let Some(logical) = node.logical {
            return plain(match logical {
                Logical::Date => DataType::Date,
                Logical::TimeMillis | Logical::TimeMicros => DataType::TimeWithoutTimezone,
                Logical::Timestamp(_) => DataType::TimestampWithTimezone,
                Logical::LocalTimestamp(_) => DataType::TimestampWithoutTimezone,
                Logical::Decimal(_) => DataType::Number,
            });
        }
        match &node.kind {
            Type::Null | Type::String | Type::Enum(_) => plain(DataType::String),
            Type::Boolean => plain(DataType::Boolean),
            Type::Int | Type::Long => plain(DataType::Integer),
            Type::Float | Type::Double => plain(DataType::Number),
            Type::Bytes | Type::Fixed(_) => plain(DataType::Binary),
            _ if within.contains(&place) || *left == 0 => plain(DataType::Json),
            Type::Record(fields) => {
                within.push(place);
                let mut properties = Map::new();
                for (name, place) in fields {
                    *left = left.saturating_sub(1);
                    properties.insert(name.clone(), self.describe(*place, within, left));
                }
                within.pop();
                json!({"type": ["null", "object"], "properties": properties})
            }
            Type::Array(element) => {
                json!({"type": ["null", "array"], "items": self.describe(*element, within, left)})
            }
            Type::Map(_) => json!({"type": ["null", "object"]}),
            Type::Union(branches) => {
                let real = branches
                    .iter()
                    .filter(|b| self.nodes[**b].kind != Type::Null);
                match real.collect::<Vec<_>>().as_slice() {
                    [] => plain(DataType::String),
                    [only] => self.describe(**only, within, left),
                    _ => plain(DataType::Json),
                }
            }
        }
    }
}

#[derive(Default)]
struct Parser {
    /// `None` while the type is being read.
    nodes: Vec<Option<Node>>,
    names: HashMap<String, usize>,
}

impl Parser {
    fn add(&mut self, kind: Type, logical: Option<Logical>) -> usize {
        self.nodes.push(Some(Node { kind, logical }));
        self.nodes.len() - 1
    }

    fn parse(&mut self, json: &Value, namespace: &str, depth: usize) -> Result<usize, Fault> {
        if depth > DEEPEST {
            return Err(Fault::new("an Avro schema is nested too deeply"));
        }
        match json {
            Value::String(name) => match primitive(name) {
                Some(kind) => Ok(self.add(kind, None)),
                None => self.named(name, namespace),
            },
            Value::Array(branches) => {
                let branches = branches.iter().map(|b| self.parse(b, namespace, depth + 1));
                let branches = branches.collect::<Result<_, _>>()?;
                Ok(self.add(Type::Union(branches), None))
            }
            Value::Object(members) => self.object(members, namespace, depth),
            other => Err(Fault::new(format!("`{other}` is no Avro type"))),
        }
    }

    fn named(&self, name: &str, namespace: &str) -> Result<usize, Fault> {
        let full = full_name(name, namespace);
        let found = self.names.get(&full).or_else(|| self.names.get(name));
        found
            .copied()
            .ok_or_else(|| Fault::new(format!("the Avro type `{name}` is not known")))
    }

    fn object(
        &mut self,
        members: &Map<String, Value>,
        namespace: &str,
        depth: usize,
    ) -> Result<usize, Fault> {
        let text = |key: &str| members.get(key).and_then(Value::as_str);
        let Some(type_name) = text("type") else {
            // `{"type": {…}}`: a type in a wrapping.
            let inner = members.get("type");
            let inner = inner.ok_or_else(|| Fault::new("an Avro type has no `type`"))?;
            return self.parse(inner, namespace, depth + 1);
        };
        let needed = |key: &str| {
            members
                .get(key)
                .ok_or_else(|| Fault::new(format!("an Avro {type_name} has no `{key}`")))
        };
        match type_name {
            "array" => {
                let element = self.parse(needed("items")?, namespace, depth + 1)?;
                return Ok(self.add(Type::Array(element), None));
            }
            "map" => {
                let value = self.parse(needed("values")?, namespace, depth + 1)?;
                return Ok(self.add(Type::Map(value), None));
            }
            "record" | "error" | "enum" | "fixed" => {}
            primitive_name => {
                let Some(kind) = primitive(primitive_name) else {
                    return self.named(primitive_name, namespace);
                };
                let logical = logical(&kind, members);
                return Ok(self.add(kind, logical));
            }
        }
        let name = needed("name")?.as_str().unwrap_or_default();
        let full = full_name(name, text("namespace").unwrap_or(namespace));
        let own_namespace = full
            .rsplit_once('.')
            .map_or("", |(space, _)| space)
            .to_owned();
        let place = self.nodes.len();
        self.nodes.push(None);
        self.names.insert(full, place);
        let kind = match type_name {
            "enum" => {
                let symbols = needed("symbols")?.as_array().into_iter().flatten();
                let symbols = symbols.filter_map(|symbol| symbol.as_str().map(str::to_owned));
                Type::Enum(symbols.collect())
            }
            "fixed" => {
                let size = needed("size")?
                    .as_u64()
                    .and_then(|size| usize::try_from(size).ok());
                Type::Fixed(size.ok_or_else(|| Fault::new("an Avro fixed has no whole `size`"))?)
            }
            _ => {
                let mut fields = Vec::new();
                for field in needed("fields")?.as_array().into_iter().flatten() {
                    let name = field["name"].as_str();
                    let name = name.ok_or_else(|| Fault::new("an Avro field has no name"))?;
                    let kind = self.parse(&field["type"], &own_namespace, depth + 1)?;
                    fields.push((name.to_owned(), kind));
                }
                Type::Record(fields)
            }
        };
        let logical = logical(&kind, members);
        self.nodes[place] = Some(Node { kind, logical });
        Ok(place)
    }
}

fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() {
        name.to_owned()
    } else {
        format!("{namespace}.{name}")
    }
}

fn primitive(name: &str) -> Option<Type> {
    Some(match name {
        "null" => Type::Null,
        "boolean" => Type::Boolean,
        "int" => Type::Int,
        "long" => Type::Long,
        "float" => Type::Float,
        "double" => Type::Double,
        "bytes" => Type::Bytes,
        "string" => Type::String,
        _ => return None,
    })
}

fn logical(kind: &Type, members: &Map<String, Value>) -> Option<Logical> {
    let name = members.get("logicalType")?.as_str()?;
    Some(match (kind, name) {
        (Type::Int, "date") => Logical::Date,
        (Type::Int, "time-millis") => Logical::TimeMillis,
        (Type::Long, "time-micros") => Logical::TimeMicros,
        (Type::Long, "timestamp-millis") => Logical::Timestamp(1_000),
        (Type::Long, "timestamp-micros") => Logical::Timestamp(1_000_000),
        (Type::Long, "timestamp-nanos") => Logical::Timestamp(1_000_000_000),
        (Type::Long, "local-timestamp-millis") => Logical::LocalTimestamp(1_000),
        (Type::Long, "local-timestamp-micros") => Logical::LocalTimestamp(1_000_000),
        (Type::Long, "local-timestamp-nanos") => Logical::LocalTimestamp(1_000_000_000),
        (Type::Bytes | Type::Fixed(_), "decimal") => {
            let scale = members.get("scale").and_then(Value::as_u64).unwrap_or(0);
            Logical::Decimal(u32::try_from(scale).ok().filter(|scale| *scale <= 1_000)?)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_become_json_schemas() {
        let text = br#"{"type":"record","name":"record","fields":[
            {"name":"id","type":"long"},
            {"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}},
            {"name":"name","type":["null","string"]},
            {"name":"tags","type":{"type":"array","items":["null","string","long"]}},
            {"name":"home","type":{"type":"record","name":"record.home","fields":[{"name":"zip","type":"int"}]}},
            {"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":31,"scale":10}},
            {"name":"more","type":{"type":"map","values":"double"}},
            {"name":"key","type":{"type":"fixed","name":"k","size":3}}]}"#;
        let schema = Schema::parse(text).unwrap().json_schema();
        let expected = json!({"type": ["null", "object"], "properties": {
            "id": json_schema(DataType::Integer),
            "at": json_schema(DataType::TimestampWithTimezone),
            "name": json_schema(DataType::String),
            "tags": {"type": ["null", "array"], "items": json_schema(DataType::Json)},
            "home": {"type": ["null", "object"], "properties": {"zip": json_schema(DataType::Integer)}},
            "price": json_schema(DataType::Number),
            "more": {"type": ["null", "object"]},
            "key": json_schema(DataType::Binary),
        }});
        assert_eq!(schema, expected);
    }

    #[test]
    fn names_are_found_where_they_were_given() {
        let text = br#"{"type":"record","name":"a.Node","fields":[
            {"name":"next","type":["null","Node"]},
            {"name":"kind","type":{"type":"enum","name":"Kind","symbols":["x"]}},
            {"name":"other","type":"a.Kind"}]}"#;
        let schema = Schema::parse(text).unwrap();
        let Type::Record(fields) = &schema.node(schema.root()).kind else {
            panic!("a record");
        };
        assert_eq!(fields[1].1, fields[2].1);
        let described = schema.json_schema().to_string();
        assert!(described.len() < 1_000, "{described}");
    }

    #[test]
    fn a_short_schema_that_stands_for_a_large_one_is_cut() {
        let mut inner = "\"int\"".to_owned();
        for depth in 0..30 {
            inner = format!(
                r#"{{"type":"record","name":"r{depth}","fields":[{{"name":"a","type":{inner}}},{{"name":"b","type":"{}"}}]}}"#,
                if depth == 0 {
                    "int".to_owned()
                } else {
                    format!("r{}", depth - 1)
                },
            );
        }
        let schema = Schema::parse(inner.as_bytes()).unwrap();
        assert!(schema.json_schema().to_string().len() < 10 << 20);
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        let deep = format!("{}\"null\"{}", "[".repeat(200), "]".repeat(200));
        let texts = [
            "",
            "1",
            "\"nothing\"",
            "{}",
            r#"{"type":"array"}"#,
            r#"{"type":"record","name":"a"}"#,
            r#"{"type":"fixed","name":"a","size":-1}"#,
            r#"{"type":"record","name":"a","fields":[{}]}"#,
            deep.as_str(),
        ];
        for text in texts {
            assert!(Schema::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
