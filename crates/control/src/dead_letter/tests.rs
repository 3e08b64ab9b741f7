use super::*;

const LETTER: &str = r#"{"at":1,"pipeline":"p","run":1,"connector":"conduit:exec:x","destination":1,"reason":"no","stream":"s","record":{"operation":"create","emitted_at":2,"after":{"id":12345678901234567890.10}}}"#;

#[test]
fn a_torn_line_is_passed_over_and_numbers_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/p.jsonl");
    assert!(read(&path, true).unwrap().is_empty());
    append(&path, format!("{LETTER}\n{}", &LETTER[..50]).as_bytes()).unwrap();
    append(&path, format!("{LETTER}\n").as_bytes()).unwrap();
    let numbers = |all| -> Vec<u64> {
        let letters = read(&path, all).unwrap();
        letters.iter().map(|letter| letter.number).collect()
    };
    assert_eq!(numbers(false), [1, 3]);
    note_replayed(&path, vec![1]).unwrap();
    assert_eq!(numbers(false), [3]);
    assert_eq!(numbers(true), [1, 3]);
    let letters = read(&path, false).unwrap();
    let after = letters[0].record.after.as_ref().unwrap().get();
    assert_eq!(after, r#"{"id":12345678901234567890.10}"#, "digits stay");
}
