//! Answers in pages.

use std::collections::HashSet;

use crossdock_core::error::Result;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::link;
use super::parts::Target;
use super::request::Request;
use super::response::Response;
use crate::failure;

/// How the address of the next page is found. Members of the body are named by JSON pointers, e.g. `/meta/next`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paging {
    /// One page has all.
    None,
    /// Pages have numbers. The one that has no records, or fewer than `size`, is the last.
    Number {
        /// The parameter for the number.
        parameter: String,
        /// The number of the first page.
        first: u64,
        /// Records on a full page, if that is known.
        size: Option<u64>,
    },
    /// A page begins after so many records. The one that has fewer than `limit` is the last.
    Offset {
        /// The parameter for the number of records before the page.
        parameter: String,
        /// The parameter for the number of records on the page.
        limit_parameter: String,
        /// The number of records on a full page.
        limit: u64,
    },
    /// The body has a text or number that the next request is to have. Without one (missing, `null`, empty or
    /// `false`), the page is the last.
    Cursor {
        /// The parameter for it.
        parameter: String,
        /// Where it stands in the body.
        from: String,
    },
    /// The body has the next address. Without one, the page is the last.
    Address {
        /// Where it stands in the body.
        from: String,
    },
    /// The header `Link` has the next address, as `rel="next"`.
    Link,
}

impl Request {
    /// Sends it for the first page, and then for the others.
    pub fn pages(self, paging: Paging) -> Pages {
        Pages::new(self, paging)
    }
}

/// Pages one after another.
#[derive(Debug)]
pub struct Pages {
    request: Option<Request>,
    paging: Paging,
    number: u64,
    offset: u64,
    /// What was asked for: a server that leads in a circle is not asked for ever.
    seen: HashSet<String>,
}

/// A page.
#[derive(Clone, Debug)]
pub struct Page {
    /// The response.
    pub response: Response,
    /// Its body.
    pub body: Value,
}

impl Page {
    /// The records: the array at this JSON pointer (empty: the body itself is one). Where there is none, none.
    ///
    /// # Errors
    /// `data.invalid` if they are not of that form.
    pub fn records<T: DeserializeOwned>(&self, at: &str) -> Result<Vec<T>> {
        let records = self.body.pointer(at).cloned().unwrap_or_default();
        if records.is_null() {
            return Ok(Vec::new());
        }
        serde_json::from_value(records).map_err(|cause| {
            failure::data("records have not the form that they should have")
                .with("at", at)
                .caused_by(cause)
        })
    }
}

impl Pages {
    pub(super) fn new(request: Request, paging: Paging) -> Self {
        let request = match &paging {
            Paging::Number {
                parameter, first, ..
            } => request.set_query(parameter, first),
            Paging::Offset {
                parameter,
                limit_parameter,
                limit,
            } => request
                .set_query(parameter, 0)
                .set_query(limit_parameter, limit),
            _ => request,
        };
        Self {
            request: Some(request),
            number: match paging {
                Paging::Number { first, .. } => first,
                _ => 0,
            },
            paging,
            offset: 0,
            seen: HashSet::new(),
        }
    }

    /// The next page; `None` after the last. `records` is the JSON pointer of the records, by whose number some APIs
    /// tell which page is the last.
    ///
    /// # Errors
    /// As [`Request::send`], and `connector.failed` if the server leads back to a page that was read.
    pub async fn next(&mut self, records: &str) -> Result<Option<Page>> {
        let Some(request) = self.request.take() else {
            return Ok(None);
        };
        let response = request.send().await?;
        let body: Value = response.json()?;
        let found = body.pointer(records).and_then(Value::as_array);
        let found = found.map_or(0, |records| records.len() as u64);
        let page = Page { response, body };
        self.request = self.following(request, &page, found)?;
        Ok(Some(page))
    }

    /// The request for the page after this one, which has so many records.
    fn following(
        &mut self,
        request: Request,
        page: &Page,
        records: u64,
    ) -> Result<Option<Request>> {
        let at = |pointer: &str| page.body.pointer(pointer).and_then(word);
        let next = match &self.paging {
            Paging::None => None,
            Paging::Number {
                parameter, size, ..
            } => {
                self.number += 1;
                let is_last = records == 0 || size.is_some_and(|size| records < size);
                (!is_last).then(|| request.set_query(parameter, self.number))
            }
            Paging::Offset {
                parameter, limit, ..
            } => {
                self.offset += records;
                (records >= *limit).then(|| request.set_query(parameter, self.offset))
            }
            Paging::Cursor { parameter, from } => {
                let cursor = at(from);
                if let Some(cursor) = &cursor {
                    once(&mut self.seen, cursor)?;
                }
                cursor.map(|cursor| request.set_query(parameter, cursor))
            }
            Paging::Address { from } => address(&mut self.seen, request, page, at(from))?,
            Paging::Link => {
                let header = page.response.header("link").and_then(link::next);
                address(&mut self.seen, request, page, header.map(str::to_owned))?
            }
        };
        Ok(next)
    }
}

/// The same request to another address, which has all parameters.
fn address(
    seen: &mut HashSet<String>,
    request: Request,
    page: &Page,
    address: Option<String>,
) -> Result<Option<Request>> {
    let Some(address) = address else {
        return Ok(None);
    };
    once(seen, &address)?;
    let url = page.response.url.join(&address).map_err(|cause| {
        failure::failed("the address of the next page is none").caused_by(cause)
    })?;
    let mut next = request;
    next.parts.target = Target::Address(url);
    next.parts.query.clear();
    Ok(Some(next))
}

fn once(seen: &mut HashSet<String>, word: &str) -> Result<()> {
    if seen.insert(word.to_owned()) {
        return Ok(());
    }
    Err(failure::failed("the server's pages lead in a circle"))
}

/// A value that leads to the next page.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
