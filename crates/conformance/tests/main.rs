//! Each check passes on a healthy connector and fails on one with a fault made for it.

mod airbyte;
mod conduit;
mod dataflow;
mod memory;
mod table;
