//! What this machine has and lacks, each with the remedy.

use std::path::{Path, PathBuf};

use crossdock_core::error::Error;
use crossdock_launch::version;

/// Less free space than this is a warning, in bytes.
const LITTLE: u64 = 1 << 30;

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// As it should be.
    Good,
    /// Some things will not work.
    Missing,
    /// Nothing will work.
    Broken,
}

impl Health {
    /// The name in `--json`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Missing => "missing",
            Self::Broken => "broken",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub subject: &'static str,
    /// How it stands.
    pub health: Health,
    /// What was found.
    pub found: String,
    /// What to do, unless it is good.
    pub remedy: Option<String>,
}

impl Finding {
    fn good(subject: &'static str, found: impl Into<String>) -> Self {
        Self {
            subject,
            health: Health::Good,
            found: found.into(),
            remedy: None,
        }
    }

    fn bad(
        subject: &'static str,
        health: Health,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            subject,
            health,
            found: found.into(),
            remedy: Some(remedy.into()),
        }
    }
}

/// Looks at everything that connectors and runs need. `store` is the store's file.
pub async fn examine(store: &Path) -> Vec<Finding> {
    let (python, uv, docker, go) = tokio::join!(python(), uv(), docker(), go());
    let store_folder = match store.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut findings = vec![python, uv, docker, go, kept(store)];
    findings.push(folder("state folder", &store_folder));
    findings.push(folder("temporary folder", &std::env::temp_dir()));
    findings.push(space("free space", &store_folder));
    findings
}

async fn python() -> Finding {
    const SUBJECT: &str = "Python";
    const REMEDY: &str = "install Python 3.10 or later, or `uv`, which brings its own";
    let Some(found) = version("python3", &["--version"]).await else {
        let found = "not found: `airbyte:python:…` connectors cannot run";
        return Finding::bad(SUBJECT, Health::Missing, found, REMEDY);
    };
    let makes_environments = version("python3", &["-c", "import venv, ensurepip; print(1)"]).await;
    if makes_environments.is_none() {
        let found = format!("{found}, without the module `venv`");
        let remedy = "install it (`apt-get install python3-venv` on Debian), or `uv`";
        return Finding::bad(SUBJECT, Health::Missing, found, remedy);
    }
    Finding::good(SUBJECT, found)
}

async fn uv() -> Finding {
    match version("uv", &["--version"]).await {
        Some(found) => Finding::good("uv", found),
        None => Finding::bad(
            "uv",
            Health::Missing,
            "not found: connectors are installed by pip, which is slower",
            "`pip install uv`, if you want",
        ),
    }
}

async fn docker() -> Finding {
    const SUBJECT: &str = "Docker";
    if version("docker", &["--version"]).await.is_none() {
        let remedy = "install Docker, if you have connectors that come as images";
        return Finding::bad(SUBJECT, Health::Missing, "not found", remedy);
    }
    match version("docker", &["version", "--format", "{{.Server.Version}}"]).await {
        Some(server) => Finding::good(SUBJECT, format!("engine {server}")),
        None => Finding::bad(
            SUBJECT,
            Health::Missing,
            "the client is there, and its engine does not answer",
            "start the engine, or join the group `docker`",
        ),
    }
}

async fn go() -> Finding {
    match version("go", &["version"]).await {
        Some(found) => Finding::good("Go", found),
        None => Finding::bad(
            "Go",
            Health::Missing,
            "not found",
            "install Go, if you build Conduit connectors from source",
        ),
    }
}

fn kept(store: &Path) -> Finding {
    const SUBJECT: &str = "state store";
    let path = store.display();
    if !store.exists() {
        return Finding::good(SUBJECT, format!("{path} (made by the first run)"));
    }
    match crate::open_store(store) {
        Ok(_) => Finding::good(SUBJECT, path.to_string()),
        Err(error) => broken(SUBJECT, &error),
    }
}

fn broken(subject: &'static str, error: &Error) -> Finding {
    let causes = error.causes().join(": ");
    let found = if causes.is_empty() {
        error.message().to_owned()
    } else {
        format!("{}: {causes}", error.message())
    };
    Finding::bad(subject, Health::Broken, found, error.remedy())
}

/// The folder, or the nearest one above it that is there.
fn nearest_existing(folder: &Path) -> &Path {
    folder
        .ancestors()
        .find(|folder| folder.is_dir())
        .unwrap_or(Path::new("/"))
}

fn folder(subject: &'static str, folder: &Path) -> Finding {
    let existing = nearest_existing(folder);
    match tempfile::tempfile_in(existing) {
        Ok(_) => Finding::good(subject, folder.display().to_string()),
        Err(cause) => Finding::bad(
            subject,
            Health::Broken,
            format!("{} cannot be written: {cause}", existing.display()),
            "give this user the right to write there, or name another place",
        ),
    }
}

fn space(subject: &'static str, folder: &Path) -> Finding {
    let existing = nearest_existing(folder);
    match rustix::fs::statvfs(existing) {
        Ok(facts) => free(
            subject,
            facts.f_bavail.saturating_mul(facts.f_frsize),
            existing,
        ),
        Err(cause) => Finding::bad(
            subject,
            Health::Missing,
            format!("not known: {cause}"),
            "check the file system",
        ),
    }
}

fn free(subject: &'static str, bytes: u64, at: &Path) -> Finding {
    let found = format!("{} MiB at {}", bytes >> 20, at.display());
    if bytes < LITTLE {
        return Finding::bad(subject, Health::Missing, found, "free some space");
    }
    Finding::good(subject, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_broken_has_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("state.db");
        std::fs::write(&store, "no database at all, but some text").unwrap();
        let findings = examine(&store).await;
        let of = |subject| findings.iter().find(|f| f.subject == subject).unwrap();
        assert_eq!(of("state store").health, Health::Broken);
        assert_eq!(of("state folder").health, Health::Good);
        for finding in &findings {
            let is_good = finding.health == Health::Good;
            assert_eq!(finding.remedy.is_none(), is_good, "{finding:?}");
        }
    }

    #[test]
    fn little_free_space_is_named() {
        let at = Path::new("/data");
        let enough = free("free space", LITTLE, at);
        assert_eq!(enough, Finding::good("free space", "1024 MiB at /data"));
        let little = free("free space", LITTLE - 1, at);
        assert_eq!(little.health, Health::Missing);
        assert_eq!(little.found, "1023 MiB at /data");
        assert_eq!(little.remedy.as_deref(), Some("free some space"));
    }
}
