//! `row-filtering`: rows for which a tree of conditions holds.

use crossdock_core::batch::Operation;
use serde_json::Value as Json;

use super::{rows, text};
use crate::demand::Demand;
use crate::effect::Effect;
use crate::kind::config::{Config, missing, wrong};
use crate::kind::{Outcome, Processor};
use crate::record::Record;
use crate::value::Object;

/// Deeper trees are refused (P11).
const DEEPEST: usize = 64;

/// A condition on a row.
#[derive(Debug, PartialEq, Eq)]
enum Condition {
    /// All of them hold.
    All(Vec<Condition>),
    /// One of them holds.
    Any(Vec<Condition>),
    /// None of them holds.
    None(Vec<Condition>),
    /// The field's text is this one.
    Equal { field: String, to: String },
}

impl Condition {
    fn parse(name: &str, given: &Json, depth: usize) -> Result<Self, String> {
        if depth > DEEPEST {
            return Err(format!("conditions are nested more than {DEEPEST} deep"));
        }
        let Json::Object(members) = given else {
            return Err(wrong(name, given, "an object"));
        };
        let of = |key: &str| format!("{name}.{key}");
        let kind = match members.get("type") {
            Some(Json::String(kind)) => kind.as_str(),
            Some(other) => return Err(wrong(&of("type"), other, "a text")),
            None => return Err(missing(&of("type"))),
        };
        let known: &[&str] = match kind.to_ascii_uppercase().as_str() {
            "EQUAL" => &["type", "fieldName", "comparisonValue"],
            "AND" | "OR" | "NOT" => &["type", "conditions"],
            _ => {
                return Err(format!(
                    "the setting `{}`: `{kind}` is no condition; there are `AND`, `OR`, `NOT`, `EQUAL`",
                    of("type")
                ));
            }
        };
        if let Some(other) = members.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(format!(
                "the setting `{}` is not known; there are `{}`",
                of(other),
                known.join("`, `")
            ));
        }
        if known.contains(&"fieldName") {
            let field = members.get("fieldName");
            let field = field.ok_or_else(|| missing(&of("fieldName")))?;
            let to = members.get("comparisonValue");
            let to = to.ok_or_else(|| missing(&of("comparisonValue")))?;
            return Ok(Self::Equal {
                field: compared(&of("fieldName"), field)?,
                to: compared(&of("comparisonValue"), to)?,
            });
        }
        let inner = match members.get("conditions") {
            Some(Json::Array(inner)) if !inner.is_empty() => inner,
            Some(Json::Array(_)) | None => return Err(missing(&of("conditions"))),
            Some(other) => return Err(wrong(&of("conditions"), other, "a list")),
        };
        let inner = inner.iter().enumerate().map(|(at, condition)| {
            let name = format!("{}.{at}", of("conditions"));
            Self::parse(&name, condition, depth + 1)
        });
        let inner = inner.collect::<Result<_, _>>()?;
        Ok(match kind.to_ascii_uppercase().as_str() {
            "AND" => Self::All(inner),
            "OR" => Self::Any(inner),
            _ => Self::None(inner),
        })
    }

    fn holds(&self, row: &Object) -> bool {
        match self {
            Self::All(inner) => inner.iter().all(|condition| condition.holds(row)),
            Self::Any(inner) => inner.iter().any(|condition| condition.holds(row)),
            Self::None(inner) => !inner.iter().any(|condition| condition.holds(row)),
            Self::Equal { field, to } => row.get(field).is_some_and(|value| {
                // As there, null has a text.
                text(value).as_deref().unwrap_or("null") == to
            }),
        }
    }

    /// The fields that it looks at.
    fn fields(&self) -> Vec<&str> {
        match self {
            Self::All(inner) | Self::Any(inner) | Self::None(inner) => {
                inner.iter().flat_map(Self::fields).collect()
            }
            Self::Equal { field, .. } => vec![field],
        }
    }
}

/// The text of a scalar. A fraction has lost its digits by now.
fn compared(name: &str, value: &Json) -> Result<String, String> {
    match value {
        Json::String(text) => Ok(text.clone()),
        Json::Bool(value) => Ok(value.to_string()),
        Json::Number(number) if !number.is_f64() => Ok(number.to_string()),
        Json::Number(_) => Err(format!(
            "the setting `{name}` is a fraction; put it in quotes, so that its digits count as they stand"
        )),
        other => Err(wrong(name, other, "a text")),
    }
}

struct RowFiltering(Condition);

pub(super) fn build(config: &Config<'_>) -> Result<Box<dyn Processor>, String> {
    let given = config.get("conditions");
    let given = given.ok_or_else(|| missing("conditions"))?;
    let condition = Condition::parse("conditions", given, 0)?;
    Ok(Box::new(RowFiltering(condition)))
}

impl RowFiltering {
    /// Whether the record goes on, by its row after the change or else before it. A delete whose row does not
    /// tell goes on: it may be of a row that went on before.
    fn keeps(&self, record: &mut Record) -> Result<bool, String> {
        let is_delete = record.operation == Operation::Delete;
        let mut verdict = None;
        rows(record, |row, is_key| {
            let tells = !is_delete || self.0.fields().iter().all(|f| row.get(f).is_some());
            if verdict.is_none() && !is_key && tells {
                verdict = Some(self.0.holds(row));
            }
            false
        })?;
        // A record without any row has no field, which a condition may be content with.
        Ok(verdict.unwrap_or_else(|| is_delete || self.0.holds(&Object::default())))
    }
}

impl Processor for RowFiltering {
    fn process(&mut self, mut record: Record) -> Outcome {
        match self.keeps(&mut record) {
            Ok(true) => Outcome::One(record),
            Ok(false) => Outcome::Filtered,
            Err(why) => Outcome::Failed(why),
        }
    }

    fn effects(&self) -> Vec<Effect> {
        Vec::new()
    }

    fn demands(&self) -> Vec<Demand> {
        let fields = self.0.fields().into_iter();
        fields
            .map(|field| Demand::Reads(field.to_owned()))
            .collect()
    }
}
