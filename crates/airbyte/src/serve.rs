//! The connector role: Airbyte's platform, PyAirbyte, or whoever knows the command line is the platform, and
//! any source or destination of the contract is its connector (§2, §8).
//!
//! | what the platform wants | how it is kept |
//! |---|---|
//! | positional words or flags, and how wrong ones end (§2.1, §2.2) | `arguments` |
//! | one answer to `spec`, `check`, `discover`, and the reason where there is none (§2.2) | `commands` |
//! | everything on stdout, whole lines, secrets masked | `voice` |
//! | states back in any form they may have (§1.3) | `given` |
//! | records, then a state that covers them, statuses and counts (§3.4, §3.7) | `read`, over [`crate::pipe`] |
//! | a state echoed only when what it covers is durable, in order, with everything that is unknown in it (§3.4) | `write`, `echoes` |
//! | records over sockets, if the environment says so (§4) | `sockets`, over the crate's `channel` and `mapping` |
//! | nothing dropped before the platform says that its successor is complete (§3.7) | `completion` |

mod abandoned;
mod arguments;
mod commands;
mod completion;
mod echoes;
mod form;
mod given;
mod input;
mod learning;
mod moved;
mod read;
mod sockets;
mod spec;
mod voice;
mod write;

use std::ffi::OsString;
use std::sync::Arc;

use crossdock_core::erased::{ErasedDestination, ErasedSource};
use crossdock_core::event::LogLevel;

use arguments::{Parsed, parse};
use commands::Commands;
use voice::Voice;

/// Everything went well.
pub const SUCCESS: u8 = 0;
/// It failed, and a TRACE says why.
pub const FAILURE: u8 = 1;
/// The words could not be understood, and stderr says why (§2.2).
pub const USAGE: u8 = 2;
/// The platform asked for the end: what the shell says of SIGTERM, which is no failure (§2.3).
pub const STOPPED: u8 = 143;

/// What is served. At least one half is there. With both, `read`, `discover` and `write` tell which is meant, and
/// `spec` and `check` speak for both: a platform that knows the connector in one role only says less that is
/// not meant if the other half is left out.
#[derive(Clone)]
pub struct Served {
    /// Its name, for messages.
    pub name: String,
    /// Its source half.
    pub source: Option<Arc<dyn ErasedSource>>,
    /// Its destination half.
    pub destination: Option<Arc<dyn ErasedDestination>>,
}

/// Does what the words say, on stdin and stdout, until it is done or `stop` says that it is time to end. Returns
/// the exit code: [`SUCCESS`], [`FAILURE`], [`USAGE`] or [`STOPPED`].
pub async fn serve(served: Served, words: &[OsString], stop: impl Future<Output = ()>) -> u8 {
    let voice = match Voice::stdout() {
        Ok(voice) => Arc::new(voice),
        Err(cause) => {
            arguments::complain(&format!("stdout cannot be used: {cause}"));
            return FAILURE;
        }
    };
    match parse(words) {
        Parsed::Command { command, debug } => {
            if debug {
                voice.speak_from(LogLevel::Debug);
            }
            Commands::new(served, voice).run(command, stop).await
        }
        Parsed::Help => {
            voice.plain(&arguments::help(&served.name));
            SUCCESS
        }
        Parsed::Nothing => {
            voice.log(LogLevel::Error, "no command was given");
            voice.error(&arguments::nothing(), None);
            FAILURE
        }
        Parsed::Wrong(why) => {
            arguments::complain(&format!("{}\n{why}\n", arguments::usage(&served.name)));
            USAGE
        }
    }
}
