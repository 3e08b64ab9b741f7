//! The image: whether it is here, and how it comes.

use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crossdock_core::error::Result;
use crossdock_core::session::{Note, Session};
use crossdock_core::{code, event::LogLevel};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::client::Client;
use super::fault::fault;
use crate::{Program, Spawn, StderrSink};

/// What the engine knows the image by; `None` if it is not here.
pub(super) async fn id(client: &Client, image: &str) -> Result<Option<String>> {
    let words = ["image", "inspect", "--format", "{{.Id}}", image];
    match client.ask(words, &[]).await {
        Ok(id) => Ok(Some(id)),
        Err(error) if *error.code() == code::DOCKER_IMAGE => Ok(None),
        Err(error) => Err(error.with("image", image)),
    }
}

/// Pulls the image if it is not here, and tells how that goes.
pub(super) async fn ensure(client: &Client, image: &str, session: &Session) -> Result<()> {
    if id(client, image).await?.is_some() {
        return Ok(());
    }
    tell(session, format!("pulling the image {image}"));
    let said = Arc::new(Said::default());
    let program = Program {
        path: client.path().to_owned(),
        args: ["pull", image].map(Into::into).into(),
        env: Vec::new(),
    };
    let mut process = Spawn {
        program: &program,
        args: Vec::new(),
        cwd: Path::new("/"),
        env: Vec::new(),
        stdin: false,
        longest_line: None,
        stderr: said.clone(),
    }
    .spawn()?;
    if let Some(stdout) = process.take_stdout() {
        let mut lines = BufReader::new(stdout).lines();
        let mut layers = Layers::default();
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(progress) = layers.hear(&line) {
                tell(session, format!("pulling the image {image}: {progress}"));
            }
        }
    }
    let exit = process.wait().await?;
    if exit.success() {
        session.log(LogLevel::Info, format!("pulled the image {image}"));
        return Ok(());
    }
    let said = said.0.lock().unwrap_or_else(PoisonError::into_inner);
    Err(fault(&said).with("image", image))
}

/// Builds an image of a folder with a Dockerfile, without a network.
pub(super) async fn build(
    client: &Client,
    folder: &Path,
    tag: &str,
    session: &Session,
) -> Result<()> {
    tell(session, format!("building the image {tag}"));
    // Without the cache: what is copied in is another program each time, and the images in between that builders
    // of the older kind share go when somebody removes another image made of them.
    let words = [
        "build",
        "--network",
        "none",
        "--no-cache",
        "--tag",
        tag,
        "--quiet",
    ];
    let mut words: Vec<OsString> = words.map(Into::into).into();
    words.push(folder.into());
    client
        .ask(words, &[])
        .await
        .map(drop)
        .map_err(|error| error.with("image", tag))
}

fn tell(session: &Session, text: String) {
    session.note(Note::Progress(text));
}

/// All that was said on stderr.
#[derive(Default)]
struct Said(Mutex<String>);

impl StderrSink for Said {
    fn line(&self, line: &str) {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.push_str(line);
        said.push('\n');
    }
}

/// Counts an image's layers by the lines that a pull prints.
#[derive(Default)]
struct Layers {
    all: usize,
    done: usize,
}

impl Layers {
    fn hear(&mut self, line: &str) -> Option<String> {
        let what = line.split_once(": ")?.1;
        match what {
            "Pulling fs layer" => self.all += 1,
            "Already exists" => {
                self.all += 1;
                self.done += 1;
            }
            "Pull complete" => self.done += 1,
            _ => return None,
        }
        Some(format!("{} of {} layers", self.done, self.all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_counted_as_they_come() {
        let mut layers = Layers::default();
        let mut check = |line, expected: Option<&str>| {
            assert_eq!(layers.hear(line).as_deref(), expected, "{line}");
        };
        check("latest: Pulling from library/x", None);
        check("a3ed95caeb02: Pulling fs layer", Some("0 of 1 layers"));
        check("b3ed95caeb02: Already exists", Some("1 of 2 layers"));
        check("a3ed95caeb02: Download complete", None);
        check("a3ed95caeb02: Pull complete", Some("2 of 2 layers"));
        check("Digest: sha256:ff", None);
        check("", None);
    }
}
