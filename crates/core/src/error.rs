//! The one error type of Crossdock (design §8).
//!
//! An error names *what* failed (`operation`), *where* (`context` pairs: file, key, connector,
//! stream), *why* (`message` and `source`) and *what to do* (`hint`). Its [`Code`] is stable and
//! carries the [`ErrorKind`], which alone decides whether a retry makes sense.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::code::Code;
pub use crate::error_kind::ErrorKind;

/// The result of everything in Crossdock that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure, boxed so that `Result` stays small.
pub struct Error(Box<Inner>);

struct Inner {
    code: &'static Code,
    kind: ErrorKind,
    message: String,
    operation: Option<String>,
    context: Vec<(&'static str, String)>,
    hint: Option<String>,
    retry_after: Option<Duration>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `code`; `message` says what happened, in lower case and without a full stop.
    #[must_use]
    pub fn new(code: &'static Code, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            kind: code.kind,
            message: message.into(),
            operation: None,
            context: Vec::new(),
            hint: None,
            retry_after: None,
            source: None,
        }))
    }

    /// Overrides the kind of the code, e.g. when a connector says that its failure is a
    /// configuration error.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Names what was being done, e.g. `check`. The innermost name is kept.
    #[must_use]
    pub fn during(mut self, operation: impl Into<String>) -> Self {
        self.0.operation.get_or_insert_with(|| operation.into());
        self
    }

    /// Adds where it happened: `("stream", "users")`.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.0.context.push((key, value.to_string()));
        self
    }

    /// Says what the user can do. Replaces the remedy of the code.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// The time the other side asked us to wait before a new attempt.
    #[must_use]
    pub fn after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Keeps the underlying cause. Its text is printed by the one printer, so `message` must not
    /// repeat it.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static Code {
        self.0.code
    }

    /// The kind, which decides retries.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message alone, without cause and context.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What was being done.
    #[must_use]
    pub fn operation(&self) -> Option<&str> {
        self.0.operation.as_deref()
    }

    /// Where it happened.
    #[must_use]
    pub fn context(&self) -> &[(&'static str, String)] {
        &self.0.context
    }

    /// What to do: the error's own hint, else the remedy of its code.
    #[must_use]
    pub fn remedy(&self) -> &str {
        self.0.hint.as_deref().unwrap_or(self.0.code.remedy)
    }

    /// The wait that the other side asked for.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Everything that it says in one line, for platforms that show a text and nothing else.
    #[must_use]
    pub fn in_one_line(&self) -> String {
        let mut text = self.message().to_owned();
        for (key, value) in self.context() {
            text.push_str(&format!(", {key}: {value}"));
        }
        for cause in self.causes() {
            text.push_str(&format!(": {cause}"));
        }
        let remedy = self.remedy();
        if !remedy.is_empty() {
            text.push_str(&format!(" ({remedy})"));
        }
        text
    }

    /// The messages of the chain of causes, outermost first, without this error's own.
    #[must_use]
    pub fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut next = self.source();
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        causes
    }

    /// Applies `mask` to every text in the error, so that no secret leaves through it (P10).
    #[must_use]
    pub fn masked(mut self, mask: &dyn Fn(&str) -> String) -> Self {
        let inner = &mut *self.0;
        inner.message = mask(&inner.message);
        for (_, value) in &mut inner.context {
            *value = mask(value);
        }
        if let Some(hint) = &mut inner.hint {
            *hint = mask(hint);
        }
        if let Some(source) = inner.source.take() {
            let mut texts = vec![mask(&source.to_string())];
            let mut next = source.source();
            while let Some(cause) = next {
                texts.push(mask(&cause.to_string()));
                next = cause.source();
            }
            inner.source = Some(texts.join(": ").into());
        }
        self
    }
}

/// One line: message, then the causes.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

/// Many lines, for logs and test failures.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.0.code.name, self.0.message)?;
        if let Some(operation) = &self.0.operation {
            write!(f, "\n  during: {operation}")?;
        }
        for (key, value) in &self.0.context {
            write!(f, "\n  {key}: {value}")?;
        }
        for cause in self.causes() {
            write!(f, "\n  caused by: {cause}")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|s| s as &dyn StdError)
    }
}
