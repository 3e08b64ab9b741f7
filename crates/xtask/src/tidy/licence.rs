//! Every package may be shipped in a binary under the Apache licence.

use crate::tidy::Breach;
use crate::tidy::package::Package;

/// Licences that ask for no more than their text to be shipped along.
const ALLOWED: [&str; 14] = [
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "MIT",
    "MIT-0",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "0BSD",
    "CC0-1.0",
    "ISC",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Finds packages without a licence that we may take.
pub(crate) fn check(packages: &[Package]) -> Vec<Breach> {
    packages
        .iter()
        .filter(|package| !may_take(&package.licence))
        .map(|package| {
            let what = format!(
                "`{} {}` has the licence `{}`",
                package.name, package.version, package.licence
            );
            Breach::in_file("Cargo.lock", what)
        })
        .collect()
}

/// Whether an SPDX expression leaves a choice that is allowed. A slash is the old way to write OR.
fn may_take(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    let mut parts = Expression(&expression);
    parts
        .either()
        .is_some_and(|allowed| allowed && parts.0.trim().is_empty())
}

/// What is still to be read of an expression.
struct Expression<'a>(&'a str);

impl Expression<'_> {
    fn either(&mut self) -> Option<bool> {
        let mut allowed = self.both()?;
        while self.takes("OR") {
            allowed |= self.both()?;
        }
        Some(allowed)
    }

    fn both(&mut self) -> Option<bool> {
        let mut allowed = self.one()?;
        while self.takes("AND") {
            allowed &= self.one()?;
        }
        Some(allowed)
    }

    fn one(&mut self) -> Option<bool> {
        if self.takes("(") {
            let allowed = self.either()?;
            return self.takes(")").then_some(allowed);
        }
        let mut name = self.word()?;
        if self.takes("WITH") {
            name = format!("{name} WITH {}", self.word()?);
        }
        Some(ALLOWED.contains(&name.as_str()))
    }

    fn word(&mut self) -> Option<String> {
        let text = self.0.trim_start();
        let end = text
            .find(|c: char| c.is_whitespace() || matches!(c, '(' | ')'))
            .unwrap_or(text.len());
        self.0 = &text[end..];
        (end > 0).then(|| text[..end].to_owned())
    }

    fn takes(&mut self, token: &str) -> bool {
        let Some(rest) = self.0.trim_start().strip_prefix(token) else {
            return false;
        };
        self.0 = rest;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::package::sample;

    #[test]
    fn an_expression_is_fine_when_one_choice_is() {
        for (expression, fine) in [
            ("MIT", true),
            ("MIT/Apache-2.0", true),
            ("GPL-3.0 OR MIT", true),
            ("GPL-3.0 AND MIT", false),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("(MIT OR Apache-2.0) AND GPL-2.0", false),
            ("Apache-2.0 WITH LLVM-exception OR GPL-2.0", true),
            ("GPL-2.0 WITH Classpath-exception-2.0", false),
            ("MIT MIT", false),
            ("(MIT", false),
            ("", false),
        ] {
            assert_eq!(may_take(expression), fine, "{expression}");
        }
    }

    #[test]
    fn a_package_with_a_licence_that_binds_us_is_red() {
        let mut package = sample("lock", &[]);
        assert!(check(std::slice::from_ref(&package)).is_empty());
        package.licence = "AGPL-3.0".to_owned();
        assert_eq!(
            check(&[package])[0].what,
            "`lock 1.0.0` has the licence `AGPL-3.0`"
        );
    }
}
