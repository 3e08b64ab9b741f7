//! Where a connector of a type is found (§1.7).

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::session::Session;
use crossdock_launch::{Exec, Launcher, Program};

/// The variable that names folders, before all others.
const FOLDERS: &str = "DATAFLOW_CONNECTOR_PATH";
/// The folders after those.
const FIXED: [&str; 2] = ["./connectors", "/usr/local/lib/dataflow/connectors"];
/// How the programs are called.
const PREFIX: &str = "dataflow-connector-";

/// Launches the connector of a type, from the first folder that has one.
#[derive(Debug)]
pub struct Found {
    kind: String,
    folders: Vec<PathBuf>,
}

impl Found {
    /// The connector of the type `kind`.
    #[must_use]
    pub fn new(kind: &str) -> Self {
        let named = std::env::var_os(FOLDERS).unwrap_or_default();
        let path = std::env::var_os("PATH").unwrap_or_default();
        Self {
            kind: kind.to_owned(),
            folders: folders(&named, &path),
        }
    }

    fn find(&self) -> Option<PathBuf> {
        let name = format!("{PREFIX}{}", self.kind);
        let mut places = self.folders.iter().map(|folder| folder.join(&name));
        places.find(|path| is_program(path))
    }

    /// Whether there is one.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.find().is_some()
    }

    /// The error that lists every place that was looked in.
    #[must_use]
    pub fn absent(&self) -> Error {
        let looked: Vec<String> = self
            .folders
            .iter()
            .map(|folder| folder.display().to_string())
            .collect();
        Error::new(
            &code::CONNECTOR_UNKNOWN,
            format!("there is no program `{PREFIX}{}`", self.kind),
        )
        .with("looked_in", looked.join(", "))
        .hint(format!(
            "put the program into one of these folders and make it executable, or name its folder by `{FOLDERS}`"
        ))
    }

    fn exec(&self) -> Result<Exec> {
        let path = self.find().ok_or_else(|| self.absent())?;
        Ok(Exec::new(vec![path.to_string_lossy().into_owned()]))
    }
}

fn folders(named: &OsString, path: &OsString) -> Vec<PathBuf> {
    let split = |list: &OsString| -> Vec<PathBuf> {
        let all = std::env::split_paths(list);
        all.filter(|folder| !folder.as_os_str().is_empty())
            .collect()
    };
    let mut folders = split(named);
    folders.extend(FIXED.map(PathBuf::from));
    folders.extend(split(path));
    folders
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Programs that run another, which the next word names.
const INTERPRETERS: [&str; 9] = [
    "python", "python3", "node", "sh", "bash", "ruby", "perl", "java", "uv",
];

/// The type of the connector that a command starts: the name of the program, as far as that says it.
#[must_use]
pub fn type_of(command: &[String]) -> String {
    let name = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    let is_plain = |word: &&String| !word.starts_with('-');
    let mut words = command.iter().filter(is_plain).map(|word| name(word));
    let first = words.next().unwrap_or_default();
    let name = match INTERPRETERS.contains(&first.as_str()) {
        true => words.next().unwrap_or(first),
        false => first,
    };
    let name = name.strip_prefix(PREFIX).unwrap_or(&name);
    match name.split_once('.').map_or(name, |(stem, _)| stem) {
        "" => "connector".to_owned(),
        name => name.to_owned(),
    }
}

#[async_trait]
impl Launcher for Found {
    async fn program(&self, session: &Session) -> Result<Program> {
        self.exec()?.program(session).await
    }

    async fn identity(&self) -> Option<String> {
        self.exec().ok()?.identity().await
    }

    fn name(&self) -> String {
        format!("{PREFIX}{}", self.kind)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn folders_come_in_the_order_of_the_page() {
        let found = folders(&"/a:/b".into(), &"/usr/bin:/bin".into());
        let expected = [
            "/a",
            "/b",
            "./connectors",
            "/usr/local/lib/dataflow/connectors",
            "/usr/bin",
            "/bin",
        ];
        assert_eq!(found, expected.map(PathBuf::from));
    }

    #[test]
    fn the_first_program_of_the_name_is_taken_and_what_is_none_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let folder = |name: &str, mode: u32| {
            let folder = dir.path().join(name);
            fs::create_dir(&folder).unwrap();
            let file = folder.join("dataflow-connector-x");
            fs::write(&file, "#!/bin/sh\n").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            folder
        };
        let folders = vec![
            dir.path().join("none"),
            folder("data", 0o644),
            folder("first", 0o755),
            folder("second", 0o755),
        ];
        let found = Found {
            kind: "x".into(),
            folders: folders.clone(),
        };
        assert_eq!(found.find(), Some(folders[2].join("dataflow-connector-x")));
        let absent = Found {
            kind: "y".into(),
            folders,
        };
        assert!(!absent.is_there());
        let error = format!("{:?}", absent.absent());
        assert!(error.contains("second") && error.contains("dataflow-connector-y"));
    }

    #[test]
    fn types_are_told_from_programs() {
        let check = |command: &str, expected: &str| {
            let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
            assert_eq!(type_of(&words), expected, "{command}");
        };
        check("/opt/dataflow-connector-kafka --x", "kafka");
        check("./source.py", "source");
        check("python3 -u /opt/my.source.py a", "my");
        check("python3", "python3");
        check("", "connector");
    }
}
