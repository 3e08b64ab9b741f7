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
use crate::environment::Environment;
use crate::node::{Place, Position, Tree};
use crate::plan::ConnectorConfig;
use crate::suggestion;

/// Longest file that `${file:…}` takes in, in bytes.
const LONGEST_FILE: usize = 1 << 20;
/// Most bytes that all references of one configuration take in together (P11).
const MOST_BYTES: usize = 16 << 20;

/// Reads a connector's configuration from its place in a document.
pub(crate) fn resolve(
    config: &Place<'_>,
    environment: &dyn Environment,
    base: &Path,
    out: &mut Diagnostics,
) -> ConnectorConfig {
    let mut resolver = Resolver {
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
        at: config.location(),
        positions: resolver.positions,
    }
}

const LITERAL: &str = "`$${` for a literal `${`";

struct Resolver<'a> {
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
            Tree::Mapping(entries) => {
                let mut map = Map::new();
                for entry in entries {
                    let token = entry.key.replace('~', "~0").replace('/', "~1");
                    let here = place.to(&entry.value, &entry.key);
                    let value = self.value(&here, format!("{pointer}/{token}"));
                    map.insert(entry.key.clone(), value);
                }
                Value::Object(map)
            }
            _ => place.node.value(),
        }
    }

    fn text(&mut self, place: &Place<'_>, text: &str, pointer: String) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let (before, tail) = rest.split_at(start);
            if let Some(before) = before.strip_suffix('$') {
                out.push_str(before);
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
            Ok(mut text) => {
                if text.ends_with('\n') {
                    text.pop();
                    if text.ends_with('\r') {
                        text.pop();
                    }
                }
                Ok(text)
            }
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
