#![doc = include_str!("../README.md")]

mod channel;
pub mod host;
mod mapping;
pub mod pipe;
mod reading;
mod route;
pub mod serve;
mod status;
mod stop;
mod talk;
mod trace_error;
pub mod validate;
pub mod wire;

pub use channel::{ChannelWish, DataChannel, Format};
pub use host::{AirbyteDestination, AirbyteSource, DirectChannel};
pub use mapping::NamespaceMapping;
pub use validate::{RecordSchema, validate_config};
pub use wire::protobuf::Layout;
