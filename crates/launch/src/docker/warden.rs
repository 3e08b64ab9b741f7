//! A process of its own that ends a container, whatever becomes of us (P8).
//!
//! It is a shell that reads words from a pipe. `term` asks what runs in the container to end, `end`
//! removes the container. We hold the other end of the pipe, and the system closes it however we end: then
//! it removes the container as well.

use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use crossdock_core::{Error, Result, code};
use tokio::sync::watch;

/// A connector that has just been started may not run yet when it is asked to end. After a crash, a
/// client that was cut off may still be about to make the container, so that is removed twice.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
remove() { "$1" rm --force --volumes "$2" >/dev/null 2>&1; }
while read -r word; do
  case $word in
    term)
      for attempt in 1 2 3 4 5; do
        "$1" kill --signal TERM "$2" >/dev/null 2>&1 && break
        sleep 0.2
      done ;;
    end)
      remove "$1" "$2"
      exit ;;
  esac
done
remove "$1" "$2"
sleep 3
remove "$1" "$2"
"#;

/// Sees to the end of one container.
#[derive(Debug)]
pub(super) struct Warden {
    pipe: Mutex<Option<ChildStdin>>,
    ended: watch::Receiver<bool>,
}

impl Warden {
    /// Starts the process for the container `name`, which need not be there yet.
    ///
    /// # Errors
    /// `launch.failed`: then no container should be made.
    pub(super) fn start(client: &Path, name: &str) -> Result<Self> {
        let failed = |cause: io::Error| {
            let message = "the process that ends containers could not be started";
            Error::new(&code::LAUNCH_FAILED, message).caused_by(cause)
        };
        let mut child = Command::new("sh")
            .args(["-c", SCRIPT, "crossdock-warden"])
            .arg(client)
            .arg(name)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Neither a terminal's Ctrl-C nor the end of our group is for it.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let pipe = child.stdin.take();
        let (tell, ended) = watch::channel(false);
        std::thread::Builder::new()
            .name("crossdock-warden".to_owned())
            .stack_size(64 << 10)
            .spawn(move || {
                let _ = child.wait();
                tell.send_replace(true);
            })
            .map_err(failed)?;
        Ok(Self {
            pipe: Mutex::new(pipe),
            ended,
        })
    }

    /// Asks what runs in the container to end.
    pub(super) fn ask(&self) {
        let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pipe) = &mut *pipe {
            // A few bytes into an empty pipe: this does not wait.
            let _ = pipe.write_all(b"term\n");
        }
    }

    /// Removes the container, running or not.
    pub(super) fn end(&self) {
        let pipe = self
            .pipe
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(mut pipe) = pipe {
            let _ = pipe.write_all(b"end\n");
        }
    }

    /// Waits until it has done what it was told by [`end`](Self::end).
    pub(super) async fn ended(&self) {
        // The thread's end is an end, too.
        let _ = self.ended.clone().wait_for(|ended| *ended).await;
    }
}

impl Drop for Warden {
    fn drop(&mut self) {
        self.end();
    }
}
