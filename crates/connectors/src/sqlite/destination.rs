//! The SQLite destination.

use async_trait::async_trait;
use crossdock_core::batch::BodyShape;
use crossdock_core::capability::DestinationCapabilities;
use crossdock_core::destination::{Destination, DestinationOpening, DestinationWriter, Stored};
use crossdock_core::error::Result;
use crossdock_core::session::Session;
use crossdock_core::spec::{Checked, Spec};

use super::book;
use super::config::Config;
use super::cut;
use super::database::Database;
use super::keeper::{Pace, SqlKeeper};
use super::shape::SqlShape;
use super::table::Table;
use crate::semantics::column_shape::ADDITIONAL;
use crate::semantics::target::{KEYED, Manner, Target, reserved, table, targets};
use crate::writer::{Channel, ThreadedWriter, ended};

/// Writes tables of a SQLite database.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sqlite;

#[async_trait]
impl Destination for Sqlite {
    type Config = Config;

    async fn spec(&self, _: &Session) -> Result<Spec> {
        Ok(Spec::of_destination::<Config>(DestinationCapabilities {
            sync_modes: KEYED.to_vec(),
            generations: true,
            transactional_checkpoint: true,
            deletes: true,
            ignores_case: true,
            shape: BodyShape::Columns,
            ..DestinationCapabilities::default()
        }))
    }

    async fn check(&self, config: Config, _: &Session) -> Result<Checked> {
        let attempt = blocking(move || {
            let is_new = !config.path.exists();
            let database = Database::open(&config)?;
            let answer = database.run("write to the database", "BEGIN IMMEDIATE; ROLLBACK");
            if is_new {
                // A question leaves nothing behind.
                drop(database);
                let _ = std::fs::remove_file(&config.path);
            }
            answer
        });
        Ok(Checked::of(attempt.await))
    }

    async fn stored(&self, config: Config, pipeline: &str, _: &Session) -> Result<Vec<Stored>> {
        let pipeline = pipeline.to_owned();
        blocking(
            move || match Database::look(&config.path, config.busy_timeout())? {
                Some(database) => book::stored(&database, &pipeline),
                None => Ok(Vec::new()),
            },
        )
        .await
    }

    async fn open(
        &self,
        config: Config,
        opening: DestinationOpening,
    ) -> Result<Box<dyn DestinationWriter>> {
        let reserved = reserved(config.metadata_columns, &[ADDITIONAL]);
        let manner = Manner {
            what: "SQLite tables",
            sync_modes: &KEYED,
            reserved: &reserved,
            nested: false,
            place: table,
        };
        let targets = targets(&opening.catalog, opening.epoch, &manner)?;
        let prepare = move || prepare(&config, targets, &opening);
        let (channels, keeper) = blocking(prepare).await?;
        Ok(Box::new(ThreadedWriter::open(channels, keeper)?))
    }
}

/// Makes the tables ready, all or none.
fn prepare(
    config: &Config,
    targets: Vec<Target>,
    opening: &DestinationOpening,
) -> Result<(Vec<Channel<super::statement::SqlBatch>>, SqlKeeper)> {
    let database = Database::open(config)?;
    let has_metadata = config.metadata_columns;
    let (run, tables) = database.transaction(|| {
        book::prepare(&database)?;
        let run = book::take_over(&database, &opening.pipeline, opening.epoch)?;
        if opening.marks_decide {
            book::forget(&database, &opening.pipeline)?;
            let marks = (!opening.keeps_marks).then_some(&*opening.marks);
            for target in &targets {
                cut::undo(&database, &opening.pipeline, target, marks)?;
            }
        }
        let open = |target| {
            let table = Table::open(&database, target, &opening.pipeline, has_metadata)?;
            cut::begin(&database, &run, &table)?;
            Ok(table)
        };
        let tables = targets.iter().map(open).collect::<Result<Vec<_>>>()?;
        Ok((run, tables))
    })?;
    let channel = |(mut target, table): (Target, &Table)| {
        let is_wider = target.schema != table.schema;
        target.schema = table.schema.clone();
        Channel {
            stream: target.stream.clone(),
            shape: Box::new(SqlShape::new(&target, has_metadata, is_wider)) as _,
        }
    };
    let streams: Vec<_> = targets.iter().map(|t| t.stream.clone()).collect();
    let channels = targets.into_iter().zip(&tables).map(channel).collect();
    let pace = Pace {
        bytes: config.transaction_bytes,
        age: config.max_checkpoint_age(),
    };
    let tables = streams.into_iter().zip(tables).collect();
    let keeper = SqlKeeper::new(database, run, tables, opening, pace);
    Ok((channels, keeper))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(ended)?
}
