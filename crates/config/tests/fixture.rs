//! An environment that a test writes down, and short ways into the crate.

use std::collections::HashMap;
use std::env::VarError;
use std::io;
use std::path::{Path, PathBuf};

use crossdock_config::{Connector, Diagnostics, Environment, Plan};

/// Variables and files that exist for one test only.
#[derive(Default)]
pub(crate) struct Fake {
    variables: HashMap<&'static str, &'static str>,
    files: HashMap<PathBuf, String>,
}

impl Fake {
    pub(crate) fn variable(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.insert(name, value);
        self
    }

    pub(crate) fn file(mut self, path: &str, text: impl Into<String>) -> Self {
        self.files.insert(path.into(), text.into());
        self
    }
}

impl Environment for Fake {
    fn variable(&self, name: &str) -> Result<String, VarError> {
        match self.variables.get(name) {
            Some(value) => Ok((*value).to_owned()),
            None => Err(VarError::NotPresent),
        }
    }

    fn read(&self, path: &Path, limit: usize) -> io::Result<String> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, "no such file");
        let text = self.files.get(path).ok_or_else(missing)?;
        assert!(text.len() <= limit, "the test's file is too long");
        Ok(text.clone())
    }
}

/// Reads a pipeline file that lies in `dir/`.
pub(crate) fn parse(text: &str, environment: &Fake) -> Result<Plan, Diagnostics> {
    crossdock_config::parse(text, "p.yaml", Path::new("dir"), environment)
}

/// A file of one pipeline with these lines in it, each indented by four.
pub(crate) fn pipeline(lines: &str) -> String {
    let indented: String = lines
        .lines()
        .map(|line| format!("    {}\n", line.trim_end()))
        .collect();
    format!(
        "version: 1\npipelines:\n  - id: p\n    source: {{connector: native:sample}}\n    destination: {{connector: native:null}}\n{indented}"
    )
}

/// The source of a pipeline whose source has this configuration.
pub(crate) fn source(config: &str, environment: &Fake) -> Result<Connector, Diagnostics> {
    let text = format!(
        "version: 1\npipelines:\n- id: p\n  destination: {{connector: native:null}}\n  source:\n    connector: native:sample\n    config: {config}\n"
    );
    Ok(parse(&text, environment)?
        .pipelines
        .remove(0)
        .sources
        .remove(0))
}

/// A manifest with these lines in its spec, each indented by two. Lines that are no spec of their own replace
/// source or sink.
pub(crate) fn manifest(lines: &str) -> String {
    let mut spec = String::new();
    for (key, value) in [
        ("source", "{type: sample}"),
        ("sink", "{type: 'null', config: {}}"),
    ] {
        let is_given = lines
            .lines()
            .any(|line| line.starts_with(&format!("{key}:")));
        if !is_given {
            spec += &format!("  {key}: {value}\n");
        }
    }
    for line in lines.lines() {
        spec += &format!("  {}\n", line.trim_end());
    }
    format!(
        "apiVersion: dataflow.dataflow.io/v1\nkind: DataFlow\nmetadata: {{name: p}}\nspec:\n{spec}"
    )
}
