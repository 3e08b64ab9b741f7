//! What every native destination means by a mode, a generation, a metadata column, a name and a
//! changed schema: decided here and nowhere else, without I/O. `docs/destinations.md` has the table
//! of what each destination supports.

pub(crate) mod column_shape;
pub(crate) mod deletion;
pub(crate) mod evolution;
pub(crate) mod metadata;
pub(crate) mod name;
mod nested_text;
pub(crate) mod partition;
pub(crate) mod partitioner;
pub(crate) mod plain_text;
pub(crate) mod raw_id;
pub(crate) mod shape;
pub(crate) mod target;
pub(crate) mod undeclared;
