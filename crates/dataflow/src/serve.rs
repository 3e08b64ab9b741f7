//! The connector role: DataFlow's processor is the platform, and any source or destination of the contract is
//! its connector.
//!
//! | what the protocol wants | how it is kept |
//! |---|---|
//! | one command after the other, one answer each (§1.1) | `dialogue` |
//! | a read that never blocks for long, and a checkpoint that covers what came before it (§1.6) | `source` |
//! | `done` for a write only once it is durable, and otherwise which messages were refused | `sink` |

mod commands;
mod dialogue;
mod failure;
mod log;
mod sink;
mod source;

use std::sync::Arc;

use crossdock_core::erased::{ErasedDestination, ErasedSource};
use crossdock_core::error::Result;
use crossdock_core::session::Session;

use dialogue::Dialogue;

/// What is served.
#[derive(Clone)]
pub struct Served {
    /// Its type, as manifests name it.
    pub kind: String,
    /// Its source half.
    pub source: Option<Arc<dyn ErasedSource>>,
    /// Its sink half.
    pub destination: Option<Arc<dyn ErasedDestination>>,
}

/// Serves stdin and stdout until the processor has closed the connector, or its end of the pipe, or `stop`
/// says that it is time to end. Logs go to stderr; nothing else may print.
pub async fn serve(served: Served, stop: impl Future<Output = ()>) -> Result<()> {
    let session = Session::new(Arc::new(log::Stderr));
    let mut commands = commands::Commands::read_stdin(session.limits.max_line_bytes);
    let mut dialogue = Dialogue::new(served, session);
    let talked = dialogue.talk(&mut commands, stop).await;
    // Also after an error: what is open is ended (P8).
    dialogue.end().await;
    talked
}
