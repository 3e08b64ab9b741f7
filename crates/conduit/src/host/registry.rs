//! The schema registry: subjects with versions, and one number for each different text (§2.5). Kept in
//! the memory that all connectors share, so that it outlives every run.
//!
//! | key | value |
//! |---|---|
//! | `schema/SUBJECT/VERSION` | the text's number |
//! | `schema-text/NUMBER` | the text |

use std::sync::Arc;

use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::memory::{Memory, Scope};

/// A schema as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The version within its subject.
    pub version: i32,
    /// The text's number.
    pub id: i32,
    /// The schema.
    pub text: String,
}

/// The registry.
#[derive(Clone)]
pub struct Registry {
    memory: Arc<dyn Memory>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Registry")
    }
}

impl Registry {
    /// In this memory.
    #[must_use]
    pub fn new(memory: Arc<dyn Memory>) -> Self {
        Self { memory }
    }

    async fn recall(&self, key: &str) -> Result<Option<String>> {
        self.memory.recall(Scope::Shared, key).await
    }

    /// The schema of a subject's version; `None` if there is none.
    pub async fn get(&self, subject: &str, version: i32) -> Result<Option<Kept>> {
        let Some(id) = self.recall(&format!("schema/{subject}/{version}")).await? else {
            return Ok(None);
        };
        let text = self.recall(&format!("schema-text/{id}")).await?;
        let (Some(text), Ok(id)) = (text, id.parse()) else {
            let error = Error::new(&code::INTERNAL, "a kept schema has no text");
            return Err(error.with("subject", subject).with("version", version));
        };
        Ok(Some(Kept { version, id, text }))
    }

    /// The text of this number.
    pub async fn text(&self, id: i32) -> Result<Option<String>> {
        self.recall(&format!("schema-text/{id}")).await
    }

    /// Keeps a schema. The same text under the same subject is the same version, and has the same
    /// number under every subject.
    pub async fn create(&self, subject: &str, text: &str) -> Result<Kept> {
        let id = self.number(text).await?;
        let mut version = 1;
        loop {
            match self.get(subject, version).await? {
                Some(kept) if kept.text == text => return Ok(kept),
                Some(_) => version += 1,
                None => {
                    let key = format!("schema/{subject}/{version}");
                    // Somebody else may take the version at the same time; then it is looked at.
                    self.memory
                        .remember_first(Scope::Shared, &key, &id.to_string())
                        .await?;
                }
            }
        }
    }

    async fn number(&self, text: &str) -> Result<i32> {
        let mut id = 1;
        loop {
            let key = format!("schema-text/{id}");
            match self.recall(&key).await? {
                Some(kept) if kept == text => return Ok(id),
                Some(_) => id += 1,
                None => {
                    self.memory
                        .remember_first(Scope::Shared, &key, text)
                        .await?;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossdock_core::memory::Passing;

    #[tokio::test]
    async fn texts_have_one_number_and_subjects_their_versions() {
        let registry = Registry::new(Arc::new(Passing::default()));
        let kept = |version, id, text: &str| Kept {
            version,
            id,
            text: text.into(),
        };
        assert_eq!(registry.create("a", "x").await.unwrap(), kept(1, 1, "x"));
        assert_eq!(registry.create("a", "x").await.unwrap(), kept(1, 1, "x"));
        assert_eq!(registry.create("a", "y").await.unwrap(), kept(2, 2, "y"));
        assert_eq!(registry.create("b/c", "y").await.unwrap(), kept(1, 2, "y"));
        assert_eq!(registry.get("a", 2).await.unwrap(), Some(kept(2, 2, "y")));
        assert_eq!(registry.get("a", 3).await.unwrap(), None);
        assert_eq!(registry.get("b", 1).await.unwrap(), None);
        let many = (0..20).map(|n| {
            let registry = registry.clone();
            tokio::spawn(async move {
                registry
                    .create("many", &format!("t{}", n % 5))
                    .await
                    .unwrap()
            })
        });
        let mut versions = Vec::new();
        for task in many.collect::<Vec<_>>() {
            versions.push(task.await.unwrap().version);
        }
        versions.sort_unstable();
        versions.dedup();
        assert_eq!(versions, [1, 2, 3, 4, 5]);
    }
}
