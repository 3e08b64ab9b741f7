//! An Airbyte destination, driven by its command line.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use crossdock_core::capability::DestinationCapabilities;
use crossdock_core::destination::{Destination, DestinationOpening, DestinationWriter};
use crossdock_core::error::{Error, Result};
use crossdock_core::session::Session;
use crossdock_core::spec::{Checked, Spec};
use crossdock_launch::Launcher;
use serde_json::Value;

use super::command::ask;
use super::connector::{Connector, Files, Ties, text};
use super::direct::DirectChannel;
use super::socket_feed::SocketFeed;
use super::writer::{Channel, Writer};
use crate::channel::{ChannelWish, Format};
use crate::wire::{DestinationCatalog, FORM, Message, catalog_for_destination};

/// A destination that speaks the Airbyte protocol, whatever launches it.
#[derive(Debug)]
pub struct AirbyteDestination {
    connector: Connector,
    channel: ChannelWish,
}

impl AirbyteDestination {
    /// The destination that `launcher` brings to life.
    #[must_use]
    pub fn new(launcher: Arc<dyn Launcher>) -> Self {
        Self {
            connector: Connector::new(launcher),
            channel: ChannelWish::default(),
        }
    }

    /// Writes over this channel.
    #[must_use]
    pub fn on_channel(mut self, channel: ChannelWish) -> Self {
        self.channel = channel;
        self
    }

    /// The form of the sockets that it gets for its records, and how many are wished (`None`: two for each processor);
    /// `None`: it has stdin and stdout. `spec` is its own.
    #[must_use]
    pub fn sockets(&self, spec: &Spec) -> Option<(Format, Option<usize>)> {
        self.channel.format(&spec.extra)
    }

    /// Keeps specifications in `dir` instead of the user's cache directory; `None`: in memory.
    #[must_use]
    pub fn with_cache_dir(mut self, dir: Option<PathBuf>) -> Self {
        self.connector.set_cache_dir(dir);
        self
    }

    /// The specification, from the cache if this very connector was asked before. For validation
    /// and masking; a user who asks gets [`Destination::spec`].
    pub async fn cached_spec(&self, session: &Session) -> Result<Spec> {
        self.connector
            .cached_spec(session)
            .await
            .map(|spec| with_capabilities(spec, self.channel))
    }

    /// Opens it for what a source sends it by itself, over `channel`; that is opened afterwards, with the same channel.
    /// It gets the source's catalog, and names the streams itself.
    ///
    /// # Errors
    /// As [`Destination::open`].
    pub async fn open_beside(
        &self,
        config: Value,
        mut opening: DestinationOpening,
        channel: &DirectChannel,
    ) -> Result<Box<dyn DestinationWriter>> {
        for stream in &mut opening.catalog.streams {
            stream.target = None;
        }
        let channel = Some(Channel::Direct(channel.clone()));
        self.write(&config, opening, channel).await
    }

    async fn write(
        &self,
        config: &Value,
        opening: DestinationOpening,
        channel: Option<Channel>,
    ) -> Result<Box<dyn DestinationWriter>> {
        let started = async {
            let talk = self.connector.talk(config, &opening.session).await?;
            let catalog = &opening.catalog;
            let files = Files::new("write")
                .add("config", text(config))
                .add("catalog", catalog_for_destination(catalog));
            let ties = Ties {
                stdin: channel.is_none(),
                keeps_files: true,
                sockets: channel.as_ref().map(Channel::sockets),
                names: channel.as_ref().and_then(Channel::mapping),
            };
            let peer = self.connector.start_with(&talk, files, ties).await?;
            Ok::<_, Error>(Writer::new(peer, catalog, channel, opening.acks.clone()))
        };
        let writer = started.await.map_err(|e| e.during("write"))?;
        Ok(Box::new(writer))
    }

    /// What a data-activation destination can write to (§1.7). Others do not know the command.
    pub async fn discover(&self, config: Value, session: &Session) -> Result<DestinationCatalog> {
        let answer = async {
            let talk = self.connector.talk(&config, session).await?;
            let files = Files::new("discover").add("config", text(&config));
            let peer = self.connector.start(&talk, files).await?;
            ask(peer, &talk, Some(&config), |message| match message {
                Message::DestinationCatalog(catalog) => ControlFlow::Break(catalog),
                other => ControlFlow::Continue(other),
            })
            .await
        };
        answer.await.map_err(|e| e.during("discover"))
    }
}

/// What it can do when it is written to over this channel.
fn with_capabilities(mut spec: Spec, channel: ChannelWish) -> Spec {
    let form = match channel.format(&spec.extra) {
        Some((Format::Protobuf(layout), _)) => layout.form(),
        Some((Format::Jsonl, _)) | None => FORM,
    };
    spec.destination = DestinationCapabilities {
        sync_modes: spec
            .supported_destination_sync_modes
            .clone()
            .unwrap_or_default(),
        // Said in the registry's metadata only, never in the SPEC, so it is not known here.
        generations: false,
        wire_forms: vec![form],
        ..DestinationCapabilities::default()
    };
    spec
}

#[async_trait]
impl Destination for AirbyteDestination {
    type Config = Value;

    async fn spec(&self, session: &Session) -> Result<Spec> {
        let spec = self.connector.fresh_spec(session).await;
        spec.map(|spec| with_capabilities(spec, self.channel))
            .map_err(|e| e.during("spec"))
    }

    async fn check(&self, config: Value, session: &Session) -> Result<Checked> {
        let checked = self.connector.check(&config, session).await;
        checked.map_err(|e| e.during("check"))
    }

    async fn open(
        &self,
        config: Value,
        opening: DestinationOpening,
    ) -> Result<Box<dyn DestinationWriter>> {
        let session = &opening.session;
        let sockets = self.connector.channel(self.channel, session).await;
        let channel = sockets.and_then(|sockets| {
            let (catalog, is_whole) = (&opening.catalog, opening.whole_states);
            let feed = sockets.map(|sockets| SocketFeed::listen(sockets, catalog, is_whole));
            Ok(feed
                .transpose()?
                .map(|feed| Channel::Through(Box::new(feed))))
        });
        let channel = channel.map_err(|e| e.during("write"))?;
        self.write(&config, opening, channel).await
    }
}
