//! No file has a name that says nothing: everything fits into `utils`, so nobody finds it there.

use crate::tidy::Breach;
use crate::tidy::tree::Tree;

const BANNED: [&str; 9] = [
    "utils", "util", "common", "helpers", "helper", "types", "manager", "managers", "misc",
];

/// Finds source files and their folders by their names.
pub(crate) fn check(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (path, _) in tree.rust() {
        let stems = path
            .split('/')
            .map(|part| part.strip_suffix(".rs").unwrap_or(part));
        for stem in stems.filter(|stem| BANNED.contains(stem)) {
            breaches.push(Breach::in_file(
                path,
                format!("`{stem}` says nothing: name it after what it knows"),
            ));
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_says_nothing_is_red() {
        for (path, red) in [
            ("crates/a/src/utils.rs", true),
            ("crates/a/src/common/b.rs", true),
            ("crates/a/tests/helpers.rs", true),
            ("crates/a/src/type.rs", false),
            ("crates/a/src/prototypes.rs", false),
        ] {
            assert_eq!(
                !check(&Tree::sample(&[(path, "")])).is_empty(),
                red,
                "{path}"
            );
        }
    }
}
