//! Every error code, in one table: its stable name, its kind, what it means and what to do.
//!
//! Codes are API: a name is never reused and never changes its meaning.

use crate::error_kind::ErrorKind;

/// A stable error code.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// The name, e.g. `config.invalid`: the area, a dot, the fault.
    pub name: &'static str,
    /// The kind that errors of this code have unless they say otherwise.
    pub kind: ErrorKind,
    /// What it means, one sentence.
    pub summary: &'static str,
    /// What a user can do about it.
    pub remedy: &'static str,
}

macro_rules! codes {
    ($($ident:ident = $name:literal, $kind:ident, $summary:literal, $remedy:literal;)*) => {
        $(
            #[doc = $summary]
            pub static $ident: Code = Code {
                name: $name, kind: ErrorKind::$kind, summary: $summary, remedy: $remedy,
            };
        )*
        /// All codes, in the order of the table.
        pub static ALL: &[&Code] = &[$(&$ident),*];
    };
}

codes! {
    // What the user wrote.
    CONFIG_UNREADABLE = "config.unreadable", Config,
        "A configuration file could not be read.",
        "check the path and its permissions";
    CONFIG_SYNTAX = "config.syntax", Config,
        "A configuration file is not valid YAML or JSON, or a key has the wrong type.",
        "correct the file at the place named";
    CONFIG_UNKNOWN_KEY = "config.unknown_key", Config,
        "A configuration file has a key that Crossdock does not know.",
        "correct the key's name or remove it; `crossdock schema` prints all keys";
    CONFIG_INVALID = "config.invalid", Config,
        "A value is not allowed where it stands.",
        "correct the value at the place named";
    CONFIG_VERSION = "config.version", Config,
        "The file's `version` is not one that this Crossdock reads.",
        "use `version: 1`, or a newer Crossdock";
    CONFIG_SECRET = "config.secret_unresolved", Config,
        "A `${env:…}` or `${file:…}` reference could not be resolved.",
        "set the variable or create the file that the reference names";
    CONFIG_SPEC = "config.violates_spec", Config,
        "A connector's configuration does not satisfy the connector's own specification.",
        "`crossdock spec REF` prints what the connector expects";
    CONFIG_REPLACED = "config.replaced", Config,
        "A connector replaced its own configuration, e.g. a token that can be used only once.",
        "use the new configuration from now on";
    PROCESSOR_INVALID = "config.processor", Config,
        "A processor is not known, or its condition or settings are wrong.",
        "correct the processor named; `docs/processors.md` lists all of them";
    REFERENCE_INVALID = "config.reference", Config,
        "A connector reference is not of the form `protocol:launcher:what`.",
        "write e.g. `native:parquet`, `airbyte:python:airbyte-source-faker` or `airbyte:exec:./program`";
    USAGE = "usage", Config,
        "The command line is not one that Crossdock understands.",
        "`crossdock --help` lists the commands";
    STREAM_UNKNOWN = "catalog.unknown_stream", Config,
        "A selected stream is not in the source's catalog.",
        "`crossdock discover` lists the streams";
    FIELD_UNKNOWN = "catalog.unknown_field", Config,
        "A selected field, cursor or key is not in the stream's schema.",
        "`crossdock discover` prints the schema";
    SYNC_MODE = "catalog.sync_mode", Config,
        "The sync mode is not one that the stream or the destination supports.",
        "choose a supported mode";
    CURSOR_MISSING = "catalog.cursor_missing", Config,
        "An incremental stream needs a cursor field and has none.",
        "set `cursor_field` on the stream";
    CURSOR_FORBIDDEN = "catalog.cursor_source_defined", Config,
        "The source defines this stream's cursor, so it cannot be chosen.",
        "remove `cursor_field`, or name the source's own";
    PRIMARY_KEY_MISSING = "catalog.primary_key_missing", Config,
        "`append_dedup` needs a primary key and the stream has none.",
        "set `primary_key` on the stream";
    TARGET_COLLISION = "catalog.target_collision", Config,
        "Two streams would be written to the same target.",
        "give one of them another namespace or prefix";
    LOOKBACK = "catalog.lookback", Config,
        "A lookback window cannot be kept: the stream is not read and written so, or its state is of an unknown form.",
        "a window needs `sync_mode: incremental`, a cursor and `append_dedup`; else leave `lookback` out";

    // Launching.
    PROGRAM_NOT_FOUND = "launch.not_found", Config,
        "The connector's program does not exist or is not executable.",
        "check the path and that the file is executable";
    LAUNCH_FAILED = "launch.failed", Connector,
        "The connector's process could not be started.",
        "see the cause; the reference must name a program for this machine, or a script with its `#!` line";
    LAUNCHER_UNSUPPORTED = "launch.unsupported", Config,
        "This launcher is not part of this version of Crossdock.",
        "use `exec`, `python` or `docker`";
    PYTHON_NOT_FOUND = "python.not_found", Config,
        "No Python interpreter satisfies the package's `Requires-Python`.",
        "install a Python version in the range named, or `uv`";
    PYTHON_INSTALL = "python.install_failed", Transient,
        "A Python package could not be installed.",
        "check the package's name and version and the network";
    DOCKER_NOT_FOUND = "docker.not_found", Config,
        "Docker's command line client is not installed.",
        "install Docker, or use the connector as a program (`exec`) or a Python package (`python`)";
    DOCKER_UNAVAILABLE = "docker.unavailable", Transient,
        "Docker's engine cannot be spoken with.",
        "start the engine; `crossdock doctor` says whether it answers";
    DOCKER_IMAGE = "docker.image", Config,
        "A connector's image is not here and cannot be pulled.",
        "check the image's name and tag, and `docker login`";
    DOCKER_FAILED = "docker.failed", Connector,
        "Docker's engine could not do what was asked.",
        "see Docker's own reason; `docker` in the pipeline file or `CROSSDOCK_DOCKER` decides how containers are run";

    // Connectors.
    CONNECTOR_UNKNOWN = "connector.unknown", Config,
        "No connector of that name exists.",
        "`crossdock connector list` prints the native ones";
    CONNECTOR_ROLE = "connector.wrong_role", Config,
        "The connector cannot be used in this role.",
        "use a source as source and a destination as destination";
    CHECK_FAILED = "connector.check_failed", Config,
        "The connector says that its configuration does not work.",
        "correct the configuration as the connector's message says";
    CONNECTOR_NONCONFORMING = "connector.nonconforming", Protocol,
        "The connector breaks rules of its protocol.",
        "each broken rule is listed with its clause and a hint; tell the connector's author";
    CONNECTOR_FAILED = "connector.failed", Connector,
        "The connector reported an error.",
        "see the connector's message and its last log lines";
    CONNECTOR_EXIT = "connector.exit", Connector,
        "The connector's process ended with a failure and no explanation of its own.",
        "see the exit reason and the connector's last lines";
    CONNECTOR_KILLED = "connector.killed", Connector,
        "The connector's process was killed.",
        "exit 137 most often means that memory ran out: give it more, or read fewer streams at once";
    CONNECTOR_NO_ENTRYPOINT = "connector.no_entrypoint", Config,
        "The connector's entry point does not exist (exit 127) or cannot be executed (exit 126).",
        "check the command or the image that the reference names";
    CONNECTOR_OUT_OF_MEMORY = "connector.out_of_memory", Connector,
        "The connector's Java machine ran out of memory (exit 3).",
        "raise its heap, e.g. by `JAVA_OPTS=-Xmx2g`";
    CONNECTOR_NO_ANSWER = "connector.no_answer", Protocol,
        "The connector ended well but did not answer the command.",
        "check that the program is a connector of this protocol";
    CONNECTOR_TIMEOUT = "connector.timeout", Stalled,
        "The connector did not answer within the time limit.",
        "raise the limit in `settings` if the connector needs longer";
    STREAM_FAILED = "connector.stream_failed", Connector,
        "One or more streams failed while others went on.",
        "see the message of each stream";
    STREAM_INCOMPLETE = "connector.stream_incomplete", Connector,
        "The source ended well but did not complete every stream.",
        "see the source's log for the reason";

    // Protocols.
    LINE_TOO_LONG = "protocol.line_too_long", Data,
        "A connector printed a line longer than the limit.",
        "raise `settings.max_line_bytes`";
    LINE_TRUNCATED = "protocol.line_truncated", Protocol,
        "A connector's output ended in the middle of a message.",
        "the connector died while writing: see its exit reason";
    RECORD_UNREADABLE = "protocol.record_unreadable", Protocol,
        "A connector printed a line that looks like a record and cannot be read.",
        "report it to the connector's author; `settings.unreadable_records: drop` goes on without the record";
    HANDSHAKE = "protocol.handshake", Protocol,
        "A connector of Conduit did not introduce itself as one.",
        "check that the program is a connector of Conduit; run it with `CONDUIT_PLUGIN_MAGIC_COOKIE` unset to see what it says";
    POSITION_INVALID = "protocol.position", Protocol,
        "A source sent a record whose position is empty or not its own.",
        "this is a fault of the connector: without positions of their own, records cannot be acknowledged";
    ACK_UNEXPECTED = "protocol.unexpected_acknowledgement", Protocol,
        "A destination acknowledged a record that it was not sent, or not in order.",
        "this is a fault of the connector; what it acknowledged before stays committed";
    RECORD_UNPROCESSED = "run.record_unprocessed", Data,
        "A processor could not process a record.",
        "correct the processor, give it a condition that leaves such records out, or put them aside with `dead_letters`";
    RECORD_REFUSED = "connector.refused_record", Connector,
        "A destination refused a record, and no dead-letter destination keeps it.",
        "correct the record or the destination; the run goes on from before it";
    DEAD_LETTERS_EXCEEDED = "run.dead_letters_exceeded", Data,
        "A destination refused more records than the pipeline puts up with.",
        "`crossdock dlq list` shows what was refused before; correct the cause, or raise `dead_letters.window_nack_threshold`";
    DEAD_LETTERS_UNWRITABLE = "run.dead_letters_unwritable", Config,
        "Dead letters could not be kept, so nothing after them was committed.",
        "check the path of `dead_letters` and its permissions";
    DEAD_LETTERS_UNREADABLE = "run.dead_letters_unreadable", Config,
        "Dead letters cannot be read.",
        "check the path and its permissions";
    STATE_MIXED = "protocol.state_mixed", Protocol,
        "A source mixed states per stream with global states in one sync.",
        "report it to the connector's author";
    STATE_INVALID = "protocol.state_invalid", Protocol,
        "A state cannot be read.",
        "if the pipeline read from another source before, `crossdock state reset PIPELINE` forgets where that was; otherwise report it to the connector's author";
    STATE_NOT_RETURNED = "protocol.state_not_returned", Protocol,
        "The destination ended without returning every checkpoint.",
        "nothing after the last returned checkpoint was committed: the next run reads it again";

    // The run.
    COUNT_MISMATCH = "run.count_mismatch", Data,
        "The records read are not the records written, filtered, dead-lettered and dropped (P6).",
        "compare the counts per stream in the summary";
    REJECTED_RECORDS = "run.rejected_records", Data,
        "The destination rejected records.",
        "see its reasons by `crossdock logs`; `settings.rejected_records: allow` loses them, counted, and goes on";
    RECORD_TOO_LARGE = "run.record_too_large", Data,
        "A record does not fit the memory budget.",
        "raise `settings.memory_budget`";
    SOURCE_SILENT = "run.source_silent", Stalled,
        "The source sent nothing for longer than the limit (P9).",
        "raise `settings.source_silence` if the source needs longer";
    DESTINATION_STUCK = "run.destination_stuck", Stalled,
        "The destination accepted nothing for longer than the limit (P9).",
        "raise `settings.destination_silence` if the destination needs longer";
    CHECKPOINT_NOT_RETURNED = "run.checkpoint_not_returned", Stalled,
        "The destination has all data but did not return a checkpoint within the limit (P9).",
        "raise `settings.checkpoint_silence` if the destination needs longer";
    CANCELLED = "run.cancelled", Cancelled,
        "The run was asked to end.",
        "run again to go on from the last committed checkpoint";
    SCHEMA_CHANGED = "run.schema_changed", Config,
        "The source's schema has changed, and nothing is moved until somebody has accepted the change.",
        "`crossdock plan` shows the change, and `crossdock accept PIPELINE` takes it";
    NOTIFICATION_FAILED = "run.notification_failed", Transient,
        "A webhook did not take the message that tells how a run went.",
        "check the URL and what answers there; the run itself is as it is told";
    RUN_INTERRUPTED = "run.interrupted", Transient,
        "The run's process ended before it could say how the run went.",
        "run again to go on from the last committed checkpoint";
    RUN_UNKNOWN = "run.unknown", Config,
        "There is no run of that number, or nothing is kept of it.",
        "`crossdock runs` lists the runs";

    // The store.
    STORE_UNAVAILABLE = "store.unavailable", Config,
        "The state store cannot be opened.",
        "check the path and its permissions";
    STORE_LOCKED = "store.locked", Transient,
        "The state store is locked by another process.",
        "wait for the other process, or end it";
    STORE_NEWER = "store.newer_version", Config,
        "The state store was written by a newer Crossdock.",
        "use that version of Crossdock, or another store";
    STORE_CORRUPT = "store.corrupt", Internal,
        "The state store's file is damaged.",
        "restore it from a backup, or export what can be read and start a new one";
    STORE_FAILED = "store.failed", Transient,
        "The state store could not do what was asked.",
        "check the disk's free space and the file's permissions";
    PIPELINE_BUSY = "store.pipeline_busy", Transient,
        "Another run of this pipeline is going on.",
        "wait for it to end, or end it";
    FENCED = "store.fenced", Cancelled,
        "A newer run of the pipeline took over, so this one may no longer commit.",
        "let the newer run do the work";
    STATE_IMPORT = "store.import_invalid", Config,
        "The state to import is not in the form of Airbyte's state array.",
        "pass a JSON array of state messages, as `crossdock state export` writes";
    PIPELINE_UNKNOWN = "store.unknown_pipeline", Config,
        "The store knows no pipeline of that name.",
        "`crossdock state show` without a name lists the pipelines";
    NOTHING_TO_ACCEPT = "store.nothing_to_accept", Config,
        "The pipeline's last run found no change of the source's schema that waits to be accepted.",
        "run the pipeline: a change that it finds can be accepted afterwards";
    STORED_STREAM_UNKNOWN = "store.unknown_stream", Config,
        "The store has no state of that stream.",
        "`crossdock state show PIPELINE` lists the streams that have a state";
    STORE_VERSION_UNKNOWN = "store.unknown_version", Config,
        "The pipeline's history has no such version, or no longer has it.",
        "`crossdock state history PIPELINE` lists the versions";
    STATE_INDIVISIBLE = "store.state_indivisible", Config,
        "The state covers the whole source in a form that cannot be taken apart by stream.",
        "reset the whole pipeline";

    // Databases that connectors read and write.
    DATABASE_UNUSABLE = "database.unusable", Config,
        "A database cannot be opened, or is not one that can be used.",
        "check the path and its permissions, and that the file is a database";
    DATABASE_LOCKED = "database.locked", Transient,
        "Another program holds the database's lock for longer than the limit.",
        "wait for it to end, or raise `busy_timeout_ms`";
    DATABASE_FAILED = "database.failed", Transient,
        "A database refused an operation.",
        "see the cause: free space, permissions, what else uses the database";
    TARGET_FOREIGN = "database.target_foreign", Config,
        "The table to write to was made by somebody else.",
        "choose another database, or give the stream another name by a namespace or a prefix";

    // The world.
    IO = "io", Transient,
        "The operating system refused a file operation.",
        "see the cause: path, permissions, free space";
    DATA_INVALID = "data.invalid", Data,
        "A value cannot be represented where it has to go.",
        "see the field named";
    INTERNAL = "internal", Internal,
        "A defect in Crossdock.",
        "please report it with the command and the log";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_remedies_present() {
        let mut seen = HashSet::new();
        for code in super::ALL {
            assert!(seen.insert(code.name), "{} stands twice", code.name);
            assert!(!code.remedy.is_empty(), "{} has no remedy", code.name);
        }
    }
}
