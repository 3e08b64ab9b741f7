//! The lines of stdin.

use bytes::Bytes;
use crossdock_core::line::LineBuffer;
use tokio::sync::mpsc;

/// What came on stdin.
pub(super) enum Input {
    /// A whole line.
    Line(Bytes),
    /// A line that is longer than the limit: nothing after it can be told apart.
    TooLong(String),
}

/// Lines in order; over when stdin is, or cannot be read.
pub(super) struct Commands(mpsc::Receiver<Input>);

impl Commands {
    /// Reads stdin from now on, in a thread of its own, which does not keep the process from ending.
    pub(super) fn read_stdin(longest: usize) -> Self {
        // One is being carried out, and one may wait.
        let (lines, receiver) = mpsc::channel(1);
        std::thread::spawn(move || read(std::io::stdin().lock(), longest, &lines));
        Self(receiver)
    }

    /// The next; `None`: it was the last. May be dropped and called again.
    pub(super) async fn next(&mut self) -> Option<Input> {
        self.0.recv().await
    }
}

fn read(mut input: impl std::io::Read, longest: usize, lines: &mpsc::Sender<Input>) {
    let mut buffer = LineBuffer::new(longest);
    let mut chunk = vec![0; 256 << 10];
    loop {
        let run = match input.read(&mut chunk) {
            Err(cause) if cause.kind() == std::io::ErrorKind::Interrupted => continue,
            Ok(count) if count > 0 => {
                buffer.space().extend_from_slice(&chunk[..count]);
                match buffer.take() {
                    Ok(run) => run,
                    Err(too_long) => {
                        let _ = lines.blocking_send(Input::TooLong(too_long.to_string()));
                        return;
                    }
                }
            }
            // A line without its end is half a command.
            Ok(_) | Err(_) => return,
        };
        let mut rest = run.unwrap_or_default();
        while let Some(end) = memchr::memchr(b'\n', &rest) {
            let line = rest.split_to(end + 1);
            if lines.blocking_send(Input::Line(line)).is_err() {
                return;
            }
        }
    }
}
