//! Tests of the core through its public face.

#![expect(clippy::unwrap_used, reason = "a test may fail here")]

mod convert;
