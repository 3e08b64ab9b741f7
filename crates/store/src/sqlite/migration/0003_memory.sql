-- Version 3. Released scripts are never changed: add another one.

-- What connectors remember between runs beside their checkpoints. The owner is a place in a pipeline; '' stands for
-- all connectors together.
CREATE TABLE memory (
    owner TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;
