#![doc = include_str!("../README.md")]

pub mod airbyte;
mod battery;
pub mod conduit;
pub mod dataflow;
mod finding;
mod reach;
mod report;
mod rule;
mod store;
mod tail;

pub use crossdock_core::role::Role;

pub use battery::{Judged, Verdict, judge};
pub use finding::{Finding, From, Line, Objection, Outcome, broken, skip};
pub use reach::{Places, Reach};
pub use report::Report;
pub use rule::{Check, Level, Rule};
pub use store::{STORED, Store};
