"""A source on Airbyte's own Python SDK that can really be resumed: it counts."""

import sys
import time

from airbyte_cdk.entrypoint import launch
from airbyte_cdk.models import ConnectorSpecification
from airbyte_cdk.sources import AbstractSource
from airbyte_cdk.sources.streams import IncrementalMixin, Stream


class Numbers(Stream, IncrementalMixin):
    primary_key = "n"
    cursor_field = "n"
    name = "numbers"
    state_checkpoint_interval = 20

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
        return {"type": "object", "properties": {"n": {"type": "integer"}, "text": {"type": "string"}}}

    def read_records(self, *_args, **_kwargs):
        for n in range(self.state.get("n", 0) + 1, self._config["count"] + 1):
            if n % 20 == 0:
                time.sleep(self._config["pause"])
            self.state = {"n": n}
            yield {"n": n, "text": f"number {n}"}


class Counting(AbstractSource):
    def spec(self, *_args, **_kwargs):
        return ConnectorSpecification(connectionSpecification={"type": "object", "properties": {}})

    def check_connection(self, logger, config):
        return True, None

    def streams(self, config):
        return [Numbers(config)]


launch(Counting(), sys.argv[1:])
