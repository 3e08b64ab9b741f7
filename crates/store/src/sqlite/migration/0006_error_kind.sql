-- Version 6. Released scripts are never changed: add another one.

-- What sort of failure ended the run: connectors say more of that than the code does.
ALTER TABLE run ADD COLUMN error_kind TEXT;
