//! `docs/destinations.md` says what the destinations say of themselves.

use crossdock_core::batch::BodyShape;
use crossdock_core::catalog::DestinationSyncMode;
use crossdock_core::session::Session;

use crate::rig::registry;

#[tokio::test]
async fn the_table_of_destinations_is_true() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/destinations.md");
    let text = std::fs::read_to_string(path).unwrap();
    let told: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("| `native:"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let mut expected = Vec::new();
    for (name, entry) in registry().iter() {
        let Some(destination) = &entry.destination else {
            continue;
        };
        let can = destination
            .spec(&Session::default())
            .await
            .unwrap()
            .destination;
        let mode = |mode| {
            if can.sync_modes.contains(&mode) {
                "yes"
            } else {
                "no"
            }
        };
        let once = match (can.staged, can.transactional_checkpoint) {
            (true, _) => "staged files",
            (_, true) => "one transaction",
            _ => "no",
        };
        let deletes = match (can.deletes, can.staged) {
            (true, _) => "removed",
            (_, true) => "marked",
            _ => "no",
        };
        let takes = match can.shape {
            BodyShape::Rows => "rows",
            BodyShape::Columns => "columns",
        };
        expected.push(
            [
                &format!("`native:{name}`"),
                mode(DestinationSyncMode::Append),
                mode(DestinationSyncMode::Overwrite),
                mode(DestinationSyncMode::AppendDedup),
                deletes,
                once,
                takes,
            ]
            .map(str::to_owned),
        );
    }
    assert_eq!(told, expected);
}
