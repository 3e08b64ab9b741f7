-- Version 7. Released scripts are never changed: add another one.

-- Estimates, and the life of states, as a JSON object.
ALTER TABLE run ADD COLUMN statistics TEXT;
