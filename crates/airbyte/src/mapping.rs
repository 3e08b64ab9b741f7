//! How streams are called at the destination, by the file that a platform gives to destinations that read sockets
//! (§3.10, §4.8): whoever runs them writes it, and our served destinations read it. Pure.

use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::stream::StreamId;
use serde::{Deserialize, Serialize};

/// What names the file.
pub(crate) const VARIABLE: &str = "NAMESPACE_MAPPING_CONFIG_PATH";

/// The file's content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NamespaceMapping {
    /// `source` (the default), `destination` or `customformat`.
    pub namespace_definition_type: Option<String>,
    /// Of `customformat`: the namespace, where `${SOURCE_NAMESPACE}` stands for the source's.
    pub namespace_format: Option<String>,
    /// What the streams' names begin with.
    pub stream_prefix: Option<String>,
}

impl NamespaceMapping {
    pub(crate) fn to_json(&self) -> String {
        serde_json::json!(self).to_string()
    }
}

/// Gives the streams their names at the destination.
///
/// # Errors
/// `config.syntax` for a text that is no mapping, `config.invalid` for a definition that is not known.
pub(crate) fn apply(text: &str, catalog: &mut ConfiguredCatalog) -> Result<()> {
    let mapping: NamespaceMapping = serde_json::from_str(text).map_err(|cause| {
        Error::new(&code::CONFIG_SYNTAX, "the namespace mapping cannot be read").caused_by(cause)
    })?;
    let prefix = mapping.stream_prefix.as_deref().unwrap_or_default();
    for stream in &mut catalog.streams {
        let id = stream.id();
        let own = id.namespace.as_deref();
        let namespace = match mapping.namespace_definition_type.as_deref() {
            None | Some("source") => own.map(str::to_owned),
            Some("destination") => None,
            Some("customformat") => {
                let format = mapping.namespace_format.as_deref().unwrap_or_default();
                let made = format.replace("${SOURCE_NAMESPACE}", own.unwrap_or_default());
                (!made.trim().is_empty()).then_some(made)
            }
            Some(other) => {
                let message = format!("the namespace definition `{other}` is not known");
                return Err(Error::new(&code::CONFIG_INVALID, message)
                    .with("known", "source, destination, customformat"));
            }
        };
        let target = StreamId {
            name: format!("{prefix}{}", id.name).into(),
            namespace: namespace.map(Into::into),
        };
        stream.target = (target != id).then_some(target);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossdock_core::catalog::{ConfiguredStream, Stream};
    use serde_json::json;

    #[test]
    fn streams_get_their_names() {
        let check = |mapping: &str, namespace: Option<&str>, expected: &str| {
            let mut stream = Stream::new("s", json!({}));
            stream.namespace = namespace.map(str::to_owned);
            let mut catalog = ConfiguredCatalog {
                streams: vec![ConfiguredStream::new(stream)],
                ..ConfiguredCatalog::default()
            };
            match apply(mapping, &mut catalog) {
                Ok(()) => assert_eq!(catalog.streams[0].target_id().to_string(), expected),
                Err(error) => assert_eq!(error.code().name, expected, "{mapping}"),
            }
        };
        check("{}", Some("n"), "n.s");
        let format = r#"{"namespaceDefinitionType":"customformat","namespaceFormat":"x_${SOURCE_NAMESPACE}","streamPrefix":"p_"}"#;
        check(format, Some("n"), "x_n.p_s");
        check(format, None, "x_.p_s");
        let blank =
            r#"{"namespaceDefinitionType":"customformat","namespaceFormat":"${SOURCE_NAMESPACE}"}"#;
        check(blank, None, "s");
        check(
            r#"{"namespaceDefinitionType":"destination","namespaceFormat":null}"#,
            Some("n"),
            "s",
        );
        check(
            r#"{"namespaceDefinitionType":"source","streamPrefix":"p_"}"#,
            Some("n"),
            "n.p_s",
        );
        check(
            r#"{"namespaceDefinitionType":"mars"}"#,
            None,
            "config.invalid",
        );
        check("[", None, "config.syntax");
    }
}
