//! What programs said of themselves, by their identity, in memory and in the user's cache directory:
//! the start of a Python connector takes seconds, and what it says changes only with it.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A cache. Losing it costs time and nothing else, so its failures are silent.
#[derive(Debug)]
pub struct AnswerCache<T> {
    dir: Option<PathBuf>,
    last: Mutex<Option<T>>,
}

#[derive(Serialize, Deserialize)]
struct Entry<T> {
    identity: String,
    answer: T,
}

impl<T: Clone + Serialize + DeserializeOwned> AnswerCache<T> {
    /// A cache in the folder `name` of the user's cache directory.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let own = env::var_os("CROSSDOCK_CACHE_DIR").map(PathBuf::from);
        let xdg = || env::var_os("XDG_CACHE_HOME").map(|dir| Path::new(&dir).join("crossdock"));
        let home = || env::var_os("HOME").map(|dir| Path::new(&dir).join(".cache/crossdock"));
        Self::in_dir(own.or_else(xdg).or_else(home).map(|dir| dir.join(name)))
    }

    /// A cache in `dir`, or in memory alone.
    #[must_use]
    pub fn in_dir(dir: Option<PathBuf>) -> Self {
        Self {
            dir,
            last: Mutex::new(None),
        }
    }

    /// What was put for the connector of this identity. Without one only memory is looked at: it
    /// belongs to one launcher, whose program is the same as long as we run.
    pub fn get(&self, identity: Option<String>) -> Option<T> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none() {
            *last = self.read(&identity?);
        }
        last.clone()
    }

    /// Keeps the answer of the connector of this identity.
    pub fn put(&self, identity: Option<String>, answer: &T) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(answer.clone());
        drop(last);
        if let Some(identity) = identity
            && let Err(error) = self.write(identity, answer)
        {
            tracing::debug!(%error, "answer not cached");
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

    fn read(&self, identity: &str) -> Option<T> {
        let text = fs::read(self.path(identity)?).ok()?;
        let entry: Entry<T> = serde_json::from_slice(&text).ok()?;
        (entry.identity == identity).then_some(entry.answer)
    }

    fn write(&self, identity: String, answer: &T) -> io::Result<()> {
        let Some(path) = self.path(&identity) else {
            return Ok(());
        };
        let entry = Entry {
            identity,
            answer: answer.clone(),
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
    use crossdock_core::spec::Spec;

    use super::*;

    #[test]
    fn an_entry_is_found_by_its_own_identity_only() {
        let dir = tempfile::tempdir().unwrap();
        let fresh = || AnswerCache::<Spec>::in_dir(Some(dir.path().join("sub")));
        let spec = Spec {
            protocol_version: Some("0.2.0".into()),
            ..Spec::default()
        };
        assert_eq!(fresh().get(Some("a".into())), None);
        fresh().put(Some("a".into()), &spec);
        assert_eq!(fresh().get(Some("a".into())), Some(spec.clone()));
        assert_eq!(fresh().get(Some("b".into())), None);
        assert_eq!(fresh().get(None), None);
        let memory = AnswerCache::in_dir(None);
        memory.put(None, &spec);
        assert_eq!(memory.get(None), Some(spec));
    }
}
