//! The program's run: which platform it serves, and how it ends.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use crossdock_airbyte::serve as airbyte;
use crossdock_conduit::serve as conduit;
use crossdock_core::code;
use crossdock_core::error::{Error, ErrorKind, Result};
use crossdock_core::session::Session;
use crossdock_dataflow::serve as dataflow;
use rustix::fs::{FileType, fstat};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use crate::connector::Connector;
use crate::help;
use crate::platform::{Platform, Start};

/// All went well.
const SUCCESS: u8 = 0;
/// It did not.
const FAILURE: u8 = 1;
/// Nobody said what is to be done.
const USAGE: u8 = 2;

/// What a thread that waits for input may hold up the end.
const LAST_WAIT: Duration = Duration::from_millis(500);

impl Connector {
    /// Is the program: finds out which platform started it, and serves that one to the end. To be returned from `main`;
    /// nothing else may read stdin or print to stdout.
    #[must_use]
    pub fn main(self) -> ExitCode {
        served(&self).into()
    }
}

/// Serves whoever started the program, and returns the exit code.
fn served(connector: &Connector) -> u8 {
    let mut words = std::env::args_os();
    let program = words.next().unwrap_or_default();
    let words: Vec<OsString> = words.collect();
    let platform = Platform::of(Start {
        program: &program,
        words: &words,
        has_cookie: conduit::is_wanted(),
        hears: hears(),
    });
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return complain(connector, &error),
    };
    let done = runtime.block_on(serve(connector, platform, &words));
    // Whatever still runs is dropped here.
    runtime.shutdown_timeout(LAST_WAIT);
    done.unwrap_or_else(|error| complain(connector, &error))
}

async fn serve(connector: &Connector, platform: Platform, words: &[OsString]) -> Result<u8> {
    let source = connector.source.clone();
    let destination = connector.destination.clone();
    if source.is_none() && destination.is_none() {
        let message = "this connector has neither a source nor a destination";
        return Err(Error::new(&code::CONNECTOR_ROLE, message)
            .hint("give it one: `Connector::streams`, `source` or `destination`"));
    }
    match platform {
        Platform::Airbyte => {
            let served = airbyte::Served {
                name: connector.name.clone(),
                source,
                destination,
            };
            Ok(airbyte::serve(served, words, asked()?).await)
        }
        Platform::Conduit => {
            // Ctrl-C reaches the whole group; the platform says when it is over.
            let _interrupts = signal(SignalKind::interrupt());
            let served = conduit::Served {
                name: connector.name.clone(),
                summary: connector.summary.clone(),
                author: connector.author.clone(),
                version: format!("v{}", connector.version.trim_start_matches('v')),
                source,
                destination,
            };
            conduit::serve(served).await.map(|()| SUCCESS)
        }
        Platform::DataFlow => {
            let served = dataflow::Served {
                kind: connector.name.clone(),
                source,
                destination,
            };
            dataflow::serve(served, asked()?).await.map(|()| SUCCESS)
        }
        Platform::Help => {
            print(&help::text(connector, &Session::default()).await?)?;
            Ok(SUCCESS)
        }
        Platform::Version => {
            print(&format!("{} {}\n", connector.name, connector.version))?;
            Ok(SUCCESS)
        }
        Platform::Nothing => {
            let text = help::text(connector, &Session::default()).await?;
            let _ = io::stderr().write_all(text.as_bytes());
            Ok(USAGE)
        }
    }
}

fn print(text: &str) -> Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        // Whoever reads has had enough.
        Err(cause) if cause.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written
            .map_err(|cause| Error::new(&code::IO, "stdout cannot be written").caused_by(cause)),
    }
}

/// Whether stdin is something that commands may come from: no terminal, and not `/dev/null`.
fn hears() -> bool {
    fstat(rustix::stdio::stdin())
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) != FileType::CharacterDevice)
}

fn runtime() -> Result<Runtime> {
    Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|cause| Error::new(&code::IO, "the runtime cannot be started").caused_by(cause))
}

/// Waits until somebody asks the program to end.
fn asked() -> Result<impl Future<Output = ()>> {
    let open = |kind| {
        signal(kind).map_err(|cause| {
            Error::new(&code::IO, "signals cannot be listened to").caused_by(cause)
        })
    };
    let mut interrupt = open(SignalKind::interrupt())?;
    let mut terminate = open(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

fn complain(connector: &Connector, error: &Error) -> u8 {
    let mut text = format!("{}: {}\n", connector.name, error.in_one_line());
    if !error.remedy().is_empty() {
        text += &format!("  {}\n", error.remedy());
    }
    let _ = io::stderr().write_all(text.as_bytes());
    match error.kind() {
        ErrorKind::Config => USAGE,
        _ => FAILURE,
    }
}
