//! What a served source has read and not yet sent.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use crossdock_core::batch::{Batch, Body};
use crossdock_core::checkpoint::Checkpoint;
use crossdock_core::convert::columns_to_rows;
use crossdock_core::error::Result;
use tokio::sync::{mpsc, watch};
use tonic::Status;

use super::position::Positions;
use super::record::{Records, Row};
use crate::wire::version::Version;

/// A message that has become so long is sent.
const LONGEST: usize = 1 << 20;

/// What came of the reading so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    /// The position of the last record that was sent.
    pub(super) last: Vec<u8>,
    /// Nothing more is sent.
    pub(super) is_over: bool,
}

/// Which positions are checkpoints of the source.
#[derive(Debug, Default)]
pub(super) struct Boundaries(Mutex<VecDeque<(Vec<u8>, Vec<Checkpoint>)>>);

impl Boundaries {
    fn push(&self, position: Vec<u8>, checkpoints: Vec<Checkpoint>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push_back((position, checkpoints));
    }

    /// The checkpoints of this position, if it is one. Positions come in order.
    pub(super) fn reached(&self, position: &[u8]) -> Vec<Checkpoint> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.front() {
            Some((first, _)) if first == position => all
                .pop_front()
                .map(|(_, checkpoints)| checkpoints)
                .unwrap_or_default(),
            _ => Vec::new(),
        }
    }
}

/// The last record so far: its position depends on whether a checkpoint follows it.
pub(super) struct Held {
    row: Row,
    checkpoints: Vec<Checkpoint>,
    position: Option<Vec<u8>>,
}

/// Records on their way to the platform.
pub(super) struct Outgoing {
    pub(super) positions: Positions,
    pub(super) records: Records,
    pub(super) boundaries: Arc<Boundaries>,
    pub(super) version: Version,
    /// So many records are sent together at most.
    pub(super) most: usize,
    pub(super) message: Vec<u8>,
    pub(super) count: usize,
    /// The position of the last record in the message.
    pub(super) last: Vec<u8>,
    pub(super) held: Option<Held>,
    pub(super) messages: mpsc::Sender<Result<Bytes, Status>>,
    pub(super) tell: watch::Sender<Progress>,
}

impl Outgoing {
    /// Whether everything is sent.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_none() && self.count == 0
    }

    /// Takes records.
    pub(super) async fn batch(&mut self, batch: Batch) -> Result<()> {
        let rows = match batch.body {
            Body::Rows(rows) => rows,
            Body::Columns(columns) => columns_to_rows(&columns, None)?,
        };
        self.records.prepare(&batch.stream).await?;
        let rows = Arc::new(rows);
        for at in 0..rows.len() {
            self.settle().await?;
            let row = self.records.row(&batch.stream, &rows, at)?;
            self.held = Some(Held {
                row,
                checkpoints: Vec::new(),
                position: None,
            });
        }
        Ok(())
    }

    /// Takes a checkpoint: it covers the record before it.
    pub(super) fn checkpoint(&mut self, checkpoint: Checkpoint) {
        let position = self.positions.checkpoint(&checkpoint);
        if let Some(held) = &mut self.held {
            held.position = Some(position);
            held.checkpoints.push(checkpoint);
        }
    }

    /// Gives the last record its position and puts it into the message.
    async fn settle(&mut self) -> Result<()> {
        let Some(held) = self.held.take() else {
            return Ok(());
        };
        let position = held.position.unwrap_or_else(|| self.positions.next());
        if !held.checkpoints.is_empty() {
            self.boundaries.push(position.clone(), held.checkpoints);
        }
        self.records
            .write(&held.row, &position, &mut self.message)?;
        self.count += 1;
        self.last = position;
        let is_full = self.count >= self.most || self.message.len() >= LONGEST;
        if is_full || self.version == Version::V1 {
            self.send().await;
        }
        Ok(())
    }

    /// Sends everything.
    pub(super) async fn release(&mut self) -> Result<()> {
        self.settle().await?;
        if self.count > 0 {
            self.send().await;
        }
        Ok(())
    }

    async fn send(&mut self) {
        let message = std::mem::take(&mut self.message);
        self.count = 0;
        // Before it is sent: a platform that asks for the end may have it already.
        let last = std::mem::take(&mut self.last);
        self.tell.send_modify(|progress| progress.last = last);
        // A platform that is gone reads it again after the next start.
        let _ = self.messages.send(Ok(message.into())).await;
    }
}
