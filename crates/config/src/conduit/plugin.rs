//! Conduit's references to connectors: `[builtin:|standalone:|any:]name[@version]` (§3.2).

use crate::reference::{ConnectorRef, Protocol};

/// Conduit's built-in connectors that are native here.
const NATIVE: [&str; 3] = ["file", "generator", "log"];

/// A connector by Conduit's name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) reference: ConnectorRef,
    /// What to take if there is no program of that name.
    pub(super) otherwise: Option<ConnectorRef>,
}

/// What a reference stands for. The error is a message and a hint.
pub(super) fn reference(plugin: &str) -> Result<Named, (String, String)> {
    let (kind, rest) = plugin.split_once(':').unwrap_or(("any", plugin));
    let (name, version) = rest.split_once('@').unwrap_or((rest, ""));
    if name.is_empty() {
        let message = "the connector has no `plugin`".to_owned();
        return Err((message, "e.g. `plugin: builtin:file`".to_owned()));
    }
    let standalone = ConnectorRef {
        protocol: Protocol::Conduit,
        launcher: None,
        what: if version.is_empty() {
            name.to_owned()
        } else {
            format!("{name}@{version}")
        },
    };
    // A built-in connector is of the version of its Conduit, and ours of that of Crossdock.
    let native = NATIVE.contains(&name).then(|| ConnectorRef {
        protocol: Protocol::Native,
        launcher: None,
        what: name.to_owned(),
    });
    match (kind, native) {
        ("standalone", _) => Ok(Named {
            reference: standalone,
            otherwise: None,
        }),
        ("any", otherwise) => Ok(Named {
            reference: standalone,
            otherwise,
        }),
        ("builtin", Some(reference)) => Ok(Named {
            reference,
            otherwise: None,
        }),
        ("builtin", None) => Err((
            format!("there is no built-in connector `{name}`"),
            format!(
                "put the program of the connector into `./connectors` and write `standalone:{name}`; built in are {}",
                NATIVE.join(", ")
            ),
        )),
        _ => Err((
            format!("`{plugin}` is no connector"),
            "write `builtin:NAME`, `standalone:NAME` or `NAME`, with `@VERSION` or without"
                .to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_by_cases() {
        let check = |plugin: &str, expected: &str| {
            let found = match reference(plugin) {
                Ok(Named {
                    reference,
                    otherwise,
                }) => match otherwise {
                    Some(otherwise) => format!("{reference} or {otherwise}"),
                    None => reference.to_string(),
                },
                Err((message, _)) => message,
            };
            assert_eq!(found, expected, "{plugin}");
        };
        check("builtin:file", "native:file");
        check("builtin:file@v0.10.8", "native:file");
        check("standalone:postgres@v0.14.0", "conduit:postgres@v0.14.0");
        check("any:file@latest", "conduit:file@latest or native:file");
        check("generator", "conduit:generator or native:generator");
        check("kafka", "conduit:kafka");
        check("builtin:kafka", "there is no built-in connector `kafka`");
        check("other:x", "`other:x` is no connector");
        check("builtin:", "the connector has no `plugin`");
    }
}
