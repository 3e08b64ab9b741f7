//! The data channel as a source of events: states let through once their records have come.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::error::Result;
use crossdock_core::event::Event;
use crossdock_core::session::Session;
use crossdock_core::source::{SourceControl, SourceReader};
use serde_json::Value;

use super::assembly::Assembly;
use super::inbound::{Inbound, Incoming};
use super::medium::DataChannel;
use crate::reading::{Reading, Step};
use crate::stop::Stop;
use crate::talk::Talk;
use crate::trace_error::traced;
use crate::wire::Message;
use crate::wire::protobuf::Wanted;

/// What came over the channel, in the order in which it may be passed on.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    assembly: Assembly,
}

impl Arrivals {
    /// Takes what came; what follows from it is appended to `steps`.
    pub(crate) fn take(
        &mut self,
        incoming: Incoming,
        reading: &mut Reading,
        steps: &mut Vec<Step>,
    ) -> Result<()> {
        let whole = match incoming {
            Incoming::Records {
                stream,
                partition,
                body,
            } => {
                let records = match &body {
                    crossdock_core::batch::Body::Rows(rows) => rows.len(),
                    crossdock_core::batch::Body::Columns(columns) => columns.len(),
                };
                let whole = self.assembly.records(&stream, &partition, records as u64)?;
                reading.records(stream, body, steps);
                whole
            }
            Incoming::Message(Message::State(state)) => self.assembly.state(state)?,
            Incoming::Message(message) => {
                reading.take(message, steps);
                return Ok(());
            }
        };
        for state in whole {
            reading.take(Message::State(state), steps);
        }
        Ok(())
    }

    /// All sockets are at their end.
    ///
    /// # Errors
    /// A state whose records, or whose predecessors, have not come.
    pub(crate) fn finish(&self) -> Result<()> {
        self.assembly.finish()
    }
}

/// A reader of the channel for a destination that is served: nothing comes but what is on it.
pub(crate) struct ChannelReader {
    inbound: Inbound,
    arrivals: Arrivals,
    reading: Reading,
    talk: Talk,
    control: Arc<Stop>,
    events: VecDeque<Result<Event>>,
    over: bool,
}

impl ChannelReader {
    /// Connects, and reads the streams of `catalog`, which have the writer's names. Its `next` may be dropped
    /// and called again.
    pub(crate) fn open(
        channel: &DataChannel,
        catalog: &ConfiguredCatalog,
        wanted: Wanted,
        session: &Session,
    ) -> Box<dyn SourceReader> {
        let limits = &session.limits;
        Box::new(Self {
            inbound: Inbound::connect(channel, catalog, wanted, limits.max_line_bytes),
            arrivals: Arrivals::default(),
            reading: Reading::new(catalog, &[], limits.drop_unreadable_records).only_told(),
            talk: Talk::new(
                session,
                "the data channel".to_owned(),
                Value::Null,
                &Value::Null,
            ),
            control: Arc::default(),
            events: VecDeque::new(),
            over: false,
        })
    }

    fn digest(&mut self, incoming: Vec<Incoming>) -> Result<()> {
        let mut steps = Vec::new();
        let mut taken = Ok(());
        for incoming in incoming {
            taken = self.arrivals.take(incoming, &mut self.reading, &mut steps);
            if taken.is_err() {
                break;
            }
        }
        for step in steps {
            self.events.push_back(match step {
                Step::Emit(event) => Ok(event),
                Step::Warn(text) => {
                    self.talk.warn(&text);
                    continue;
                }
                Step::StreamFailed(stream, error) => {
                    let error = traced(&self.talk, &error);
                    Ok(Event::StreamFailed { stream, error })
                }
                Step::Fail(error) => Err(error),
            });
        }
        taken
    }
}

#[async_trait]
impl SourceReader for ChannelReader {
    async fn next(&mut self) -> Result<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            if self.over || self.control.is_asked() {
                return Ok(Event::End);
            }
            tokio::select! {
                incoming = self.inbound.next() => match incoming? {
                    Some(incoming) => {
                        if let Err(error) = self.digest(incoming) {
                            self.events.push_back(Err(error));
                        }
                    }
                    None => {
                        self.over = true;
                        self.arrivals.finish()?;
                    }
                },
                () = self.control.asked() => {}
            }
        }
    }

    fn control(&self) -> Arc<dyn SourceControl> {
        self.control.clone()
    }
}
