//! The stdout destination.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use crossdock_core::batch::{Batch, Body, Operation};
use crossdock_core::capability::DestinationCapabilities;
use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::checkpoint::{Checkpoint, Lane, Seq};
use crossdock_core::code;
use crossdock_core::convert;
use crossdock_core::destination::{
    Ack, Acknowledge, Destination, DestinationOpening, DestinationWriter, Ending,
};
use crossdock_core::error::{Error, Result};
use crossdock_core::session::Session;
use crossdock_core::spec::{Checked, Spec};
use crossdock_core::stream::StreamId;
use serde_json::Value;

use super::config::{Config, LineFormat};

/// Prints records as JSON lines.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stdout;

#[async_trait]
impl Destination for Stdout {
    type Config = Config;

    async fn spec(&self, _: &Session) -> Result<Spec> {
        Ok(Spec::of_destination::<Config>(DestinationCapabilities {
            sync_modes: crate::ALL_SYNC_MODES.to_vec(),
            ..DestinationCapabilities::default()
        }))
    }

    async fn check(&self, _: Config, _: &Session) -> Result<Checked> {
        Ok(Checked::Succeeded)
    }

    async fn open(
        &self,
        config: Config,
        opening: DestinationOpening,
    ) -> Result<Box<dyn DestinationWriter>> {
        let DestinationOpening { catalog, acks, .. } = opening;
        Ok(Box::new(StdoutWriter::new(
            io::stdout(),
            config.format,
            catalog,
            acks,
        )))
    }
}

/// Writes lines to anything.
pub struct StdoutWriter<W> {
    out: Arc<Mutex<W>>,
    format: LineFormat,
    catalog: ConfiguredCatalog,
    acks: Arc<dyn Acknowledge>,
    last: Seq,
}

impl<W: Write + Send + 'static> StdoutWriter<W> {
    /// A writer to `out`.
    pub fn new(
        out: W,
        format: LineFormat,
        catalog: ConfiguredCatalog,
        acks: Arc<dyn Acknowledge>,
    ) -> Self {
        Self {
            out: Arc::new(Mutex::new(out)),
            format,
            catalog,
            acks,
            last: Seq(0),
        }
    }

    /// Writes and flushes where waiting does no harm: a pipe may be full.
    async fn print(&self, lines: Vec<u8>) -> Result<()> {
        let out = self.out.clone();
        let print = move || {
            let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
            out.write_all(&lines)?;
            out.flush()
        };
        let printed = tokio::task::spawn_blocking(print).await;
        printed.map_err(io::Error::other).flatten().map_err(|e| {
            Error::new(&code::IO, "could not write to standard output")
                .hint("whoever reads the output has gone; let it read to the end")
                .caused_by(e)
        })
    }
}

#[async_trait]
impl<W: Write + Send + 'static> DestinationWriter for StdoutWriter<W> {
    async fn write(&mut self, seq: Seq, batch: Batch) -> Result<()> {
        self.last = seq;
        let stream = self.catalog.target_of(&batch.stream);
        self.print(lines(self.format, &stream, &batch.body)?).await
    }

    async fn checkpoint(&mut self, seq: Seq, checkpoint: Arc<Checkpoint>) -> Result<()> {
        // Every write has flushed already.
        self.last = seq;
        self.acks.acknowledge(Ack::UpTo {
            lane: checkpoint.lane.clone(),
            seq,
        });
        Ok(())
    }

    async fn finish(&mut self, _: Ending) -> Result<()> {
        if self.last > Seq(0) {
            self.acks.acknowledge(Ack::UpTo {
                lane: Lane::Global,
                seq: self.last,
            });
        }
        Ok(())
    }
}

fn lines(format: LineFormat, stream: &StreamId, body: &Body) -> Result<Vec<u8>> {
    let converted;
    let rows = match body {
        Body::Rows(rows) => rows,
        Body::Columns(columns) => {
            converted = convert::columns_to_rows(columns, None)?;
            &converted
        }
    };
    let mut head = format!("{{\"stream\":{}", Value::from(&*stream.name));
    if let Some(namespace) = stream.namespace.as_deref() {
        head.push_str(&format!(",\"namespace\":{}", Value::from(namespace)));
    }
    let mut out = Vec::with_capacity(rows.value_bytes() + rows.len() * (head.len() + 40));
    for at in 0..rows.len() {
        let data = match rows.after(at) {
            b"" => rows.before(at).unwrap_or(b"null"),
            data => data,
        };
        let start = out.len();
        if format == LineFormat::Data {
            out.extend_from_slice(data);
        } else {
            out.extend_from_slice(head.as_bytes());
            let operation = match rows.operation(at) {
                Operation::Update => ",\"operation\":\"update\"",
                Operation::Delete => ",\"operation\":\"delete\"",
                Operation::Create | Operation::Snapshot => "",
            };
            out.extend_from_slice(operation.as_bytes());
            if let Some(key) = rows.key(at) {
                out.extend_from_slice(b",\"key\":");
                out.extend_from_slice(key);
            }
            out.extend_from_slice(b",\"data\":");
            out.extend_from_slice(data);
            out.extend_from_slice(b",\"emitted_at\":");
            out.extend_from_slice(itoa::Buffer::new().format(rows.emitted_at(at)).as_bytes());
            out.push(b'}');
        }
        // Line ends can only be white space between JSON tokens.
        for byte in &mut out[start..] {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        out.push(b'\n');
    }
    Ok(out)
}
