//! The connector that is checked: its exchanges, each made once, and what can be learnt from them.

use std::sync::Arc;

use crossdock_core::secret::Masker;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use super::{Exchange, Invocation, Peer};
use crate::store::ReadBack;
use crate::{Objection, Outcome, Places, Reach, Role, skip};

/// A connector of Airbyte under test.
pub struct Subject {
    peer: Box<dyn Peer>,
    config: Option<Value>,
    /// What it is checked as.
    pub(super) role: Role,
    /// Where it is interrupted and gone on from.
    pub(super) places: Places,
    /// What it stored.
    pub(super) store: ReadBack,
    seen: Mutex<Vec<(Invocation, Arc<Exchange>)>>,
}

impl Subject {
    /// A connector, and a configuration that works if there is one.
    #[must_use]
    pub fn new(peer: Box<dyn Peer>, role: Role, config: Option<Value>) -> Self {
        Self {
            peer,
            config,
            role,
            places: Places::default(),
            store: ReadBack::new(None),
            seen: Mutex::default(),
        }
    }

    /// The same, with a battery that goes so far.
    #[must_use]
    pub fn reaching(mut self, reach: Reach) -> Self {
        self.places = reach.places;
        self.store = ReadBack::new(reach.store);
        self
    }

    /// What hides the secrets of its configuration: those that its specification marks, or that have such names.
    ///
    /// # Errors
    /// Whatever keeps the connector from being started at all.
    pub async fn masker(&self) -> crossdock_core::Result<Masker> {
        let Some(config) = &self.config else {
            return Ok(Masker::default());
        };
        let by_name = Masker::by_name(config);
        match self.schema().await {
            Ok(schema) => Ok(by_name.join(&Masker::for_config(&schema, config))),
            Err(Objection::Failed(error)) => Err(error),
            Err(_) => Ok(by_name),
        }
    }

    /// What comes of this use; the same use is not made twice.
    pub(super) async fn exchange(&self, invocation: Invocation) -> Outcome<Arc<Exchange>> {
        let mut seen = self.seen.lock().await;
        if let Some((_, exchange)) = seen.iter().find(|(of, _)| *of == invocation) {
            return Ok(exchange.clone());
        }
        let exchange = Arc::new(self.peer.call(&invocation).await?);
        seen.push((invocation, exchange.clone()));
        Ok(exchange)
    }

    /// What comes of this use, made anew.
    pub(super) async fn again(&self, invocation: &Invocation) -> Outcome<Arc<Exchange>> {
        Ok(Arc::new(self.peer.call(invocation).await?))
    }

    /// The exchange of `spec`.
    pub(super) async fn spec(&self) -> Outcome<Arc<Exchange>> {
        self.exchange(Invocation::new("spec")).await
    }

    /// What `spec` says.
    pub(super) async fn specification(&self) -> Outcome<Value> {
        match self.spec().await?.of("SPEC").next() {
            Some(spec) => Ok(spec.body.clone()),
            None => skip("`spec` prints no SPEC"),
        }
    }

    /// The JSON Schema of its configuration.
    pub(super) async fn schema(&self) -> Outcome<Value> {
        match self.specification().await?.get("connectionSpecification") {
            Some(schema) if schema.is_object() => Ok(schema.clone()),
            _ => skip("the SPEC has no connectionSpecification"),
        }
    }

    /// The configuration that works.
    pub(super) fn config(&self) -> Outcome<&Value> {
        match &self.config {
            Some(config) => Ok(config),
            None => skip("it needs a configuration that works (--config)"),
        }
    }

    /// A command with the configuration that works.
    pub(super) fn with_config(&self, command: &str) -> Outcome<Invocation> {
        Ok(Invocation::new(command).file("config", self.config()?))
    }

    /// A command with a configuration that lacks everything.
    pub(super) async fn without_required(&self, command: &str) -> Outcome<Arc<Exchange>> {
        let schema = self.schema().await?;
        let required = schema.get("required").and_then(Value::as_array);
        if required.is_none_or(Vec::is_empty) {
            return skip("the specification requires no property");
        }
        let nothing = Invocation::new(command).file("config", &json!({}));
        self.exchange(nothing).await
    }

    /// Skips what needs a configuration that works if `check` refuses the one that was given.
    pub(super) async fn accepted(&self) -> Outcome {
        let check = self.exchange(self.with_config("check")?).await?;
        let mut answers = check.of("CONNECTION_STATUS");
        match answers.next().map(|answer| answer.text("/status")) {
            Some("SUCCEEDED") => Ok(()),
            _ => skip("`check` does not accept the configuration (see `check/succeeds`)"),
        }
    }

    /// The exchange of `discover`.
    pub(super) async fn discover(&self) -> Outcome<Arc<Exchange>> {
        self.accepted().await?;
        self.exchange(self.with_config("discover")?).await
    }

    /// The streams that `discover` says.
    pub(super) async fn streams(&self) -> Outcome<Vec<Stream>> {
        let exchange = self.discover().await?;
        let Some(catalog) = exchange.of("CATALOG").next() else {
            return skip("`discover` prints no CATALOG");
        };
        let streams = catalog.body.get("streams").and_then(Value::as_array);
        let streams: Vec<Stream> = streams
            .into_iter()
            .flatten()
            .filter(|stream| stream.get("name").is_some_and(Value::is_string))
            .map(|stream| Stream(stream.clone()))
            .collect();
        match streams.is_empty() {
            true => skip("`discover` names no stream"),
            false => Ok(streams),
        }
    }

    /// A read of these streams from the beginning.
    pub(super) fn read(&self, streams: &[Stream], mode: Mode) -> Outcome<Invocation> {
        let configured: Vec<Value> = streams.iter().map(|s| s.configured(mode)).collect();
        let catalog = json!({ "streams": configured });
        Ok(self.with_config("read")?.file("catalog", &catalog))
    }

    /// The exchange of a full refresh of all streams.
    pub(super) async fn full_refresh(&self) -> Outcome<Arc<Exchange>> {
        let streams = self.streams().await?;
        self.ended(self.read(&streams, Mode::FullRefresh)?).await
    }

    /// The exchange of an incremental read from the beginning of all streams that can be read so.
    pub(super) async fn incremental(&self) -> Outcome<(Vec<Stream>, Arc<Exchange>)> {
        let mut streams = self.streams().await?;
        streams.retain(Stream::is_incremental);
        if streams.is_empty() {
            return skip("no stream can be read incrementally without a choice of a cursor");
        }
        let exchange = self.ended(self.read(&streams, Mode::Incremental)?).await?;
        Ok((streams, exchange))
    }

    /// An exchange that came to its end by itself.
    async fn ended(&self, invocation: Invocation) -> Outcome<Arc<Exchange>> {
        let exchange = self.exchange(invocation).await?;
        if exchange.cut {
            return skip(
                "the read has more than 200,000 messages; give a configuration that reads less",
            );
        }
        Ok(exchange)
    }
}

/// How streams are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Everything.
    FullRefresh,
    /// What is new since a state.
    Incremental,
}

/// A stream as `discover` says it.
#[derive(Clone, Debug)]
pub(super) struct Stream(pub(super) Value);

impl Stream {
    pub(super) fn name(&self) -> &str {
        self.0["name"].as_str().unwrap_or_default()
    }

    pub(super) fn id(&self) -> (String, Option<String>) {
        id_of(&self.0)
    }

    pub(super) fn schema(&self) -> &Value {
        &self.0["json_schema"]
    }

    fn modes(&self) -> impl Iterator<Item = &str> {
        let modes = self.0["supported_sync_modes"].as_array();
        modes.into_iter().flatten().filter_map(Value::as_str)
    }

    /// Whether it can be read incrementally by a cursor that is known.
    pub(super) fn is_incremental(&self) -> bool {
        self.modes().any(|mode| mode == "incremental")
            && (self.0["source_defined_cursor"] == true || self.cursor().is_some())
    }

    fn cursor(&self) -> Option<&Vec<Value>> {
        let cursor = self.0["default_cursor_field"].as_array()?;
        (!cursor.is_empty()).then_some(cursor)
    }

    /// The paths of its primary key.
    pub(super) fn key(&self) -> Vec<Vec<String>> {
        let paths = self.0["source_defined_primary_key"].as_array();
        paths.into_iter().flatten().map(path).collect()
    }

    /// The stream in a configured catalog.
    pub(super) fn configured(&self, mode: Mode) -> Value {
        let mut configured = Map::new();
        let incremental = mode == Mode::Incremental;
        let sync_mode = ["full_refresh", "incremental"][usize::from(incremental)];
        configured.insert("stream".to_owned(), self.0.clone());
        configured.insert("sync_mode".to_owned(), json!(sync_mode));
        configured.insert("destination_sync_mode".to_owned(), json!("append"));
        if let Some(cursor) = self.cursor().filter(|_| incremental) {
            configured.insert("cursor_field".to_owned(), json!(cursor));
        }
        Value::Object(configured)
    }
}

/// A path of a catalog.
pub(super) fn path(value: &Value) -> Vec<String> {
    let parts = value.as_array().into_iter().flatten();
    parts
        .filter_map(|p| p.as_str().map(str::to_owned))
        .collect()
}

/// The name and the namespace of a stream or of its descriptor.
pub(super) fn id_of(value: &Value) -> (String, Option<String>) {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    (text("name").unwrap_or_default(), text("namespace"))
}
