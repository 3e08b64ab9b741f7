//! The way in: a file, or its text, becomes a plan.

use std::path::Path;
use std::sync::Arc;

use crossdock_core::code;

use crate::build::Builder;
use crate::check;
use crate::conduit;
use crate::diagnostic::{Diagnostic, Diagnostics, Location};
use crate::dialect::{self, Dialect};
use crate::env_file::WithEnvFile;
use crate::environment::Environment;
use crate::node::{Node, Place, Tree};
use crate::plan::{ConnectorConfig, Plan};
use crate::schema::json_schema;
use crate::{secret, wire, yaml};

/// Reads a pipeline file.
///
/// All faults of one sort are told at once: first those of syntax, then those of structure, then
/// those of values.
pub fn load(path: &Path, environment: &dyn Environment) -> Result<Plan, Diagnostics> {
    let (text, name, base) = read(path, environment)?;
    let environment = WithEnvFile::beside(base, environment)?;
    parse(&text, &name, base, &environment)
}

/// Reads the text of a pipeline file. `file_name` is for diagnostics only; `base_dir` is the
/// directory that `${file:…}` is relative to.
pub fn parse(
    text: &str,
    file_name: &str,
    base_dir: &Path,
    environment: &dyn Environment,
) -> Result<Plan, Diagnostics> {
    let file: Arc<str> = file_name.into();
    let parts = conduit::documents(text);
    if let [first, _, ..] = parts.as_slice() {
        // Only Conduit's files may have several documents.
        let document = yaml::parse(first, &file)?;
        if let Dialect::Conduit(..) = dialect::recognise(&Place::root(&document, &file))? {
            return parse_conduit(&parts, &file, environment);
        }
    }
    let document = yaml::parse(text, &file)?;
    let root = Place::root(&document, &file);
    match dialect::recognise(&root)? {
        Dialect::Conduit(..) => parse_conduit(&parts, &file, environment),
        Dialect::CrossdockV1 => {
            let schema = json_schema();
            let mut wrong = Diagnostics::default();
            check::duplicates(&root, &mut wrong);
            check::check(&root, &schema, &schema, &mut wrong);
            wrong.unless_any(())?;
            let file = wire_form(&document, &root)?;
            let builder = Builder {
                environment,
                base: base_dir,
                wrong: Diagnostics::default(),
            };
            builder.plan(file, &root)
        }
    }
}

/// Reads a Conduit pipeline file, document by document.
fn parse_conduit(
    parts: &[String],
    file: &Arc<str>,
    environment: &dyn Environment,
) -> Result<Plan, Diagnostics> {
    let (mut documents, mut warnings) = (Vec::new(), Vec::new());
    for part in parts {
        let document = yaml::parse(part, file)?;
        let root = Place::root(&document, file);
        let mut wrong = Diagnostics::default();
        check::duplicates(&root, &mut wrong);
        wrong.unless_any(())?;
        match dialect::recognise(&root)? {
            Dialect::Conduit(form, is_unknown) => {
                if is_unknown {
                    let message =
                        "the version is not known; the file is read as the newest that is";
                    warnings.push(root.key("version").fault(&code::CONFIG_VERSION, message));
                }
                documents.push((document, form));
            }
            Dialect::CrossdockV1 => {
                let message = "a pipeline file of Crossdock stands among documents of Conduit's";
                return Err(root.fault(&code::CONFIG_SYNTAX, message).into());
            }
        }
    }
    conduit::plan(&documents, file, environment, warnings)
}

/// Reads a connector's configuration from a file of its own, YAML or JSON, with references as in
/// a pipeline file.
pub fn load_config(
    path: &Path,
    environment: &dyn Environment,
) -> Result<ConnectorConfig, Diagnostics> {
    let (text, name, base) = read(path, environment)?;
    let environment = WithEnvFile::beside(base, environment)?;
    parse_config(&text, &name, base, &environment)
}

/// Reads the text of a connector's configuration, as [`parse`] does a pipeline file's.
pub fn parse_config(
    text: &str,
    file_name: &str,
    base_dir: &Path,
    environment: &dyn Environment,
) -> Result<ConnectorConfig, Diagnostics> {
    let file: Arc<str> = file_name.into();
    let document = yaml::parse(text, &file)?;
    let root = Place::root(&document, &file);
    let mut wrong = Diagnostics::default();
    check::duplicates(&root, &mut wrong);
    if !matches!(document.tree, Tree::Mapping(_)) {
        let message = format!("expected a mapping, found {}", document.kind());
        wrong.push(root.fault(&code::CONFIG_SYNTAX, message));
    }
    let config = secret::resolve(&root, environment, base_dir, &mut wrong);
    wrong.unless_any(config)
}

fn read<'a>(
    path: &'a Path,
    environment: &dyn Environment,
) -> Result<(String, String, &'a Path), Diagnostics> {
    let name = path.display().to_string();
    match environment.read(path, yaml::LONGEST_FILE) {
        Ok(text) => Ok((text, name, path.parent().unwrap_or(Path::new("")))),
        Err(cause) => {
            let at = Location {
                file: name.into(),
                path: String::new(),
                line: 0,
                column: 0,
            };
            let message = format!("the file cannot be read: {cause}");
            Err(Diagnostic::new(&code::CONFIG_UNREADABLE, at, message)
                .hint(code::CONFIG_UNREADABLE.remedy)
                .into())
        }
    }
}

/// The file in its wire types. The schema has already found what could go wrong here, with
/// places; should it have missed something, that is still an error and no panic (P11).
fn wire_form(document: &Node, root: &Place<'_>) -> Result<wire::File, Diagnostics> {
    serde_json::from_value(document.value())
        .map_err(|error| root.fault(&code::CONFIG_SYNTAX, error.to_string()).into())
}
