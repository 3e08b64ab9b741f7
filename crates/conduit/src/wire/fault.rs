//! What is wrong with foreign bytes (P11).

pub use crossdock_avro::Fault;
