//! What the crate promises, tried on real processes. The peers are small shell scripts.

mod exec;
mod install;
mod peer;
mod private;
mod process;
mod pypi;
mod refusal;
mod stop;
mod wheel;
