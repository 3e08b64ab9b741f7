//! Every module says why it is there, and every crate has a road map.
//!
//! A file `tests.rs` needs no words: its name and its parent's say all.

use crate::tidy::Breach;
use crate::tidy::tree::Tree;

/// Finds source files that do not begin with their documentation, and crates without a README.
pub(crate) fn check(tree: &Tree) -> Vec<Breach> {
    let modules = tree
        .rust()
        .filter(|(path, _)| {
            path.starts_with("crates/") && path.contains("/src/") && !path.ends_with("/tests.rs")
        })
        .filter(|(_, text)| {
            !is_documented(text) && !is_list_of_modules(text) && !is_generated(text)
        })
        .map(|(path, _)| Breach::in_file(path, "begins without `//!`: say what the module is for"));
    let crates = tree.crates().filter_map(|folder| {
        let path = format!("{folder}/README.md");
        let empty = tree
            .text(&path)
            .is_none_or(|text| text.lines().filter(|line| !line.trim().is_empty()).count() < 3);
        empty.then(|| {
            Breach::in_file(
                &path,
                "is missing or says nothing: write the crate's road map",
            )
        })
    });
    modules.chain(crates).collect()
}

fn is_documented(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    let first =
        lines.find(|line| !line.is_empty() && (!line.starts_with("//") || line.starts_with("//!")));
    first.is_some_and(|line| {
        line.starts_with("#![doc")
            || line
                .strip_prefix("//!")
                .is_some_and(|rest| !rest.trim().is_empty())
    })
}

/// Code of a generator, which says so itself. It is included by a module that has words.
fn is_generated(text: &str) -> bool {
    text.starts_with("// This file is @generated")
}

/// A file that only names its modules has nothing to explain.
fn is_list_of_modules(text: &str) -> bool {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .all(|line| {
            [
                "mod ",
                "pub mod ",
                "pub(crate) mod ",
                "pub use ",
                "pub(crate) use ",
                "use ",
            ]
            .iter()
            .any(|start| line.starts_with(start))
                && line.ends_with(';')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_one(path: &str, text: &str, red: bool) {
        assert_eq!(
            !check(&Tree::sample(&[(path, text)])).is_empty(),
            red,
            "{path}: {text}"
        );
    }

    #[test]
    fn a_module_without_words_is_red() {
        let path = "crates/a/src/b.rs";
        check_one(path, "//! Why.\nfn f() {}\n", false);
        check_one(path, "// Copyright.\n\n//! Why.\nfn f() {}\n", false);
        check_one(
            path,
            "#![doc = include_str!(\"../README.md\")]\nfn f() {}\n",
            false,
        );
        check_one(path, "mod c;\npub mod d;\npub use d::D;\n", false);
        check_one(path, "fn f() {}\n", true);
        check_one(path, "//!\nfn f() {}\n", true);
        check_one(path, "use c::C;\n//! Late.\n", true);
        check_one(
            "crates/a/src/b/tests.rs",
            "use super::*;\nfn f() {}\n",
            false,
        );
        check_one("crates/a/tests/main.rs", "mod b;\nfn f() {}\n", false);
    }

    #[test]
    fn a_crate_without_a_road_map_is_red() {
        check_one("crates/a/Cargo.toml", "", true);
        for (readme, red) in [
            ("# a\n\nWhat it is for.\n\nWhere to begin.\n", false),
            ("# a\n", true),
        ] {
            let tree = Tree::sample(&[("crates/a/Cargo.toml", ""), ("crates/a/README.md", readme)]);
            assert_eq!(!check(&tree).is_empty(), red, "{readme}");
        }
    }
}
