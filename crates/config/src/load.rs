//! The way in: a file, or its text, becomes a plan.

use std::path::Path;
use std::sync::Arc;

use crossdock_core::code;

use crate::build::Builder;
use crate::check;
use crate::conduit;
use crate::diagnostic::{Diagnostic, Diagnostics, Location};
use crate::dialect::{self, Dialect};
use crate::docker::Docker;
use crate::env_file::WithEnvFile;
use crate::environment::Environment;
use crate::node::{Node, Place, Tree};
use crate::plan::{ConnectorConfig, Plan};
use crate::reference::Launcher;
use crate::schema::json_schema;
use crate::{document, manifest, secret, wire, yaml};

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
    let mut plan = parse_document(text, file_name, base_dir, environment)?;
    let connectors = plan.pipelines.iter_mut().flat_map(|pipeline| {
        let letters = pipeline.dead_letters.iter_mut();
        let letters = letters.filter_map(|letters| letters.connector.as_mut());
        let all = pipeline
            .sources
            .iter_mut()
            .chain(&mut pipeline.destinations);
        all.chain(letters)
    });
    for connector in connectors {
        if connector.reference.launcher == Some(Launcher::Docker) {
            let (docker, secrets) = docker_of(environment)?;
            connector.docker = docker.overridden_by(&connector.docker);
            connector.secrets.extend(secrets);
        }
    }
    Ok(plan)
}

/// The variable that says how containers are run where nothing nearer does.
const DOCKER: &str = "CROSSDOCK_DOCKER";

/// What the environment says of containers: YAML or JSON that begins with `{`, or the path of a file.
fn docker_of(environment: &dyn Environment) -> Result<(Docker, Vec<String>), Diagnostics> {
    let given = match environment.variable(DOCKER) {
        Ok(text) if !text.trim().is_empty() => text,
        _ => return Ok((Docker::default(), Vec::new())),
    };
    let (text, name, base) = if given.trim_start().starts_with('{') {
        (given, DOCKER.to_owned(), Path::new(""))
    } else {
        read(Path::new(&given), environment)?
    };
    let file: Arc<str> = name.into();
    let document = yaml::parse(&text, &file)?;
    let root = Place::root(&document, &file);
    let schema = json_schema();
    let part = serde_json::json!({"$ref": "#/definitions/Docker"});
    let mut wrong = Diagnostics::default();
    check::duplicates(&root, &mut wrong);
    check::check(&root, &part, &schema, &mut wrong);
    wrong.unless_any(())?;
    let given = serde_json::from_value(document.value())
        .map_err(|error| root.fault(&code::CONFIG_SYNTAX, error.to_string()))?;
    let mut builder = Builder {
        environment,
        base,
        wrong: Diagnostics::default(),
    };
    let docker = builder.docker(given, &root);
    builder.wrong.unless_any(docker)
}

fn parse_document(
    text: &str,
    file_name: &str,
    base_dir: &Path,
    environment: &dyn Environment,
) -> Result<Plan, Diagnostics> {
    let file: Arc<str> = file_name.into();
    let parts = document::split(text);
    if let [first, _, ..] = parts.as_slice() {
        // Only files of other worlds may have several documents.
        let document = yaml::parse(first, &file)?;
        if dialect::recognise(&Place::root(&document, &file))? != Dialect::CrossdockV1 {
            return parse_foreign(&parts, &file, base_dir, environment);
        }
    }
    let document = yaml::parse(text, &file)?;
    let root = Place::root(&document, &file);
    match dialect::recognise(&root)? {
        Dialect::Conduit(..) | Dialect::DataFlow(_) => {
            parse_foreign(&parts, &file, base_dir, environment)
        }
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

/// Reads a file of Conduit or DataFlow, document by document. All of them are of the same world.
fn parse_foreign(
    parts: &[String],
    file: &Arc<str>,
    base: &Path,
    environment: &dyn Environment,
) -> Result<Plan, Diagnostics> {
    let (mut pipelines, mut manifests) = (Vec::new(), Vec::new());
    let mut warnings = Vec::new();
    let mut first: Option<Dialect> = None;
    for part in parts {
        let document = yaml::parse(part, file)?;
        let root = Place::root(&document, file);
        let mut wrong = Diagnostics::default();
        check::duplicates(&root, &mut wrong);
        wrong.unless_any(())?;
        let dialect = dialect::recognise(&root)?;
        let first = *first.get_or_insert(dialect);
        if !dialect.goes_with(first) {
            let message = format!(
                "{} stands in a file that begins with {}",
                dialect.name(),
                first.name()
            );
            let fault = root.fault(&code::CONFIG_SYNTAX, message);
            return Err(fault.hint("move it to a file of its own").into());
        }
        match dialect {
            Dialect::Conduit(form, is_unknown) => {
                if is_unknown {
                    let message =
                        "the version is not known; the file is read as the newest that is";
                    warnings.push(root.key("version").fault(&code::CONFIG_VERSION, message));
                }
                pipelines.push((document, form));
            }
            Dialect::DataFlow(kind) => manifests.push((document, kind)),
            // A file of ours has one document, and does not come here.
            Dialect::CrossdockV1 => {}
        }
    }
    if manifests.is_empty() {
        return conduit::plan(&pipelines, file, environment, warnings);
    }
    manifest::plan(&manifests, file, base, environment)
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
    let mut config = secret::resolve(&root, environment, base_dir, &mut wrong);
    let (docker, secrets) = docker_of(environment)?;
    config.docker = docker;
    config.secrets.extend(secrets);
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
