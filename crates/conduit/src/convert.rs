//! Between records and batches, for both roles. Pure.

pub(crate) mod encode;
pub(crate) mod encoding;
pub(crate) mod positions;
pub(crate) mod reading;
pub(crate) mod unacknowledged;

#[cfg(test)]
mod tests;
