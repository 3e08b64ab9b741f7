#![doc = include_str!("../README.md")]

mod adhoc;
mod build;
mod check;
mod coerce;
mod conduit;
mod data_channel;
mod diagnostic;
mod dialect;
mod docker;
mod document;
mod env_file;
mod environment;
mod guard;
mod load;
mod manifest;
mod node;
mod notification;
mod plan;
mod quantity;
mod reference;
mod schema;
mod secret;
mod selection;
mod setting;
mod suggestion;
mod wire;
mod yaml;

pub use coerce::coerce;
pub use data_channel::{ChannelFormat, ChannelVersion, DataChannel, Transport};
pub use diagnostic::{Diagnostic, Diagnostics, Location};
pub use docker::{Docker, Volume};
pub use environment::{Environment, ProcessEnvironment};
pub use load::{load, load_config, parse, parse_config};
pub use notification::{Notification, Occasion, Webhook};
pub use plan::{
    Connector, ConnectorConfig, DeadLetters, LetterForm, NamespaceRule, Pipeline, Plan, Processor,
    StreamSelection,
};
pub use quantity::duration;
pub use reference::{ConnectorRef, Launcher, Protocol};
pub use schema::json_schema;
pub use selection::Selections;
pub use setting::{
    CountMismatch, Mode, RejectedRecords, Retries, Route, SchemaChanges, SchemaCheck, Settings,
    UnreadableRecords,
};
pub use suggestion::nearest;
