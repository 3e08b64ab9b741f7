//! The process group: the only place that sends signals, and the thread that awaits the end.

use std::process::Child;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, mpsc};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::sync::watch;

use crate::Exit;

/// How far a process has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Running,
    /// The leader ended and is a zombie: its number is still its own.
    Ended,
    /// The group is swept and the leader reaped: its number may be anybody's.
    Reaped,
}

/// A process group, for as long as its number is sure to be its own.
#[derive(Debug)]
pub(super) struct Group {
    id: Pid,
    exit: OnceLock<Option<Exit>>,
    /// Whether the leader is reaped. Held during a signal, so that none is sent after that.
    reaped: Mutex<bool>,
}

impl Group {
    pub(super) fn led_by(child: &Child) -> Self {
        Self {
            id: Pid::from_child(child),
            exit: OnceLock::new(),
            reaped: Mutex::new(false),
        }
    }

    /// How the leader ended; `None` while it runs and where that is lost.
    pub(super) fn exit(&self) -> Option<Exit> {
        self.exit.get().copied().flatten()
    }

    pub(super) fn signal(&self, signal: Signal) {
        let reaped = self.reaped();
        if !*reaped {
            // It fails if nobody is left, which is what was wanted.
            let _ = kill_process_group(self.id, signal);
        }
    }

    fn reaped(&self) -> MutexGuard<'_, bool> {
        self.reaped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the leader's end and tells it; after `released` sweeps the group and reaps.
pub(super) fn watch(
    mut child: Child,
    group: &Group,
    life: &watch::Sender<Life>,
    released: &mpsc::Receiver<()>,
) {
    let exit = await_end(group.id);
    let _ = group.exit.set(exit);
    if exit.is_none() {
        // Somebody else reaped it: the number is no longer ours.
        *group.reaped() = true;
        life.send_replace(Life::Reaped);
        return;
    }
    life.send_replace(Life::Ended);
    // Nothing is ever sent: this returns when the owner lets go.
    let _ = released.recv();
    let mut reaped = group.reaped();
    // P8: members that outlived the leader.
    let _ = kill_process_group(group.id, Signal::KILL);
    let _ = child.wait();
    *reaped = true;
    drop(reaped);
    life.send_replace(Life::Reaped);
}

/// The leader's exit, without reaping it; `None` if the system does not know it.
fn await_end(leader: Pid) -> Option<Exit> {
    loop {
        match waitid(
            WaitId::Pid(leader),
            WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
        ) {
            Ok(Some(status)) => {
                let signal = status.terminating_signal().map(Exit::Signal);
                return signal.or(status.exit_status().map(Exit::Code));
            }
            Ok(None) | Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}
