//! The store through its contract: one binary, a module per concern.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod commit;
mod compat;
mod crash;
mod edit;
mod fence;
mod history;
mod open;
mod run;
mod sample;
