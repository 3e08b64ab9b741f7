//! DataFlow's manifests, `kind: DataFlow` and `kind: DataFlowCron` (§6), become the same plan as ours.
//!
//! They are taken as a cluster takes them: what only a cluster needs is passed over with a warning, and secrets
//! come from where a machine has them. What DataFlow would refuse is refused with its place.

mod cron;
mod key;
mod secret;
mod spec;
mod transformation;
mod typed;

use std::path::Path;
use std::sync::Arc;

use crossdock_core::code;

use crate::diagnostic::{Diagnostic, Diagnostics, quoted};
use crate::environment::Environment;
use crate::node::{Node, Place, Tree};
use crate::plan::{self, Pipeline, Plan};
use crate::reference::Protocol;
use crate::setting::Settings;
use secret::SecretRefs;

/// The variable that makes DataFlow look for programs.
const PROGRAMS: &str = "DATAFLOW_USE_SUBPROCESS_CONNECTORS";
/// The group of its manifests, and the version that is known.
const GROUP: &str = "dataflow.dataflow.io";
const VERSION: &str = "v1";

/// The kinds of manifests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `DataFlow`: goes on and on.
    Flow,
    /// `DataFlowCron`: runs to its end, by a schedule.
    Cron,
}

impl Kind {
    /// Their names.
    pub(crate) const NAMES: [&str; 2] = ["DataFlow", "DataFlowCron"];

    /// The kind of a name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        match name {
            "DataFlow" => Some(Self::Flow),
            "DataFlowCron" => Some(Self::Cron),
            _ => None,
        }
    }
}

/// Whether an `apiVersion` is of DataFlow's group.
pub(crate) fn is_of_group(version: &str) -> bool {
    version.split('/').next() == Some(GROUP)
}

/// Reads the documents of a file. Secrets and files are looked for from `base` on.
pub(crate) fn plan(
    documents: &[(Node, Kind)],
    file: &Arc<str>,
    base: &Path,
    environment: &dyn Environment,
) -> Result<Plan, Diagnostics> {
    let wants_programs = environment.variable(PROGRAMS);
    let protocol = match wants_programs.as_deref().map(str::trim) {
        Ok("1" | "true") => Protocol::DataFlow,
        _ => Protocol::Native,
    };
    let mut reader = Reader {
        environment,
        base,
        secrets: SecretRefs::new(environment, base),
        protocol,
        wrong: Diagnostics::default(),
        warnings: Vec::new(),
    };
    let mut found = Vec::new();
    for (document, kind) in documents {
        let root = Place::root(document, file);
        found.extend(reader.manifest(&root, *kind));
    }
    let pipelines = reader.apart(found);
    let warnings = reader.warnings;
    reader.wrong.unless_any(Plan {
        settings: Settings::default(),
        pipelines,
        at_once: true,
        warnings,
    })
}

/// A manifest that was read.
struct Manifest<'n> {
    pipeline: Pipeline,
    namespace: String,
    name: Place<'n>,
}

struct Reader<'a> {
    environment: &'a dyn Environment,
    base: &'a Path,
    secrets: SecretRefs<'a>,
    /// What a type of connector is a name of.
    protocol: Protocol,
    wrong: Diagnostics,
    warnings: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn manifest<'n>(&mut self, root: &Place<'n>, kind: Kind) -> Option<Manifest<'n>> {
        // A cluster that is asked for a manifest adds what became of it.
        let known = ["apiVersion", "kind", "metadata", "spec", "status"];
        self.known(root, &known);
        self.version(root);
        let metadata = self.need(root, "metadata", "e.g. `metadata: {name: orders}`");
        let name = metadata.as_ref().and_then(|metadata| {
            let name = self.text(metadata, "name");
            if name.is_none() && metadata.node.get("name").is_none() {
                let hint = "the state is kept under it, e.g. `metadata: {name: orders}`";
                self.invalid(metadata, "`name` is missing", hint);
            }
            name
        });
        let namespace = metadata
            .as_ref()
            .and_then(|metadata| self.text(metadata, "namespace"))
            .unwrap_or_else(|| "default".to_owned());
        let spec = self.need(root, "spec", "it says what is moved: `source` and `sink`")?;
        let pipeline = self.pipeline(name.clone().unwrap_or_default(), &spec, kind);
        if let Some(metadata) = &metadata {
            self.annotations(metadata, name.as_deref().unwrap_or_default());
        }
        name?;
        Some(Manifest {
            pipeline: pipeline?,
            namespace,
            name: metadata?.key("name"),
        })
    }

    fn version(&mut self, root: &Place<'_>) {
        let known = format!("{GROUP}/{VERSION}");
        let hint = format!("write `apiVersion: {known}`");
        let place = root.key("apiVersion");
        match self.text(root, "apiVersion") {
            Some(version) if version == known => {}
            Some(version) if is_of_group(&version) => {
                let message = format!(
                    "{} is not known; the manifest is read as one of `{known}`",
                    quoted(&version)
                );
                self.warnings
                    .push(place.fault(&code::CONFIG_VERSION, message));
            }
            Some(version) => {
                let message = format!("{} is not of DataFlow", quoted(&version));
                let fault = place.fault(&code::CONFIG_VERSION, message);
                self.wrong.push(fault.hint(hint));
            }
            None if root.node.get("apiVersion").is_none() => {
                let fault = root.fault(&code::CONFIG_VERSION, "`apiVersion` is missing");
                self.wrong.push(fault.hint(hint));
            }
            // That it is no text has been told.
            None => {}
        }
    }

    /// The one annotation that is a wish.
    fn annotations(&mut self, metadata: &Place<'_>, name: &str) {
        let reset = format!("{GROUP}/reset-checkpoint");
        let Some(annotations) = metadata.node.get("annotations") else {
            return;
        };
        if annotations.get(&reset).is_some() {
            let place = metadata.key("annotations").key(&reset);
            self.warn_of_reset(&place, name);
        }
    }

    /// Gives every pipeline an id of its own: its name, behind the namespace where two have the same.
    fn apart(&mut self, found: Vec<Manifest<'_>>) -> Vec<Pipeline> {
        let ids: Vec<String> = found.iter().map(|one| one.pipeline.id.clone()).collect();
        let mut pipelines: Vec<Pipeline> = Vec::new();
        for Manifest {
            mut pipeline,
            namespace,
            name,
        } in found
        {
            if ids.iter().filter(|id| **id == pipeline.id).count() > 1 {
                pipeline.id = format!("{namespace}.{}", pipeline.id);
            }
            let id = quoted(&pipeline.id);
            if !plan::is_id(&pipeline.id) {
                self.invalid(
                    &name,
                    format!("{id} cannot be a pipeline's id"),
                    plan::ID_FORM,
                );
            } else if pipelines.iter().any(|known| known.id == pipeline.id) {
                let message = format!("the name {id} is taken by another manifest of the file");
                let hint = "give each a name of its own: its state is kept under it";
                self.invalid(&name, message, hint);
            }
            pipelines.push(pipeline);
        }
        pipelines
    }

    fn invalid(&mut self, place: &Place<'_>, message: impl Into<String>, hint: impl Into<String>) {
        let fault = place.fault(&code::CONFIG_INVALID, message);
        self.wrong.push(fault.hint(hint));
    }

    fn warn(&mut self, place: &Place<'_>, message: impl Into<String>, hint: impl Into<String>) {
        // A key that nobody acts on is as good as unknown.
        let fault = place.fault(&code::CONFIG_UNKNOWN_KEY, message);
        self.warnings.push(fault.hint(hint));
    }

    /// The value of a key; one without anything after it is as good as absent.
    fn given<'n>(&self, place: &Place<'n>, key: &str) -> Option<Place<'n>> {
        let node = place.node.get(key)?;
        let is_there = !matches!(node.tree, Tree::Null);
        is_there.then(|| place.to(node, key))
    }

    /// A mapping that must be there.
    fn need<'n>(&mut self, place: &Place<'n>, key: &str, hint: &str) -> Option<Place<'n>> {
        match self.given(place, key) {
            Some(found) => self.is_mapping(&found).then_some(found),
            None => {
                self.invalid(place, format!("`{key}` is missing"), hint);
                None
            }
        }
    }

    fn is_mapping(&mut self, place: &Place<'_>) -> bool {
        let is_one = matches!(place.node.tree, Tree::Mapping(_));
        if !is_one {
            self.expected("a mapping", place);
        }
        is_one
    }

    fn expected(&mut self, what: &str, place: &Place<'_>) {
        let message = format!("expected {what}, found {}", place.node.kind());
        self.wrong.push(place.fault(&code::CONFIG_SYNTAX, message));
    }

    /// The items of a list; none if it is not given.
    fn items<'n>(&mut self, place: &Place<'n>, key: &str) -> Vec<Place<'n>> {
        let Some(list) = self.given(place, key) else {
            return Vec::new();
        };
        if !matches!(list.node.tree, Tree::Sequence(_)) {
            self.expected("a list", &list);
        }
        list.items().collect()
    }

    fn text(&mut self, place: &Place<'_>, key: &str) -> Option<String> {
        let found = self.given(place, key)?;
        let text = found.node.text();
        if text.is_none() {
            let message = format!("expected a text, found {}", found.node.kind());
            let fault = found.fault(&code::CONFIG_SYNTAX, message);
            let is_scalar = matches!(found.node.tree, Tree::Bool(_) | Tree::Number(_));
            self.wrong.push(match is_scalar {
                true => fault.hint("put it in quotes"),
                false => fault,
            });
        }
        text.map(str::to_owned)
    }

    fn flag(&mut self, place: &Place<'_>, key: &str) -> Option<bool> {
        let found = self.given(place, key)?;
        match found.node.tree {
            Tree::Bool(value) => Some(value),
            _ => {
                self.expected("`true` or `false`", &found);
                None
            }
        }
    }
}
