//! The crate from outside: text in, a plan or diagnostics out.

mod accepted;
mod data_channel;
mod docker;
mod fixture;
mod hostile;
mod manifest;
mod mapper;
mod page;
mod reference;
mod refused;
mod schema;
mod secret;
