"""A source on Airbyte's own Python SDK that reads rows by a cursor of time: what is older than its state it leaves out."""

import json
import sys

from airbyte_cdk.entrypoint import launch
from airbyte_cdk.models import ConnectorSpecification
from airbyte_cdk.sources import AbstractSource
from airbyte_cdk.sources.streams import IncrementalMixin, Stream


class Rows(Stream, IncrementalMixin):
    primary_key = "id"
    cursor_field = "at"
    name = "rows"

    def __init__(self, config):
        self._config = config
        self._state = {}

    @property
    def state(self):
        return self._state

    @state.setter
    def state(self, value):
        self._state = value

    def get_json_schema(self):
        properties = {"id": {"type": "integer"}, "at": {"type": "string", "format": "date-time"}}
        return {"type": "object", "properties": properties}

    def read_records(self, *_args, **_kwargs):
        with open(self._config["path"]) as lines:
            rows = [json.loads(line) for line in lines]
        after = self.state.get("at", "")
        for row in sorted(rows, key=lambda row: row["at"]):
            if row["at"] > after:
                self.state = {"at": row["at"]}
                yield row


class Late(AbstractSource):
    def spec(self, *_args, **_kwargs):
        return ConnectorSpecification(connectionSpecification={"type": "object", "properties": {}})

    def check_connection(self, logger, config):
        return True, None

    def streams(self, config):
        return [Rows(config)]


launch(Late(), sys.argv[1:])
