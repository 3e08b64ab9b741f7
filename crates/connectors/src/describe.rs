//! What several connectors say of themselves alike.

use std::path::PathBuf;

use crossdock_core::batch::BodyShape;
use crossdock_core::capability::DestinationCapabilities;
use crossdock_core::error::Result;
use crossdock_core::spec::{Checked, Spec};
use schemars::JsonSchema;

use crate::file::staging;
use crate::semantics::target::GROWING;

/// The spec of a destination that writes files.
pub(crate) fn files<C: JsonSchema>(shape: BodyShape) -> Spec {
    Spec::of_destination::<C>(DestinationCapabilities {
        sync_modes: GROWING.to_vec(),
        generations: true,
        staged: true,
        // Some file systems do, and a folder may be carried to one of them.
        ignores_case: true,
        shape,
        ..DestinationCapabilities::default()
    })
}

/// Whether files can be written below `path`.
pub(crate) async fn checked_folder(path: PathBuf) -> Result<Checked> {
    let probed = tokio::task::spawn_blocking(move || staging::probe(&path)).await;
    match probed {
        Ok(answer) => Ok(Checked::of(answer)),
        Err(cause) => Ok(Checked::Failed(cause.to_string())),
    }
}
