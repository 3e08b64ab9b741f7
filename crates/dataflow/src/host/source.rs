//! A DataFlow source.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use crossdock_core::capability::SourceCapabilities;
use crossdock_core::catalog::{Catalog, ConfiguredCatalog};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::session::Session;
use crossdock_core::source::{Source, SourceOpening, SourceReader};
use crossdock_core::spec::{Checked, Spec};
use crossdock_launch::{Launcher, sample};
use serde_json::Value;

use super::connector::{Connector, Options};
use super::course::Course;
use super::marks::Marks;
use super::reader::Reader;
use crate::convert::reading::{Reading, Wanted};
use crate::wire::{FORM, Role};

/// A source that speaks DataFlow's protocol, whatever launches it.
#[derive(Debug)]
pub struct DataFlowSource {
    connector: Connector,
}

impl DataFlowSource {
    /// The source that `launcher` brings to life; it is told that its type is `kind`.
    #[must_use]
    pub fn new(launcher: Arc<dyn Launcher>, kind: String) -> Self {
        Self {
            connector: Connector::new(launcher, kind, Role::Source),
        }
    }
}

#[async_trait]
impl Source for DataFlowSource {
    type Config = Value;

    async fn spec(&self, _: &Session) -> Result<Spec> {
        Ok(Spec {
            source: SourceCapabilities {
                incremental: true,
                // Whether it is read to the end or on and on is up to the run.
                bounded: false,
                bounded_on_wish: true,
                drains: true,
                learns_streams: true,
                whole_states: true,
                deletes: true,
            },
            ..Connector::spec()
        })
    }

    async fn check(&self, config: Value, session: &Session) -> Result<Checked> {
        let checked = self.connector.check(&config, session).await;
        checked.map_err(|e| e.during("check"))
    }

    /// Reads for a moment from the beginning: the protocol has no other way to learn what a source has.
    async fn discover(&self, config: Value, session: &Session) -> Result<Catalog> {
        let opening = SourceOpening {
            bounded: true,
            connector: String::new(),
            pipeline: "discover".to_owned(),
            catalog: ConfiguredCatalog::default(),
            state: Vec::new(),
            shape: Default::default(),
            verbatim: None,
            values: true,
            session: session.clone(),
        };
        let sampled = async {
            let mut reader = Source::open(self, config, opening).await?;
            sample(reader.as_mut(), session).await
        };
        sampled.await.map_err(|e: Error| e.during("discover"))
    }

    async fn open(&self, config: Value, opening: SourceOpening) -> Result<Box<dyn SourceReader>> {
        let marks = match opening.state.as_slice() {
            [] => Marks::default(),
            [state] => Marks::resumed(&state.state),
            _ => {
                return Err(Error::new(
                    &code::STATE_INVALID,
                    "a DataFlow source has one checkpoint, and the state has several parts",
                )
                .hint("`crossdock state reset` forgets it; the source then begins anew"));
            }
        };
        let options = Options {
            name: opening.pipeline.clone(),
            features: &["more", "ack"],
            max_wait_ms: Some(1000),
            checkpoint: marks.checkpoint().cloned(),
        };
        let interval = interval(&config);
        let opened = self.connector.open(&config, &opening.session, &options);
        let (peer, ready) = opened.await.map_err(|e| e.during("read"))?;
        let lines = opening.verbatim == Some(FORM);
        let wanted = Wanted {
            lines,
            values: opening.values || !lines,
        };
        let reading = Reading::new(self.connector.kind(), &opening.catalog, wanted);
        let course = Course::new(opening.bounded, interval);
        let acks = ready.has("ack");
        Ok(Box::new(Reader::new(peer, reading, course, marks, acks)))
    }
}

/// How long the configuration says to wait when there is nothing new: seconds, or a text such as `10s`.
fn interval(config: &Value) -> Option<Duration> {
    let interval = config.get("pollInterval")?;
    let seconds = match interval {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => match text.parse() {
            Ok(seconds) => seconds,
            Err(_) => text.parse::<jiff::SignedDuration>().ok()?.as_secs_f64(),
        },
        _ => return None,
    };
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|interval| !interval.is_zero())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn intervals_are_seconds_or_durations() {
        let check = |value: Value, expected: Option<f64>| {
            let config = json!({"pollInterval": value});
            let found = interval(&config).map(|interval| interval.as_secs_f64());
            assert_eq!(found, expected, "{config}");
        };
        check(json!(5), Some(5.0));
        check(json!(0.5), Some(0.5));
        check(json!("10"), Some(10.0));
        check(json!("1m30s"), Some(90.0));
        check(json!(0), None);
        check(json!(-1), None);
        check(json!("soon"), None);
        check(json!([]), None);
        assert_eq!(interval(&json!({})), None);
    }
}
