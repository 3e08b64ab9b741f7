//! airbyte-source-hardcoded-records into a destination on Airbyte's own SDK.

use serde_json::json;

use crate::lab::{Lab, exec, program, sdk_destination, stream};

#[test]
fn every_record_reaches_a_destination_on_the_real_sdk() {
    let (Some(source), Some(destination)) =
        (program("CROSSDOCK_TEST_HARDCODED"), sdk_destination())
    else {
        return;
    };
    let lab = Lab::new();
    let out = (destination.as_str(), json!({"path": lab.text("out.jsonl")}));
    let file = lab.pipeline((&exec(&[&source]), json!({"count": 3000})), out, json!({}));
    let data = lab.good(&["run", file.to_str().unwrap()]);
    let lines = lab.lines("out.jsonl");
    for name in ["products", "customers", "dummy_fields"] {
        assert_eq!(lines[name].len(), 3000, "{name}");
        assert_eq!(stream(&data, name)["written"], 3000, "{name}");
    }
    let product = &lines["products"][0];
    assert!(
        product["make"].is_string() && product["price"].is_number(),
        "{product}"
    );
    // A stream of this source has the same record again and again: nothing may differ.
    assert!(
        lines["products"]
            .iter()
            .all(|p| p["make"] == product["make"])
    );
}
