//! A server on this machine that answers as it is told.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Reply {
    /// Only a status.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// 200 with this body.
    #[must_use]
    pub fn json(body: &Value) -> Self {
        Self::status(200)
            .header("content-type", "application/json")
            .body(body.to_string())
    }

    /// With another status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// With this body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}

/// What the server was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The method.
    pub method: String,
    /// The path without its parameters.
    pub path: String,
    /// The parameters, as they came.
    pub query: String,
    /// The headers; names are in small letters.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl Asked {
    /// A parameter of the address, as it came.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let pairs = self.query.split('&');
        pairs
            .filter_map(|pair| pair.split_once('='))
            .find_map(|(own, value)| (own == name).then_some(value))
    }

    /// A header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = self.headers.iter();
        headers
            .clone()
            .find_map(|(own, value)| (own == name).then_some(value.as_str()))
    }
}

/// Answers a request, or leaves it to those that were told of later.
type Rule = Box<dyn FnMut(&Asked) -> Option<Reply> + Send>;

#[derive(Default)]
struct Script {
    rules: Vec<Rule>,
    asked: Vec<Asked>,
    unanswered: Vec<Asked>,
}

/// The server. It ends when it is dropped.
pub struct Server {
    address: String,
    script: Arc<Mutex<Script>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// If there is none.
    pub async fn start() -> Self {
        Self::start_on(0).await
    }

    /// Starts one on this port.
    ///
    /// # Panics
    /// If it is not free.
    pub async fn start_on(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let script = Arc::new(Mutex::new(Script::default()));
        let task = tokio::spawn(serve(listener, script.clone()));
        Self {
            address: format!("http://{address}"),
            script,
            task,
        }
    }

    /// Its address, without a `/` at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.address
    }

    /// Answers every `GET` of this path so.
    pub fn get(&self, path: &str, reply: Reply) {
        let path = path.to_owned();
        self.answer(move |asked| {
            (asked.method == "GET" && asked.path == path).then(|| reply.clone())
        });
    }

    /// Answers requests of this path one after another so, and then no more.
    pub fn in_turn(&self, path: &str, replies: impl IntoIterator<Item = Reply>) {
        let path = path.to_owned();
        let mut replies = replies.into_iter().collect::<Vec<_>>().into_iter();
        self.answer(move |asked| {
            if asked.path == path {
                replies.next()
            } else {
                None
            }
        });
    }

    /// Answers what `rule` answers. Of several rules, the first that has an answer counts.
    pub fn answer(&self, rule: impl FnMut(&Asked) -> Option<Reply> + Send + 'static) {
        lock(&self.script).rules.push(Box::new(rule));
    }

    /// What it was asked so far, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.script).asked.clone()
    }

    /// What it had no answer to but 404.
    #[must_use]
    pub fn unanswered(&self) -> Vec<Asked> {
        lock(&self.script).unanswered.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(script: &Mutex<Script>) -> MutexGuard<'_, Script> {
    script.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, script: Arc<Mutex<Script>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let script = script.clone();
        let service = service_fn(move |request| answer(request, script.clone()));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(
    request: Request<Incoming>,
    script: Arc<Mutex<Script>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let headers = head.headers.iter();
    let asked = Asked {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: headers
            .map(|(name, value)| {
                (
                    name.to_string(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect(),
        body: body
            .collect()
            .await
            .map(|body| body.to_bytes())
            .unwrap_or_default(),
    };
    let mut script = lock(&script);
    script.asked.push(asked.clone());
    let reply = script.rules.iter_mut().find_map(|rule| rule(&asked));
    let reply = reply.unwrap_or_else(|| {
        script.unanswered.push(asked);
        Reply::status(404).body("the test's server has no answer to that")
    });
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    Ok(response
        .body(Full::new(Bytes::from(reply.body)))
        .expect("a reply that HTTP knows"))
}
