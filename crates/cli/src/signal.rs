//! Ctrl-C and SIGTERM: once to finish what was read, twice to end now.

use std::sync::Arc;

use crossdock_control::Cancel;
use crossdock_core::{Error, code};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::printer::Printer;

/// Listens from now on. `drains`: the command can finish what it began.
pub(crate) fn listen(
    printer: Arc<Printer>,
    drains: bool,
) -> Result<watch::Receiver<Option<Cancel>>, Error> {
    let interrupt = open(SignalKind::interrupt())?;
    let terminate = open(SignalKind::terminate())?;
    let (tell, told) = watch::channel(None);
    tokio::spawn(forward(interrupt, terminate, tell, printer, drains));
    Ok(told)
}

fn open(kind: SignalKind) -> Result<Signal, Error> {
    signal(kind)
        .map_err(|cause| Error::new(&code::IO, "signals cannot be listened to").caused_by(cause))
}

/// Waits until somebody asks the process to end.
pub(crate) fn asked() -> Result<impl Future<Output = ()>, Error> {
    let mut interrupt = open(SignalKind::interrupt())?;
    let mut terminate = open(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

async fn forward(
    mut interrupt: Signal,
    mut terminate: Signal,
    tell: watch::Sender<Option<Cancel>>,
    printer: Arc<Printer>,
    drains: bool,
) {
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        let next = after(*tell.borrow());
        if drains {
            printer.notice(match next {
                Cancel::Drain => {
                    "finishing: what was read is still written and committed; \
                     press Ctrl-C again to end now"
                }
                Cancel::Now => "ending now: what is committed stays",
            });
        }
        tell.send_replace(Some(next));
    }
}

/// What one more signal means.
fn after(cancel: Option<Cancel>) -> Cancel {
    match cancel {
        None => Cancel::Drain,
        Some(_) => Cancel::Now,
    }
}
