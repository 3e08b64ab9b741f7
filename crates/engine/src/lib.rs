#![doc = include_str!("../README.md")]

mod budget;
mod commit;
pub mod dead_letter;
mod destination_actor;
pub mod ledger;
pub mod life;
pub mod progress;
pub mod pump;
pub mod retry;
pub mod run;
mod source_actor;
pub mod stall;
mod statistics;
pub mod trace;

pub use pump::{Job, Report, Settings, execute, wire};
pub use run::{Cancel, Outcome, Strictness};
