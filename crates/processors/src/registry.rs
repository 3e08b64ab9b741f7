//! Where schemas of Avro are kept: a number for each text, and versions under subjects.

use async_trait::async_trait;
use crossdock_core::error::Result;

/// A registry of schemas.
#[async_trait]
pub trait SchemaRegistry: Send + Sync {
    /// The text of this number.
    async fn by_id(&self, id: i32) -> Result<Option<String>>;

    /// Number and text of a subject's version.
    async fn by_version(&self, subject: &str, version: i32) -> Result<Option<(i32, String)>>;

    /// Keeps a text under a subject, and gives its number.
    async fn create(&self, subject: &str, text: &str) -> Result<i32>;
}

/// A schema that a processor needs to go on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wish {
    Id(i32),
    Version(String, i32),
    Create { subject: String, text: String },
}

/// Number and text of a schema; `None`: there is none.
pub(crate) type Found = Option<(i32, String)>;

/// What the registry says to a wish.
pub(crate) async fn ask(registry: &dyn SchemaRegistry, wish: &Wish) -> Result<Found> {
    Ok(match wish {
        Wish::Id(id) => registry.by_id(*id).await?.map(|text| (*id, text)),
        Wish::Version(subject, version) => registry.by_version(subject, *version).await?,
        Wish::Create { subject, text } => {
            Some((registry.create(subject, text).await?, text.clone()))
        }
    })
}
