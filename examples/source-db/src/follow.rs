//! The read: a snapshot, and then the log.

use std::collections::HashSet;
use std::time::Duration;

use crossdock_sdk::core::source::SourceOpening;
use crossdock_sdk::core::stream::StreamId;
use crossdock_sdk::{Change, Operation, Output, Result, State, resumed};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::database::Database;

/// How far the log was read; nothing before the snapshot is complete.
#[derive(Debug, Default, Serialize, Deserialize)]
struct After {
    seq: Option<i64>,
}

impl State for After {}

pub(crate) struct Follow {
    database: Database,
    state: After,
    tables: Vec<String>,
    pause: Duration,
}

impl Follow {
    pub(crate) fn new(
        config: &Config,
        database: Database,
        opening: &SourceOpening,
    ) -> Result<Self> {
        let tables = opening.catalog.streams.iter();
        Ok(Self {
            database,
            state: resumed(&opening.state)?,
            tables: tables.map(|stream| stream.stream.name.clone()).collect(),
            pause: Duration::from_millis(config.poll_ms),
        })
    }

    pub(crate) async fn run(self, mut output: Output) -> Result<()> {
        let mut seq = match self.state.seq {
            Some(seq) => seq,
            None => self.snapshot(&mut output).await?,
        };
        let chosen: HashSet<&String> = self.tables.iter().collect();
        loop {
            let changes = self.database.changes(seq).await?;
            if let Some(last) = changes.last() {
                seq = last.seq;
            } else if output.is_bounded() {
                return Ok(());
            } else {
                tokio::select! {
                    () = output.stopping() => return Ok(()),
                    () = tokio::time::sleep(self.pause) => continue,
                }
            }
            for change in changes {
                if !chosen.contains(&change.stream) {
                    continue;
                }
                let stream = StreamId::new(change.stream);
                let change = Change {
                    operation: change.operation,
                    key: None,
                    before: change.before.as_ref(),
                    after: change.after.as_ref(),
                };
                output.change(&stream, change).await?;
            }
            output.checkpoint_all(&After { seq: Some(seq) }).await?;
        }
    }

    async fn snapshot(&self, output: &mut Output) -> Result<i64> {
        let snapshot = self.database.snapshot(self.tables.clone()).await?;
        for (stream, row) in snapshot.rows {
            let change = Change {
                operation: Operation::Snapshot,
                key: None,
                before: None,
                after: Some(&row),
            };
            output.change(&StreamId::new(stream), change).await?;
        }
        let seq = Some(snapshot.seq);
        output.checkpoint_all(&After { seq }).await?;
        Ok(snapshot.seq)
    }
}
