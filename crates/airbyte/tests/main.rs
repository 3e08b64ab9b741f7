//! The host against a scripted connector (`peer/connector.py`) that does what no connector should.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on must say where"
)]

mod command;
mod data_channel;
mod destination;
mod rig;
mod source;
