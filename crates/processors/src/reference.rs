//! References to a part of a record, as settings of processors have them: `.Key`, `.Payload.After.name`,
//! `.Metadata["a.b"]`.

use crate::record::{Data, Record, operation_name, operation_of};
use crate::value::{Object, Value};

/// Which data of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Key,
    Before,
    After,
}

impl Part {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Key => ".Key",
            Self::Before => ".Payload.Before",
            Self::After => ".Payload.After",
        }
    }

    fn of(self, record: &mut Record) -> &mut Data {
        match self {
            Self::Key => &mut record.key,
            Self::Before => &mut record.before,
            Self::After => &mut record.after,
        }
    }
}

/// What a reference stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Operation,
    Metadata,
    MetadataField(String),
    /// Both values.
    Payload,
    /// Data, or a field in them.
    Data(Part, Vec<String>),
}

/// A reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    text: String,
    pub(crate) target: Target,
}

impl Reference {
    /// Reads a reference. The error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let fields = fields(text).map_err(|why| format!("`{text}` is no reference: {why}"))?;
        let target = target(&fields).map_err(|why| format!("`{text}` is no reference: {why}"))?;
        Ok(Self {
            text: text.to_owned(),
            target,
        })
    }

    /// The data that it lies in, and the way to it.
    pub(crate) fn data(&self) -> Option<(Part, &[String])> {
        match &self.target {
            Target::Data(part, path) => Some((*part, path)),
            _ => None,
        }
    }

    /// The value there; nothing if there is none.
    pub(crate) fn get(&self, record: &mut Record) -> Result<Value, String> {
        Ok(match &self.target {
            Target::Operation => Value::String(operation_name(record.operation).to_owned()),
            Target::Metadata => Value::Object(record.metadata.clone()),
            Target::MetadataField(name) => record.metadata.get(name).cloned().unwrap_or_default(),
            Target::Payload => payload(record)?,
            Target::Data(part, path) => match path.split_last() {
                None => part.of(record).value()?,
                Some((last, above)) => {
                    let object = self.above(record, *part, above)?;
                    object.get(last).cloned().unwrap_or_default()
                }
            },
        })
    }

    /// Sets the value there. Objects on the way are made.
    pub(crate) fn set(&self, record: &mut Record, value: Value) -> Result<(), String> {
        record.is_changed = true;
        match &self.target {
            Target::Operation => {
                let Value::String(name) = &value else {
                    return Err(format!("{} is no operation", value.kind()));
                };
                record.operation = operation_of(name)?;
            }
            Target::Metadata => match value {
                Value::Object(object) => record.metadata = object,
                Value::Null => record.metadata = Object::default(),
                other => return Err(format!("{} cannot be the metadata", other.kind())),
            },
            Target::MetadataField(name) => match value {
                Value::Null => drop(record.metadata.remove(name)),
                value @ Value::String(_) => record.metadata.insert(name, value),
                other => {
                    return Err(format!(
                        "{} cannot be a field of the metadata",
                        other.kind()
                    ));
                }
            },
            Target::Payload => return Err(".Payload cannot be set as a whole".to_owned()),
            Target::Data(part, path) => match path.split_last() {
                None => *part.of(record) = Data::of(value)?,
                Some((last, above)) => self.above(record, *part, above)?.insert(last, value),
            },
        }
        Ok(())
    }

    /// Takes the value there away.
    pub(crate) fn delete(&self, record: &mut Record) -> Result<(), String> {
        record.is_changed = true;
        match &self.target {
            Target::Operation => return Err(".Operation cannot be excluded".to_owned()),
            Target::Metadata => record.metadata = Object::default(),
            Target::MetadataField(name) => drop(record.metadata.remove(name)),
            Target::Payload => {
                record.before = Data::Absent;
                record.after = Data::Absent;
            }
            Target::Data(part, path) => match path.split_last() {
                None => *part.of(record) = Data::Absent,
                Some((last, above)) => drop(self.above(record, *part, above)?.remove(last)),
            },
        }
        Ok(())
    }

    /// Gives the field there another name.
    pub(crate) fn rename(&self, record: &mut Record, to: &str) -> Result<(), String> {
        let (object, name) = match &self.target {
            Target::MetadataField(name) => (&mut record.metadata, name),
            Target::Data(part, path) => match path.split_last() {
                Some((last, above)) => (self.above(record, *part, above)?, last),
                None => return Err(format!("{} cannot be renamed", self.text)),
            },
            _ => return Err(format!("{} cannot be renamed", self.text)),
        };
        if object.get(to).is_some() {
            return Err(format!(
                "{} cannot be renamed: there is a field `{to}`",
                self.text
            ));
        }
        if !object.rename(name, to) {
            // As in Conduit, where a field that is not there is nothing.
            object.insert(to, Value::Null);
        }
        record.is_changed = true;
        Ok(())
    }

    /// The object that the last field is in.
    fn above<'a>(
        &self,
        record: &'a mut Record,
        part: Part,
        path: &[String],
    ) -> Result<&'a mut Object, String> {
        let mut object = part.of(record).object(part.name())?;
        for name in path {
            if matches!(object.get(name), None | Some(Value::Null)) {
                object.insert(name, Value::Object(Object::default()));
            }
            match object.get_mut(name) {
                Some(Value::Object(inner)) => object = inner,
                _ => return Err(format!("`{name}` in {} is no object", self.text)),
            }
        }
        Ok(object)
    }
}

/// Both values of a record.
pub(crate) fn payload(record: &mut Record) -> Result<Value, String> {
    let (before, after) = (record.before.value()?, record.after.value()?);
    Ok(Value::Object(Object::from_iter([
        ("Before".to_owned(), before),
        ("After".to_owned(), after),
    ])))
}

fn target(fields: &[String]) -> Result<Target, String> {
    let Some((first, rest)) = fields.split_first() else {
        return Err("it names nothing".to_owned());
    };
    match (first.as_str(), rest) {
        ("Position", _) => Err("the position of a record belongs to its source".to_owned()),
        ("Operation" | "operation", []) => Ok(Target::Operation),
        ("Metadata" | "metadata", []) => Ok(Target::Metadata),
        ("Metadata" | "metadata", [name]) => Ok(Target::MetadataField(name.clone())),
        ("Metadata" | "metadata", _) => Err("metadata have no fields in fields".to_owned()),
        ("Key" | "key", path) => Ok(Target::Data(Part::Key, path.to_vec())),
        ("Payload" | "payload", []) => Ok(Target::Payload),
        ("Payload" | "payload", [change, path @ ..]) => match change.as_str() {
            "Before" | "before" => Ok(Target::Data(Part::Before, path.to_vec())),
            "After" | "after" => Ok(Target::Data(Part::After, path.to_vec())),
            other => Err(format!(
                "a payload has `.Before` and `.After`, but no `.{other}`"
            )),
        },
        (other, _) => Err(format!(
            "a record has `.Key`, `.Payload`, `.Metadata` and `.Operation`, but no `.{other}`"
        )),
    }
}

/// The names of a reference: `.a.b["c"]`.
fn fields(text: &str) -> Result<Vec<String>, String> {
    let mut fields = Vec::new();
    let mut rest = text.strip_prefix('$').unwrap_or(text);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("[\"") {
            let end = after.find("\"]").ok_or("a `[\"` has no `\"]`")?;
            fields.push(after[..end].to_owned());
            rest = &after[end + 2..];
        } else if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let name = &after[..end];
            let fits = name.chars().all(|c| c.is_alphanumeric() || c == '_');
            if name.is_empty() || !fits || name.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(format!("the name `{name}` must stand as `[\"{name}\"]`"));
            }
            fields.push(name.to_owned());
            rest = &after[end..];
        } else {
            return Err("it begins with `.`, as in `.Payload.After.name`".to_owned());
        }
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_by_cases() {
        let check = |text: &str, expected: Target| {
            assert_eq!(Reference::parse(text).unwrap().target, expected, "{text}");
        };
        let data = |part, path: &[&str]| {
            Target::Data(part, path.iter().map(|name| (*name).to_owned()).collect())
        };
        check(".Key", data(Part::Key, &[]));
        check("$.Key.id", data(Part::Key, &["id"]));
        check(".Payload.After", data(Part::After, &[]));
        check(".payload.before.a.b", data(Part::Before, &["a", "b"]));
        check(
            r#".Payload.After["1"]["a b"].c"#,
            data(Part::After, &["1", "a b", "c"]),
        );
        check(".Payload", Target::Payload);
        check(".Operation", Target::Operation);
        check(".Metadata", Target::Metadata);
        check(r#".Metadata["a.b"]"#, Target::MetadataField("a.b".into()));
        for broken in [
            "",
            ".",
            "Key",
            ".Foo",
            ".Position",
            ".Payload.Then",
            ".Metadata.a.b",
            ".Key.1",
            ".Key.a-b",
            ".Key[\"a",
            ".Operation.x",
            ".Key..a",
            "[\"Key\"",
        ] {
            assert!(Reference::parse(broken).is_err(), "{broken}");
        }
    }
}
