"""Airbyte's SDK reads a connector's output, as its own tests do, and says what it saw."""

import json
import sys
import warnings
from collections import Counter

import orjson
from airbyte_cdk.models import AirbyteMessageSerializer
from airbyte_cdk.test.entrypoint_wrapper import EntrypointOutput

# What the SDK's own imports warn of is not about us.
warnings.simplefilter("error")
lines = sys.stdin.read().splitlines()
kinds = Counter()
for line in lines:
    message = AirbyteMessageSerializer.load(orjson.loads(line))
    kind = message.type.value
    kinds[f"{kind}:{message.trace.type.value}" if message.trace else kind] += 1
output = EntrypointOutput(lines)
json.dump(
    {
        "kinds": kinds,
        "records": len(output.records),
        "states": len(output.state_messages),
        "errors": len(output.errors),
    },
    sys.stdout,
)
