//! Draining stderr from the first moment: a process whose stderr nobody reads stands still.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::ChildStderr;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::StderrSink;

/// How many lines are kept for messages.
const TAIL: usize = 20;
/// A longer line is passed on in pieces of this many bytes, unless more was asked for.
pub(super) const LONGEST: usize = 64 << 10;
/// How long a flush may take. Only another process that keeps the pipe full can make it last.
const FLUSH: Duration = Duration::from_secs(1);

type Tail = Arc<Mutex<VecDeque<String>>>;

/// The task that drains one stderr. Drop ends the task, whoever still holds the other end.
#[derive(Default)]
pub(super) struct Drain {
    tail: Tail,
    task: Option<Task>,
}

struct Task {
    handle: tokio::task::JoinHandle<()>,
    flush: mpsc::Sender<oneshot::Sender<()>>,
    ended: watch::Receiver<()>,
}

impl Drain {
    pub(super) fn start(pipe: ChildStderr, longest: usize, sink: Arc<dyn StderrSink>) -> Self {
        let tail = Tail::default();
        let (flush, asked) = mpsc::channel(1);
        let (alive, ended) = watch::channel(());
        let kept = tail.clone();
        let handle = tokio::spawn(async move {
            let emit = |line: &str| {
                sink.line(line);
                keep(&kept, line);
            };
            drain(pipe, Lines::new(longest), emit, asked).await;
            drop(alive);
        });
        Self {
            tail,
            task: Some(Task {
                handle,
                flush,
                ended,
            }),
        }
    }

    /// Passes on everything that stands in the pipe now. Returns at the latest after a second.
    pub(super) async fn flush(&self) {
        let Some(task) = &self.task else { return };
        let (answer, answered) = oneshot::channel();
        let asking = async {
            // Both fail only if the task is at its end, and then there is nothing to flush.
            if task.flush.send(answer).await.is_ok() {
                let _ = answered.await;
            }
        };
        let _ = timeout(FLUSH, asking).await;
    }

    /// Waits until nobody holds the other end.
    pub(super) async fn ended(&self) {
        if let Some(task) = &self.task {
            // Nothing is ever sent: this returns when the task ends.
            let _ = task.ended.clone().changed().await;
        }
    }

    pub(super) fn tail(&self) -> Vec<String> {
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.iter().cloned().collect()
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.handle.abort();
        }
    }
}

fn keep(tail: &Tail, line: &str) {
    let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
    if tail.len() == TAIL {
        tail.pop_front();
    }
    tail.push_back(line.to_owned());
}

async fn drain(
    mut pipe: ChildStderr,
    mut lines: Lines,
    mut emit: impl FnMut(&str),
    mut asked: mpsc::Receiver<oneshot::Sender<()>>,
) {
    let mut buffer = vec![0; LONGEST];
    let mut askers = Vec::new();
    loop {
        // A read that waits does not prove the pipe empty, since readiness is learnt late; the
        // count of its bytes does.
        if !askers.is_empty() && !matches!(rustix::io::ioctl_fionread(&pipe), Ok(1..)) {
            lines.end(&mut emit);
            for asker in askers.drain(..) {
                let _: Result<(), ()> = oneshot::Sender::send(asker, ());
            }
        }
        tokio::select! {
            biased;
            read = pipe.read(&mut buffer) => match read {
                Ok(0) | Err(_) => break,
                Ok(count) => lines.take(&buffer[..count], &mut emit),
            },
            Some(asker) = asked.recv() => askers.push(asker),
        }
    }
    lines.end(&mut emit);
}

/// Cuts bytes into lines, and over-long lines into pieces between two characters.
struct Lines {
    rest: Vec<u8>,
    longest: usize,
}

impl Lines {
    fn new(longest: usize) -> Self {
        Self {
            rest: Vec::new(),
            longest,
        }
    }

    fn take(&mut self, bytes: &[u8], emit: &mut impl FnMut(&str)) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.rest.extend_from_slice(piece);
            if self.rest.ends_with(b"\n") {
                self.rest.pop();
                if self.rest.ends_with(b"\r") {
                    self.rest.pop();
                }
                self.cut(emit);
                emit(&String::from_utf8_lossy(&self.rest));
                self.rest.clear();
            } else {
                self.cut(emit);
            }
        }
    }

    /// Passes on the last line, if it had no end.
    fn end(&mut self, emit: &mut impl FnMut(&str)) {
        if !self.rest.is_empty() {
            emit(&String::from_utf8_lossy(&self.rest));
            self.rest.clear();
        }
    }

    /// Passes on pieces until at most one is left.
    fn cut(&mut self, emit: &mut impl FnMut(&str)) {
        while self.rest.len() > self.longest {
            let mut at = self.longest;
            // Bytes 10xxxxxx go on with a character; it has at most three of them.
            while at > self.longest - 3 && self.rest[at] & 0xc0 == 0x80 {
                at -= 1;
            }
            emit(&String::from_utf8_lossy(&self.rest[..at]));
            self.rest.drain(..at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<String> {
        let mut got = Vec::new();
        let mut lines = Lines::new(LONGEST);
        for chunk in chunks {
            lines.take(chunk, &mut |line| got.push(line.to_owned()));
        }
        lines.end(&mut |line| got.push(line.to_owned()));
        got
    }

    #[test]
    fn bytes_are_cut_into_lines() {
        let check = |chunks: &[&[u8]], expected: &[&str]| assert_eq!(lines(chunks), expected);
        check(&[b"a\nb", b"c\n\nd"], &["a", "bc", "", "d"]);
        check(&[b"a\r\nb\r", b"\nc"], &["a", "b", "c"]);
        check(&[b"bad \xff end\n"], &["bad \u{fffd} end"]);
        check(&[b"\xc3", b"\xa4\n"], &["ä"]);
        check(&[], &[]);
    }

    #[test]
    fn long_lines_come_in_pieces_of_whole_characters() {
        let long = "xä".repeat(LONGEST);
        for size in [1000, LONGEST, LONGEST * 2 + 1] {
            let chunks: Vec<_> = long.as_bytes().chunks(size).collect();
            let got = lines(&chunks);
            assert!(got.concat() == long, "with chunks of {size}");
            assert!(got.iter().all(|piece| piece.len() <= LONGEST));
            assert!(got.len() <= long.len() / LONGEST + 2);
        }
        let exact = [&b"y".repeat(LONGEST)[..], b"\nz\n"].concat();
        assert_eq!(lines(&[&exact]).len(), 2);
    }
}
