//! Gathers rows for a [`TableDestination`], and acknowledges what it has written.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use crossdock_core::batch::{Batch, Body};
use crossdock_core::capability::DestinationCapabilities;
use crossdock_core::catalog::DestinationSyncMode;
use crossdock_core::checkpoint::{Checkpoint, Lane, Seq};
use crossdock_core::code;
use crossdock_core::convert::columns_to_rows;
use crossdock_core::destination::{
    Ack, Acknowledge, Destination, DestinationOpening, DestinationWriter, Ending,
};
use crossdock_core::error::{Error, Result};
use crossdock_core::session::Session;
use crossdock_core::spec::{Checked, Spec};
use crossdock_core::stream::StreamId;
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::context::{Context, Given};
use crate::row::{Row, latest};
use crate::table_destination::{BatchLimits, Table, TableDestination};

/// A [`TableDestination`] as a destination of the contract.
pub(crate) struct Tabling<D>(Arc<D>);

impl<D: TableDestination> Tabling<D> {
    pub(crate) fn new(destination: D) -> Self {
        Self(Arc::new(destination))
    }

    async fn connected(&self, given: Given<D::Config>, session: &Session) -> Result<D::Client> {
        let context = Context::new(session.clone(), given.raw);
        self.0.connect(given.config, &context).await
    }
}

#[async_trait]
impl<D: TableDestination> Destination for Tabling<D> {
    type Config = Given<D::Config>;

    async fn spec(&self, _: &Session) -> Result<Spec> {
        let modes = self.0.modes();
        let spec = Spec::of_destination::<D::Config>(DestinationCapabilities {
            generations: modes.contains(&DestinationSyncMode::Overwrite),
            deletes: modes.contains(&DestinationSyncMode::AppendDedup),
            sync_modes: modes,
            refuses_records: true,
            ..DestinationCapabilities::default()
        });
        Ok(Spec {
            documentation_url: self.0.documentation_url(),
            ..spec
        })
    }

    async fn check(&self, given: Self::Config, session: &Session) -> Result<Checked> {
        let asked = async {
            let client = self.connected(given, session).await?;
            self.0.check(&client).await
        };
        Ok(Checked::of(asked.await))
    }

    async fn open(
        &self,
        given: Self::Config,
        opening: DestinationOpening,
    ) -> Result<Box<dyn DestinationWriter>> {
        let client = self.connected(given, &opening.session).await?;
        let mut tables = HashMap::new();
        for stream in &opening.catalog.streams {
            let table = Table::of(stream);
            self.0.begin(&client, &table).await?;
            tables.insert(stream.id(), table);
        }
        let shared = Arc::new(Shared {
            destination: self.0.clone(),
            client,
            tables,
            limits: self.0.limits(),
            acks: opening.acks,
            gathered: Mutex::default(),
            came: Notify::new(),
            broke: Notify::new(),
        });
        let ticker = tokio::spawn(tick(shared.clone()));
        Ok(Box::new(TableWriter { shared, ticker }))
    }
}

struct Shared<D: TableDestination> {
    destination: Arc<D>,
    client: D::Client,
    tables: HashMap<StreamId, Table>,
    limits: BatchLimits,
    acks: Arc<dyn Acknowledge>,
    gathered: Mutex<Gathered>,
    /// The first row since the last write.
    came: Notify,
    /// A write failed that nobody waited for.
    broke: Notify,
}

/// Rows that wait to be written.
#[derive(Default)]
struct Gathered {
    rows: BTreeMap<StreamId, Vec<Held>>,
    bytes: usize,
    /// When the oldest came, row or checkpoint.
    since: Option<Instant>,
    /// The last item; what is gathered goes up to it.
    last: Seq,
    health: Health,
}

/// Whether all rows so far were written.
#[derive(Default)]
enum Health {
    #[default]
    Well,
    /// Rows are missing since a write failed, so nothing is acknowledged any more (P1). With the reason, until somebody
    /// took it.
    Broken(Option<Error>),
}

struct Held {
    row: Row,
    batch: Seq,
    index: u32,
}

impl<D: TableDestination> Shared<D> {
    /// Writes all that is gathered, and acknowledges it.
    async fn flush(&self, gathered: &mut Gathered) -> Result<()> {
        if let Health::Broken(reason) = &mut gathered.health {
            let earlier = "an earlier write failed, so nothing more is written";
            return Err(reason
                .take()
                .unwrap_or_else(|| Error::new(&code::CONNECTOR_FAILED, earlier)));
        }
        // Also if the call is dropped in the middle.
        gathered.health = Health::Broken(None);
        while let Some((stream, held)) = gathered.rows.pop_first() {
            self.write(&stream, &held).await?;
        }
        gathered.health = Health::Well;
        gathered.bytes = 0;
        if gathered.since.take().is_some() {
            self.acks.acknowledge(Ack::UpTo {
                lane: Lane::Global,
                seq: gathered.last,
            });
        }
        Ok(())
    }

    async fn write(&self, stream: &StreamId, held: &[Held]) -> Result<()> {
        let Some(table) = self.tables.get(stream) else {
            let message = "the destination was not told of the stream";
            return Err(Error::new(&code::STREAM_UNKNOWN, message).with("stream", stream));
        };
        let places = if table.dedups() {
            let rows: Vec<&Row> = held.iter().map(|held| &held.row).collect();
            latest(&rows, &table.key, table.cursor.as_ref())
        } else {
            (0..held.len()).collect()
        };
        for places in places.chunks(self.limits.rows.max(1)) {
            let rows: Vec<Row> = places.iter().map(|at| held[*at].row.clone()).collect();
            let written = self.destination.write(&self.client, table, &rows).await;
            let refused = written.map_err(|error| error.with("stream", stream))?;
            for refused in refused {
                let Some(held) = places.get(refused.index).map(|at| &held[*at]) else {
                    let message = "the destination refused a row that it was not given";
                    return Err(Error::new(&code::INTERNAL, message).with("stream", stream));
                };
                self.acks.acknowledge(Ack::Rejected {
                    stream: stream.clone(),
                    seq: held.batch,
                    indices: vec![held.index],
                    records: 1,
                    reason: refused.reason,
                });
            }
        }
        Ok(())
    }

    fn arrived(&self, gathered: &mut Gathered, seq: Seq) {
        gathered.last = seq;
        if gathered.since.is_none() {
            gathered.since = Some(Instant::now());
            self.came.notify_one();
        }
    }
}

/// Writes what has become old.
async fn tick<D: TableDestination>(shared: Arc<Shared<D>>) {
    loop {
        let since = shared.gathered.lock().await.since;
        let Some(since) = since else {
            shared.came.notified().await;
            continue;
        };
        sleep_until(since + shared.limits.age).await;
        let mut gathered = shared.gathered.lock().await;
        if gathered.since == Some(since)
            && let Err(error) = shared.flush(&mut gathered).await
        {
            gathered.health = Health::Broken(Some(error));
            shared.broke.notify_one();
            return;
        }
    }
}

struct TableWriter<D: TableDestination> {
    shared: Arc<Shared<D>>,
    ticker: JoinHandle<()>,
}

#[async_trait]
impl<D: TableDestination> DestinationWriter for TableWriter<D> {
    async fn write(&mut self, seq: Seq, batch: Batch) -> Result<()> {
        let rows = match batch.body {
            Body::Rows(rows) => rows,
            Body::Columns(columns) => columns_to_rows(&columns, None)?,
        };
        let mut gathered = self.shared.gathered.lock().await;
        self.shared.arrived(&mut gathered, seq);
        let held = (0..rows.len()).map(|index| Held {
            row: Row::of(&rows, index),
            batch: seq,
            // A batch has four billion rows at most.
            index: index as u32,
        });
        // What is held: a row keeps its batch's whole buffer (P7).
        gathered.bytes += rows.buffer().len() + rows.len() * size_of::<Held>();
        gathered.rows.entry(batch.stream).or_default().extend(held);
        if gathered.bytes >= self.shared.limits.bytes {
            self.shared.flush(&mut gathered).await?;
        }
        Ok(())
    }

    async fn checkpoint(&mut self, seq: Seq, checkpoint: Arc<Checkpoint>) -> Result<()> {
        let mut gathered = self.shared.gathered.lock().await;
        self.shared.arrived(&mut gathered, seq);
        if checkpoint.awaited {
            // The source sends nothing more until then.
            self.shared.flush(&mut gathered).await?;
        }
        Ok(())
    }

    async fn broken(&mut self) -> Error {
        loop {
            if let Health::Broken(reason) = &mut self.shared.gathered.lock().await.health
                && let Some(error) = reason.take()
            {
                return error;
            }
            self.shared.broke.notified().await;
        }
    }

    async fn flush(&mut self) -> Result<()> {
        let mut gathered = self.shared.gathered.lock().await;
        self.shared.flush(&mut gathered).await
    }

    async fn finish(&mut self, ending: Ending) -> Result<()> {
        self.flush().await?;
        if ending == Ending::Complete {
            for (stream, table) in &self.shared.tables {
                let completed = self.shared.destination.complete(&self.shared.client, table);
                completed
                    .await
                    .map_err(|error| error.with("stream", stream))?;
            }
        }
        Ok(())
    }

    async fn close(&mut self) -> Result<()> {
        self.ticker.abort();
        Ok(())
    }
}

impl<D: TableDestination> Drop for TableWriter<D> {
    fn drop(&mut self) {
        self.ticker.abort();
    }
}
