//! What a later read of files begins with: states, grown and changed files, cursors, dead letters.

use serde_json::json;

use crate::file_source::{Folder, Heard, discover, gzip, read, with};

#[tokio::test(flavor = "multi_thread")]
async fn bad_lines_become_records_of_their_own_stream() {
    let folder = Folder::new();
    let path = folder.file("a.csv", "id,n\n1,5\n2\n3,6\n");
    let config = with(&path, json!({"bad_lines": "dead_letters"}));
    let catalog = discover("csv", &config).await.unwrap();
    let names: Vec<_> = catalog.streams.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["a", "a_dead_letters"]);
    let first = read("csv", &config, Vec::new(), false).await;
    assert!(first.error.is_none(), "{:?}", first.error);
    let reason = "the line has 1 field where there are 2 columns";
    let expected = [
        json!({"file": path, "line": 3, "reason": reason, "text": "2"}),
        json!({"id": 1, "n": 5}),
        json!({"id": 3, "n": 6}),
    ];
    assert_eq!(first.records, expected);
    assert_eq!(first.dropped, 1);
    // One state of the whole source, since it covers the records of both streams.
    assert_eq!(first.state.len(), 1);
    assert_eq!(
        first.state[0].lane,
        crossdock_core::checkpoint::Lane::Global
    );
    let second = read("csv", &config, first.state.clone(), false).await;
    assert!(second.records.is_empty());
    // Taken back, the state still counts.
    let third = read(
        "csv",
        &with(&path, json!({"bad_lines": "skip"})),
        first.state,
        false,
    )
    .await;
    assert_eq!((third.records.len(), third.dropped), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_takes_what_is_new_of_a_file_that_was_written_again() {
    let folder = Folder::new();
    let path = folder.file("a.csv", "id,at\n1,2026-01-02\n2,2026-01-01\n");
    let config = with(&path, json!({"cursor": "at"}));
    let ids = |heard: &Heard| -> Vec<i64> {
        assert!(heard.error.is_none(), "{:?}", heard.error);
        heard
            .records
            .iter()
            .map(|r| r["id"].as_i64().unwrap())
            .collect()
    };
    let first = read("csv", &config, Vec::new(), false).await;
    assert_eq!(ids(&first), [1, 2]);
    // A whole new export, in another order.
    folder.file(
        "a.csv",
        "id,at\n2,2026-01-01\n3,2026-01-03\n1,2026-01-02\n4,2026-01-02\n",
    );
    let second = read("csv", &config, first.state, false).await;
    assert_eq!(ids(&second), [3, 1, 4]);
    let third = read("csv", &config, second.state, false).await;
    assert_eq!(ids(&third), [0; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_goes_on_in_the_middle_of_a_file() {
    async fn check(connector: &str, name: &str, content: &[u8], records: u64) {
        let folder = Folder::new();
        let config = with(&folder.file(name, content), json!({}));
        let (mut state, mut ids, mut runs) = (Vec::new(), Vec::new(), 0);
        loop {
            let heard = read(connector, &config, state, true).await;
            assert!(heard.error.is_none(), "{:?}", heard.error);
            if heard.records.is_empty() {
                break;
            }
            ids.extend(heard.records.iter().map(|r| r["id"].as_u64().unwrap()));
            state = heard.state;
            runs += 1;
        }
        assert!(runs > 1, "{name} was read in {runs} runs");
        assert_eq!(ids, (0..records).collect::<Vec<_>>(), "{name}");
    }
    const RECORDS: u64 = 80_000;
    let note = "n".repeat(100);
    let csv: String = (0..RECORDS)
        .map(|id| format!("{id},\"{note}\n\"\n"))
        .collect();
    let csv = format!("id,note\n{csv}");
    check("csv", "a.csv", csv.as_bytes(), RECORDS).await;
    check("csv", "a.csv.gz", &gzip(csv.as_bytes()), RECORDS).await;
    check(
        "csv",
        "a.csv",
        csv.replace('\n', "\r\n").as_bytes(),
        RECORDS,
    )
    .await;
    check("csv", "a.csv", csv.replace('\n', "\r").as_bytes(), RECORDS).await;
    let json: String = (0..RECORDS)
        .map(|id| format!("{{\"id\":{id},\"note\":\"{note}\"}}\n"))
        .collect();
    check("jsonl", "a.jsonl", json.as_bytes(), RECORDS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_run_reads_what_is_new() {
    let folder = Folder::new();
    folder.file("orders_1.csv", "id\n1\n");
    let config = with(&folder.at("orders_*.csv"), json!({}));
    let ids = |heard: &Heard| -> Vec<u64> {
        assert!(heard.error.is_none(), "{:?}", heard.error);
        heard
            .records
            .iter()
            .map(|r| r["id"].as_u64().unwrap())
            .collect()
    };
    let first = read("csv", &config, Vec::new(), false).await;
    assert_eq!(ids(&first), [1]);
    // A new file.
    folder.file("orders_2.csv", "id\n2\n");
    let second = read("csv", &config, first.state, false).await;
    assert_eq!(ids(&second), [2]);
    // A file that grew.
    folder.file("orders_2.csv", "id\n2\n3\n");
    let third = read("csv", &config, second.state, false).await;
    assert_eq!(ids(&third), [3]);
    // A file that was replaced by a longer one.
    folder.file("orders_1.csv", "id,x\n4,5\n6,7\n");
    let fourth = read("csv", &config, third.state, false).await;
    assert_eq!(ids(&fourth), [4, 6]);
    // A file that is gone is forgotten.
    std::fs::remove_file(folder.at("orders_1.csv")).unwrap();
    let fifth = read("csv", &config, fourth.state, false).await;
    assert!(ids(&fifth).is_empty());
    assert!(!fifth.state[0].state.to_string().contains("orders_1"));
}
