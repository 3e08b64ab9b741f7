//! References to what lies outside the file, inside a connector's configuration:
//! `${env:NAME}`, `${env:NAME:-default}` and `${file:PATH}`; `$${` is a literal `${`.
//!
//! What they bring in stays text here, so that a password `12345` stays one; [`crate::coerce`]
//! makes numbers of them where the connector's specification wants numbers.

use std::collections::BTreeMap;
use std::env::VarError;
use std::path::Path;

use crossdock_core::code;
use serde_json::{Map, Value};

use crate::diagnostic::{Diagnostic, Diagnostics, quoted};
use crate::docker::Docker;
use crate::environment::Environment;
use crate::node::{Entry, Place, Position, Tree};
use crate::plan::ConnectorConfig;
use crate::suggestion;

/// Longest file that `${file:…}` takes in, in bytes.
pub(crate) const LONGEST_FILE: usize = 1 << 20;
/// Most bytes that all references of one configuration take in together (P11).
const MOST_BYTES: usize = 16 << 20;

/// How another world's configurations refer to secrets: by keys beside those of the values, or in their place.
pub(crate) trait Twins {
    /// The key of the value that `key` refers to a secret for. `None`: it is a key like any other.
    fn of<'k>(&self, key: &'k str) -> Option<&'k str>;

    /// What the reference here stands for. Faults never tell it (P10).
    fn find(&self, reference: &Place<'_>) -> Result<String, Diagnostic>;
}

/// Reads a connector's configuration from its place in a document.
pub(crate) fn resolve(
    config: &Place<'_>,
    environment: &dyn Environment,
    base: &Path,
    out: &mut Diagnostics,
) -> ConnectorConfig {
    resolve_with(None, config, environment, base, out)
}

/// The same for a configuration of another world: references to its secrets win over literal values, and a
/// `${` that begins no reference of ours is a text like any other.
pub(crate) fn resolve_with(
    twins: Option<&dyn Twins>,
    config: &Place<'_>,
    environment: &dyn Environment,
    base: &Path,
    out: &mut Diagnostics,
) -> ConnectorConfig {
    let mut resolver = Resolver {
        twins,
        environment,
        base,
        out,
        left: MOST_BYTES,
        references: Vec::new(),
        secrets: Vec::new(),
        positions: BTreeMap::new(),
    };
    let value = resolver.value(config, String::new());
    let (references, mut secrets) = (resolver.references, resolver.secrets);
    secrets.sort_unstable();
    secrets.dedup();
    ConnectorConfig {
        value,
        references,
        secrets,
        docker: Docker::default(),
        at: config.location(),
        positions: resolver.positions,
    }
}

/// A file's text without the one line end that editors put there.
pub(crate) fn without_line_end(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    text
}

const LITERAL: &str = "`$${` for a literal `${`";

struct Resolver<'a> {
    twins: Option<&'a dyn Twins>,
    environment: &'a dyn Environment,
    base: &'a Path,
    out: &'a mut Diagnostics,
    left: usize,
    references: Vec<String>,
    secrets: Vec<String>,
    positions: BTreeMap<String, (String, Position)>,
}

impl Resolver<'_> {
    fn value(&mut self, place: &Place<'_>, pointer: String) -> Value {
        let location = place.location();
        self.positions
            .insert(pointer.clone(), (location.path, place.node.at));
        match &place.node.tree {
            Tree::String(text) => Value::String(self.text(place, text, pointer)),
            Tree::Sequence(_) => {
                let items = place.items().enumerate();
                let items = items.map(|(i, item)| self.value(&item, format!("{pointer}/{i}")));
                items.collect()
            }
            Tree::Mapping(entries) => self.mapping(place, entries, &pointer),
            _ => place.node.value(),
        }
    }

    /// Apart, since lists of lists of lists should need little of the stack.
    fn mapping(&mut self, place: &Place<'_>, entries: &[Entry], pointer: &str) -> Value {
        let mut map = Map::new();
        for (entry, key, is_reference) in self.members(entries) {
            let token = key.replace('~', "~0").replace('/', "~1");
            let pointer = format!("{pointer}/{token}");
            let here = place.to(&entry.value, &entry.key);
            let value = match is_reference {
                true => self.twin(&here, pointer),
                false => self.value(&here, pointer),
            };
            map.insert(key.to_owned(), value);
        }
        Value::Object(map)
    }

    /// The entries that count, each with the key of its value, and whether that is a reference.
    fn members<'e>(&self, entries: &'e [Entry]) -> Vec<(&'e Entry, &'e str, bool)> {
        let of = |entry: &'e Entry| self.twins.and_then(|twins| twins.of(&entry.key));
        let is_given = |entry: &&Entry| !matches!(entry.value.tree, Tree::Null);
        let referred: Vec<&str> = entries.iter().filter(is_given).filter_map(of).collect();
        let all = entries.iter().map(|entry| match of(entry) {
            Some(key) => (entry, key, true),
            None => (entry, entry.key.as_str(), false),
        });
        // Neither a literal beside a reference counts, nor a reference without a value.
        all.filter(|(_, key, is_reference)| *is_reference == referred.contains(key))
            .collect()
    }

    /// The value of a reference by key.
    fn twin(&mut self, place: &Place<'_>, pointer: String) -> Value {
        let location = place.location();
        self.positions
            .insert(pointer.clone(), (location.path, place.node.at));
        self.references.push(pointer);
        let Some(twins) = self.twins else {
            return Value::Null;
        };
        match twins.find(place).and_then(|text| self.kept(place, text)) {
            Ok(text) => Value::String(text),
            Err(fault) => {
                self.out.push(fault);
                Value::Null
            }
        }
    }

    fn text(&mut self, place: &Place<'_>, text: &str, pointer: String) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let (before, tail) = rest.split_at(start);
            let is_ours = tail.starts_with("${env:") || tail.starts_with("${file:");
            let is_foreign = self.twins.is_some() && !is_ours;
            let escaped = before.strip_suffix('$').filter(|_| !is_foreign);
            if is_foreign || escaped.is_some() {
                out.push_str(escaped.unwrap_or(before));
                out.push_str("${");
                rest = &tail["${".len()..];
                continue;
            }
            out.push_str(before);
            let Some(end) = tail.find('}') else {
                let message = "a `${` is not closed";
                let fault = place.fault(&code::CONFIG_INVALID, message);
                self.out.push(fault.hint(format!("write {LITERAL}")));
                return out;
            };
            if start == 0 && end + 1 == text.len() {
                self.references.push(pointer.clone());
            }
            match self.reference(place, &tail["${".len()..end]) {
                Ok(found) => out.push_str(&found),
                Err(fault) => self.out.push(fault),
            }
            rest = &tail[end + 1..];
        }
        out.push_str(rest);
        out
    }

    /// What `${inside}` stands for. Faults name variables and files, never their contents (P10).
    fn reference(&mut self, place: &Place<'_>, inside: &str) -> Result<String, Diagnostic> {
        let found = match inside.split_once(':') {
            Some(("env", rest)) => match rest.split_once(":-") {
                // As in a shell, an empty variable takes the default. It stands in the file for
                // all to see, so it is no secret.
                Some((name, default)) => match self.variable(place, name)? {
                    Some(found) if !found.is_empty() => found,
                    _ => return Ok(default.to_owned()),
                },
                None => self.variable(place, rest)?.ok_or_else(|| {
                    let message = format!("the environment variable {} is not set", quoted(rest));
                    place
                        .fault(&code::CONFIG_SECRET, message)
                        .hint(format!("set it, or give a default: `${{env:{rest}:-…}}`"))
                })?,
            },
            Some(("file", path)) => self.file(place, path)?,
            // What stands between the braces is not told: it may be part of a password (P10).
            other => {
                let fault = place.fault(&code::CONFIG_INVALID, "a `${…}` is no reference");
                let kind = other.map_or("", |(kind, _)| kind);
                return Err(
                    fault.hint(match suggestion::nearest(kind, ["env", "file"]) {
                        Some(kind) => format!("did you mean `${{{kind}:…}}`?"),
                        None => format!("write `${{env:NAME}}` or `${{file:PATH}}`, or {LITERAL}"),
                    }),
                );
            }
        };
        self.kept(place, found)
    }

    /// Takes in what a reference stands for.
    fn kept(&mut self, place: &Place<'_>, found: String) -> Result<String, Diagnostic> {
        self.left = self.left.checked_sub(found.len()).ok_or_else(|| {
            let message = format!("the references bring in more than {MOST_BYTES} bytes");
            place.fault(&code::CONFIG_SECRET, message)
        })?;
        if !found.is_empty() {
            self.secrets.push(found.clone());
        }
        Ok(found)
    }

    fn variable(&self, place: &Place<'_>, name: &str) -> Result<Option<String>, Diagnostic> {
        if name.is_empty() || name.contains(['=', '\0', ' ', ':']) {
            // The text is not told: it may hold a default that was meant to be one (P10).
            let message = "the reference names no environment variable";
            let fault = place.fault(&code::CONFIG_INVALID, message);
            return Err(fault.hint("write `${env:NAME}` or `${env:NAME:-default}`"));
        }
        match self.environment.variable(name) {
            Ok(found) => Ok(Some(found)),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => {
                let message = format!("the environment variable {} is not UTF-8", quoted(name));
                Err(place.fault(&code::CONFIG_SECRET, message))
            }
        }
    }

    fn file(&self, place: &Place<'_>, path: &str) -> Result<String, Diagnostic> {
        if path.is_empty() {
            let fault = place.fault(&code::CONFIG_INVALID, "`${file:}` names no file");
            return Err(fault.hint("write `${file:PATH}`"));
        }
        let full = self.base.join(path);
        match self.environment.read(&full, LONGEST_FILE) {
            Ok(text) => Ok(without_line_end(text)),
            Err(cause) => {
                let name = full.display().to_string();
                let message = format!("the file {} cannot be read: {cause}", quoted(&name));
                Err(place
                    .fault(&code::CONFIG_SECRET, message)
                    .hint("the path is seen from the directory of the configuration file"))
            }
        }
    }
}
