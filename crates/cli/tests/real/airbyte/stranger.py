"""The stranger of the data channel as a whole connector: what is not about the channel is answered here."""

import json
import os
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4] / "airbyte/tests/peer/data_channel"))
import stranger

MODES = ["append", "overwrite"]
words = sys.argv[1:]
config = {}
if "--config" in words:
    config = json.loads(Path(words[words.index("--config") + 1]).read_text())
if words[0] == "spec":
    spec = {"connectionSpecification": {"type": "object"}, "supported_destination_sync_modes": MODES}
    stranger.send(json.dumps({"type": "SPEC", "spec": spec}))
elif words[0] == "check":
    stranger.send(json.dumps({"type": "CONNECTION_STATUS", "connectionStatus": {"status": "SUCCEEDED"}}))
elif words[0] == "discover":
    configured = json.loads(Path(config["catalog"]).read_text())
    streams = [one["stream"] for one in configured["streams"]]
    stranger.send(json.dumps({"type": "CATALOG", "catalog": {"streams": streams}}))
elif config.get("quit") and words[0] == "read":
    # It never makes its sockets.
    stranger.send(json.dumps({"type": "TRACE", "trace": {"type": "ERROR", "emitted_at": 1, "error": {"message": "out of order"}}}))
    sys.exit(1)
elif config.get("quit"):
    # It calls well what is no end.
    end = socket.socket(socket.AF_UNIX)
    while end.connect_ex(os.environ["DATA_CHANNEL_SOCKET_PATHS"].split(",")[0]):
        time.sleep(0.01)
else:
    stranger.main(words)
