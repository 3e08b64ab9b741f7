-- Version 5. Released scripts are never changed: add another one.

-- Changes of a source's catalog that a run found and did not take, and the catalog with them. Until somebody has
-- accepted them, `catalog` has what was agreed on before.
CREATE TABLE review (
    pipeline INTEGER PRIMARY KEY REFERENCES pipeline (id),
    run INTEGER NOT NULL REFERENCES run (id),
    reviewed_at INTEGER NOT NULL,
    pauses INTEGER NOT NULL,
    changes TEXT NOT NULL,
    catalog TEXT NOT NULL
) STRICT;
