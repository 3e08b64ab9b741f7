//! The `--catalog` file for either side (§1.7, §3.9). It never holds a null where a property is
//! absent: bulk destinations refuse those (§6, 8).

use crossdock_core::catalog::{ConfiguredCatalog, DestinationSyncMode};
use serde_json::{Map, Value};

/// The catalog as the source gets it: destination modes that it may not know become `append`.
#[must_use]
pub fn catalog_for_source(catalog: &ConfiguredCatalog) -> Vec<u8> {
    let mut catalog = catalog.clone();
    for stream in &mut catalog.streams {
        if matches!(
            stream.destination_sync_mode,
            DestinationSyncMode::Update | DestinationSyncMode::SoftDelete
        ) {
            stream.destination_sync_mode = DestinationSyncMode::Append;
        }
    }
    serialise(catalog)
}

/// The catalog as the destination gets it: streams have the names they have there.
#[must_use]
pub fn catalog_for_destination(catalog: &ConfiguredCatalog) -> Vec<u8> {
    let mut catalog = catalog.clone();
    for stream in &mut catalog.streams {
        if let Some(target) = stream.target.take() {
            stream.stream.name = target.name.to_string();
            stream.stream.namespace = target.namespace.as_deref().map(str::to_owned);
        }
    }
    serialise(catalog)
}

fn serialise(mut catalog: ConfiguredCatalog) -> Vec<u8> {
    let prune = |extra: &mut Map<String, Value>| extra.retain(|_, value| !value.is_null());
    prune(&mut catalog.extra);
    for stream in &mut catalog.streams {
        prune(&mut stream.extra);
        prune(&mut stream.stream.extra);
    }
    serde_json::to_vec(&catalog).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossdock_core::catalog::{ConfiguredStream, Stream};
    use crossdock_core::stream::StreamId;
    use serde_json::json;

    #[test]
    fn each_side_gets_its_own_names_and_modes() {
        let mut stream = ConfiguredStream::new(Stream::new("a", json!({"default": null})));
        stream.destination_sync_mode = DestinationSyncMode::Update;
        stream.target = Some(StreamId::with_namespace("n", "p_a"));
        stream.generation_id = Some(3);
        stream.extra.insert("x".into(), Value::Null);
        let catalog = ConfiguredCatalog {
            streams: vec![stream],
            extra: Map::new(),
        };
        assert_eq!(
            String::from_utf8(catalog_for_source(&catalog)).unwrap(),
            r#"{"streams":[{"stream":{"name":"a","json_schema":{"default":null},"supported_sync_modes":["full_refresh"]},"sync_mode":"full_refresh","destination_sync_mode":"append","generation_id":3}]}"#
        );
        assert_eq!(
            String::from_utf8(catalog_for_destination(&catalog)).unwrap(),
            r#"{"streams":[{"stream":{"name":"p_a","namespace":"n","json_schema":{"default":null},"supported_sync_modes":["full_refresh"]},"sync_mode":"full_refresh","destination_sync_mode":"update","generation_id":3}]}"#
        );
    }
}
