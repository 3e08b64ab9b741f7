//! Specifications by connector identity, in memory and in the user's cache directory: the start of
//! a Python connector takes seconds, and a specification changes only with the connector.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crossdock_core::spec::Spec;
use serde::{Deserialize, Serialize};

/// A cache. Losing it costs time and nothing else, so its failures are silent.
#[derive(Debug)]
pub(super) struct SpecCache {
    dir: Option<PathBuf>,
    last: Mutex<Option<Spec>>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    identity: String,
    spec: Spec,
}

impl Default for SpecCache {
    fn default() -> Self {
        let own = env::var_os("CROSSDOCK_CACHE_DIR").map(PathBuf::from);
        let xdg = || env::var_os("XDG_CACHE_HOME").map(|dir| Path::new(&dir).join("crossdock"));
        let home = || env::var_os("HOME").map(|dir| Path::new(&dir).join(".cache/crossdock"));
        Self::in_dir(
            own.or_else(xdg)
                .or_else(home)
                .map(|dir| dir.join("airbyte-spec")),
        )
    }
}

impl SpecCache {
    /// A cache in `dir`, or in memory alone.
    pub(super) fn in_dir(dir: Option<PathBuf>) -> Self {
        Self {
            dir,
            last: Mutex::new(None),
        }
    }

    /// What was put for the connector of this identity. Without one only memory is looked at: it
    /// belongs to one launcher, whose program is the same as long as we run.
    pub(super) fn get(&self, identity: Option<String>) -> Option<Spec> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none() {
            *last = self.read(&identity?);
        }
        last.clone()
    }

    pub(super) fn put(&self, identity: Option<String>, spec: &Spec) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(spec.clone());
        drop(last);
        if let Some(identity) = identity
            && let Err(error) = self.write(identity, spec)
        {
            tracing::debug!(%error, "specification not cached");
        }
    }

    fn path(&self, identity: &str) -> Option<PathBuf> {
        // FNV-1a: the name need not be secure, since the entry names its connector itself.
        let hash = identity
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        Some(self.dir.as_ref()?.join(format!("{hash:016x}.json")))
    }

    fn read(&self, identity: &str) -> Option<Spec> {
        let text = fs::read(self.path(identity)?).ok()?;
        let entry: Entry = serde_json::from_slice(&text).ok()?;
        (entry.identity == identity).then_some(entry.spec)
    }

    fn write(&self, identity: String, spec: &Spec) -> io::Result<()> {
        let Some(path) = self.path(&identity) else {
            return Ok(());
        };
        let entry = Entry {
            identity,
            spec: spec.clone(),
        };
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        // By rename, so that another process never reads half of it.
        let draft = path.with_extension(format!("{}.tmp", std::process::id()));
        fs::write(&draft, serde_json::to_vec(&entry)?)?;
        fs::rename(&draft, &path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_found_by_its_own_identity_only() {
        let dir = tempfile::tempdir().unwrap();
        let fresh = || SpecCache::in_dir(Some(dir.path().join("sub")));
        let spec = Spec {
            protocol_version: Some("0.2.0".into()),
            ..Spec::default()
        };
        assert_eq!(fresh().get(Some("a".into())), None);
        fresh().put(Some("a".into()), &spec);
        assert_eq!(fresh().get(Some("a".into())), Some(spec.clone()));
        assert_eq!(fresh().get(Some("b".into())), None);
        assert_eq!(fresh().get(None), None);
        let memory = SpecCache::in_dir(None);
        memory.put(None, &spec);
        assert_eq!(memory.get(None), Some(spec));
    }
}
