//! A pipeline file, whatever it says (P11).
#![no_main]

use std::path::Path;

use crossdock_config::{ProcessEnvironment, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = parse(text, "fuzz.yaml", Path::new("/nonexistent"), &ProcessEnvironment);
});
