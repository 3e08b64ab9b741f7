//! The way into a connector's stdin: a task of its own that writes, behind a queue that is bounded
//! in bytes (P7), so that writing and reading go on at the same time.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdin;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;

/// Bytes that may wait in front of the pipe, which holds about as much again.
const BUDGET: usize = 1 << 20;

type Item = (Vec<Bytes>, OwnedSemaphorePermit);

/// A connector's stdin.
#[derive(Debug)]
pub(super) struct Feed {
    queue: Option<mpsc::UnboundedSender<Item>>,
    room: Arc<Semaphore>,
    task: Option<JoinHandle<io::Result<()>>>,
}

/// The connector takes no more input. Why is for its output and its exit to say (§6, 16).
#[derive(Debug)]
pub(super) struct Refused;

impl Feed {
    pub(super) fn start(stdin: Option<ChildStdin>) -> Self {
        let (queue, items) = mpsc::unbounded_channel();
        let room = Arc::new(Semaphore::new(BUDGET));
        let task = stdin.map(|stdin| tokio::spawn(pump(stdin, items, room.clone())));
        Self {
            queue: task.is_some().then_some(queue),
            room,
            task,
        }
    }

    /// Queues `parts`, waiting for room. What is larger than the whole room passes alone.
    pub(super) async fn send(&self, parts: Vec<Bytes>) -> Result<(), Refused> {
        let bytes: usize = parts.iter().map(Bytes::len).sum();
        let permits = u32::try_from(bytes.clamp(1, BUDGET)).unwrap_or(1);
        let permit = self
            .room
            .clone()
            .acquire_many_owned(permits)
            .await
            .map_err(|_| Refused)?;
        let queue = self.queue.as_ref().ok_or(Refused)?;
        queue.send((parts, permit)).map_err(|_| Refused)
    }

    /// Writes what is queued and closes the pipe: the connector sees the end of its input.
    pub(super) async fn close(&mut self) -> Result<(), Refused> {
        self.queue = None;
        match self.task.take() {
            Some(task) => task.await.map_err(|_| Refused)?.map_err(|_| Refused),
            None => Ok(()),
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn pump(
    mut stdin: ChildStdin,
    mut items: mpsc::UnboundedReceiver<Item>,
    room: Arc<Semaphore>,
) -> io::Result<()> {
    let mut write = async || {
        while let Some((parts, _permit)) = items.recv().await {
            for part in parts {
                stdin.write_all(&part).await?;
            }
        }
        stdin.shutdown().await
    };
    let written = write().await;
    // Whoever waits for room must learn that there will be none.
    room.close();
    written
}
