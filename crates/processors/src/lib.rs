#![doc = include_str!("../README.md")]

mod case;
mod chain;
mod demand;
mod effect;
mod kind;
mod path;
mod payload;
mod record;
mod record_format;
mod reference;
mod registry;
mod scalar;
mod setting;
mod template;
mod value;
mod when;

pub use chain::{Chain, Failed, Processed, Wanted};
pub use record_format::RecordFormat;
pub use registry::SchemaRegistry;
pub use value::{Object, Value};

/// The processors and what each makes of a record, in a few words.
pub fn processors() -> impl Iterator<Item = (&'static str, &'static str)> {
    kind::all()
}

/// The functions of templates, beside `if`, `range` and `with`.
#[must_use]
pub fn template_functions() -> Vec<&'static str> {
    template::function_names()
}
