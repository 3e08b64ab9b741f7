//! One request over HTTP, by TLS or without, for collectors of traces and for webhooks.

use std::fmt;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::HOST;
use hyper::http::uri::Scheme;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls_native_certs::load_native_certs;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error as TlsError, RootCertStore};

/// The longest answer that is read, in bytes.
const LONGEST: usize = 1 << 20;

/// Sends a request and reads the answer. Errors never tell the URL (P10). The caller sets a limit of time.
pub(crate) async fn send(mut request: Request<Bytes>) -> Result<Response<Bytes>, Failure> {
    let uri = request.uri().clone();
    let is_secret = match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTP => false,
        Some(scheme) if *scheme == Scheme::HTTPS => true,
        _ => return Err("the URL is none of `http://` or `https://`".into()),
    };
    let host = uri.host().ok_or("the endpoint has no host")?;
    let port = uri.port_u16().unwrap_or(if is_secret { 443 } else { 80 });
    let name = host.trim_matches(['[', ']']);
    let authority = uri.authority().map_or(host, |authority| authority.as_str());
    request.headers_mut().insert(HOST, authority.parse()?);
    *request.uri_mut() = uri
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .parse()?;
    let stream = TcpStream::connect((name, port)).await?;
    if is_secret {
        exchange(secured(name, stream).await?, request).await
    } else {
        exchange(stream, request).await
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, Failure> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let (head, body) = sender
        .send_request(request.map(Full::new))
        .await?
        .into_parts();
    let body = Limited::new(body, LONGEST).collect().await?.to_bytes();
    connection.abort();
    Ok(Response::from_parts(head, body))
}

/// TLS with the host of this name, which has to show a certificate of an authority that this machine trusts.
async fn secured(name: &str, stream: TcpStream) -> Result<TlsStream<TcpStream>, Failure> {
    let mut roots = RootCertStore::empty();
    // Of `SSL_CERT_FILE` and `SSL_CERT_DIR`, else those of the system; one that cannot be read is not trusted.
    let (trusted, _) = roots.add_parsable_certificates(load_native_certs().certs);
    if trusted == 0 {
        return Err(Box::new(Untrusted(
            "this machine trusts no authority: install its package `ca-certificates`, or name a file of them in `SSL_CERT_FILE`".to_owned(),
        )));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let server = ServerName::try_from(name.to_owned())?;
    let connecting = TlsConnector::from(Arc::new(config)).connect(server, stream);
    connecting.await.map_err(judged)
}

/// A certificate that is not taken will not be taken the next time.
fn judged(cause: io::Error) -> Failure {
    let tls = cause.get_ref().and_then(|inner| inner.downcast_ref());
    match tls {
        Some(TlsError::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => Box::new(Untrusted(
            "its certificate is one of another host".to_owned(), // Of which, the URL would tell.
        )),
        Some(TlsError::InvalidCertificate(why)) => Box::new(Untrusted(format!(
            "its certificate is not trusted ({why}); `SSL_CERT_FILE` can name a file of further authorities"
        ))),
        _ => Box::new(cause),
    }
}

/// Nobody can be told over TLS as things are: to try again does not help.
#[derive(Debug)]
pub(crate) struct Untrusted(String);

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Untrusted {}

/// Why a request could not be sent.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;
