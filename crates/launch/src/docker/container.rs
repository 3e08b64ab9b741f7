//! One container: made, filled, watched, judged, removed.

use std::ffi::OsString;
use std::io;
use std::time::Duration;

use async_trait::async_trait;
use crossdock_core::error::{Error, Result};
use crossdock_core::{ErrorKind, code};
use serde::Deserialize;
use tokio::time::timeout;

use super::archive::Archive;
use super::client::Client;
use super::option::{DockerOptions, Volume, size};
use super::owner::{self, Owner};
use super::warden::Warden;
use crate::process::{Outcome, Remote};
use crate::{Call, Exit, Reason, Word};

/// Where a connector's files are, and where it stands: connectors write where they stand (§6, 25), and
/// images run as whom they like, so everybody in the container may write here.
const FOLDER: &str = "/crossdock";
/// How long an engine that is well takes to remove a container.
const REMOVAL: Duration = Duration::from_secs(30);

/// A container that somebody's client is attached to.
#[derive(Debug)]
pub(super) struct Container {
    client: Client,
    name: String,
    image: String,
    memory: Option<u64>,
    warden: Warden,
}

impl Container {
    /// Makes the container, with the call's files in it. It is removed when this is dropped.
    pub(super) async fn create(
        client: Client,
        image: &str,
        name: String,
        options: &DockerOptions,
        call: &Call,
    ) -> Result<Self> {
        // First of all, so that there is no moment in which nobody would remove it.
        let warden = Warden::start(client.path(), &name)?;
        let container = Self {
            client,
            name,
            image: image.to_owned(),
            memory: options.memory,
            warden,
        };
        let named = |error: Error| error.with("image", image);
        let words = words(&container.name, image, options, call)?;
        let variables = variables(options, call);
        let client = &container.client;
        client
            .ask(words, variables.as_bytes())
            .await
            .map_err(named)?;
        let files = files(call).map_err(|cause| {
            Error::new(&code::IO, "the connector's files could not be packed").caused_by(cause)
        })?;
        let place = format!("{}:/", container.name);
        // P10: through a pipe, so that no other user of this machine ever could read them.
        client
            .ask(["cp", "-", &place], &files)
            .await
            .map_err(named)?;
        Ok(container)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    async fn inspect(&self) -> Result<State> {
        let format = "{{json .State}}";
        let text = self
            .client
            .ask(
                ["container", "inspect", "--format", format, &self.name],
                &[],
            )
            .await?;
        serde_json::from_str(&text).map_err(|cause| {
            Error::new(&code::DOCKER_FAILED, "Docker's answer cannot be read").caused_by(cause)
        })
    }
}

#[async_trait]
impl Remote for Container {
    fn ask(&self) {
        self.warden.ask();
    }

    fn end(&self) {
        self.warden.end();
    }

    async fn settle(&self, client: Exit) -> Outcome {
        let outcome = match client {
            // We, or somebody, killed the client: the container's state says nothing about why.
            Exit::Signal(_) => Outcome {
                exit: client,
                reason: None,
            },
            Exit::Code(_) => judge(client, self.inspect().await, &self.image, self.memory),
        };
        self.warden.end();
        if timeout(REMOVAL, self.warden.ended()).await.is_err() {
            tracing::warn!(
                container = self.name,
                "Docker does not remove the container"
            );
        }
        outcome
    }
}

/// The words that make the container.
fn words(name: &str, image: &str, options: &DockerOptions, call: &Call) -> Result<Vec<OsString>> {
    let mut words: Vec<String> = [
        "create",
        "--name",
        name,
        "--pull",
        "never",
        // It passes signals on, and takes care of processes that lost their parent.
        "--init",
        // The client reads what the connector says; a second copy of all data, on disk, is nobody's need.
        "--log-driver",
        "none",
        "--workdir",
        FOLDER,
        // P10: neither in an argument nor in a file.
        "--env-file",
        "/dev/stdin",
    ]
    .map(str::to_owned)
    .into();
    let mut add = |flag: &str, value: String| words.extend([flag.to_owned(), value]);
    if let Some(owner) = Owner::me() {
        add("--label", format!("{}={}", owner::LABEL, owner.text()));
    }
    if let Some(network) = &options.network {
        add("--network", network.clone());
    }
    if let Some(memory) = options.memory {
        // With swap on top it would be no limit.
        add("--memory", format!("{memory}b"));
        add("--memory-swap", format!("{memory}b"));
    }
    if let Some(cpus) = &options.cpus {
        add("--cpus", cpus.clone());
    }
    for volume in &options.volumes {
        add("--volume", volume.word()?);
    }
    if let Some(folder) = &call.folder {
        let path = folder.to_string_lossy().into_owned();
        let volume = Volume {
            source: path.clone(),
            target: path,
            read_only: false,
        };
        add("--volume", volume.word()?);
    }
    if call.stdin {
        words.push("--interactive".to_owned());
    }
    words.push(image.to_owned());
    words.extend(call.words.iter().map(|word| match word {
        Word::Text(text) => text.clone(),
        Word::File { name, .. } => format!("{FOLDER}/{name}"),
    }));
    Ok(words.into_iter().map(Into::into).collect())
}

/// The environment as Docker reads it from a file: the user's own words count last.
fn variables(options: &DockerOptions, call: &Call) -> String {
    let ours = call.env.iter().map(|(name, value)| (*name, value.as_str()));
    let theirs = options.env.iter();
    let theirs = theirs.map(|(name, value)| (name.as_str(), value.as_str()));
    ours.chain(theirs)
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect()
}

/// The folder with the call's files.
fn files(call: &Call) -> io::Result<Vec<u8>> {
    let mut archive = Archive::new(Vec::new());
    archive.folder(FOLDER, 0o777, 0)?;
    for word in &call.words {
        if let Word::File { name, content } = word {
            archive.file(&format!("{FOLDER}/{name}"), 0o644, 0, content)?;
        }
    }
    archive.finish()
}

/// How the engine says a container stands.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "PascalCase", default)]
struct State {
    running: bool,
    #[serde(rename = "OOMKilled")]
    oom_killed: bool,
    exit_code: i32,
    error: String,
}

/// How the connector ended, from the client's exit and from what the engine says of the container.
fn judge(client: Exit, state: Result<State>, image: &str, memory: Option<u64>) -> Outcome {
    // An exit that cannot be told is no good one.
    let unknown = if client.success() {
        Exit::Code(1)
    } else {
        client
    };
    let reason = |code, message: &str| Reason {
        code,
        kind: None,
        message: message.to_owned(),
        context: vec![("image", image.to_owned())],
        hint: None,
    };
    let state = match state {
        Ok(state) => state,
        Err(error) if *error.code() == code::DOCKER_UNAVAILABLE => {
            let message = "Docker's engine ended, or went away, while the connector ran";
            return Outcome {
                exit: unknown,
                reason: Some(Reason {
                    kind: Some(ErrorKind::Transient),
                    ..reason(&code::DOCKER_UNAVAILABLE, message)
                }),
            };
        }
        Err(_) => {
            let message = "somebody removed the connector's container";
            return Outcome {
                exit: unknown,
                reason: Some(reason(&code::CONNECTOR_KILLED, message)),
            };
        }
    };
    if state.running {
        let message = "Docker's client lost the connector's container";
        return Outcome {
            exit: unknown,
            reason: Some(reason(&code::DOCKER_FAILED, message)),
        };
    }
    let exit = Exit::Code(state.exit_code);
    let of = |what: &str| format!("{what} ({})", code_of(exit));
    let mut reason = match state.exit_code {
        0 => return Outcome { exit, reason: None },
        _ if state.oom_killed => {
            let message = match memory {
                Some(memory) => format!(
                    "the connector was killed because it used more memory than its limit of {}",
                    size(memory)
                ),
                None => "the connector was killed because the memory ran out".to_owned(),
            };
            Reason {
                hint: Some(
                    "raise `memory` in the connector's `docker` settings, or read fewer streams at once"
                        .to_owned(),
                ),
                ..reason(&code::CONNECTOR_KILLED, &of(&message))
            }
        }
        127 => Reason {
            hint: Some(
                "the image is no connector, or was built wrong: its ENTRYPOINT has to name a program in it"
                    .to_owned(),
            ),
            ..reason(
                &code::CONNECTOR_NO_ENTRYPOINT,
                &of("the image's entry point, or a program that it calls, does not exist"),
            )
        },
        126 => Reason {
            hint: Some(
                "the program needs the right to be executed, a `#!` line if it is a script, and to be made \
                 for this machine's processor"
                    .to_owned(),
            ),
            ..reason(
                &code::CONNECTOR_NO_ENTRYPOINT,
                &of("the image's entry point cannot be executed"),
            )
        },
        // It was never started.
        _ if !state.error.is_empty() => reason(
            &code::DOCKER_FAILED,
            "Docker could not start the connector's container",
        ),
        _ => return Outcome { exit, reason: None },
    };
    if !state.error.is_empty() {
        reason.context.push(("docker", state.error));
    }
    Outcome {
        exit,
        reason: Some(reason),
    }
}

fn code_of(exit: Exit) -> String {
    format!("exit code {}", exit.code())
}

#[cfg(test)]
mod tests;
