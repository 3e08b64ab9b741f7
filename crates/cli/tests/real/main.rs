//! The real thing (design §10.5): Airbyte connectors from PyPI, and a destination on Airbyte's own
//! SDK, run through the command line as a user would. `cargo xtask test` installs them and names
//! them in the environment; without that, a test says by name that it did not run.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::print_stderr, reason = "a test that does not run must say so")]

mod airbyte;
mod conduit;
mod conformance;
mod crash;
mod dataflow;
mod delivery;
mod docker;
mod example;
mod faker;
mod file;
mod first_connector;
mod generation;
mod hardcoded;
mod kill;
mod lab;
mod lookback;
mod mapper;
mod misbehave;
mod naming;
mod patience;
mod python;
mod quickstart;
mod refresh;
mod rotation;
mod rounds;
mod scaffold;
mod schema;
mod schema_check;
mod script;
mod secret;
mod state_kind;
mod statistics;
mod stranger;
