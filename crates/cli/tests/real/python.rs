//! The managed environment: a package from PyPI is installed once and run by name.

use serde_json::json;

use crate::lab::{Lab, program, stream};

#[test]
fn a_package_is_installed_and_run_by_name() {
    let Some(_) = program("CROSSDOCK_TEST_PYPI") else {
        return;
    };
    let lab = Lab::new();
    let source = (
        "airbyte:python:airbyte-source-hardcoded-records==0.0.48",
        json!({"count": 10}),
    );
    let file = lab.pipeline(source, ("native:null", json!({})), json!({}));
    let file = file.to_str().unwrap();
    let data = lab.good(&["run", file]);
    assert_eq!(stream(&data, "products")["records"], 10);
    // The second run finds it installed: it needs no network, so a broken one does no harm.
    let data = lab.good(&["run", file]);
    assert_eq!(stream(&data, "products")["records"], 10);
}
