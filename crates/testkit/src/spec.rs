//! The specification of a connector as text.

use crossdock_core::erased::ErasedSource;
use crossdock_core::session::Session;

/// What platforms are told of the source's configuration, as indented JSON: keep it beside the test, and a change to it
/// is seen.
///
/// # Panics
/// If the source cannot say it.
pub async fn spec_text(source: &dyn ErasedSource) -> String {
    let spec = source.spec(&Session::default()).await.expect("a spec");
    serde_json::to_string_pretty(&spec).expect("JSON") + "\n"
}
