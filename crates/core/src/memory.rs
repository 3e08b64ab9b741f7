//! What a connector remembers between runs beside its checkpoints: its last active configuration, the
//! schemas it has made. Small things, written seldom.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::error::Result;

/// Who remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// This connector in this place of this pipeline.
    Own,
    /// Every connector that shares the store.
    Shared,
}

/// A small store of texts by key. Everything that returns `Ok` is on disk where there is one.
#[async_trait]
pub trait Memory: Send + Sync {
    /// What is remembered under `key`.
    async fn recall(&self, scope: Scope, key: &str) -> Result<Option<String>>;

    /// Remembers `value` under `key`, whatever was there.
    async fn remember(&self, scope: Scope, key: &str, value: &str) -> Result<()>;

    /// Remembers `value` under `key` if nothing is there. `false`: there was something. Of several who
    /// do this at once, in this process or another, one gets `true`.
    async fn remember_first(&self, scope: Scope, key: &str, value: &str) -> Result<bool>;
}

/// A memory that ends with the process.
#[derive(Debug, Default)]
pub struct Passing(Mutex<BTreeMap<(Scope, String), String>>);

impl Passing {
    fn entries(&self) -> std::sync::MutexGuard<'_, BTreeMap<(Scope, String), String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Memory for Passing {
    async fn recall(&self, scope: Scope, key: &str) -> Result<Option<String>> {
        Ok(self.entries().get(&(scope, key.to_owned())).cloned())
    }

    async fn remember(&self, scope: Scope, key: &str, value: &str) -> Result<()> {
        self.entries()
            .insert((scope, key.to_owned()), value.to_owned());
        Ok(())
    }

    async fn remember_first(&self, scope: Scope, key: &str, value: &str) -> Result<bool> {
        let mut entries = self.entries();
        let entry = entries.entry((scope, key.to_owned()));
        let is_first = matches!(entry, std::collections::btree_map::Entry::Vacant(_));
        entry.or_insert_with(|| value.to_owned());
        Ok(is_first)
    }
}
