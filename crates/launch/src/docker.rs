//! The launcher `docker`: a connector that comes as an image, run by Docker's engine.
//!
//! A container is made, gets its files by a copy, and only then is started, with a client of Docker's
//! attached to it as the process that we know. Copying instead of mounting has three reasons: whatever
//! user the image runs as can read the files and write beside them, while nobody on the host can (P10);
//! nothing that a container wrote stays behind with an owner who may not be removed; and the engine may
//! stand elsewhere.

mod archive;
mod client;
mod container;
mod fault;
mod image;
mod option;
mod owner;
mod warden;

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use crossdock_core::session::Session;
use crossdock_core::{Error, Result, code};
use tokio::sync::OnceCell;

use crate::{Call, Launcher, Process, Program, Spawn};
use client::Client;
use container::Container;

pub use archive::Archive;
pub use option::{DockerOptions, Volume};

/// A connector in an image.
#[derive(Clone, Debug)]
pub struct Docker {
    image: String,
    options: DockerOptions,
    /// Whether containers of owners that were killed have been looked for.
    swept: Arc<OnceCell<()>>,
}

impl Docker {
    /// The image, run with these options.
    #[must_use]
    pub fn new(image: impl Into<String>, options: DockerOptions) -> Self {
        Self {
            image: image.into(),
            options,
            swept: Arc::default(),
        }
    }

    /// Builds the image `tag` of a folder with a Dockerfile, without a network.
    ///
    /// # Errors
    /// `docker.not_found`, `docker.unavailable` where Docker does not run here, `docker.failed` for what it
    /// says of the folder.
    pub async fn build(folder: &Path, tag: &str, session: &Session) -> Result<()> {
        image::build(&Client::find().await?, folder, tag, session).await
    }

    async fn ready(&self, session: &Session) -> Result<Client> {
        let client = Client::find().await?;
        image::ensure(&client, &self.image, session).await?;
        self.swept.get_or_init(|| owner::sweep(&client)).await;
        Ok(client)
    }
}

#[async_trait]
impl Launcher for Docker {
    /// There is none: what runs in a container is no program of this machine.
    async fn program(&self, _: &Session) -> Result<Program> {
        Err(Error::new(
            &code::LAUNCHER_UNSUPPORTED,
            "an image cannot be started by the protocol of this connector",
        )
        .with("image", &self.image)
        .hint("write `airbyte:docker:IMAGE`"))
    }

    /// Pulls the image if it is not there, makes a container, and starts it with a client attached.
    async fn start(&self, call: Call, session: &Session) -> Result<Process> {
        let client = self.ready(session).await?;
        let container = Container::create(
            client.clone(),
            &self.image,
            name(&self.image),
            &self.options,
            &call,
        )
        .await?;
        let mut args = vec!["start", "--attach"];
        if call.stdin {
            args.push("--interactive");
        }
        args.push(container.name());
        let program = Program {
            path: client.path().to_owned(),
            args: args.into_iter().map(Into::into).collect(),
            env: Vec::new(),
        };
        let process = Spawn {
            program: &program,
            args: Vec::new(),
            cwd: Path::new("/"),
            env: Vec::new(),
            stdin: call.stdin,
            longest_line: None,
            stderr: call.stderr,
        }
        .spawn()?;
        Ok(process.attached_to(Arc::new(container)))
    }

    async fn identity(&self) -> Option<String> {
        let client = Client::find().await.ok()?;
        let id = image::id(&client, &self.image).await.ok()??;
        Some(format!("docker {id}"))
    }

    fn name(&self) -> String {
        self.image.clone()
    }
}

/// A name that nobody else takes, with something of the image for whoever lists containers.
fn name(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or_default();
    let word = last.split([':', '@']).next().unwrap_or_default();
    let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let word: String = word.chars().filter(fits).take(40).collect();
    // Keys of the standard library's hash maps are random.
    let unique = RandomState::new().build_hasher().finish();
    format!("crossdock-{word}-{unique:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_have_names_of_their_own() {
        let check = |image: &str, expected: &str| {
            let (one, two) = (name(image), name(image));
            assert!(one.starts_with(expected), "{one}");
            assert_eq!(one.len(), expected.len() + 16);
            assert_ne!(one, two);
        };
        check("airbyte/source-faker:6.2", "crossdock-source-faker-");
        check("localhost:5000/a/b@sha256:ff", "crossdock-b-");
        check("ä/ö", "crossdock--");
    }
}
