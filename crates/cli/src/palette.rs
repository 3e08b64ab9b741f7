//! Colours. They repeat what the words say: output must read the same without them.

use std::env::VarError;

use crate::args::ColorWhen;

/// Paints text, or leaves it as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Palette {
    on: bool,
}

impl Palette {
    /// No colour.
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self { on: false };

    /// Decides by the flag, by <https://no-color.org>, and by whether a terminal listens.
    pub(crate) fn decide(
        when: ColorWhen,
        terminal: bool,
        variable: impl Fn(&str) -> Result<String, VarError>,
    ) -> Self {
        let set = |name| variable(name).is_ok_and(|value| !value.is_empty());
        let dumb = variable("TERM").is_ok_and(|value| value == "dumb");
        let on = match when {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => terminal && !dumb && !set("NO_COLOR"),
        };
        Self { on }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.on && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// Something went well.
    pub(crate) fn success(self, text: &str) -> String {
        self.paint("1;32", text)
    }

    /// Something failed.
    pub(crate) fn error(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    /// Something is worth a look.
    pub(crate) fn warning(self, text: &str) -> String {
        self.paint("1;33", text)
    }

    /// What to do.
    pub(crate) fn hint(self, text: &str) -> String {
        self.paint("1;36", text)
    }

    /// What is less important.
    pub(crate) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// A heading.
    pub(crate) fn strong(self, text: &str) -> String {
        self.paint("1", text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_for_terminals_that_want_it() {
        let check = |when, terminal, variables: &[(&str, &str)], expected| {
            let palette = Palette::decide(when, terminal, |name| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found
                    .map(|(_, value)| (*value).to_owned())
                    .ok_or(VarError::NotPresent)
            });
            assert_eq!(palette.on, expected, "{when:?} {terminal} {variables:?}");
        };
        check(ColorWhen::Auto, true, &[], true);
        check(ColorWhen::Auto, false, &[], false);
        check(ColorWhen::Auto, true, &[("NO_COLOR", "1")], false);
        check(ColorWhen::Auto, true, &[("NO_COLOR", "")], true);
        check(ColorWhen::Auto, true, &[("TERM", "dumb")], false);
        check(ColorWhen::Always, false, &[("NO_COLOR", "1")], true);
        check(ColorWhen::Never, true, &[], false);
    }
}
