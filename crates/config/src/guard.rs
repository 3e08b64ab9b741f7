//! Lets `${env:NAME}` stand without quotes inside `{…}` and `[…]`.
//!
//! YAML's short form of mappings and lists ends a plain value at the first `{`, `}`, `[`, `]` or
//! `,`, so that `{seed: ${env:SEED}}` would be a syntax error, which nobody expects. Before
//! parsing, these characters are therefore replaced inside every `${…}` by characters that the
//! text does not use, one for one, so that columns stay true; afterwards they are put back.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::node::{Node, Tree};

const GUARDED: [char; 5] = ['{', '}', '[', ']', ','];

/// The replacements for one text.
pub(crate) struct Guard {
    /// As many as [`GUARDED`], or none where the text leaves no character free.
    stand_ins: Vec<char>,
}

impl Guard {
    /// Chooses characters of the private use area that `text` does not contain.
    pub(crate) fn for_text(text: &str) -> Self {
        let private = '\u{e000}'..='\u{f8ff}';
        if !text.contains("${") {
            return Self {
                stand_ins: Vec::new(),
            };
        }
        let used: HashSet<char> = text.chars().filter(|c| private.contains(c)).collect();
        let mut stand_ins: Vec<char> = private
            .filter(|c| !used.contains(c))
            .take(GUARDED.len())
            .collect();
        if stand_ins.len() < GUARDED.len() {
            stand_ins.clear();
        }
        Self { stand_ins }
    }

    /// The text to parse.
    pub(crate) fn apply<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.stand_ins.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len() + 64);
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let (before, tail) = rest.split_at(start);
            out.push_str(before);
            let length = reference(tail).unwrap_or("${".len());
            let (this, after) = tail.split_at(length);
            if length == "${".len() {
                out.push_str(this);
            } else {
                out.extend(
                    this.chars()
                        .map(|c| self.swap(c, &GUARDED, &self.stand_ins)),
                );
            }
            rest = after;
        }
        out.push_str(rest);
        Cow::Owned(out)
    }

    /// The original of a text that was parsed.
    pub(crate) fn restore(&self, text: String) -> String {
        if self.stand_ins.is_empty() || !text.contains(self.stand_ins.as_slice()) {
            return text;
        }
        text.chars()
            .map(|c| self.swap(c, &self.stand_ins, &GUARDED))
            .collect()
    }

    /// Restores a node's own text and keys, not those below it.
    pub(crate) fn restore_node(&self, node: &mut Node) {
        match &mut node.tree {
            Tree::String(text) => *text = self.restore(std::mem::take(text)),
            Tree::Mapping(entries) => {
                for entry in entries {
                    entry.key = self.restore(std::mem::take(&mut entry.key));
                }
            }
            _ => {}
        }
    }

    fn swap(&self, c: char, from: &[char], to: &[char]) -> char {
        let index = from.iter().position(|candidate| *candidate == c);
        index.and_then(|i| to.get(i)).copied().unwrap_or(c)
    }
}

/// The length of the `${…}` at the beginning of `tail`, if it is one. A quote, a comment or a
/// second `${` before the brace means that the `${` only happens to stand there.
fn reference(tail: &str) -> Option<usize> {
    let mut previous = ' ';
    for (index, c) in tail.char_indices().skip("${".len()) {
        match c {
            '}' => return Some(index + 1),
            '"' | '\'' | '\n' | '\r' => return None,
            '#' if previous == ' ' => return None,
            ' ' if previous == ':' => return None,
            '{' if previous == '$' => return None,
            _ => previous = c,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_references_are_guarded_and_all_comes_back() {
        let check = |text: &str, changed: usize| {
            let guard = Guard::for_text(text);
            let guarded = guard.apply(text).into_owned();
            let differing = text.chars().zip(guarded.chars()).filter(|(a, b)| a != b);
            assert_eq!(differing.count(), changed, "{text}");
            assert_eq!(guarded.chars().count(), text.chars().count(), "{text}");
            assert_eq!(guard.restore(guarded), text);
        };
        check("{seed: ${env:SEED}}", 2);
        check("{seed: ${env:SEED:-a,b[0]}}", 5);
        check("[${env:A}, ${file:b}]", 4);
        check(r#"{"x":"${a","y":1}"#, 0);
        check("a: x${b # }", 0);
        check("a: ${b: }", 0);
        check("a: ${b\nc: }", 0);
        check("a: ${${env:B}}", 2);
        check("\u{e000}\u{e002} ${env:ü}", 2);
        check("a: $", 0);
        check("a: ${", 0);
    }
}
