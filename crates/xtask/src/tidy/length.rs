//! A file that one can read in one sitting: at most 500 lines, unless a program wrote it.

use crate::tidy::Breach;
use crate::tidy::tree::Tree;

const LIMIT: usize = 500;
/// What a generator writes at the top of its file, put together here so that this file does not have it.
const GENERATED: &str = concat!("@", "generated");

/// Finds hand-written files of Rust that are too long.
pub(crate) fn check(tree: &Tree) -> Vec<Breach> {
    tree.rust()
        .filter(|(_, text)| !text.lines().take(5).any(|line| line.contains(GENERATED)))
        .filter_map(|(path, text)| {
            let lines = text.lines().count();
            (lines > LIMIT).then(|| {
                Breach::in_file(
                    path,
                    format!("{lines} lines: take it apart, {LIMIT} are the limit"),
                )
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_is_red_unless_it_was_generated() {
        for (head, lines, red) in [("", 500, false), ("", 501, true), (GENERATED, 900, false)] {
            let text = format!("//! {head}\n{}", "\n".repeat(lines - 1));
            let tree = Tree::sample(&[("crates/a/src/b.rs", &text)]);
            assert_eq!(!check(&tree).is_empty(), red, "{head} {lines}");
        }
    }
}
