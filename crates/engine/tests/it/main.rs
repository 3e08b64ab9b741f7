//! The engine's tests that need more than one module: properties, the simulation, the pump.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod ledger_property;
mod pump;
mod simulation;
