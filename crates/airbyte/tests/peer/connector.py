#!/usr/bin/env python3
"""A scripted connector for the host's tests, in Python's standard library alone.

Its config says how it behaves: {"source": [STEP, ...]} or {"destination": MODE}. It knows nothing of
the code under test beyond the protocol.
"""
import json
import os
import signal
import subprocess
import sys
import time


def out(text):
    sys.stdout.write(text)
    sys.stdout.flush()


def say(kind, key, body):
    out(json.dumps({"type": kind, key: body}, separators=(",", ":")) + "\n")


def record(stream, data, **more):
    say("RECORD", "record", {"stream": stream, "data": data, "emitted_at": 1, **more})


def state(stream, value):
    say("STATE", "state", {"type": "STREAM", "stream": {
        "stream_descriptor": {"name": stream}, "stream_state": value}})


def error(message, kind="system_error", stream=None):
    body = {"message": message, "failure_type": kind}
    if stream:
        body["stream_descriptor"] = {"name": stream}
    say("TRACE", "trace", {"type": "ERROR", "emitted_at": 1.5, "error": body})


def status(stream, value):
    say("TRACE", "trace", {"type": "STREAM_STATUS", "emitted_at": 1, "stream_status": {
        "stream_descriptor": {"name": stream}, "status": value}})


def hold(seconds):
    """Leaves a child behind that holds stdout."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(%s)" % seconds])
    out(json.dumps({"child": child.pid}) + "\n")


def options(argv):
    found, rest = {}, list(argv)
    while rest:
        word = rest.pop(0)
        if word.startswith("--"):
            found[word[2:]] = json.load(open(rest.pop(0)))
    return found


def step(name, args, opts):
    if name == "raw":
        out(args[0])
    elif name == "records":
        for number in range(args[1]):
            record(args[0], {"n": number})
    elif name == "state":
        state(*args)
    elif name == "status":
        status(*args)
    elif name == "error":
        error(*args)
    elif name == "log":
        say("LOG", "log", {"level": args[0], "message": args[1]})
    elif name == "stderr":
        for _ in range(args[1]):
            sys.stderr.write(args[0] + "\n")
        sys.stderr.flush()
    elif name == "control":
        say("CONTROL", "control", {"type": "CONNECTOR_CONFIG", "emitted_at": 1,
                                   "connectorConfig": {"config": args[0]}})
    elif name == "hold":
        hold(args[0])
    elif name == "sleep":
        time.sleep(args[0])
    elif name == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    elif name == "close":
        sys.stdout.flush()
        os.close(1)
    elif name == "show":
        # What the host gave it, as a record.
        space = {"namespace": args[1]} if len(args) > 1 else {}
        record(args[0], {"cwd": os.getcwd(), "argv": sys.argv[1:], "state": opts.get("state"),
                         "catalog": opts.get("catalog"),
                         "env": os.environ.get("USE_STREAM_CAPABLE_STATE"),
                         "modes": [oct(os.stat(a).st_mode & 0o777) for a in sys.argv if a[0] == "/"]},
               **space)
        open("left-behind.txt", "w").close()
    elif name == "kill":
        os.kill(os.getpid(), args[0])
    elif name == "exit":
        sys.stdout.flush()
        os._exit(args[0])


def echo(message, keep_id=True, **more):
    body = dict(message["state"])
    if not keep_id:
        body.pop("id", None)
    body.update(more)
    say("STATE", "state", body)


def write(mode, opts):
    held = []
    log = open(opts["config"]["log"], "w") if "log" in opts["config"] else None
    if log and opts["config"].get("log_catalog"):
        # The first line of the log: the catalog that it was given.
        log.write(json.dumps(opts["catalog"]) + "\n")
        log.flush()
    for line in sys.stdin:
        if log:
            log.write(line)
            log.flush()
        message = json.loads(line)
        if mode == "die" and message["type"] == "RECORD":
            error("the disk is full")
            sys.exit(1)
        if mode == "quit" and message["type"] == "RECORD":
            sys.exit(0)
        if message["type"] != "STATE":
            continue
        if mode == "echo":
            echo(message)
        elif mode == "no-ids":
            echo(message, keep_id=False)
        elif mode == "twice":
            echo(message)
            echo(message)
        elif mode == "unknown":
            echo(message, id=99)
            echo(message)
        elif mode == "reject":
            echo(message, destinationStats={"recordCount": 1.0, "rejectedRecordCount": 2.0})
        elif mode == "reverse":
            held.append(message)
    for message in reversed(held):
        echo(message)
    if mode == "hang":
        time.sleep(600)


def main():
    command = sys.argv[1]
    opts = options(sys.argv[2:])
    config = opts.get("config", {})
    if command == "spec":
        say("LOG", "log", {"level": "INFO", "message": "about to answer"})
        say("SPEC", "spec", {
            "connectionSpecification": {"type": "object", "properties": {
                "password": {"type": "string", "airbyte_secret": True}}},
            "supported_destination_sync_modes": ["append", "overwrite", "overwrite_dedup"],
            "supportsDBT": False})
    elif command == "write":
        write(config["destination"], opts)
    else:
        for name, *args in config.get(command, config.get("source", [])):
            step(name, args, opts)


main()
