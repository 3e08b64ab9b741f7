//! The connector role: Conduit is the platform, and any source or destination of the contract is its
//! connector (§0.2).
//!
//! | what the protocol wants | how it is kept |
//! |---|---|
//! | a source never ends its stream (§3.6) | one that has ended waits to be stopped |
//! | positions that are not empty and of their own (§3.4) | the state to resume from, and how many records came since |
//! | one acknowledgement for each record, in order | given when the destination says that it is durable |
//! | a flush in `Stop`, and in `Teardown` where `Stop` never comes (§3.5) | both finish the write |

mod choice;
mod config;
mod destination;
mod log;
mod middleware;
mod outgoing;
mod parameter;
mod plugin;
mod position;
mod rate;
mod record;
mod reference;
mod schema_client;
mod source;
mod status;
mod writing;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossdock_core::code;
use crossdock_core::erased::{ErasedDestination, ErasedSource};
use crossdock_core::error::{Error, Result};
use crossdock_core::session::Session;
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixListener;
use tokio::task::JoinSet;

use crate::grpc::server::{Calls, serve as serve_connection};
use crate::wire::handshake::{self, Address, Handshake};
use crate::wire::version::Version;
use plugin::Plugin;

/// What is served.
#[derive(Clone)]
pub struct Served {
    /// The name that pipelines use.
    pub name: String,
    /// One line.
    pub summary: String,
    /// Who wrote it.
    pub author: String,
    /// Its version, with a `v` before it.
    pub version: String,
    /// Its source side.
    pub source: Option<Arc<dyn ErasedSource>>,
    /// Its destination side.
    pub destination: Option<Arc<dyn ErasedDestination>>,
}

/// Whether a platform of Conduit's kind started this process.
#[must_use]
pub fn is_wanted() -> bool {
    std::env::var(handshake::COOKIE).is_ok_and(|value| value == handshake::COOKIE_VALUE)
}

/// How often to look whether the parent still lives.
const PARENT: Duration = Duration::from_secs(1);

/// Serves until the platform says that it is over, or is gone itself. Prints the handshake to stdout
/// and logs to stderr in hclog's form; nothing else may print.
///
/// # Errors
/// `usage` if no platform started the process, `io` if there can be no socket.
pub async fn serve(served: Served) -> Result<()> {
    if !is_wanted() {
        return Err(Error::new(
            &code::USAGE,
            "this is a connector of Conduit, to be started by Conduit and not by hand",
        )
        .hint("put it into Conduit's `./connectors` folder"));
    }
    let version = Version::negotiated(std::env::var(handshake::VERSIONS).ok().as_deref());
    let (listener, path) = listen()?;
    let session = Session::new(Arc::new(log::Hclog::new()));
    let plugin = Arc::new(Plugin::new(served, version, session));
    let handshake = Handshake {
        version,
        address: Address::Unix(path.clone()),
    };
    let multiplexing =
        std::env::var_os(handshake::MULTIPLEX).is_some_and(|value| !value.is_empty());
    let mut stdout = tokio::io::stdout();
    let announced = async {
        stdout
            .write_all(handshake.line(multiplexing).as_bytes())
            .await?;
        stdout.flush().await
    };
    announced.await.map_err(|cause| {
        Error::new(&code::IO, "the handshake cannot be printed").caused_by(cause)
    })?;
    accept(listener, &plugin).await;
    plugin.close().await;
    let _ = std::fs::remove_file(path);
    Ok(())
}

fn listen() -> Result<(UnixListener, PathBuf)> {
    let folder = std::env::var_os(handshake::SOCKET_DIR)
        .filter(|folder| !folder.is_empty())
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let path = folder.join(format!("plugin{}", uuid::Uuid::now_v7().simple()));
    let listener = UnixListener::bind(&path).map_err(|cause| {
        Error::new(&code::IO, "there can be no socket for the platform")
            .with("path", path.display())
            .caused_by(cause)
    })?;
    Ok((listener, path))
}

async fn accept(listener: UnixListener, plugin: &Arc<Plugin>) {
    let mut connections = JoinSet::new();
    let parent = rustix::process::getppid();
    let mut look = tokio::time::interval(PARENT);
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { return };
                let calls: Arc<dyn Calls> = plugin.clone();
                connections.spawn(serve_connection(stream, calls));
            }
            () = plugin.told_to_end() => break,
            // A platform that was killed says nothing (§0.2, 7).
            _ = look.tick() => {
                if rustix::process::getppid() != parent {
                    break;
                }
            }
        }
    }
    // The answer to the order must leave before the process does.
    let _ = tokio::time::timeout(Duration::from_millis(200), async {
        while connections.join_next().await.is_some() {}
    })
    .await;
}
