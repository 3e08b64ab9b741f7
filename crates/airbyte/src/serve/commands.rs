//! The commands, and how each ends (§2.2).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossdock_core::batch::BodyShape;
use crossdock_core::code;
use crossdock_core::erased::{ErasedDestination, ErasedSource};
use crossdock_core::error::{Error, ErrorKind, Result};
use crossdock_core::secret::Masker;
use crossdock_core::session::Session;
use crossdock_core::spec::{Checked, Spec};
use serde_json::Value;

use super::abandoned::abandoned;
use super::arguments::Command;
use super::moved::Moved;
use super::read::{Read, read};
use super::spec::{UNTIL_IDLE, announcing, for_half, of_both, of_destination, of_source};
use super::voice::Voice;
use super::write::{Write, write};
use super::{FAILURE, STOPPED, SUCCESS, Served, given, learning};
use crate::channel::DataChannel;
use crate::mapping;
use crate::validate_config;
use crate::wire::announce_deletes;
use crate::wire::protobuf::Wanted;

pub(super) struct Commands {
    served: Served,
    voice: Arc<Voice>,
    session: Session,
}

impl Commands {
    pub(super) fn new(served: Served, voice: Arc<Voice>) -> Self {
        Self {
            served,
            session: Session::new(voice.clone()),
            voice,
        }
    }

    /// Does it and returns the exit code.
    pub(super) async fn run(self, command: Command, stop: impl Future<Output = ()>) -> u8 {
        let done = match command {
            Command::Read {
                config,
                catalog,
                state,
            } => self.read(&config, &catalog, state, stop).await,
            Command::Write { config, catalog } => self.write(&config, &catalog, stop).await,
            // Nothing of these needs an end of its own.
            asked => tokio::select! {
                done = self.answer(asked) => done.map(|()| Moved::All),
                () = stop => Ok(Moved::Stopped),
            },
        };
        match done {
            Ok(Moved::All) => SUCCESS,
            Ok(Moved::Some) => FAILURE,
            Ok(Moved::Stopped) => STOPPED,
            Err(error) => {
                self.voice.error(&error, None);
                FAILURE
            }
        }
    }

    async fn answer(&self, command: Command) -> Result<()> {
        match command {
            Command::Spec => self.voice.spec(&announcing(self.spec().await?)),
            Command::Check { config } => {
                let checked = self.check(&config).await?;
                self.voice.checked(&checked);
            }
            Command::Discover { config } => self.discover(&config).await?,
            Command::Read { .. } | Command::Write { .. } => {}
        }
        Ok(())
    }

    async fn source_spec(&self) -> Result<Option<Spec>> {
        match &self.served.source {
            Some(source) => Ok(Some(of_source(source.spec(&self.session).await?))),
            None => Ok(None),
        }
    }

    async fn destination_spec(&self) -> Result<Option<Spec>> {
        match &self.served.destination {
            Some(destination) => Ok(Some(of_destination(destination.spec(&self.session).await?))),
            None => Ok(None),
        }
    }

    async fn spec(&self) -> Result<Spec> {
        match (self.source_spec().await?, self.destination_spec().await?) {
            (Some(source), Some(destination)) => Ok(of_both(source, destination)),
            (Some(spec), None) | (None, Some(spec)) => Ok(spec),
            (None, None) => Err(self.lacks("half")),
        }
    }

    fn lacks(&self, half: &str) -> Error {
        let message = format!("`{}` has no {half}", self.served.name);
        Error::new(&code::CONNECTOR_ROLE, message)
    }

    /// The half that the configuration is for answers; where it fits both, one that works is enough.
    async fn check(&self, path: &Path) -> Result<Checked> {
        let config = given::config(path)?;
        let specs = (self.source_spec().await?, self.destination_spec().await?);
        let mut failed = None;
        if let (Some(destination), Some(spec)) = (&self.served.destination, &specs.1) {
            match self.prepared(spec, specs.0.as_ref(), config.clone()) {
                Err(error) => failed = Some(violation(&error)),
                Ok(config) => match destination.check(config, &self.session).await {
                    Ok(Checked::Succeeded) => return Ok(Checked::Succeeded),
                    checked => failed = Some(refusal(checked)?),
                },
            }
        }
        if let (Some(source), Some(spec)) = (&self.served.source, &specs.0) {
            match self.prepared(spec, specs.1.as_ref(), config) {
                Err(error) => failed = Some(failed.unwrap_or_else(|| violation(&error))),
                Ok(mut config) => {
                    patience(&mut config);
                    match source.check(config, &self.session).await {
                        Ok(Checked::Succeeded) => return Ok(Checked::Succeeded),
                        checked => failed = Some(refusal(checked)?),
                    }
                }
            }
        }
        match failed {
            Some(why) => Ok(Checked::Failed(why)),
            None => Err(self.lacks("half")),
        }
    }

    /// The configuration with its defaults, valid by the specification; its secrets are masked from now on.
    fn prepared(&self, spec: &Spec, other: Option<&Spec>, mut config: Value) -> Result<Value> {
        let masker = Masker::for_config(&spec.connection_specification, &config);
        self.voice.keep_secret(&masker);
        if let Some(other) = other {
            for_half(&mut config, spec, other);
        }
        validate_config(spec, &mut config)?;
        Ok(config)
    }

    async fn source(&self, path: &Path) -> Result<(Arc<dyn ErasedSource>, Spec, Value)> {
        let (Some(source), Some(spec)) = (&self.served.source, self.source_spec().await?) else {
            return Err(self.lacks("source"));
        };
        let other = self.destination_spec().await?;
        let config = self.prepared(&spec, other.as_ref(), given::config(path)?)?;
        Ok((source.clone(), spec, config))
    }

    async fn destination(&self, path: &Path) -> Result<(Arc<dyn ErasedDestination>, Spec, Value)> {
        let found = (&self.served.destination, self.destination_spec().await?);
        let (Some(destination), Some(spec)) = found else {
            return Err(self.lacks("destination"));
        };
        let other = self.source_spec().await?;
        let config = self.prepared(&spec, other.as_ref(), given::config(path)?)?;
        Ok((destination.clone(), spec, config))
    }

    async fn discover(&self, path: &Path) -> Result<()> {
        let (source, spec, mut config) = self.source(path).await?;
        patience(&mut config);
        let mut catalog = if spec.source.learns_streams {
            learning::catalog(&*source, config, &self.session).await?
        } else {
            source.discover(config, &self.session).await?
        };
        if spec.source.deletes {
            announce_deletes(&mut catalog);
        }
        self.voice.catalog(&catalog);
        Ok(())
    }

    async fn read(
        &self,
        config: &Path,
        catalog: &Path,
        state: Option<PathBuf>,
        stop: impl Future<Output = ()>,
    ) -> Result<Moved> {
        let (source, spec, mut config) = self.source(config).await?;
        let patience = patience(&mut config);
        let reading = Read {
            source,
            spec,
            config,
            patience,
            catalog: given::catalog(catalog)?,
            states: match state {
                Some(path) => given::state(&path)?,
                None => Vec::new(),
            },
            channel: channel()?,
            voice: self.voice.clone(),
            session: self.session.clone(),
        };
        let on_sockets = reading.channel.is_some();
        read(reading, or_abandoned(stop, on_sockets)).await
    }

    async fn write(
        &self,
        config: &Path,
        catalog: &Path,
        stop: impl Future<Output = ()>,
    ) -> Result<Moved> {
        let (destination, spec, config) = self.destination(config).await?;
        let mut catalog = given::catalog(catalog)?;
        let channel = channel()?;
        if channel.is_some()
            && let Some(path) = std::env::var_os(mapping::VARIABLE)
        {
            // Nobody else renames the streams: the records do not pass the platform (§4.8).
            mapping::apply(
                &given::text(Path::new(&path), "namespace mapping")?,
                &mut catalog,
            )?;
        }
        let writing = Write {
            channel,
            wanted: wanted(&spec),
            destination,
            config,
            catalog,
            name: self.served.name.clone(),
            voice: self.voice.clone(),
            session: self.session.clone(),
        };
        let on_sockets = writing.channel.is_some();
        write(writing, or_abandoned(stop, on_sockets)).await
    }
}

/// What ends a command: somebody says so, or, where records pass on sockets, nobody is there any more.
async fn or_abandoned(stop: impl Future<Output = ()>, on_sockets: bool) {
    tokio::select! {
        () = stop => {}
        () = abandoned(), if on_sockets => {}
    }
}

/// The channel that the platform has chosen (§4.2).
fn channel() -> Result<Option<DataChannel>> {
    DataChannel::of_environment(|name| std::env::var(name).ok())
}

/// What a destination needs of values that come over a channel.
fn wanted(spec: &Spec) -> Wanted {
    match spec.destination.shape {
        _ if spec.destination.only_counts => Wanted::Nothing,
        BodyShape::Columns => Wanted::Columns,
        BodyShape::Rows => Wanted::Rows,
    }
}

/// Takes our own member out of the configuration.
fn patience(config: &mut Value) -> Option<std::time::Duration> {
    let seconds = config.as_object_mut()?.remove(UNTIL_IDLE)?.as_f64()?;
    std::time::Duration::try_from_secs_f64(seconds).ok()
}

/// The words of Airbyte's own connectors for a configuration that its specification refuses.
fn violation(error: &Error) -> String {
    format!("Config validation error: {}", error.message())
}

/// Why a check failed, unless it could not be made at all.
fn refusal(checked: Result<Checked>) -> Result<String> {
    match checked {
        Ok(Checked::Failed(why)) => Ok(why),
        Ok(Checked::Succeeded) => Ok(String::new()),
        Err(error) if matches!(error.kind(), ErrorKind::Config | ErrorKind::Auth) => {
            Ok(error.in_one_line())
        }
        Err(error) => Err(error),
    }
}
