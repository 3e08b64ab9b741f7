#!/usr/bin/env python3
"""A row source that speaks the published "Connector Protocol (stdin/stdout)" page, and follows nothing but that page.

Config (all optional, unknown members are ignored):
  count          rows in all (100)
  batch          messages in a read that has no limit (10); a limit in the command is an upper bound in its place
  payload_bytes  pad each row with a text member up to about this size (0: no padding)
  table          name put into the metadata ("rows")
  checkpoint     "before" or "after" the `done`, after "each" message, or "none" ("after", the order on the page)
  log            true: one stderr line per command, and one line that is no JSON on stdout before the first `ready`
  crash_after    kill this process in the middle of a read, once it has sent this many messages (0: never)
  crash_once_file  do not crash if this file exists; it is created just before crashing
Options: checkpoint, the string of {"lastReadOrderByValue":N}; reading goes on after row N.
"""
import json
import os
import sys
from datetime import datetime, timedelta

BASE = datetime(2024, 1, 15, 10, 30)
DEFAULTS = {"count": 100, "batch": 10, "payload_bytes": 0, "table": "rows", "checkpoint": "after", "log": False,
            "crash_after": 0, "crash_once_file": ""}


class Refused(Exception):
    """A command that is answered by `error`: code, message."""


def send(flush=True, **answer):
    sys.stdout.buffer.write(json.dumps(answer, separators=(",", ":")).encode() + b"\n")
    if flush:
        sys.stdout.buffer.flush()


def is_count(value, least=0):
    return type(value) is int and value >= least


class Source:
    config, connected, last, sent = None, False, 0, 0

    def init(self, cmd):
        self.config, self.connected, self.last = None, False, 0
        given = cmd.get("config")
        given = {} if given is None else given
        if cmd.get("role") != "source" or not isinstance(given, dict):
            raise Refused("invalid_config", "role must be source and config an object")
        config = {name: given.get(name, default) for name, default in DEFAULTS.items()}
        for name, default in DEFAULTS.items():
            good = is_count(config[name]) if type(default) is int else type(config[name]) is type(default)
            if not good or name == "batch" and config[name] < 1:
                raise Refused("invalid_config", f"wrong value of {name}: {config[name]!r}")
        if config["checkpoint"] not in ("before", "after", "each", "none"):
            raise Refused("invalid_config", "checkpoint must be before, after, each or none")
        options = cmd.get("options")
        checkpoint = options.get("checkpoint") if isinstance(options, dict) else None
        if checkpoint is not None:
            try:
                self.last = json.loads(checkpoint)["lastReadOrderByValue"]
            except (TypeError, ValueError, KeyError):
                self.last = None
            if not is_count(self.last):
                raise Refused("invalid_checkpoint", f"not a checkpoint of this source: {checkpoint!r}")
        self.config = config
        if config["log"]:
            print("source.py starting", flush=True)
        send(type="ready")

    def connect(self, _cmd):
        if self.config is None:
            raise Refused("not_initialized", "connect before init")
        self.connected = True
        send(type="ready")

    def read(self, cmd):
        if not self.connected:
            raise Refused("not_connected", "read before connect")
        limit = cmd.get("limit")
        if limit is not None and not is_count(limit, 1):
            raise Refused("invalid_limit", "limit must be a positive integer")
        mode = self.config["checkpoint"]
        first, end = self.last + 1, min(self.config["count"], self.last + (limit or self.config["batch"]))
        for number in range(first, end + 1):
            self.send_row(number)
            self.last = number
            if mode == "each":
                self.send_checkpoint()
        if mode == "before" and first <= end:
            self.send_checkpoint()
        send(type="done")
        if mode == "after" and first <= end:
            self.send_checkpoint(flush=True)

    def send_checkpoint(self, flush=False):
        send(flush, type="checkpoint", data='{"lastReadOrderByValue":%d}' % self.last)

    def send_row(self, number):
        row = {"id": number, "name": f"row {number}", "amount": number * 12345678901234567}
        data = json.dumps(row, separators=(",", ":"))
        missing = self.config["payload_bytes"] - len(data) - len(',"pad":""')
        if missing > 0:
            data = json.dumps(dict(row, pad="x" * missing), separators=(",", ":"))
        metadata = {"table": self.config["table"], "operation": "insert", "id": number}
        timestamp = (BASE + timedelta(seconds=number)).isoformat() + "Z"
        send(False, type="message", data=data, metadata=metadata, timestamp=timestamp)
        self.sent += 1
        once = self.config["crash_once_file"]
        if self.sent == self.config["crash_after"] and not (once and os.path.exists(once)):
            sys.stdout.buffer.flush()
            if once:
                open(once, "w").close()
            os.kill(os.getpid(), 9)

    def close(self, _cmd):
        self.connected = False
        send(type="done")

    def ping(self, _cmd):
        send(type="pong")


def main():
    source = Source()
    commands = {"init": source.init, "connect": source.connect, "read": source.read, "close": source.close,
                "ping": source.ping}
    for line in sys.stdin.buffer:
        try:
            try:
                cmd = json.loads(line)
            except ValueError as err:
                raise Refused("invalid_command", f"not a JSON line: {err}")
            name = cmd.get("cmd") if isinstance(cmd, dict) else None
            if not isinstance(name, str) or name not in commands:
                raise Refused("unknown_command", f"no command of a source: {name!r}")
            commands[name](cmd)
        except Refused as err:
            send(type="error", message=err.args[1], code=err.args[0])
            name = f"refused: {err.args[1]}"
        if source.config and source.config["log"]:
            print(f"source.py: {name}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
