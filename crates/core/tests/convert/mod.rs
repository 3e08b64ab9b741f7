//! The conversions between the two shapes of a batch.

mod columns;
mod property;
mod reading;
mod row;
mod sample;
mod structured;
