"""PyAirbyte reads all streams of the program named, with the configuration in config.json."""

import json
import pathlib
import sys

import airbyte
from airbyte.caches import DuckDBCache

source = airbyte.get_source(
    pathlib.Path(sys.argv[1]).name,
    config=json.loads(pathlib.Path("config.json").read_text()),
    local_executable=pathlib.Path(sys.argv[1]),
    streams="*",
)
source.check()
result = source.read(cache=DuckDBCache(db_path="cache.duckdb"))
tables = {
    name: sorted(
        ({key: value for key, value in dict(row).items() if not key.startswith("_airbyte")} for row in rows),
        key=lambda row: row["id"],
    )
    for name, rows in result.streams.items()
}
with open("seen.json", "w") as file:
    json.dump(tables, file, default=str)
