//! Who answers: a program, or a double in a test.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_core::Result;
use crossdock_launch::Exit;

/// A connector that can be started any number of times.
#[async_trait]
pub trait Peer: Send + Sync {
    /// Starts it.
    ///
    /// # Errors
    /// Only if it cannot be started at all.
    async fn open(&self) -> Result<Box<dyn Channel>>;
}

/// One process of a connector. Dropping it ends the process.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Writes to its stdin and flushes. Whether everything was taken within that time.
    async fn send(&mut self, bytes: &[u8], wait: Duration) -> bool;

    /// The next line of its stdout, waited for so long at most.
    async fn line(&mut self, wait: Duration) -> Heard;

    /// Reads nothing of its stdout for so long.
    async fn pause(&mut self, time: Duration);

    /// Ends its stdin.
    fn close_input(&mut self);

    /// Asks it to end (SIGTERM).
    fn terminate(&mut self);

    /// Kills it (SIGKILL).
    fn kill(&mut self);

    /// How it ended; `None`: it did not within that time.
    async fn ended(&mut self, wait: Duration) -> Option<Exit>;

    /// Its last lines on stderr so far.
    fn stderr(&self) -> Vec<String>;
}

/// What came of listening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A line, without its `\n`.
    Line(Bytes),
    /// Stdout has ended.
    End,
    /// Nothing came.
    Nothing,
}
