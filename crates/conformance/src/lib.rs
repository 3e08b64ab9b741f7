#![doc = include_str!("../README.md")]

pub mod airbyte;
mod battery;
pub mod conduit;
pub mod dataflow;
mod finding;
mod report;
mod rule;

pub use battery::{Judged, Verdict, judge};
pub use finding::{Finding, From, Line, Objection, Outcome, broken, skip};
pub use report::Report;
pub use rule::{Check, Level, Role, Rule};
