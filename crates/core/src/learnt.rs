//! What records tell of the streams they belong to, where there is no catalog, or processors change what
//! it says: names, columns and keys are learnt from what comes. Pure.

use crate::catalog::{Stream, SyncMode};
use crate::inference::Members;
use crate::schema::{DataType, json_schema};
use crate::stream::StreamId;
use serde_json::{Map, Value, json};

/// A stream as it is known so far.
#[derive(Debug)]
pub struct Learnt {
    /// Its name.
    pub id: StreamId,
    /// What its values were, where no schema came with them.
    pub members: Members,
    /// The columns, as told last.
    properties: Map<String, Value>,
    /// The names of its key's fields.
    key: Option<Vec<String>>,
    is_told: bool,
}

impl Learnt {
    /// A stream of which nothing is known.
    #[must_use]
    pub fn new(id: StreamId) -> Self {
        Self {
            id,
            members: Members::default(),
            properties: Map::new(),
            key: None,
            is_told: false,
        }
    }

    /// A stream that an earlier run has learnt.
    #[must_use]
    pub fn known(stream: &Stream) -> Self {
        let properties = stream.json_schema["properties"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        let key = stream.source_defined_primary_key.as_ref();
        Self {
            id: stream.id(),
            members: Members::of_properties(&properties),
            properties,
            key: key.map(|key| {
                key.iter()
                    .filter_map(|path| path.first().cloned())
                    .collect()
            }),
            is_told: true,
        }
    }

    /// Whether its key is known.
    #[must_use]
    pub fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// A key of these fields. It is believed once, as long as the fields are columns.
    pub fn see_key<'a>(&mut self, fields: impl Iterator<Item = &'a str>) {
        if self.key.is_none() {
            self.key = Some(fields.map(str::to_owned).collect());
            self.is_told = false;
        }
    }

    /// Columns that came with a schema.
    pub fn declare(&mut self, schema: &Value) {
        let Some(properties) = schema["properties"].as_object() else {
            return;
        };
        for (name, schema) in properties {
            self.join(name, schema);
        }
    }

    /// Columns as the values were.
    pub fn infer(&mut self) {
        for (name, schema) in self.members.properties() {
            self.join(&name, &schema);
        }
    }

    fn join(&mut self, name: &str, schema: &Value) {
        match self.properties.get_mut(name) {
            Some(known) if known == schema => {}
            Some(known) => {
                let joined = joined(known, schema);
                if *known != joined {
                    *known = joined;
                    self.is_told = false;
                }
            }
            None => {
                self.properties.insert(name.to_owned(), schema.clone());
                self.is_told = false;
            }
        }
    }

    /// The stream, if it is new or has changed since it was told last.
    pub fn news(&mut self) -> Option<Stream> {
        if std::mem::replace(&mut self.is_told, true) {
            return None;
        }
        let schema = json!({"type": "object", "properties": self.properties});
        let mut stream = Stream::new(&*self.id.name, schema);
        stream.namespace = self.id.namespace.as_deref().map(ToOwned::to_owned);
        stream.supported_sync_modes = vec![SyncMode::Incremental];
        stream.source_defined_cursor = Some(true);
        let key = self.key.iter().flatten();
        let is_column = |name: &String| self.properties.contains_key(name);
        if self.key.iter().flatten().all(is_column) {
            let key: Vec<_> = key.map(|name| vec![name.clone()]).collect();
            stream.source_defined_primary_key = Some(key).filter(|key| !key.is_empty());
        }
        Some(stream)
    }
}

/// A column that was of two types: of both if the types are plain, else JSON.
fn joined(known: &Value, schema: &Value) -> Value {
    let (mut both, mut again) = (Map::new(), Map::new());
    both.insert("x".into(), known.clone());
    again.insert("x".into(), schema.clone());
    let (one, other) = (
        Members::of_properties(&both),
        Members::of_properties(&again),
    );
    let merged = one.merged(other).properties();
    let plain = [&both, &again]
        .iter()
        .all(|map| Members::of_properties(map).properties() == **map);
    match merged.get("x") {
        Some(merged) if plain => merged.clone(),
        _ => json_schema(DataType::Json),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn see(stream: &mut Learnt, record: Value) {
        stream.members.see(record.as_object().unwrap());
        stream.infer();
    }

    #[test]
    fn news_is_told_once() {
        let mut stream = Learnt::new(StreamId::new("users"));
        see(&mut stream, json!({"id": 1}));
        let told = stream.news().unwrap();
        assert_eq!(told.name, "users");
        assert_eq!(
            told.json_schema["properties"],
            json!({"id": {"type": ["null", "integer"]}})
        );
        assert_eq!(stream.news(), None);
        see(&mut stream, json!({"id": 2}));
        assert_eq!(stream.news(), None);
        see(&mut stream, json!({"id": 2.5, "name": "x"}));
        let told = stream.news().unwrap();
        let expected =
            json!({"id": {"type": ["null", "number"]}, "name": {"type": ["null", "string"]}});
        assert_eq!(told.json_schema["properties"], expected);
        let mut again = Learnt::known(&told);
        see(&mut again, json!({"id": 3}));
        assert_eq!(again.news(), None);
    }

    #[test]
    fn a_key_whose_fields_are_columns_is_the_primary_key() {
        let mut stream = Learnt::new(StreamId::new("users"));
        see(&mut stream, json!({"id": 1}));
        stream.see_key(["id"].into_iter());
        assert_eq!(
            stream.news().unwrap().source_defined_primary_key,
            Some(vec![vec!["id".to_owned()]])
        );
        let mut stream = Learnt::new(StreamId::new("users"));
        see(&mut stream, json!({"id": 1}));
        stream.see_key(["other"].into_iter());
        assert_eq!(stream.news().unwrap().source_defined_primary_key, None);
    }

    #[test]
    fn declared_columns_keep_their_meaning() {
        let time = json_schema(DataType::TimestampWithTimezone);
        let mut stream = Learnt::new(StreamId::new("users"));
        stream.declare(&json!({"properties": {"at": time}}));
        assert_eq!(stream.news().unwrap().json_schema["properties"]["at"], time);
        stream.declare(&json!({"properties": {"at": time}}));
        assert_eq!(stream.news(), None);
        stream.declare(&json!({"properties": {"at": json_schema(DataType::Integer)}}));
        assert_eq!(
            stream.news().unwrap().json_schema["properties"]["at"],
            json_schema(DataType::Json)
        );
        stream.declare(&json!({"properties": {"at": json_schema(DataType::Date)}}));
        assert_eq!(stream.news(), None);
    }
}
