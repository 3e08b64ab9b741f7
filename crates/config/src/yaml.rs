//! Text to tree: YAML 1.2 and with it JSON, by `serde-saphyr`, within limits (P11).
//!
//! Words such as `yes` stay text, and so do numbers with a leading zero. Duplicate keys are left
//! in the tree: the caller reports them with everything else that is wrong.

use std::fmt;
use std::sync::Arc;

use crossdock_core::code;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_saphyr::{DuplicateKeyPolicy, Error, Location as At, Options, Spanned};

use crate::diagnostic::{Diagnostic, Diagnostics, Location};
use crate::guard::Guard;
use crate::node::{Entry, Node, Position, Tree};

/// Longest file that is read, in bytes.
pub(crate) const LONGEST_FILE: usize = 16 << 20;
/// Most values, keys and brackets of a file, anchors expanded.
const MOST_EVENTS: usize = 200_000;
/// Deepest nesting.
const DEEPEST: usize = 64;
/// The parser takes some 40 kB of stack for each level in a debug build.
const STACK: usize = 16 << 20;

/// Reads one document. Anchors, aliases and merge keys are expanded.
pub(crate) fn parse(text: &str, file: &Arc<str>) -> Result<Node, Diagnostics> {
    let here = |at: Option<At>| Location {
        file: Arc::clone(file),
        path: String::new(),
        line: at.map_or(1, |at| narrow(at.line())),
        column: at.map_or(1, |at| narrow(at.column())),
    };
    if text.len() > LONGEST_FILE {
        let message = format!("the file is longer than {LONGEST_FILE} bytes");
        return Err(Diagnostic::new(&code::CONFIG_UNREADABLE, here(None), message).into());
    }
    let guard = Guard::for_text(text);
    let guarded = guard.apply(text);
    let mut root = with_stack(|| parse_guarded(&guarded, &guard, &here))
        .unwrap_or_else(|why| Err(Diagnostic::new(&code::CONFIG_UNREADABLE, here(None), why)))?;
    let mut wrong = Diagnostics::default();
    visit(&mut root, &mut |node| {
        if loses_digits(node, &guarded) {
            let at = Location {
                line: node.at.line,
                column: node.at.column,
                ..here(None)
            };
            let message = "the integer is too large to keep all its digits";
            wrong
                .push(Diagnostic::new(&code::CONFIG_INVALID, at, message).hint("put it in quotes"));
        }
        guard.restore_node(node);
    });
    wrong.unless_any(root)
}

fn parse_guarded(
    text: &str,
    guard: &Guard,
    here: &(dyn Fn(Option<At>) -> Location + Sync),
) -> Result<Node, Diagnostic> {
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
        let error = error.without_snippet();
        let (message, hint) = explain(error);
        let at = here(error.location());
        let fault = Diagnostic::new(&code::CONFIG_SYNTAX, at, guard.restore(message));
        match hint {
            Some(hint) => fault.hint(hint),
            None => fault,
        }
    })
}

/// Runs `work` on a stack that is large enough for the parser's recursion at [`DEEPEST`] levels,
/// however small the caller's is. Should the parser panic all the same, that is an error of the
/// file's and not the end of the process (P11).
fn with_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, &'static str> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("config parser".into())
            .stack_size(STACK)
            .spawn_scoped(scope, work)
            .map_err(|_| "there is no memory left to read the file")?;
        thread
            .join()
            .map_err(|_| "the YAML parser broke down over the file")
    })
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: MOST_EVENTS,
            max_recorded_anchor_events: MOST_EVENTS,
            max_depth: DEEPEST,
        },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
    }
}

/// The parser's reason in our words where ours are clearer, and what to do about it.
fn explain(error: &Error) -> (String, Option<&'static str>) {
    match error {
        Error::MultipleDocuments { .. } => (
            "the file holds more than one YAML document".into(),
            Some("list all pipelines under `pipelines` of one document"),
        ),
        Error::NullIntoString { .. } | Error::Unexpected { .. } => {
            ("a key is not a string".into(), None)
        }
        Error::Budget { .. } | Error::AliasReplayLimitExceeded { .. } => (
            format!(
                "the file has more than {MOST_EVENTS} values or is nested deeper than {DEEPEST}"
            ),
            None,
        ),
        Error::NonFiniteFloat { .. } => ("the number is not finite".into(), None),
        Error::AliasError { error, .. } => explain(error),
        other => {
            let text = other.to_string();
            let message = text
                .split(" at line ")
                .next()
                .unwrap_or_default()
                .to_owned();
            // `name: *` reads as an alias without a name.
            let hint = message
                .contains("alias")
                .then_some("a value that begins with `*` or `&` goes in quotes: `\"*\"`");
            (message, hint)
        }
    }
}

/// Whether an integer came out of the parser as a float.
fn loses_digits(node: &Node, text: &str) -> bool {
    let Tree::Number(number) = &node.tree else {
        return false;
    };
    let raw = node
        .span
        .and_then(|(first, length)| text.get(first..first.checked_add(length)?));
    number.is_f64()
        && raw.is_some_and(|raw| {
            let digits = raw.trim_start_matches(['+', '-']);
            !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
        })
}

fn visit(node: &mut Node, act: &mut dyn FnMut(&mut Node)) {
    act(node);
    match &mut node.tree {
        Tree::Sequence(items) => items.iter_mut().for_each(|item| visit(item, act)),
        Tree::Mapping(entries) => entries
            .iter_mut()
            .for_each(|entry| visit(&mut entry.value, act)),
        _ => {}
    }
}

fn narrow(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn position(at: At) -> Position {
    Position {
        line: narrow(at.line()).max(1),
        column: narrow(at.column()).max(1),
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Tree>::deserialize(deserializer)?;
        let span = spanned.defined.span();
        Ok(Self {
            tree: spanned.value,
            at: position(spanned.defined),
            span: span
                .byte_offset()
                .zip(span.byte_len())
                .map(|(first, length)| (narrow(first), narrow(length))),
        })
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Tree, E> {
        let number =
            Number::from_f64(value).ok_or_else(|| E::custom("the number is not finite"))?;
        Ok(Tree::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Tree, E> {
        Ok(Tree::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Tree::Sequence(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = access.next_key::<Spanned<String>>()? {
            entries.push(Entry {
                at: position(key.defined),
                key: key.value,
                value: access.next_value()?,
            });
        }
        Ok(Tree::Mapping(entries))
    }
}
