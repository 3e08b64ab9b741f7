//! The errors that have no scene, and why.

/// Errors that no scene can bring about.
pub(super) const UNSEEN: [(&str, &str); 12] = [
    ("internal", "a defect: who sees it should mend it"),
    ("run.record_too_large", "needs a record of 4 GiB"),
    ("launch.unsupported", "references name known launchers"),
    ("docker.unavailable", "see `tests/real/docker/fault.rs`"),
    ("docker.image", "as before"),
    ("docker.failed", "as before"),
    (
        "python.install_failed",
        "needs an installer: `launch/tests/install.rs` brings it about",
    ),
    (
        "protocol.position",
        "needs a connector of Conduit: `tests/real/conduit/chaos.rs` brings it about",
    ),
    (
        "connector.refused_record",
        "needs a connector of Conduit: `tests/real/conduit/chaos.rs` brings it about",
    ),
    (
        "run.dead_letters_exceeded",
        "as before: `tests/real/conduit/dead_letter.rs`",
    ),
    ("run.dead_letters_unwritable", "as before"),
    (
        "protocol.unexpected_acknowledgement",
        "no connector's SDK lets it happen: `conduit/src/host/book.rs` tells it apart",
    ),
];
