//! Between messages and batches. Pure.

pub(crate) mod metadata;
pub(crate) mod reading;
pub(crate) mod writing;

#[cfg(test)]
mod tests;
