//! Webhooks are told how runs went, by a server that takes what it is sent sooner or later.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::bench::{Bench, same};

/// What a server was sent: the path, and the message.
type Sent = Arc<Mutex<Vec<(String, Value)>>>;

/// A client, with TLS or without.
trait Client: Read + Write + Send {}

impl<C: Read + Write + Send> Client for C {}

/// How a server speaks with who connects.
type Greet = fn(TcpStream) -> Box<dyn Client>;

fn plain(client: TcpStream) -> Box<dyn Client> {
    Box::new(client)
}

fn certificate(name: &str) -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls");
    tests.join(name)
}

fn secret(client: TcpStream) -> Box<dyn Client> {
    let chain = CertificateDer::from_pem_file(certificate("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(certificate("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .unwrap();
    let connection = ServerConnection::new(Arc::new(config)).unwrap();
    Box::new(StreamOwned::new(connection, client))
}

/// A server that gives these answers, one for each request, and the last one from then on. With an empty answer it
/// hangs up, and with `hold` it says nothing.
fn server(answers: &'static [&'static str], greet: Greet) -> (u16, Sent) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let sent = Sent::default();
    let kept = sent.clone();
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for (number, client) in listener.incoming().enumerate() {
            let mut client = BufReader::new(greet(client.unwrap()));
            // Who does not trust us says nothing.
            let Some(request) = request(&mut client) else {
                continue;
            };
            kept.lock().unwrap().push(request);
            let answer = answers.get(number).or(answers.last()).unwrap();
            if *answer == "hold" {
                held.push(client);
            } else if !answer.is_empty() {
                let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n");
                client.get_mut().write_all(answer.as_bytes()).unwrap();
            }
        }
    });
    (port, sent)
}

/// The path and the message of a request.
fn request(client: &mut BufReader<Box<dyn Client>>) -> Option<(String, Value)> {
    let (mut path, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        client.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if let Some(rest) = line.strip_prefix("POST ") {
            rest.split(' ').next()?.clone_into(&mut path);
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    client.read_exact(&mut body).ok()?;
    Some((path, serde_json::from_slice(&body).ok()?))
}

fn file(bench: &Bench, source: &str, more: &str) {
    let text = format!(
        r#"
version: 1
notifications:
  - {{webhook: "${{env:HOOK}}", on: [sync_success, sync_failure], backoff: 10ms, attempts: 4{more}}}
pipelines:
  - id: shop
    source: {{connector: native:sample, config: {source}}}
    destination: {{connector: native:null}}
    settings: {{retries: {{complete_failures: 1, partial_failures: 1}}}}
"#
    );
    bench.file("shop.yaml", &text);
}

/// Runs the file with the server's URL, which has a secret in its path, and returns what a user sees.
fn run(bench: &Bench, port: u16) -> String {
    run_with(bench, &format!("http://127.0.0.1:{port}"), &[])
}

/// The same with these variables.
fn run_with(bench: &Bench, server: &str, variables: &[(&str, &Path)]) -> String {
    let output = bench
        .command(&["run", "shop.yaml"])
        .env("HOOK", format!("{server}/services/s3cr3t"))
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let shot = crate::bench::shot(&["run", "shop.yaml"], &output);
    assert!(
        !shot.contains("s3cr3t") && !shot.contains("services"),
        "{shot}"
    );
    shot
}

#[test]
fn a_server_that_refuses_twice_is_told_all_the_same() {
    let bench = Bench::new();
    let (port, sent) = server(&["503 Service Unavailable", "", "200 OK"], plain);
    file(&bench, "{count: 30, streams: [users]}", "");
    let shot = run(&bench, port);
    assert!(
        shot.contains("--- exit 0") && !shot.contains("warning"),
        "{shot}"
    );
    let sent = sent.lock().unwrap();
    assert_eq!(sent.len(), 3, "{sent:?}");
    for (path, message) in sent.iter() {
        assert_eq!(path, "/services/s3cr3t");
        assert_eq!(*message, sent[0].1, "it is the same each time");
    }
    let data = &sent[0].1["data"];
    assert!(
        sent[0].1["text"]
            .as_str()
            .unwrap()
            .starts_with("shop: sync succeeded in")
    );
    assert_eq!(
        (&data["recordsEmitted"], &data["recordsCommitted"]),
        (&30.into(), &30.into())
    );
    assert!(data["bytesEmitted"].as_u64().unwrap() > 0);
    assert_eq!(data["bytesEmitted"], data["bytesCommitted"]);
}

#[test]
fn what_cannot_be_sent_is_a_warning_and_no_more() {
    let bench = Bench::new();
    let (port, sent) = server(&["500 Internal Server Error"], plain);
    file(&bench, "{count: 30, streams: [users]}", "");
    let shot = run(&bench, port);
    assert_eq!(sent.lock().unwrap().len(), 4);
    // A word of no use to repeat.
    let (port, sent) = server(&["404 Not Found"], plain);
    let mut shots = shot + "\n" + &run(&bench, port);
    assert_eq!(sent.lock().unwrap().len(), 1);
    // A server that never answers is waited for only so long.
    let (port, sent) = server(&["hold"], plain);
    file(&bench, "{count: 30, streams: [users]}", ", timeout: 50ms");
    shots = shots + "\n" + &run(&bench, port);
    assert_eq!(sent.lock().unwrap().len(), 4);
    // A run that failed is told of, and stays a failure.
    let (port, sent) = server(&["204 No Content"], plain);
    let bench = Bench::new();
    file(
        &bench,
        "{count: 30, streams: [users], fail_after: {records: 5}}",
        "",
    );
    shots = shots + "\n" + &run(&bench, port);
    let sent = sent.lock().unwrap();
    assert_eq!(sent[0].1["data"]["errorCode"], "connector.failed");
    assert_eq!(sent[0].1["data"]["success"], false);
    same("notification", &shots);
}

#[test]
fn over_tls_whoever_is_trusted_is_told() {
    let bench = Bench::new();
    file(&bench, "{count: 30, streams: [users]}", "");
    let authority = certificate("authority.pem");
    let trusting = [("SSL_CERT_FILE", authority.as_path())];
    let (port, sent) = server(&["503 Service Unavailable", "200 OK"], secret);
    let url = format!("https://127.0.0.1:{port}");
    let shot = run_with(&bench, &url, &trusting);
    assert!(!shot.contains("warning"), "{shot}");
    assert_eq!(sent.lock().unwrap().len(), 2);
    assert_eq!(sent.lock().unwrap()[1].0, "/services/s3cr3t");
    // A stranger, and one with another name. Neither is sent anything, or tried again.
    let own = certificate("server.pem");
    let mut shots = run_with(&bench, &url, &[("SSL_CERT_FILE", own.as_path())]);
    let named = format!("https://localhost:{port}");
    shots = shots + "\n" + &run_with(&bench, &named, &trusting);
    let none = bench.path("none.pem");
    shots = shots + "\n" + &run_with(&bench, &url, &[("SSL_CERT_FILE", none.as_path())]);
    assert_eq!(sent.lock().unwrap().len(), 2);
    same("notification_tls", &shots);
}

#[test]
fn wrong() {
    let bench = Bench::new();
    file(&bench, "{}", ", on_success: true");
    let mut shots = vec![bench.shot(&["validate", "shop.yaml"])];
    file(&bench, "{}", "");
    shots.push(bench.shot(&["validate", "shop.yaml"]));
    let output = bench
        .command(&["validate", "shop.yaml"])
        .env("HOOK", "ftp://hooks.example.org/s3cr3t")
        .output()
        .unwrap();
    let shot = crate::bench::shot(&["validate", "shop.yaml"], &output);
    assert!(!shot.contains("s3cr3t"), "{shot}");
    shots.push(shot);
    same("notification_wrong", &shots.join("\n"));
}
