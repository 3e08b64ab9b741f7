//! A document as a tree whose every value and key knows its line and column.
//!
//! It is the only form in which foreign text enters this crate: [`crate::yaml`] makes it,
//! everything else walks it by [`Place`]s, which know the key that leads to them.

use std::sync::Arc;

use crossdock_core::code::Code;
use serde_json::{Map, Number, Value};

use crate::diagnostic::{Diagnostic, Location};

/// A value with its place. Deliberately not `Debug`: it may hold secrets (P10).
pub(crate) struct Node {
    pub(crate) tree: Tree,
    pub(crate) at: Position,
    /// Bytes of the parsed text, where known: first and length.
    pub(crate) span: Option<(usize, usize)>,
}

/// Line and column, both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// The value itself.
pub(crate) enum Tree {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Sequence(Vec<Node>),
    /// In the file's order; a key may stand twice.
    Mapping(Vec<Entry>),
}

/// A key and its value.
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) at: Position,
    pub(crate) value: Node,
}

impl Node {
    /// What it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.tree {
            Tree::Null => "nothing",
            Tree::Bool(_) => "a boolean",
            Tree::Number(number) if number.is_f64() => "a number",
            Tree::Number(_) => "an integer",
            Tree::String(_) => "a string",
            Tree::Sequence(_) => "a list",
            Tree::Mapping(_) => "a mapping",
        }
    }

    /// The entries of a mapping; none of anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.tree {
            Tree::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        let entry = self.entries().iter().find(|entry| entry.key == key)?;
        Some(&entry.value)
    }

    /// The text of a string.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.tree {
            Tree::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value without places.
    pub(crate) fn value(&self) -> Value {
        match &self.tree {
            Tree::Null => Value::Null,
            Tree::Bool(value) => Value::Bool(*value),
            Tree::Number(number) => Value::Number(number.clone()),
            Tree::String(text) => Value::String(text.clone()),
            Tree::Sequence(items) => items.iter().map(Node::value).collect(),
            Tree::Mapping(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.value.value()))
                .collect::<Map<_, _>>()
                .into(),
        }
    }
}

/// A node and the key that leads to it.
#[derive(Clone)]
pub(crate) struct Place<'a> {
    /// The node; where the key is absent, the nearest node above it.
    pub(crate) node: &'a Node,
    path: String,
    file: &'a Arc<str>,
}

impl<'a> Place<'a> {
    /// The top of a document.
    pub(crate) fn root(node: &'a Node, file: &'a Arc<str>) -> Self {
        Self {
            node,
            path: String::new(),
            file,
        }
    }

    /// The place of a key's value. A missing key has the place of its mapping.
    pub(crate) fn key(&self, key: &str) -> Self {
        self.to(self.node.get(key).unwrap_or(self.node), key)
    }

    /// The place of `node`, which is the value of `key` here.
    pub(crate) fn to(&self, node: &'a Node, key: &str) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        Self {
            node,
            path: format!("{}{dot}{key}", self.path),
            file: self.file,
        }
    }

    /// The place of a list's item.
    pub(crate) fn index(&self, index: usize) -> Self {
        let node = match &self.node.tree {
            Tree::Sequence(items) => items.get(index).unwrap_or(self.node),
            _ => self.node,
        };
        Self {
            node,
            path: format!("{}[{index}]", self.path),
            file: self.file,
        }
    }

    /// The places of a list's items; none of anything else.
    pub(crate) fn items(&self) -> impl Iterator<Item = Place<'a>> {
        let count = match &self.node.tree {
            Tree::Sequence(items) => items.len(),
            _ => 0,
        };
        let here = self.clone();
        (0..count).map(move |index| here.index(index))
    }

    /// Where it is.
    pub(crate) fn location(&self) -> Location {
        self.located(self.node.at)
    }

    /// This key at another position of the file.
    pub(crate) fn located(&self, at: Position) -> Location {
        Location {
            file: Arc::clone(self.file),
            path: self.path.clone(),
            line: at.line,
            column: at.column,
        }
    }

    /// A fault here.
    pub(crate) fn fault(&self, code: &'static Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, self.location(), message)
    }
}
