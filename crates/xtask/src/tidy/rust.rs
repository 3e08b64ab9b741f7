//! Just enough understanding of Rust text for the rules: code without comments and without unit tests.

/// The lines of a file that are code of the product, numbered from 1: comments are blanked, and everything from the
/// first `#[cfg(test)]` that opens a module is left out, since unit tests stand last in a file.
///
/// A `//` inside a string cuts the line there; the rules look at paths and calls, which never follow one.
pub(crate) fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines: Vec<&str> = text.lines().collect();
    let end = lines
        .iter()
        .enumerate()
        .position(|(index, line)| {
            let opens = lines[index + 1..]
                .iter()
                .find(|next| !next.trim_start().starts_with('#'));
            line.trim() == "#[cfg(test)]"
                && opens.is_some_and(|next| next.trim_start().starts_with("mod "))
        })
        .unwrap_or(lines.len());
    lines
        .into_iter()
        .take(end)
        .enumerate()
        .map(|(index, line)| {
            let cut = line.find("//").unwrap_or(line.len());
            (index + 1, &line[..cut])
        })
}

/// Whether a path is of test code only.
pub(crate) fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs") || path.contains("/benches/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_unit_tests_are_not_code() {
        let text =
            "//! doc\nuse a; // why\n#[cfg(test)]\nuse b;\n#[cfg(test)]\nmod tests {\nuse c;\n}\n";
        let found: Vec<_> = code(text).collect();
        assert_eq!(
            found,
            [(1, ""), (2, "use a; "), (3, "#[cfg(test)]"), (4, "use b;")]
        );
    }

    #[test]
    fn test_files_are_known_by_their_place() {
        for (path, expected) in [
            ("crates/a/tests/main.rs", true),
            ("crates/a/src/b/tests.rs", true),
            ("crates/a/src/tests/c.rs", true),
            ("crates/a/src/test.rs", false),
        ] {
            assert_eq!(is_test(path), expected, "{path}");
        }
    }
}
