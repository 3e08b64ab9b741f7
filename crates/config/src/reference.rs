//! Connector references: `protocol:launcher:what`, one text that names a connector.

use std::fmt;
use std::str::FromStr;

use crossdock_core::{Error, code};

use crate::diagnostic::quoted;
use crate::suggestion::{list, nearest};

/// Names a connector. Reads from and prints as `protocol:launcher:what`, without loss.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConnectorRef {
    /// The wire it speaks.
    pub protocol: Protocol,
    /// How its process comes to life. `None`: in-process (`native:`), or found by DataFlow's own
    /// search order (`dataflow:TYPE`), or in Conduit's folder (`conduit:NAME[@VERSION]`).
    pub launcher: Option<Launcher>,
    /// A native connector's or a DataFlow type's name, a name with an optional `@VERSION` of Conduit's, a Python package with an optional
    /// `==VERSION`, an image with an optional tag, or a command line.
    pub what: String,
}

/// The wire that a connector speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// In-process Rust.
    Native,
    /// The Airbyte protocol over stdio.
    Airbyte,
    /// Conduit's connector protocol.
    Conduit,
    /// DataFlow's.
    DataFlow,
}

impl Protocol {
    const ALL: [Self; 4] = [Self::Native, Self::Airbyte, Self::Conduit, Self::DataFlow];

    /// The name in references.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Airbyte => "airbyte",
            Self::Conduit => "conduit",
            Self::DataFlow => "dataflow",
        }
    }

    /// The launchers that make sense with it.
    fn launchers(self) -> &'static [Launcher] {
        match self {
            Self::Native => &[],
            Self::Airbyte => &[Launcher::Python, Launcher::Docker, Launcher::Exec],
            Self::Conduit | Self::DataFlow => &[Launcher::Exec],
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a connector's process comes to life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Launcher {
    /// A program on this machine; a relative path is seen from the current directory.
    Exec,
    /// A package from PyPI in a managed environment.
    Python,
    /// A container image.
    Docker,
}

impl Launcher {
    const ALL: [Self; 3] = [Self::Exec, Self::Python, Self::Docker];

    /// The name in references.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exec => "exec",
            Self::Python => "python",
            Self::Docker => "docker",
        }
    }
}

impl fmt::Display for Launcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl ConnectorRef {
    /// The in-process connector of this name. The name is not checked here.
    #[must_use]
    pub fn native(name: impl Into<String>) -> Self {
        Self {
            protocol: Protocol::Native,
            launcher: None,
            what: name.into(),
        }
    }

    /// The program and its arguments, for the launcher `exec`; `what` alone otherwise. Words are
    /// split as a shell does it, with nothing expanded.
    #[must_use]
    pub fn command(&self) -> Vec<String> {
        let one = || vec![self.what.clone()];
        match self.launcher {
            Some(Launcher::Exec) => words(&self.what).unwrap_or_else(one),
            _ => one(),
        }
    }

    /// The image without its tag or digest, for the launcher `docker`.
    #[must_use]
    pub fn image(&self) -> &str {
        let untagged = self.what.split('@').next().unwrap_or_default();
        match untagged.rsplit_once(':') {
            // A colon before a slash belongs to the registry's port.
            Some((image, tag)) if !tag.contains('/') => image,
            _ => untagged,
        }
    }

    /// The package and its version, for the launcher `python`.
    #[must_use]
    pub fn package(&self) -> (&str, Option<&str>) {
        match self.what.split_once("==") {
            Some((package, version)) => (package, Some(version)),
            None => (&self.what, None),
        }
    }
}

impl fmt::Display for ConnectorRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.launcher {
            Some(launcher) => write!(f, "{}:{launcher}:{}", self.protocol, self.what),
            None => write!(f, "{}:{}", self.protocol, self.what),
        }
    }
}

impl FromStr for ConnectorRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let Some((first, rest)) = text.split_once(':') else {
            return Err(wrong(text, "names no protocol").hint(bare(text)));
        };
        let Some(protocol) = Protocol::ALL.into_iter().find(|p| p.as_str() == first) else {
            return Err(unknown_protocol(text, first, rest));
        };
        let (launcher, what) = split_launcher(text, protocol, rest.trim())?;
        if what.is_empty() {
            return Err(wrong(text, "ends too early"));
        }
        check_what(text, protocol, launcher, what)?;
        Ok(Self {
            protocol,
            launcher,
            what: what.to_owned(),
        })
    }
}

/// The words of a command line; `None` where a quote is not closed or there is no word.
fn words(line: &str) -> Option<Vec<String>> {
    shlex::split(line).filter(|words| !words.is_empty())
}

fn wrong(text: &str, why: &str) -> Error {
    let message = format!("the connector reference {} {why}", quoted(text));
    Error::new(&code::REFERENCE_INVALID, message)
}

/// What someone most likely meant by a name without a protocol.
fn bare(text: &str) -> String {
    if text.is_empty() {
        code::REFERENCE_INVALID.remedy.to_owned()
    } else if text.contains('/') || text.starts_with("airbyte-") || text.starts_with("source-") {
        bare_airbyte(text)
    } else {
        format!("write `native:{text}` for a connector of Crossdock's own")
    }
}

/// What someone most likely meant by a name without a launcher.
fn bare_airbyte(text: &str) -> String {
    if text.starts_with(['.', '/']) {
        format!("write `airbyte:exec:{text}` for a program that speaks Airbyte's protocol")
    } else if text.contains('/') {
        format!("write `airbyte:docker:{text}` for an image")
    } else {
        format!("write `airbyte:python:{text}` for a package from PyPI")
    }
}

fn unknown_protocol(text: &str, first: &str, rest: &str) -> Error {
    let known = Protocol::ALL.map(Protocol::as_str);
    let error = wrong(
        text,
        &format!("names no known protocol, but {}", quoted(first)),
    );
    // `airbyte/source-faker:6.2` is an image, not a protocol and its argument.
    if first.contains('/') {
        return error.hint(bare(text));
    }
    error.hint(match nearest(first, known) {
        Some(protocol) => format!("did you mean `{protocol}:{rest}`?"),
        None => format!("the protocols are {}", list(&known)),
    })
}

fn split_launcher<'a>(
    text: &str,
    protocol: Protocol,
    rest: &'a str,
) -> Result<(Option<Launcher>, &'a str), Error> {
    let (word, what) = rest.split_once(':').unwrap_or((rest, ""));
    let launcher = Launcher::ALL.into_iter().find(|l| l.as_str() == word);
    let allowed = protocol.launchers();
    let forms = || {
        let mut forms: Vec<String> = allowed
            .iter()
            .map(|l| format!("{protocol}:{l}:…"))
            .collect();
        if protocol == Protocol::Conduit {
            forms.push(format!("{protocol}:NAME[@VERSION]"));
        }
        let forms: Vec<&str> = forms.iter().map(String::as_str).collect();
        format!("the forms are {}", list(&forms))
    };
    match (protocol, launcher) {
        // `native:exec` may be a name; a name has no colon.
        (Protocol::Native, _) => Ok((None, rest)),
        (_, Some(launcher)) if allowed.contains(&launcher) => Ok((Some(launcher), what.trim())),
        (_, Some(launcher)) => {
            let why = format!("cannot be launched by `{launcher}`");
            Err(wrong(text, &why).hint(forms()))
        }
        (Protocol::DataFlow | Protocol::Conduit, None) if !rest.contains(':') => Ok((None, rest)),
        (_, None) => {
            let names = allowed.iter().map(|launcher| launcher.as_str());
            let error = wrong(text, "names no known launcher");
            Err(error.hint(match nearest(word, names) {
                Some(launcher) => format!("did you mean `{protocol}:{launcher}:{what}`?"),
                None if rest.is_empty() => forms(),
                None if protocol == Protocol::Airbyte
                    && (word.contains('/') || what.is_empty()) =>
                {
                    bare_airbyte(rest)
                }
                None => forms(),
            }))
        }
    }
}

fn check_what(
    text: &str,
    protocol: Protocol,
    launcher: Option<Launcher>,
    what: &str,
) -> Result<(), Error> {
    let name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    let versioned = protocol == Protocol::Conduit;
    let bare = match what.split_once('@') {
        Some((bare, version)) if versioned && !version.is_empty() => bare,
        _ => what,
    };
    match launcher {
        None if !name(bare) => {
            let what_it_is = match protocol {
                Protocol::DataFlow => "type",
                _ => "connector",
            };
            Err(wrong(
                text,
                &format!("has no {what_it_is}'s name after the protocol"),
            )
            .hint("a name has only letters, digits, `-`, `_` and `.`"))
        }
        Some(Launcher::Python) => {
            let (package, version) = what.split_once("==").unwrap_or((what, "0"));
            let version_fits = !version.is_empty()
                && version
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '!' | '+' | '-' | '_'));
            if name(package) && version_fits {
                return Ok(());
            }
            Err(
                wrong(text, "is not a Python package with an optional version")
                    .hint("write `airbyte:python:PACKAGE` or `airbyte:python:PACKAGE==VERSION`"),
            )
        }
        Some(Launcher::Docker) if what.starts_with('-') || what.contains(char::is_whitespace) => {
            Err(wrong(text, "is not an image's name").hint("write `airbyte:docker:IMAGE[:TAG]`"))
        }
        Some(Launcher::Exec) if words(what).is_none() => {
            Err(wrong(text, "is no command line")
                .hint("close every quote, and begin with the program"))
        }
        _ => Ok(()),
    }
}
