//! States to import (P11): what is taken is written and taken again, unchanged.
#![no_main]

use crossdock_core::state_array::{export, import};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(states) = import(text) {
        let array = export(&states).to_string();
        let again = import(&array).expect("what was exported can be imported");
        assert_eq!(states, again);
    }
});
