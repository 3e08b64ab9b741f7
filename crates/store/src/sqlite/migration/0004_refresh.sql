-- Version 4. Released scripts are never changed: add another one.

-- Streams that the next run is to read anew. Without a mode it is as the pipeline says.
CREATE TABLE refresh (
    pipeline INTEGER NOT NULL REFERENCES pipeline (id),
    stream TEXT NOT NULL,
    mode TEXT,
    PRIMARY KEY (pipeline, stream)
) STRICT, WITHOUT ROWID;

-- Until the generation is complete, the rows of older ones are to go.
ALTER TABLE generation ADD COLUMN truncates INTEGER NOT NULL DEFAULT 0;

-- What the run was for.
ALTER TABLE run ADD COLUMN kind TEXT NOT NULL DEFAULT 'sync';
