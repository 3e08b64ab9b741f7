//! The folder of a user's data.

use std::path::PathBuf;

/// Where this user's data of Crossdock is that outlives a restart of the machine: `crossdock` in `XDG_STATE_HOME`, or
/// in `~/.local/state`, or here where the user has no home.
#[must_use]
pub fn state_directory() -> PathBuf {
    let state = std::env::var_os("XDG_STATE_HOME")
        .filter(|dir| !dir.is_empty())
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/state")))
        .unwrap_or_else(|| PathBuf::from("."));
    state.join("crossdock")
}
