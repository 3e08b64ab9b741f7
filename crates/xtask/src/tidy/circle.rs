//! No circles between the modules of a crate: what cannot be read one after the other is one module in pieces.
//!
//! Only a crate's top modules are looked at. Inside one of them, a parent and its children may know each other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::tidy::Breach;
use crate::tidy::rust::{code, is_test};
use crate::tidy::tree::Tree;

/// For each module, the modules that it names, with the first place where it does.
type Edges<'a> = BTreeMap<&'a str, BTreeMap<&'a str, (&'a str, usize)>>;

/// Finds for every module the shortest way back to itself, and reports each circle once.
pub(crate) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for folder in tree.crates() {
        let edges = edges(tree, &format!("{folder}/src/"));
        let mut seen = BTreeSet::new();
        for start in edges.keys() {
            let Some(circle) = way_back(&edges, start) else {
                continue;
            };
            let members: BTreeSet<&str> = circle.iter().copied().collect();
            if seen.insert(members) {
                breaches.push(report(&edges, &circle));
            }
        }
    }
    breaches
}

fn report(edges: &Edges<'_>, circle: &[&str]) -> Breach {
    let steps: Vec<String> = circle
        .iter()
        .zip(circle.iter().cycle().skip(1))
        .map(|(from, to)| {
            let (path, line) = edges[from][to];
            format!(
                "`{from}` names `{to}` ({}:{line})",
                path.rsplit('/').next().unwrap_or(path)
            )
        })
        .collect();
    let (path, line) = edges[circle[0]][circle.get(1).unwrap_or(&circle[0])];
    Breach::at(
        path,
        line,
        format!("a circle of modules: {}", steps.join(", ")),
    )
}

/// The shortest circle through `start`, beginning with it.
fn way_back<'a>(edges: &Edges<'a>, start: &'a str) -> Option<Vec<&'a str>> {
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(module) = queue.pop_front() {
        for next in edges
            .get(module)
            .into_iter()
            .flatten()
            .map(|(next, _)| *next)
        {
            if next == start {
                let mut way = vec![module];
                while let Some(before) = came_from.get(way[way.len() - 1]) {
                    way.push(before);
                }
                way.reverse();
                return Some(way);
            }
            if !came_from.contains_key(next) {
                came_from.insert(next, module);
                queue.push_back(next);
            }
        }
    }
    None
}

fn edges<'a>(tree: &'a Tree, source: &str) -> Edges<'a> {
    let files: Vec<(&str, &str, &str)> = tree
        .rust()
        .filter(|(path, _)| !is_test(path))
        .filter_map(|(path, text)| Some((path, path.strip_prefix(source)?, text)))
        .filter(|(_, inside, _)| !inside.starts_with("bin/"))
        .collect();
    let is_root = |inside: &str| matches!(inside, "lib.rs" | "main.rs");
    let modules: BTreeSet<&str> = files
        .iter()
        .filter(|(_, inside, _)| !is_root(inside))
        .map(|(_, inside, _)| top(inside))
        .collect();
    let mut shown = BTreeMap::new();
    for (_, _, text) in files.iter().filter(|(_, inside, _)| is_root(inside)) {
        shown.extend(reexports(text, &modules));
    }
    let mut edges = Edges::new();
    for (path, inside, text) in files.iter().filter(|(_, inside, _)| !is_root(inside)) {
        let from = top(inside);
        let entry = edges.entry(from).or_default();
        for (line, name) in names(text, depth(inside)) {
            let to = modules
                .get(name)
                .copied()
                .or_else(|| shown.get(name).copied());
            if let Some(to) = to.filter(|to| *to != from) {
                entry.entry(to).or_insert((path, line));
            }
        }
    }
    edges
}

/// The top module that a file belongs to: `batch` for `batch.rs`, `batch/rows.rs` and `batch/mod.rs`.
fn top(inside: &str) -> &str {
    let first = inside.split('/').next().unwrap_or(inside);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// How many times `super::` leads from the file's module to the root of the crate.
fn depth(inside: &str) -> usize {
    inside
        .strip_suffix("/mod.rs")
        .or(inside.strip_suffix(".rs"))
        .unwrap_or(inside)
        .split('/')
        .count()
}

/// The names right under the crate's root that a file names, by `crate::` or by enough `super::`.
fn names(text: &str, depth: usize) -> Vec<(usize, &str)> {
    let end = code(text).last().map_or(0, |(line, _)| line);
    let offset: usize = text.split_inclusive('\n').take(end).map(str::len).sum();
    let body = &text[..offset];
    let up = "super::".repeat(depth);
    let mut found = Vec::new();
    for start in ["crate::", &up] {
        for (at, _) in body.match_indices(start) {
            let before = &body[..at];
            let line_begin = before.rfind('\n').map_or(0, |line| line + 1);
            let inside_comment = before[line_begin..].contains("//");
            let goes_on =
                before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '$'));
            if inside_comment || goes_on {
                continue;
            }
            let line = before.matches('\n').count() + 1;
            found.extend(
                firsts(&body[at + start.len()..])
                    .into_iter()
                    .map(|name| (line, name)),
            );
        }
    }
    found.sort_unstable();
    found
}

/// The first names of a path or of a group of paths: `a` and `d` of `{a::{b, c}, d::E}`.
fn firsts(path: &str) -> Vec<&str> {
    let Some(group) = path.strip_prefix('{') else {
        return Vec::from([word(path)]);
    };
    let mut depth = 0_usize;
    let mut names = Vec::new();
    let mut begin = 0;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.push(word(group[begin..at].trim_start()));
                begin = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn word(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    &text[..end]
}

/// What the root shows of its modules under its own name: `Error` leads to `error` by `pub use error::Error;`.
fn reexports<'a>(text: &'a str, modules: &BTreeSet<&'a str>) -> BTreeMap<&'a str, &'a str> {
    let mut shown = BTreeMap::new();
    for (at, _) in text.match_indices("use ") {
        let path = text[at + 4..].split(';').next().unwrap_or_default();
        let path = path
            .strip_prefix("crate::")
            .or(path.strip_prefix("self::"))
            .unwrap_or(path);
        let Some(module) = modules.get(word(path)) else {
            continue;
        };
        let parts = path
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .filter(|part| !part.is_empty());
        shown.extend(
            parts
                .skip(1)
                .filter(|name| !modules.contains(name))
                .map(|name| (name, *module)),
        );
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_files(files: &[(&str, &str)], expected: &[&str]) {
        let mut all = vec![("crates/a/Cargo.toml", "")];
        all.extend(files);
        let found: Vec<String> = check(&Tree::sample(&all))
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, part) in found.iter().zip(expected) {
            assert!(found.contains(part), "{found}");
        }
    }

    #[test]
    fn a_line_of_modules_is_fine() {
        check_files(
            &[
                (
                    "crates/a/src/lib.rs",
                    "pub mod b;\npub mod c;\nuse crate::b::B;\n",
                ),
                (
                    "crates/a/src/b.rs",
                    "//! See [`crate::c`].\nmod inner;\nuse crate::b::inner::X; // crate::c\n",
                ),
                (
                    "crates/a/src/b/inner.rs",
                    "use super::B;\n#[cfg(test)]\nmod tests {\n    use crate::c::C;\n}\n",
                ),
                ("crates/a/src/c.rs", "use crate::b::B;\n"),
            ],
            &[],
        );
    }

    #[test]
    fn circles_are_red_however_they_are_written() {
        let c = ("crates/a/src/c.rs", "use crate::b::B;\n");
        for text in [
            "use crate::c::C;",
            "use crate::{\n    d::D,\n    c::{C, E},\n};",
            "fn f() -> crate::c::C {}",
            "use super::c::C;",
        ] {
            check_files(
                &[("crates/a/src/b.rs", text), c],
                &["`b` names `c` (b.rs:1), `c` names `b` (c.rs:1)"],
            );
        }
        check_files(
            &[("crates/a/src/b/x.rs", "use super::super::c::C;"), c],
            &["`b` names `c` (x.rs:1)"],
        );
    }

    #[test]
    fn a_name_shown_by_the_root_leads_to_its_module() {
        check_files(
            &[
                (
                    "crates/a/src/lib.rs",
                    "mod b;\nmod c;\npub use c::{C, Other};\n",
                ),
                ("crates/a/src/b.rs", "use crate::Other;\n"),
                ("crates/a/src/c.rs", "use crate::b::B;\n"),
            ],
            &["`b` names `c`"],
        );
    }

    #[test]
    fn a_long_circle_is_told_once() {
        check_files(
            &[
                ("crates/a/src/b.rs", "use crate::c::C;"),
                ("crates/a/src/c.rs", "use crate::d::D;"),
                ("crates/a/src/d.rs", "use crate::b::B;"),
                ("crates/a/src/e.rs", "use crate::b::B;"),
            ],
            &["`b` names `c` (b.rs:1), `c` names `d` (c.rs:1), `d` names `b` (d.rs:1)"],
        );
    }
}
