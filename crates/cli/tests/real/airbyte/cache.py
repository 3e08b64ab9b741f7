"""PyAirbyte reads a source into DuckDB, and again after the source has grown."""

import json
import pathlib
import sys

import airbyte
from airbyte.caches import DuckDBCache

cache = DuckDBCache(db_path="cache.duckdb")


def read(count):
    source = airbyte.get_source(
        "source-sample",
        config={"count": count, "checkpoint_every": 100},
        local_executable=pathlib.Path(sys.argv[1]),
        streams="*",
    )
    source.check()
    return source.read(cache=cache)


first = read(300).processed_records
result = read(500)
rows = [[row["id"], row["name"], row["is_active"], row["balance_cents"]] for row in result["sample"]]
with open("seen.json", "w") as file:
    json.dump({"first": first, "second": result.processed_records, "rows": sorted(rows)}, file)
