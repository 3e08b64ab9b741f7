//! A connector made ready for use: found, its spec read, its configuration completed and checked.

use std::sync::Arc;

use crossdock_config::{Connector, Protocol, Settings};
use crossdock_core::error::{Error, Result};
use crossdock_core::event::{LogLevel, LogRecord};
use crossdock_core::secret::Masker;
use crossdock_core::session::Session;
use crossdock_core::spec::Spec;
use crossdock_core::store::Store;
use serde_json::Value;

use crate::beside;
use crate::memory::StoreMemory;
use crate::merge::merge;
use crate::ui::{ConfigKeeper, CurrentConfig, Role, Ui, Watch};

/// Where the configurations that connectors replace are kept.
pub(crate) struct Keeping {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) pipeline: String,
    /// Which connector of the pipeline this is; see [`slot`].
    pub(crate) connector: String,
}

/// Names a place in a pipeline and the connector that stands there, whatever its version: another
/// connector in the same place gets nothing of what this one stored (P10).
pub(crate) fn slot(role: Role, at: usize, connector: &Connector) -> String {
    let reference = &connector.reference;
    let (what, _version) = reference.package();
    let launcher = reference
        .launcher
        .map_or("", crossdock_config::Launcher::as_str);
    format!(
        "{}{at} {}:{launcher}:{what}",
        role.as_str(),
        reference.protocol
    )
}

/// A connector ready for use.
pub(crate) struct Ready {
    pub(crate) spec: Spec,
    current: CurrentConfig,
    pub(crate) session: Session,
    pub(crate) masker: Masker,
}

impl Ready {
    /// The configuration to start the connector with now.
    pub(crate) fn config(&self) -> Value {
        self.current.get()
    }
}

fn session(watch: Watch, settings: &Settings) -> Session {
    Session {
        limits: settings.limits(),
        ..Session::new(Arc::new(watch))
    }
}

/// A session before the spec is known: only values that came from references can be masked.
pub(crate) fn first_session(
    connector: &Connector,
    role: Role,
    ui: &Arc<dyn Ui>,
    settings: &Settings,
) -> Session {
    let masker = Masker::new(connector.secrets.iter().cloned());
    session(
        Watch {
            role,
            ui: ui.clone(),
            masker,
            // Nothing is configured yet, so there is nothing to replace.
            keeper: ConfigKeeper::Nowhere,
            current: CurrentConfig::new(Value::Null),
        },
        settings,
    )
}

/// Settings of the layer that all connectors of Conduit share have no meaning for others, but for the form
/// of records.
fn unflattened(
    mut config: Value,
    connector: &Connector,
    role: Role,
    ui: &Arc<dyn Ui>,
) -> (Value, Vec<String>) {
    if let Some(settings) = config.as_object_mut() {
        let is_foreign =
            |name: &str| name.starts_with("sdk.") && !name.starts_with("sdk.record.format");
        let foreign: Vec<String> = settings
            .keys()
            .filter(|name| is_foreign(name))
            .cloned()
            .collect();
        settings.retain(|name, _| !is_foreign(name));
        if !foreign.is_empty() {
            let names = foreign.join(", ");
            ui.log(
                role,
                &LogRecord {
                    level: LogLevel::Warn,
                    message: format!("`{}` has no use for {names}", connector.reference),
                    stack_trace: None,
                },
            );
        }
    }
    crate::flat_config::nested(&config)
}

/// Completes and checks the configuration of a connector whose spec is known (P10: everything
/// secret is known from here on).
pub(crate) async fn ready(
    connector: &Connector,
    spec: Spec,
    role: Role,
    ui: &Arc<dyn Ui>,
    settings: &Settings,
    keeping: Option<Keeping>,
) -> Result<Ready> {
    let schema = &spec.connection_specification;
    let mut config = connector.config.clone();
    if config.is_null() {
        config = Value::Object(serde_json::Map::new());
    }
    let mut references = connector.references.clone();
    if connector.has_flat_config && connector.reference.protocol != Protocol::Conduit {
        (config, references) = unflattened(config, connector, role, ui);
    }
    crossdock_config::coerce(&mut config, &references, schema);
    let base = config.clone();
    if let Some(keeping) = &keeping
        && let Some(stored) = keeping
            .store
            .load_config(&keeping.pipeline, &keeping.connector)
            .await?
    {
        config = merge(&config, &stored);
    }
    let masker = Masker::new(connector.secrets.iter().cloned())
        .join(&Masker::for_config(schema, &base))
        .join(&Masker::for_config(schema, &config));
    crossdock_airbyte::validate_config(&spec, &mut config)
        .map_err(|error| locate(error, connector).with(role.as_str(), &connector.reference))
        .map_err(|error| masked(error, &masker))?;
    let memory = keeping.as_ref().map(|keeping| {
        StoreMemory::new(keeping.store.clone(), &keeping.pipeline, &keeping.connector)
    });
    let keeper = match keeping {
        Some(Keeping {
            store,
            pipeline,
            connector,
        }) => ConfigKeeper::Store {
            store,
            pipeline,
            connector,
            base,
        },
        None => {
            beside::path(&connector.at.file).map_or(ConfigKeeper::Nowhere, ConfigKeeper::Beside)
        }
    };
    let current = CurrentConfig::new(config);
    let watch = Watch {
        role,
        ui: ui.clone(),
        masker: masker.clone(),
        keeper,
        current: current.clone(),
    };
    let mut session = session(watch, settings);
    if let Some(memory) = memory {
        session.memory = Arc::new(memory);
    }
    Ok(Ready {
        spec,
        current,
        session,
        masker,
    })
}

/// Adds the place in the file, where the error names a value of the configuration.
fn locate(error: Error, connector: &Connector) -> Error {
    let pointer = error
        .context()
        .iter()
        .find(|(key, _)| *key == "pointer")
        .map(|(_, p)| p.clone());
    connector
        .locate(pointer.as_deref().unwrap_or_default())
        .locate(error)
}

pub(crate) fn masked(error: Error, masker: &Masker) -> Error {
    error.masked(&|text| masker.mask(text).into_owned())
}
