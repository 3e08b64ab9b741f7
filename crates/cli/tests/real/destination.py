"""A destination on Airbyte's own Python SDK: it appends each record to a file as a JSON line."""

import json
import os
import sys

from airbyte_cdk.destinations import Destination
from airbyte_cdk.models import AirbyteConnectionStatus, ConnectorSpecification, DestinationSyncMode, Status, Type

PATH = {"type": "object", "required": ["path"], "properties": {"path": {"type": "string"}}}
MODES = [DestinationSyncMode.append, DestinationSyncMode.overwrite]


def told(catalog):
    """What the SDK made of the catalog that it was given."""
    return {"streams": [
        {"generation_id": one.generation_id, "minimum_generation_id": one.minimum_generation_id,
         "destination_sync_mode": one.destination_sync_mode.value} for one in catalog.streams]}


class Lines(Destination):
    def spec(self, *_args, **_kwargs):
        return ConnectorSpecification(connectionSpecification=PATH, supported_destination_sync_modes=MODES)

    def check(self, logger, config):
        return AirbyteConnectionStatus(status=Status.SUCCEEDED)

    def write(self, config, configured_catalog, input_messages):
        if "catalogs" in config:
            with open(config["catalogs"], "a") as notes:
                notes.write(json.dumps(told(configured_catalog)) + "\n")
        with open(config["path"], "a") as out:
            for message in input_messages:
                if message.type == Type.RECORD:
                    out.write(json.dumps({"stream": message.record.stream, "data": message.record.data}) + "\n")
                elif message.type == Type.STATE:
                    out.flush()
                    os.fsync(out.fileno())
                    yield message


Lines().run(sys.argv[1:])
