//! Tests of the SDK.

mod http;
mod oauth2;
mod paging;
mod streams;
mod tables;
