#![doc = include_str!("../README.md")]

pub mod http;
mod reading;
mod resume;
mod spec;
mod writing;

pub use reading::{Read, read, read_from};
pub use resume::resumes_from_every_checkpoint;
pub use spec::spec_text;
pub use writing::Writing;
