//! What a source over HTTP needs beside its own knowledge of the API: retries with back-off and jitter, rate limits and
//! `Retry-After`, credentials, pages.
//!
//! | what APIs do | how it is met |
//! |---|---|
//! | fail for a moment: 408, 429, 5xx, a lost connection | the request is sent again, later and later (`retry`) |
//! | say when they are ready again, in seconds or as a date | that is waited for, if it is not too long (`retry_after`) |
//! | allow so many requests in a time | requests wait for their turn (`rate_limit`) |
//! | give out tokens for an hour | a new one is got in time, and once more if it is refused (`oauth2`) |
//! | give a new refresh token each time | it is kept in the configuration, through the platform (`oauth2`) |
//! | answer in pages | numbers, offsets, cursors, addresses and `Link` are followed (`paging`) |
//! | send one elsewhere | never with credentials: only addresses of the same origin are followed |

mod auth;
mod client;
mod link;
mod oauth2;
mod paging;
mod parts;
mod rate_limit;
mod request;
mod response;
mod retry;
mod retry_after;
mod segment;

pub use auth::Auth;
pub use client::{HttpClient, HttpClientBuilder};
pub use oauth2::OAuth2;
pub use paging::{Page, Pages, Paging};
pub use request::Request;
pub use reqwest::{Method, StatusCode, Url};
pub use response::Response;
pub use retry::Retry;
pub use segment::segment;
