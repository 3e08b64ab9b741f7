-- Version 2. Released scripts are never changed: add another one.

-- The last change of a lane by hand. [] stands for all lanes.
CREATE TABLE edit (
    pipeline INTEGER NOT NULL REFERENCES pipeline (id),
    lane TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    PRIMARY KEY (pipeline, lane)
) STRICT, WITHOUT ROWID;

-- The catalog of the pipeline's last run, as Airbyte's configured catalog.
CREATE TABLE catalog (
    pipeline INTEGER PRIMARY KEY REFERENCES pipeline (id),
    run INTEGER NOT NULL REFERENCES run (id),
    catalog TEXT NOT NULL
) STRICT;
