//! Rows of the contract as records of Conduit, with their schemas (§4.4).

use std::collections::HashMap;
use std::sync::Arc;

use crossdock_core::batch::Rows;
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::raw::{self, RawParts};
use crossdock_core::schema::{Field, StreamSchema};
use crossdock_core::stream::StreamId;

use super::middleware::{Extraction, Middleware};
use super::schema_client::SchemaClient;
use crate::convert::encode::{Collection, metadata, write_key};
use crate::wire::handshake::CONNECTOR_ID;
use crate::wire::record::{
    KEY_SCHEMA, NewRecord, PAYLOAD_SCHEMA, SchemaKeys, Written, write_metadata,
};
use crate::wire::structured::Lossy;
use crossdock_avro::RowEncoder;
use crossdock_core::fault::Fault;

/// A record without its position: a row of a batch.
pub(super) struct Row {
    stream: usize,
    rows: Arc<Rows>,
    at: usize,
}

/// Data that travel with their schema, once it is kept.
struct Schema {
    encoder: RowEncoder,
    subject: String,
    version: Option<i32>,
}

struct Stream {
    id: StreamId,
    collection: Collection,
    key_names: Vec<String>,
    payload: Option<Schema>,
    key: Option<Schema>,
    is_prepared: bool,
}

/// Makes the records of all streams.
pub(super) struct Records {
    streams: Vec<Stream>,
    places: HashMap<StreamId, usize>,
    client: SchemaClient,
    lossy: Lossy,
    /// The key made of columns, and key and values as their schemas have them.
    scratch: [Vec<u8>; 4],
}

impl Records {
    pub(super) fn new(catalog: &ConfiguredCatalog, middleware: &Middleware) -> Self {
        let context = middleware.has_context.then(|| {
            let own = || std::env::var(CONNECTOR_ID).unwrap_or_default();
            middleware.context.clone().unwrap_or_else(own)
        });
        let stream = |configured| Stream::new(configured, middleware, context.as_deref());
        let streams: Vec<_> = catalog.streams.iter().map(stream).collect();
        let places = streams
            .iter()
            .enumerate()
            .map(|(at, stream)| (stream.id.clone(), at));
        Self {
            places: places.collect(),
            streams,
            client: SchemaClient::default(),
            lossy: Lossy::default(),
            scratch: Default::default(),
        }
    }

    fn place(&self, stream: &StreamId) -> Result<usize> {
        let place = self.places.get(stream).copied();
        place.ok_or_else(|| {
            let error = Error::new(
                &code::INTERNAL,
                "the source sends a stream that was not asked for",
            );
            error.with("stream", stream)
        })
    }

    /// Keeps the stream's schemas, before its first record.
    pub(super) async fn prepare(&mut self, stream: &StreamId) -> Result<()> {
        let place = self.place(stream)?;
        let stream = &mut self.streams[place];
        if std::mem::replace(&mut stream.is_prepared, true) {
            return Ok(());
        }
        for schema in [&mut stream.payload, &mut stream.key].into_iter().flatten() {
            let version = self
                .client
                .create(&schema.subject, schema.encoder.schema())
                .await?;
            schema.version = Some(version);
        }
        Ok(())
    }

    /// One row of a batch.
    pub(super) fn row(&self, stream: &StreamId, rows: &Arc<Rows>, at: usize) -> Result<Row> {
        Ok(Row {
            stream: self.place(stream)?,
            rows: rows.clone(),
            at,
        })
    }

    /// Appends the record.
    pub(super) fn write(&mut self, row: &Row, position: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let Self {
            streams,
            lossy,
            scratch: [own_key, key, before, after],
            ..
        } = self;
        let stream = &streams[row.stream];
        let Row { rows, at, .. } = row;
        let (before_text, after_text) = (rows.before(*at).unwrap_or_default(), rows.after(*at));
        let key_text = match rows.key(*at) {
            Some(key) if !key.is_empty() => key,
            _ => {
                own_key.clear();
                write_key(&stream.key_names, after_text, own_key)
                    .map_err(|fault| broken(&fault))?;
                own_key
            }
        };
        let parts = RawParts::of_metadata(rows.metadata(*at).unwrap_or_default());
        // An image without a schema would be told by the metadata to have one: all or none.
        let images = [(before_text, &mut *before), (after_text, &mut *after)];
        let payload = stream
            .payload
            .as_ref()
            .filter(|_| !after_text.is_empty() || !before_text.is_empty())
            .filter(|_| !parts.after && !parts.before);
        let has_schema = payload.is_some_and(|schema| {
            images.into_iter().all(|(text, out)| {
                out.clear();
                text.is_empty() || schema.encoder.encode(text, out)
            })
        });
        key.clear();
        let has_key_schema = !key_text.is_empty()
            && !parts.key
            && stream
                .key
                .as_ref()
                .is_some_and(|schema| schema.encoder.encode(key_text, key));
        let key = written(key_text, key, has_key_schema, parts.key);
        let before = written(before_text, before, has_schema, parts.before);
        let after = written(after_text, after, has_schema, parts.after);
        let record = NewRecord {
            position,
            operation: rows.operation(*at),
            key,
            before,
            after,
        };
        let named = |out: &mut Vec<u8>, keys: SchemaKeys, schema: Option<&Schema>| {
            if let Some((schema, version)) =
                schema.and_then(|schema| Some((schema, schema.version?)))
            {
                write_metadata(out, keys.subject, &schema.subject);
                write_metadata(out, keys.version, itoa::Buffer::new().format(version));
            }
        };
        let appended = record.write(out, lossy, |out| {
            metadata(
                rows.metadata(*at),
                &stream.collection,
                rows.emitted_at(*at),
                out,
            )?;
            named(out, PAYLOAD_SCHEMA, payload.filter(|_| has_schema));
            named(
                out,
                KEY_SCHEMA,
                stream.key.as_ref().filter(|_| has_key_schema),
            );
            Ok(())
        });
        appended.map_err(|fault| broken(&fault).with("stream", &stream.id))
    }
}

/// A part of a record. `encoded` is what its schema makes of it; it also takes the bytes of raw data.
fn written<'a>(
    text: &'a [u8],
    encoded: &'a mut Vec<u8>,
    has_schema: bool,
    is_raw: bool,
) -> Written<'a> {
    if text.is_empty() {
        return Written::Absent;
    }
    if has_schema {
        return Written::Raw(encoded);
    }
    match raw::unwrap(text).filter(|_| is_raw) {
        Some(bytes) => {
            encoded.clear();
            encoded.extend_from_slice(&bytes);
            Written::Raw(encoded)
        }
        None => Written::Json(text),
    }
}

fn broken(fault: &Fault) -> Error {
    Error::new(
        &code::DATA_INVALID,
        format!("a record cannot be sent: {fault}"),
    )
}

impl Stream {
    fn new(configured: &ConfiguredStream, middleware: &Middleware, context: Option<&str>) -> Self {
        let id = configured.id();
        let collection = Collection::of(configured);
        let fields = StreamSchema::nested_from_json_schema(&configured.stream.json_schema).fields;
        let paths = configured.primary_key.iter().flatten();
        let key_names: Option<Vec<String>> = paths
            .map(|path| match path.as_slice() {
                [name] => Some(name.clone()),
                _ => None,
            })
            .collect();
        let key_names = key_names.unwrap_or_default();
        let schema = |extraction: &Extraction, fields: &[Field]| {
            let encoder =
                RowEncoder::new(fields).filter(|_| extraction.enabled && !fields.is_empty())?;
            let prefix = context.filter(|context| !context.is_empty());
            let prefix = prefix
                .map(|context| format!("{context}:"))
                .unwrap_or_default();
            Some(Schema {
                encoder,
                subject: format!("{prefix}{id}.{}", extraction.subject),
                version: None,
            })
        };
        let is_key = |field: &&Field| key_names.contains(&field.name);
        let key_fields: Vec<Field> = fields.iter().filter(is_key).cloned().collect();
        Self {
            payload: schema(&middleware.payload, &fields),
            key: schema(&middleware.key, &key_fields),
            collection,
            key_names,
            id,
            is_prepared: false,
        }
    }
}
