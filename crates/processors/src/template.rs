//! Templates in the syntax of Go's `text/template` with the functions of sprig that need nothing from
//! outside, as Conduit's conditions and settings have them.
//!
//! Not supported, and refused when a template is read: `define`, `template`, `block`, `break`, `continue`,
//! complex numbers, and functions that are not in the table of `docs/processors.md`. Numbers keep their
//! digits where Go would print a double (`1000000`, not `1e+06`), and numbers of every kind can be
//! compared with each other.

mod eval;
mod function;
mod lex;
mod node;
mod parse;
mod printf;

use node::{Node, Uses};

use crate::record::Record;

pub(crate) use function::{format_time, names as function_names};

/// A template, read.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    nodes: Vec<Node>,
    uses: Uses,
    strict: bool,
}

impl Template {
    /// Reads a template. The error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let nodes = parse::parse(text)?;
        let uses = node::uses(&nodes);
        Ok(Self {
            nodes,
            uses,
            strict: false,
        })
    }

    /// Like [`Template::parse`]; a member that an object does not have will be an error.
    pub(crate) fn parse_strict(text: &str) -> Result<Self, String> {
        let template = Self::parse(text)?;
        Ok(Self {
            strict: true,
            ..template
        })
    }

    /// The text that the template makes of a record.
    pub(crate) fn execute(&self, record: &mut Record) -> Result<String, String> {
        if self.uses.key {
            record.key.look()?;
        }
        if self.uses.before {
            record.before.look()?;
        }
        if self.uses.after {
            record.after.look()?;
        }
        eval::execute(&self.nodes, record, self.strict)
    }
}

/// A template whose result is true or false.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    template: Template,
}

impl Condition {
    /// Reads a condition; a blank one is none.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, String> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let template = Template::parse(text)?;
        Ok(Some(Self { template }))
    }

    /// Whether it holds for a record.
    pub(crate) fn holds(&self, record: &mut Record) -> Result<bool, String> {
        let text = self.template.execute(record)?;
        // What Go's `strconv.ParseBool` takes.
        match text.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
            other => {
                let start: String = other.chars().take(60).collect();
                Err(format!(
                    "the condition came out as `{start}`, which is neither true nor false"
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests;
