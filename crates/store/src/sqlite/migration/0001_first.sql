-- Version 1. Released scripts are never changed: add another one.
--
-- A lane, and a stream, is written as a JSON array of texts: [] is the whole source, ["users"] a
-- stream, ["users","public"] a stream in a namespace. Times are milliseconds since the epoch.

CREATE TABLE pipeline (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    -- The greatest fencing number given out.
    epoch INTEGER NOT NULL
) STRICT;

CREATE TABLE run (
    -- AUTOINCREMENT: a number is never given twice.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pipeline INTEGER NOT NULL REFERENCES pipeline (id),
    epoch INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    status TEXT NOT NULL,
    error_code TEXT,
    error_message TEXT
) STRICT;
CREATE INDEX run_by_pipeline ON run (pipeline, id);

CREATE TABLE run_stream (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES run (id),
    stream TEXT NOT NULL,
    read INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    written INTEGER NOT NULL,
    filtered INTEGER NOT NULL,
    dead_lettered INTEGER NOT NULL,
    rejected INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    committed INTEGER NOT NULL,
    checkpoints INTEGER NOT NULL,
    UNIQUE (run, stream)
) STRICT;

-- The committed states: per pipeline all of one kind.
CREATE TABLE lane_state (
    pipeline INTEGER NOT NULL REFERENCES pipeline (id),
    lane TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (pipeline, lane)
) STRICT;

-- Each change of a lane. Rows of one commit share `version`, which is the `id` of the first.
CREATE TABLE history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    version INTEGER NOT NULL,
    pipeline INTEGER NOT NULL REFERENCES pipeline (id),
    lane TEXT NOT NULL,
    -- 1, 2, 3 … per lane: old ones are pruned, and a first one above 1 says so.
    ordinal INTEGER NOT NULL,
    committed_at INTEGER NOT NULL,
    run INTEGER REFERENCES run (id),
    -- Both NULL where the lane lost its state.
    kind TEXT,
    state TEXT,
    UNIQUE (pipeline, lane, ordinal)
) STRICT;
CREATE INDEX history_by_version ON history (pipeline, version);

CREATE TABLE mark (
    pipeline INTEGER NOT NULL REFERENCES pipeline (id),
    epoch INTEGER NOT NULL,
    lane TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (pipeline, epoch, lane)
) STRICT, WITHOUT ROWID;

CREATE TABLE generation (
    pipeline INTEGER NOT NULL REFERENCES pipeline (id),
    stream TEXT NOT NULL,
    generation INTEGER NOT NULL,
    complete INTEGER NOT NULL,
    PRIMARY KEY (pipeline, stream)
) STRICT, WITHOUT ROWID;

-- Connector configurations as connectors replaced them. They hold secrets.
CREATE TABLE config (
    pipeline INTEGER NOT NULL REFERENCES pipeline (id),
    role TEXT NOT NULL,
    base TEXT NOT NULL,
    config TEXT NOT NULL,
    saved_at INTEGER NOT NULL,
    PRIMARY KEY (pipeline, role)
) STRICT;
