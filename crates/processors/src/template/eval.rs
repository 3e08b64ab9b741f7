//! A template carried out.

use std::borrow::Cow;

use super::function;
use super::node::{Node, Operand, Pipe};
use crate::record::{COLLECTION, Data, Record, operation_name};
use crate::value::{Object, Value};

/// A text longer than this is refused (P11).
const LONGEST: usize = 64 << 20;

/// The text that the nodes make of a record whose parts have been looked into.
/// `strict`: a member that an object does not have is an error (Go's `missingkey=error`).
pub(super) fn execute(nodes: &[Node], record: &Record, strict: bool) -> Result<String, String> {
    let mut state = State {
        record,
        strict,
        variables: vec![(String::new(), Item::Record)],
        out: String::new(),
    };
    state.nodes(nodes, &Item::Record)?;
    Ok(state.out)
}

/// The record, or something in it or beside it.
#[derive(Clone, Debug)]
enum Item<'r> {
    Record,
    Value(Cow<'r, Value>),
    /// Data of the record.
    Data(&'r Data),
    /// Its two values.
    Payload,
    /// Its metadata.
    Metadata,
}

fn owned<'r>(value: Value) -> Item<'r> {
    Item::Value(Cow::Owned(value))
}

struct State<'r> {
    record: &'r Record,
    strict: bool,
    variables: Vec<(String, Item<'r>)>,
    out: String,
}

impl<'r> State<'r> {
    fn nodes(&mut self, nodes: &[Node], dot: &Item<'r>) -> Result<(), String> {
        let known = self.variables.len();
        for node in nodes {
            self.node(node, dot)?;
            if self.out.len() > LONGEST {
                return Err("the text of a template is longer than 64 MiB".to_owned());
            }
        }
        self.variables.truncate(known);
        Ok(())
    }

    fn node(&mut self, node: &Node, dot: &Item<'r>) -> Result<(), String> {
        let known = self.variables.len();
        match node {
            Node::Text(text) => self.out.push_str(text),
            Node::Action(pipe) => {
                let item = self.pipe(pipe, dot)?;
                if pipe.variable.is_none() {
                    match self.value(&item) {
                        // Go tells data that are not there from fields that are not.
                        Value::Null if matches!(item, Item::Data(_)) => self.out.push_str("<nil>"),
                        Value::Null => self.out.push_str("<no value>"),
                        value => value.print(&mut self.out),
                    }
                }
                // A variable lives on in the nodes that follow.
                return Ok(());
            }
            Node::If {
                branches,
                otherwise,
            } => {
                let mut taken = otherwise;
                for (pipe, body) in branches {
                    let item = self.pipe(pipe, dot)?;
                    if self.value(&item).is_true() {
                        taken = body;
                        break;
                    }
                }
                self.nodes(taken, dot)?;
            }
            Node::With {
                pipe,
                body,
                otherwise,
            } => {
                let item = self.pipe(pipe, dot)?;
                if self.value(&item).is_true() {
                    self.nodes(body, &item)?;
                } else {
                    self.nodes(otherwise, dot)?;
                }
            }
            Node::Range {
                pipe,
                key,
                item,
                body,
                otherwise,
            } => {
                let over = self.pipe(pipe, dot)?;
                let items = items(self.value(&over))?;
                if items.is_empty() {
                    self.nodes(otherwise, dot)?;
                }
                for (at, value) in items {
                    let known = self.variables.len();
                    let value = owned(value);
                    if let Some(name) = key {
                        self.variables.push((name.clone(), owned(at)));
                    }
                    if let Some(name) = item {
                        self.variables.push((name.clone(), value.clone()));
                    }
                    self.nodes(body, &value)?;
                    self.variables.truncate(known);
                }
            }
        }
        self.variables.truncate(known);
        Ok(())
    }

    fn pipe(&mut self, pipe: &Pipe, dot: &Item<'r>) -> Result<Item<'r>, String> {
        let mut last = None;
        for command in &pipe.commands {
            last = Some(self.command(command, dot, last)?);
        }
        let item = last.unwrap_or_else(|| owned(Value::Null));
        match &pipe.variable {
            Some((name, true)) => self.variables.push((name.clone(), item.clone())),
            Some((name, false)) => {
                let known = self.variables.iter_mut().rev().find(|(own, _)| own == name);
                if let Some((_, kept)) = known {
                    *kept = item.clone();
                }
            }
            None => {}
        }
        Ok(item)
    }

    /// `last`: the result of the command before, which is the last argument.
    fn command(
        &mut self,
        operands: &[Operand],
        dot: &Item<'r>,
        last: Option<Item<'r>>,
    ) -> Result<Item<'r>, String> {
        let Some((first, arguments)) = operands.split_first() else {
            return Ok(owned(Value::Null));
        };
        match first {
            Operand::Function(name @ ("and" | "or")) => {
                // The first that decides; the others are not looked at.
                let mut decided = None;
                for operand in arguments {
                    let item = self.operand(operand, dot)?;
                    let is_true = self.value(&item).is_true();
                    decided = Some(item);
                    if is_true == (*name == "or") {
                        return decided.ok_or_else(String::new);
                    }
                }
                last.or(decided)
                    .ok_or_else(|| format!("`{name}` needs a value"))
            }
            Operand::Function(name) => {
                let mut values = Vec::with_capacity(arguments.len() + 1);
                for operand in arguments {
                    let item = self.operand(operand, dot)?;
                    values.push(self.value(&item));
                }
                values.extend(last.map(|item| self.value(&item)));
                function::call(name, values).map(owned)
            }
            // A method with arguments, such as `now.Format "2006"`.
            Operand::Fields(of, names) if !arguments.is_empty() || last.is_some() => {
                let Some((method, above)) = names.split_last() else {
                    return Err("something that is no function has arguments".to_owned());
                };
                let item = self.operand(of, dot)?;
                let item = self.fields(item, above)?;
                let mut values = Vec::new();
                for operand in arguments {
                    let item = self.operand(operand, dot)?;
                    values.push(self.value(&item));
                }
                values.extend(last.map(|item| self.value(&item)));
                let value = self.value(&item);
                let called = function::method(&value, method, &values);
                called
                    .unwrap_or_else(|| Err(format!("`.{method}` takes no arguments")))
                    .map(owned)
            }
            only if arguments.is_empty() && last.is_none() => self.operand(only, dot),
            _ => Err("something that is no function has arguments".to_owned()),
        }
    }

    fn operand(&mut self, operand: &Operand, dot: &Item<'r>) -> Result<Item<'r>, String> {
        Ok(match operand {
            Operand::Dot => dot.clone(),
            Operand::Variable(name) => {
                let known = self.variables.iter().rev().find(|(own, _)| own == name);
                let known = known.ok_or_else(|| format!("the variable `${name}` is not known"))?;
                known.1.clone()
            }
            Operand::Literal(value) => owned(value.clone()),
            Operand::Function(name) => owned(function::call(name, Vec::new())?),
            Operand::Pipe(pipe) => {
                let known = self.variables.len();
                let item = self.pipe(pipe, dot)?;
                self.variables.truncate(known);
                item
            }
            Operand::Fields(of, names) => {
                let item = self.operand(of, dot)?;
                self.fields(item, names)?
            }
        })
    }

    fn fields(&self, mut item: Item<'r>, names: &[String]) -> Result<Item<'r>, String> {
        for name in names {
            item = self.field(item, name)?;
        }
        Ok(item)
    }

    fn field(&self, item: Item<'r>, name: &str) -> Result<Item<'r>, String> {
        let record = self.record;
        let unknown = |of: &str| Err(format!("{of} has no field or method `{name}`"));
        let member = |value: Option<&'r Value>| match value {
            Some(value) => Ok(Item::Value(Cow::Borrowed(value))),
            None if self.strict => Err(format!("there is no `{name}`")),
            None => Ok(owned(Value::Null)),
        };
        Ok(match item {
            Item::Record => match name {
                "Key" => Item::Data(&record.key),
                "Payload" => Item::Payload,
                "Metadata" => Item::Metadata,
                "Operation" => owned(Value::String(operation_name(record.operation).to_owned())),
                "Position" => match &record.position {
                    Some(position) => owned(Value::String(position.clone())),
                    None => {
                        let why = "the position of a record is not known to processors";
                        return Err(why.to_owned());
                    }
                },
                _ => return unknown("a record"),
            },
            Item::Payload => match name {
                "Before" => Item::Data(&record.before),
                "After" => Item::Data(&record.after),
                _ => return unknown("a payload"),
            },
            Item::Metadata => match name {
                "GetCollection" => match record.metadata.get(COLLECTION) {
                    None => return Err(format!("the record has no `{COLLECTION}`")),
                    found => member(found)?,
                },
                name => member(record.metadata.get(name))?,
            },
            Item::Data(data) => match (data, name) {
                (Data::Structured(object), "Bytes") if object.get("Bytes").is_none() => {
                    owned(Value::Bytes(text_of(data)))
                }
                (Data::Structured(object), name) => member(object.get(name))?,
                (Data::Raw(_), "Bytes") => owned(Value::Bytes(text_of(data))),
                (Data::Raw(_), _) => {
                    return Err(format!(
                        "`.{name}`: the data are raw and have no fields; `json.decode` makes them"
                    ));
                }
                // As in Go, where a nil map has no members.
                (Data::Absent | Data::Unread(_), _) => member(None)?,
            },
            Item::Value(value) => match &*value {
                Value::Null => {
                    return Err(format!(
                        "`.{name}`: there is nothing that could have a field"
                    ));
                }
                Value::Object(object) if object.get(name).is_none() => member(None)?,
                Value::Object(_) => match value {
                    Cow::Borrowed(Value::Object(object)) => Item::Value(
                        object
                            .get(name)
                            .map_or(Cow::Owned(Value::Null), Cow::Borrowed),
                    ),
                    other => owned(match &*other {
                        Value::Object(object) => object.get(name).cloned().unwrap_or_default(),
                        _ => Value::Null,
                    }),
                },
                other => match function::method(other, name, &[]) {
                    Some(result) => owned(result?),
                    None => return unknown(other.kind()),
                },
            },
        })
    }

    /// The item as a value of its own.
    fn value(&self, item: &Item<'r>) -> Value {
        let record = self.record;
        match item {
            Item::Value(value) => value.clone().into_owned(),
            Item::Data(data) => data_value(data),
            Item::Metadata => Value::Object(record.metadata.clone()),
            Item::Payload => object([
                ("before", data_value(&record.before)),
                ("after", data_value(&record.after)),
            ]),
            Item::Record => object([
                (
                    "operation",
                    Value::String(operation_name(record.operation).to_owned()),
                ),
                ("metadata", Value::Object(record.metadata.clone())),
                ("key", data_value(&record.key)),
                ("payload", self.value(&Item::Payload)),
            ]),
        }
    }
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let members = members.into_iter();
    Value::Object(
        members
            .map(|(name, value)| (name.to_owned(), value))
            .collect::<Object>(),
    )
}

fn text_of(data: &Data) -> Vec<u8> {
    match data {
        Data::Raw(bytes) | Data::Unread(bytes) => bytes.to_vec(),
        Data::Structured(object) => {
            let mut out = Vec::new();
            object.write_json(&mut out);
            out
        }
        Data::Absent => Vec::new(),
    }
}

fn data_value(data: &Data) -> Value {
    match data {
        Data::Absent | Data::Unread(_) => Value::Null,
        Data::Raw(bytes) => Value::Bytes(bytes.to_vec()),
        Data::Structured(object) => Value::Object(object.clone()),
    }
}

/// What `range` goes over.
fn items(value: Value) -> Result<Vec<(Value, Value)>, String> {
    Ok(match value {
        Value::Null => Vec::new(),
        Value::List(items) => {
            let numbered = items.into_iter().enumerate();
            numbered
                .map(|(at, item)| (Value::integer(at as i64), item))
                .collect()
        }
        Value::Object(members) => {
            let members = members.sorted().into_iter();
            members
                .map(|(name, value)| (Value::String(name.to_owned()), value.clone()))
                .collect()
        }
        number @ Value::Number(_) => {
            let count = number.as_integer().unwrap_or(0);
            if count > function::MOST_ITEMS {
                return Err("`range` over too large a number".to_owned());
            }
            (0..count)
                .map(|n| (Value::integer(n), Value::integer(n)))
                .collect()
        }
        other => return Err(format!("`range` cannot go over {}", other.kind())),
    })
}
