//! From the words of the command line to the exit code.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use clap::error::ErrorKind as Refusal;
use crossdock_core::{Error, code};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinError;
use tracing::Instrument as _;

use crate::answer::Answer;
use crate::args::{self, Args, Glimpse, Global, LogFormat};
use crate::context::Context;
use crate::printer::Printer;
use crate::trace::Traces;
use crate::{command, exit, log, signal, trace, usage};

/// What a thread that waits for input may hold up the end.
const LAST_WAIT: Duration = Duration::from_millis(500);

/// Does what the words say and tells the exit code.
pub(crate) fn start(words: &[OsString]) -> u8 {
    let glimpse = Glimpse::of(words);
    let args = match args::parse(words, glimpse.color) {
        Ok(args) => args,
        Err(refused) => return refuse(&refused, glimpse),
    };
    if let args::Command::Connector(args::Connector::Serve(serve)) = &args.command {
        return served(serve, &args.global);
    }
    let printer = Arc::new(Printer::new(&args.global));
    let name = args.command.name();
    let answer = match runtime() {
        Ok(runtime) => {
            let answer = runtime.block_on(observed(args, printer.clone()));
            // Whatever still runs is dropped here, and with it every process (P8).
            runtime.shutdown_timeout(LAST_WAIT);
            answer
        }
        Err(error) => error.into(),
    };
    printer.answer(name, &answer)
}

/// Serves a connector to a platform: without logs, traces and progress of ours, for the platform reads
/// stdout and stderr.
fn served(serve: &args::Serve, global: &Global) -> u8 {
    let served = runtime().and_then(|runtime| {
        let served = runtime.block_on(async {
            // Ctrl-C reaches the whole group; the platform says when it is over.
            let _interrupts =
                tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt());
            command::connector::serve(serve).await
        });
        runtime.shutdown_timeout(LAST_WAIT);
        served
    });
    match served {
        Ok(code) => code,
        Err(error) => Printer::new(global).answer("connector serve", &error.into()),
    }
}

fn runtime() -> Result<Runtime, Error> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    Builder::new_multi_thread()
        .worker_threads(cores.max(2))
        .enable_all()
        .build()
        .map_err(|e| Error::new(&code::IO, "the runtime could not be started").caused_by(e))
}

/// Executes the command, with its logs and traces going where they should.
async fn observed(args: Args, printer: Arc<Printer>) -> Answer {
    let (traces, wrong) = match Traces::begin().transpose() {
        Ok(traces) => (traces, None),
        Err(error) => (None, Some(error)),
    };
    let Global {
        verbose,
        log_format,
        ..
    } = args.global;
    log::start(&printer, verbose, log_format, traces.as_ref());
    // Who wants traces and cannot have them still wants the rows.
    wrong.iter().for_each(|error| printer.warning(error));
    let span = trace::command(args.command.name());
    let answer = execute(args, printer.clone()).instrument(span).await;
    if let Some(traces) = traces
        && let Some(error) = traces.end().await
    {
        printer.warning(&error);
    }
    answer
}

async fn execute(args: Args, printer: Arc<Printer>) -> Answer {
    let cancel = match signal::listen(printer.clone(), args.command.drains()) {
        Ok(cancel) => cancel,
        Err(error) => return error.into(),
    };
    let context = Context::new(args.global, printer, cancel);
    let work = async move { command::execute(args.command, &context).await };
    let done = tokio::spawn(work.in_current_span()).await;
    done.unwrap_or_else(|failed| defect(&failed).into())
}

/// A panic has printed where it happened; here it becomes an error like any other.
fn defect(failed: &JoinError) -> Error {
    let what = if failed.is_panic() {
        "the command panicked"
    } else {
        "the command ended too early"
    };
    Error::new(&code::INTERNAL, what)
}

/// Help and version are data that was asked for; everything else is an error of usage.
fn refuse(refused: &clap::Error, glimpse: Glimpse) -> u8 {
    match refused.kind() {
        Refusal::DisplayHelp | Refusal::DisplayVersion => {
            let _ = refused.print();
            return exit::SUCCESS;
        }
        Refusal::DisplayHelpOnMissingArgumentOrSubcommand if !glimpse.json => {
            // This kind goes to stderr by itself.
            let _ = refused.print();
            return exit::CONFIG;
        }
        _ => {}
    }
    let global = Global {
        json: glimpse.json,
        store: None,
        verbose: 0,
        quiet: false,
        log_format: LogFormat::Text,
        color: glimpse.color,
    };
    Printer::new(&global).answer("", &usage::error(refused).into())
}
