//! Which kind of pipeline file a document is. Each kind becomes the same plan; those of other
//! worlds are recognised here.

use crossdock_core::code;

use crate::conduit::Form;
use crate::diagnostic::{Diagnostic, quoted};
use crate::manifest::{self, Kind};
use crate::node::{Node, Place, Tree};
use crate::suggestion;

/// A kind of pipeline file, with its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Our own, `version: 1`.
    CrossdockV1,
    /// Conduit's; `true`: of a version that is not known, and read as the newest that is.
    Conduit(Form, bool),
    /// A manifest of DataFlow.
    DataFlow(Kind),
}

impl Dialect {
    /// Whether a file may have documents of both.
    pub(crate) fn goes_with(self, other: Self) -> bool {
        self.name() == other.name()
    }

    /// What a document of this kind is.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CrossdockV1 => "a pipeline file of Crossdock",
            Self::Conduit(..) => "a pipeline file of Conduit",
            Self::DataFlow(_) => "a manifest of DataFlow",
        }
    }
}

/// Tells the kind of the document at `root`.
pub(crate) fn recognise(root: &Place<'_>) -> Result<Dialect, Diagnostic> {
    let expect = "begin the file with `version: 1`";
    match &root.node.tree {
        Tree::Mapping(_) => {}
        Tree::Null => {
            let message = "the file is empty";
            return Err(root.fault(&code::CONFIG_SYNTAX, message).hint(expect));
        }
        _ => {
            let message = format!("expected a mapping, found {}", root.node.kind());
            return Err(root.fault(&code::CONFIG_SYNTAX, message).hint(expect));
        }
    }
    if let Some(found) = manifest(root) {
        return found;
    }
    let Some(version) = root.node.get("version") else {
        if is_conduit(root.node) {
            return Ok(Dialect::Conduit(Form::V2, true));
        }
        let fault = root.fault(&code::CONFIG_VERSION, "the file has no `version`");
        let keys = root.node.entries().iter().map(|entry| entry.key.as_str());
        let slip = keys
            .filter(|key| suggestion::nearest(key, ["version"]).is_some())
            .find(|key| *key != "version");
        return Err(fault.hint(match slip {
            Some(key) => format!("did you mean `version` by {}?", quoted(key)),
            None => expect.into(),
        }));
    };
    let place = root.key("version");
    let text = match &version.tree {
        Tree::Number(number) => number.to_string(),
        Tree::String(text) => text.clone(),
        _ => {
            let message = format!("expected a version, found {}", version.kind());
            let fault = place.fault(&code::CONFIG_VERSION, message);
            return Err(fault.hint(code::CONFIG_VERSION.remedy));
        }
    };
    match text.as_str() {
        "1" => Ok(Dialect::CrossdockV1),
        // Conduit's own versions have two parts.
        "1.0" | "1.1" => Ok(Dialect::Conduit(Form::V1, false)),
        "2.0" | "2.1" | "2.2" => Ok(Dialect::Conduit(Form::V2, false)),
        other if other.starts_with("1.") => Ok(Dialect::Conduit(Form::V1, true)),
        other if other.starts_with("2.") => Ok(Dialect::Conduit(Form::V2, true)),
        other => {
            let message = format!("version {} is not known", quoted(other));
            let fault = place.fault(&code::CONFIG_VERSION, message);
            Err(fault.hint(code::CONFIG_VERSION.remedy))
        }
    }
}

/// Conduit takes files without a version; only theirs have connectors in pipelines.
fn is_conduit(root: &Node) -> bool {
    let Some(Tree::Sequence(pipelines)) = root.get("pipelines").map(|node| &node.tree) else {
        return false;
    };
    pipelines
        .iter()
        .any(|pipeline| pipeline.get("connectors").is_some())
}

/// Whether this is a manifest, and of which kind. `None`: it is none.
fn manifest(root: &Place<'_>) -> Option<Result<Dialect, Diagnostic>> {
    let text = |key| root.node.get(key).and_then(Node::text);
    let kind = text("kind");
    if let Some(kind) = kind.and_then(Kind::of) {
        return Some(Ok(Dialect::DataFlow(kind)));
    }
    let version = text("apiVersion")?;
    let (message, hint) = match kind {
        None => (
            "the manifest has no `kind`".to_owned(),
            "write `kind: DataFlow` or `kind: DataFlowCron`".to_owned(),
        ),
        Some(kind) if manifest::is_of_group(version) => (
            format!("there is no kind {} of manifests", quoted(kind)),
            suggestion::hint(kind, &Kind::NAMES, "kinds"),
        ),
        Some(kind) => (
            format!("a {} of Kubernetes is no pipeline", quoted(kind)),
            "keep it in a file of its own; of manifests those of `DataFlow` and `DataFlowCron` are run"
                .to_owned(),
        ),
    };
    let place = root.key("kind");
    Some(Err(place.fault(&code::CONFIG_VERSION, message).hint(hint)))
}
