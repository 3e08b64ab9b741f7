//! The launcher `python`: a package, installed once into an environment of its own.
//!
//! A start of an installed package reads one or two small files and runs nothing. An installation
//! happens under a lock, in the environment's final place (scripts hold absolute paths, so it
//! cannot be moved there), and counts only when its marker is written, last.

mod entry_point;
mod failure;
mod install;
mod interpreter;
mod pip;
mod requirement;
mod shelf;
mod tool;
mod uv;

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use crossdock_core::session::Session;
use crossdock_core::{Error, Result, code};

use crate::{Launcher, Program};
use requirement::Requirement;
use shelf::{Installed, Shelf};

/// A Python package that has a console script, in a managed environment.
///
/// The environment is kept in `$CROSSDOCK_CACHE_DIR`, else `$XDG_CACHE_HOME/crossdock`, else
/// `~/.cache/crossdock`, one for each version. Without a version the newest is resolved once and
/// kept, so that later runs start fast, offline, and with the same code.
#[derive(Clone, Debug)]
pub struct Python {
    requirement: Requirement,
    cache: Option<PathBuf>,
    path: Option<OsString>,
    env: Vec<(OsString, OsString)>,
}

impl Python {
    /// Reads `PACKAGE` or `PACKAGE==VERSION`.
    ///
    /// # Errors
    /// `config.reference` for anything else.
    pub fn parse(what: &str) -> Result<Self> {
        Ok(Self {
            requirement: Requirement::parse(what)?,
            cache: None,
            path: None,
            env: Vec::new(),
        })
    }

    /// Keeps environments under this directory instead of the user's cache directory.
    #[must_use]
    pub fn with_cache_dir(mut self, dir: PathBuf) -> Self {
        self.cache = Some(dir);
        self
    }

    /// Looks for `uv` and for interpreters in these directories (in the form of `PATH`) and
    /// nowhere else.
    #[must_use]
    pub fn with_search_path(mut self, path: impl Into<OsString>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Adds an environment variable for the installing tools, which read their settings there
    /// (`PIP_INDEX_URL`, `UV_INDEX_URL`, `PIP_FIND_LINKS` and so on). The connector does not get it.
    #[must_use]
    pub fn with_install_env(
        mut self,
        key: impl Into<OsString>,
        value: impl Into<OsString>,
    ) -> Self {
        self.env.push((key.into(), value.into()));
        self
    }

    fn shelf(&self) -> Result<Shelf> {
        let cache = match &self.cache {
            Some(dir) => dir.clone(),
            None => cache_dir(
                env::var_os("CROSSDOCK_CACHE_DIR"),
                env::var_os("XDG_CACHE_HOME"),
                env::var_os("HOME"),
            )
            .ok_or_else(|| {
                Error::new(
                    &code::IO,
                    "there is no place to keep Python environments in",
                )
                .hint("set CROSSDOCK_CACHE_DIR, or HOME")
            })?,
        };
        let cache = std::path::absolute(&cache).unwrap_or(cache);
        Ok(Shelf::new(&cache, &self.requirement.key()))
    }

    /// What is installed and would be run, found without tools, lock or network.
    fn installed(&self, shelf: &Shelf) -> Option<Installed> {
        match &self.requirement.version {
            Some(version) => shelf.installed(&version.to_string()),
            None => shelf.installed(&shelf.current()?),
        }
    }
}

#[async_trait]
impl Launcher for Python {
    async fn program(&self, session: &Session) -> Result<Program> {
        let shelf = self.shelf()?;
        if let Some(installed) = self.installed(&shelf) {
            return Ok(program(installed));
        }
        let lock = shelf.lock(session, &self.name()).await?;
        // Another run may have done the work while this one waited for the lock.
        let installed = match self.installed(&shelf) {
            Some(installed) => installed,
            None => install::install(self, &shelf, session).await?,
        };
        drop(lock);
        Ok(program(installed))
    }

    async fn identity(&self) -> Option<String> {
        let installed = self.installed(&self.shelf().ok()?)?;
        Some(format!("{}=={}", self.requirement.key(), installed.version))
    }

    fn name(&self) -> String {
        self.requirement.to_string()
    }
}

fn program(installed: Installed) -> Program {
    Program {
        path: installed.script,
        args: Vec::new(),
        env: isolation().to_vec(),
    }
}

/// What would let the user's own Python settings into a managed environment. Python takes an
/// empty value as none.
fn isolation() -> [(OsString, OsString); 2] {
    ["PYTHONPATH", "PYTHONHOME"].map(|key| (key.into(), OsString::new()))
}

/// The three places, in order. The XDG rules ignore a relative `XDG_CACHE_HOME`.
fn cache_dir(
    own: Option<OsString>,
    xdg: Option<OsString>,
    home: Option<OsString>,
) -> Option<PathBuf> {
    let given = |value: Option<OsString>| value.filter(|v| v != OsStr::new(""));
    if let Some(own) = given(own) {
        return Some(own.into());
    }
    if let Some(xdg) = given(xdg).filter(|v| Path::new(v).is_absolute()) {
        return Some(Path::new(&xdg).join("crossdock"));
    }
    given(home).map(|home| Path::new(&home).join(".cache/crossdock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_where_the_user_wants_it() {
        let check = |own: &str, xdg: &str, home: &str, expected: Option<&str>| {
            let got = cache_dir(Some(own.into()), Some(xdg.into()), Some(home.into()));
            assert_eq!(got.as_deref(), expected.map(Path::new));
        };
        check("/own", "/xdg", "/home/u", Some("/own"));
        check("", "/xdg", "/home/u", Some("/xdg/crossdock"));
        check("", "relative", "/home/u", Some("/home/u/.cache/crossdock"));
        check("", "", "/home/u", Some("/home/u/.cache/crossdock"));
        check("", "", "", None);
        assert_eq!(cache_dir(None, None, None), None);
    }
}
