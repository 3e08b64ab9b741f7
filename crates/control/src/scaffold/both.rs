//! A source and a destination in one program: the two examples, each as a module.

use super::File;
use super::example::{DESTINATION_HTTP, SOURCE_HTTP};

pub(super) fn files(name: &str) -> Vec<File> {
    let source = |path: &str| SOURCE_HTTP.file(path, name);
    let destination = |path: &str| DESTINATION_HTTP.file(path, name);
    let api = |text: String, folder: &str| {
        text.replace("api/mod.rs", &format!("{folder}/mod.rs"))
            .replace("mod api;", &format!("mod {folder};"))
            .replace("api::", &format!("{folder}::"))
    };
    let files = [
        ("README.md", readme(name)),
        ("src/main.rs", source("src/main.rs")),
        ("src/lib.rs", library(name)),
        ("src/source.rs", half(&source("src/lib.rs"), "Tracker")),
        ("src/source/config.rs", source("src/config.rs")),
        ("src/source/issues.rs", source("src/issues.rs")),
        ("src/source/users.rs", source("src/users.rs")),
        (
            "src/destination.rs",
            half(&destination("src/lib.rs"), "Store"),
        ),
        ("src/destination/config.rs", destination("src/config.rs")),
        ("src/destination/store.rs", destination("src/store.rs")),
        ("tests/source.rs", api(source("tests/main.rs"), "tracker")),
        ("tests/spec.json", source("tests/spec.json")),
        ("tests/tracker/mod.rs", source("tests/api/mod.rs")),
        (
            "tests/destination.rs",
            api(destination("tests/main.rs"), "store"),
        ),
        ("tests/store/mod.rs", destination("tests/api/mod.rs")),
        (
            "examples/tracker.rs",
            api(source("examples/tracker.rs"), "tracker"),
        ),
        (
            "examples/store.rs",
            api(destination("examples/store.rs"), "store"),
        ),
    ];
    files.map(|(path, text)| (path.to_owned(), text)).into()
}

/// A library as a module: without the function that makes the connector, which is the whole's.
fn half(text: &str, name: &str) -> String {
    let begin = text.find("/// The connector,").unwrap_or(text.len());
    let end = text[begin..]
        .find("\n}\n\n")
        .map_or(text.len(), |at| begin + at + 4);
    format!("{}{}", &text[..begin], &text[end..])
        .replace(
            "    BatchLimits, Connector, Context,",
            "    BatchLimits, Context,",
        )
        .replace("use crossdock_sdk::{Connector, ", "use crossdock_sdk::{")
        .replace("pub use config::Config;", "use config::Config;")
        .replace(
            &format!("\nstruct {name};"),
            &format!("\npub(crate) struct {name};"),
        )
}

fn library(name: &str) -> String {
    format!(
        r#"//! A connector of a tracker and of a store: the source reads the one, the destination writes the other.

mod destination;
mod source;

use crossdock_sdk::Connector;

/// The connector, for the program and for tests.
#[must_use]
pub fn connector() -> Connector {{
    Connector::new("{name}", env!("CARGO_PKG_VERSION"))
        .summary("issues and users of a tracker, tables of a store")
        .streams(source::Tracker)
        .tables(destination::Store)
}}
"#
    )
}

fn readme(name: &str) -> String {
    format!(
        "# {name}

A source and a destination in one program: the source reads the issues and the users of a tracker, the destination puts
rows into the tables of a store, both over HTTP.

| file | what is in it |
|---|---|
| `src/lib.rs` | the connector: its name and its two halves |
| `src/source.rs`, `src/source/` | the client, the streams, how each is read |
| `src/destination.rs`, `src/destination/` | the client, the modes, how rows are written |
| `tests/` | both against servers on this machine |

## Try it

```sh
cargo test
cargo run --example tracker &      # at http://127.0.0.1:8099
cargo run --example store &        # at http://127.0.0.1:8098
cargo build
crossdock sync --source airbyte:exec:target/debug/{name} \\
  --source-config '{{\"url\": \"http://127.0.0.1:8099\", \"token\": \"let-me-in\"}}' \\
  --destination airbyte:exec:target/debug/{name} \\
  --destination-config '{{\"url\": \"http://127.0.0.1:8098\", \"key\": \"may-write\"}}'
```
"
    )
}
