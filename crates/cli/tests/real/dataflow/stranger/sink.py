#!/usr/bin/env python3
"""A file sink that speaks the published "Connector Protocol (stdin/stdout)" page, and follows nothing but that page.

Config (unknown members are ignored):
  path           file to append to (required): one line {"data":...,"metadata":...,"timestamp":...} per message,
                 flushed and fsynced before `done`; what a message lacks is written as null
  refuse         list of substrings; if the data of any message contains one of them, the whole write is answered by
                 `error` with code constraint_violation, and nothing of it is written
  delay_ms       sleep this long in each write (0)
  fail_writes    answer the first N writes of the process by `error` with code transient (0)
  fail_once_file   do not fail if this file existed at init; it is created at the first such failure
  crash_after    kill this process after the write that completes this many messages, before its answer (0: never)
  crash_once_file  do not crash if this file exists; it is created just before crashing
"""
import json
import os
import sys
import time

DEFAULTS = {"path": "", "refuse": [], "delay_ms": 0, "fail_writes": 0, "fail_once_file": "", "crash_after": 0,
            "crash_once_file": ""}


class Refused(Exception):
    """A command that is answered by `error`: code, message."""


def send(**answer):
    sys.stdout.buffer.write(json.dumps(answer, separators=(",", ":")).encode() + b"\n")
    sys.stdout.buffer.flush()


class Sink:
    config, file, writes, written, may_fail = None, None, 0, 0, True

    def init(self, cmd):
        self.config = None
        given = cmd.get("config")
        if cmd.get("role") != "sink" or not isinstance(given, dict):
            raise Refused("invalid_config", "role must be sink and config an object")
        config = {name: given.get(name, default) for name, default in DEFAULTS.items()}
        for name, default in DEFAULTS.items():
            if type(config[name]) is not type(default) or type(default) is int and config[name] < 0:
                raise Refused("invalid_config", f"wrong value of {name}: {config[name]!r}")
        if not config["path"] or not all(isinstance(text, str) for text in config["refuse"]):
            raise Refused("invalid_config", "path is required, and refuse is a list of strings")
        self.config = config
        self.may_fail = not (config["fail_once_file"] and os.path.exists(config["fail_once_file"]))
        send(type="ready")

    def connect(self, _cmd):
        if self.config is None:
            raise Refused("not_initialized", "connect before init")
        try:
            self.file = self.file or open(self.config["path"], "ab")
        except OSError as err:
            raise Refused("cannot_open", str(err))
        send(type="ready")

    def write(self, cmd):
        if self.file is None:
            raise Refused("not_connected", "write before connect")
        config, messages = self.config, cmd.get("messages")
        self.writes += 1
        time.sleep(config["delay_ms"] / 1000)
        if self.may_fail and self.writes <= config["fail_writes"]:
            if config["fail_once_file"]:
                open(config["fail_once_file"], "w").close()
            raise Refused("transient", f"write {self.writes} fails as configured")
        if not isinstance(messages, list):
            raise Refused("invalid_message", "messages must be a list")
        lines = []
        for message in messages:
            if not isinstance(message, dict) or not isinstance(message.get("data"), str):
                raise Refused("invalid_message", "a message must be an object with a data string")
            for text in config["refuse"]:
                if text in message["data"]:
                    raise Refused("constraint_violation", f"data contains {text!r}")
            kept = {name: message.get(name) for name in ("data", "metadata", "timestamp")}
            lines.append(json.dumps(kept, separators=(",", ":")) + "\n")
        try:
            self.file.write("".join(lines).encode())
            self.file.flush()
            os.fsync(self.file.fileno())
        except OSError as err:
            raise Refused("write_failed", str(err))
        self.written += len(lines)
        once = config["crash_once_file"]
        if config["crash_after"] and self.written >= config["crash_after"] and not (once and os.path.exists(once)):
            if once:
                open(once, "w").close()
            os.kill(os.getpid(), 9)
        send(type="done")

    def close(self, _cmd):
        if self.file:
            self.file.close()
        self.file = None
        send(type="done")

    def ping(self, _cmd):
        send(type="pong")


def main():
    sink = Sink()
    commands = {"init": sink.init, "connect": sink.connect, "write": sink.write, "close": sink.close,
                "ping": sink.ping}
    for line in sys.stdin.buffer:
        try:
            try:
                cmd = json.loads(line)
            except ValueError as err:
                raise Refused("invalid_command", f"not a JSON line: {err}")
            name = cmd.get("cmd") if isinstance(cmd, dict) else None
            if not isinstance(name, str) or name not in commands:
                raise Refused("unknown_command", f"no command of a sink: {name!r}")
            commands[name](cmd)
        except Refused as err:
            send(type="error", message=err.args[1], code=err.args[0])


if __name__ == "__main__":
    main()
