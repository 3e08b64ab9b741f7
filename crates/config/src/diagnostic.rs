//! Located diagnostics: what is wrong in a file, at which key, line and column, and what to write
//! instead. A file's faults are told together, so that a user corrects them in one go.

use std::fmt;
use std::sync::Arc;

use crossdock_core::Error;
use crossdock_core::code::Code;

/// More than this many faults are not told one by one.
const MOST: usize = 100;

/// A place in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Location {
    /// The file's name as the user gave it. Empty: the value did not come from a file.
    pub file: Arc<str>,
    /// The key, e.g. `pipelines[0].source.config`.
    pub path: String,
    /// Line, from 1; 0 where the file as a whole is meant.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Location {
    /// Adds file and key to an error that a value from here led to.
    #[must_use]
    pub fn locate(&self, error: Error) -> Error {
        if self.file.is_empty() {
            return error;
        }
        let error = match self.line {
            0 => error.with("file", &self.file),
            line => error.with("file", format!("{}:{line}:{}", self.file, self.column)),
        };
        if self.path.is_empty() {
            return error;
        }
        error.with("key", &self.path)
    }
}

/// `file:line:column: key`.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if self.path.is_empty() {
            return Ok(());
        }
        write!(f, ": {}", self.path)
    }
}

/// One fault of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// The stable code.
    pub code: &'static Code,
    /// Where.
    pub at: Location,
    /// What is wrong, in lower case and without a full stop.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Diagnostic {
    pub(crate) fn new(code: &'static Code, at: Location, message: impl Into<String>) -> Self {
        Self {
            code,
            at,
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// `file:line:column: key: message [code]`, and the hint on a line of its own.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} [{}]", self.at, self.message, self.code.name)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostic {}

impl From<Diagnostic> for Error {
    fn from(diagnostic: Diagnostic) -> Self {
        let error = diagnostic
            .at
            .locate(Error::new(diagnostic.code, diagnostic.message));
        match diagnostic.hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

/// The faults of a file, in its order; at least one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// `value`, unless something is wrong.
    pub(crate) fn unless_any<T>(mut self, value: T) -> Result<T, Self> {
        if self.0.is_empty() {
            return Ok(value);
        }
        self.0
            .sort_by_key(|diagnostic| (diagnostic.at.line, diagnostic.at.column));
        // Anchors make one fault turn up once for each use.
        self.0.dedup_by(|a, b| {
            (a.at.line, a.at.column, &a.message) == (b.at.line, b.at.column, &b.message)
        });
        self.0.truncate(MOST);
        Err(self)
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            diagnostic.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// The first fault as the error; each further one as a context pair `also`.
impl From<Diagnostics> for Error {
    fn from(diagnostics: Diagnostics) -> Self {
        let mut all = diagnostics.0.into_iter();
        let Some(first) = all.next() else {
            return Error::new(
                &crossdock_core::code::INTERNAL,
                "a configuration was refused without a reason",
            );
        };
        all.fold(first.into(), |error: Error, next| {
            error.with("also", format!("{}: {}", next.at, next.message))
        })
    }
}

/// A user's text in a message: in backquotes, on one line, and cut where it is very long.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut shown: String = text
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossdock_core::code;

    #[test]
    fn the_first_fault_becomes_the_error_and_the_rest_its_context() {
        let at = |line| Location {
            file: "p.yaml".into(),
            path: "pipelines".into(),
            line,
            column: 3,
        };
        let both = Diagnostics(vec![
            Diagnostic::new(&code::CONFIG_INVALID, at(2), "one").hint("do this"),
            Diagnostic::new(&code::CONFIG_SYNTAX, at(4), "two"),
        ]);
        let error = Error::from(both);
        assert_eq!(error.code(), &code::CONFIG_INVALID);
        assert_eq!(error.remedy(), "do this");
        assert_eq!(
            format!("{error:?}"),
            "[config.invalid] one\n  file: p.yaml:2:3\n  key: pipelines\n  also: p.yaml:4:3: pipelines: two"
        );
    }

    #[test]
    fn foreign_text_stays_on_one_line() {
        assert_eq!(quoted("a\nb\u{1b}[1m"), "`a\u{fffd}b\u{fffd}[1m`");
        assert_eq!(quoted(&"x".repeat(1000)).chars().count(), 83);
    }
}
