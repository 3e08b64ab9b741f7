//! What the destinations that write files share: staging and rolling. A format adds how a batch
//! becomes bytes, and nothing else; [`crate::writer`] has the threads that do the work.
//!
//! ```text
//! write ─▶ shaping thread ─▶ filing thread ─▶ .crossdock/<pipeline>/…  ──committed──▶ <stream>/…
//!          (Shape)           (Encode, Book)    staged, durable, hidden                 visible
//! ```
//!
//! [`book`] and [`plan`] decide, as plain data; [`shop`] and [`staging`] act.

pub(crate) mod book;
pub(crate) mod column_file;
#[cfg(test)]
mod crash;
pub(crate) mod fault;
pub(crate) mod format;
mod gathered;
pub(crate) mod line_file;
mod marks;
pub(crate) mod name;
pub(crate) mod plan;
pub(crate) mod portion;
pub(crate) mod recovery;
pub(crate) mod row_texts;
pub(crate) mod shop;
pub(crate) mod split;
pub(crate) mod staging;
mod swap;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossdock_core::destination::DestinationOpening;
use crossdock_core::error::Result;

use crate::semantics::partitioner::{self, PartitionBy};
use crate::semantics::shape::Shape;
use crate::semantics::target::{self, GROWING, Manner, Target, folder};
use crate::writer::{Channel, ThreadedWriter, ended};
use format::Format;
use portion::Portions;
use recovery::recover;
use shop::{Order, Shop};
use staging::Staging;

/// Where files go and how large they become: what every file destination is configured with.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// The folder that holds a folder for each stream.
    pub(crate) path: PathBuf,
    /// Whether Airbyte's metadata columns are added.
    pub(crate) metadata_columns: bool,
    /// When files are closed.
    pub(crate) rolling: Rolling,
}

/// When files are closed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rolling {
    /// A file of this size is closed at once.
    pub(crate) target_bytes: u64,
    /// A checkpoint closes files only if they hold this much together…
    pub(crate) min_bytes: u64,
    /// …or if it has waited this long.
    pub(crate) max_age: Duration,
}

impl Rolling {
    /// As the settings of the same names say.
    pub(crate) fn new(
        target_file_bytes: u64,
        min_file_bytes: u64,
        max_checkpoint_age_ms: u64,
    ) -> Self {
        Self {
            target_bytes: target_file_bytes.max(1),
            min_bytes: min_file_bytes,
            max_age: Duration::from_millis(max_checkpoint_age_ms),
        }
    }
}

/// What a format says of the targets that it is given.
pub(crate) struct Wishes<'a> {
    /// What is written, for errors: "Parquet files".
    pub(crate) what: &'a str,
    /// The columns that are added.
    pub(crate) reserved: &'a [&'a str],
    /// Whether there are structs and lists.
    pub(crate) nested: bool,
    /// The setting.
    pub(crate) partition_by: &'a PartitionBy,
}

/// The targets of a catalog that is written to files.
pub(crate) fn targets(opening: &DestinationOpening, wishes: &Wishes<'_>) -> Result<Vec<Target>> {
    let manner = Manner {
        what: wishes.what,
        sync_modes: &GROWING,
        reserved: wishes.reserved,
        nested: wishes.nested,
        place: folder,
    };
    let mut targets = target::targets(&opening.catalog, opening.epoch, &manner)?;
    partitioner::assign(&mut targets, wishes.partition_by)?;
    Ok(targets)
}

/// Defaults that the configurations of the file destinations share.
pub(crate) mod default {
    pub(crate) fn yes() -> bool {
        true
    }

    pub(crate) fn target_file_bytes() -> u64 {
        128 << 20
    }

    pub(crate) fn min_file_bytes() -> u64 {
        8 << 20
    }

    pub(crate) fn max_checkpoint_age_ms() -> u64 {
        10_000
    }
}

/// Recovers what earlier runs left and starts to write.
pub(crate) async fn open<F: Format>(
    format: F,
    layout: Layout,
    targets: Vec<Target>,
    opening: DestinationOpening,
) -> Result<ThreadedWriter> {
    let (format, targets) = (Arc::new(format), Arc::new(targets));
    let channels = targets.iter().map(|target| {
        Ok(Channel {
            stream: target.stream.clone(),
            shape: Box::new(Portions::new(&*format, target)?) as Box<dyn Shape<_>>,
        })
    });
    let channels = channels.collect::<Result<Vec<_>>>()?;
    let shop = move || {
        let patience = opening.session.limits.grace;
        let staging = Staging::open(&layout.path, &opening.pipeline, patience)?;
        recover(&staging, &opening.marks, &targets)?;
        let order = Order {
            format,
            targets,
            rolling: layout.rolling,
            epoch: opening.epoch,
            keeps_marks: opening.keeps_marks,
            acks: opening.acks,
        };
        Shop::new(order, staging)
    };
    let shop = tokio::task::spawn_blocking(shop).await.map_err(ended)??;
    ThreadedWriter::open(channels, shop)
}
