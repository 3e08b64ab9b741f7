"""A connector that lets its secrets slip wherever it can, and notes how it was called."""
import json
import os
import stat
import sys


def say(kind, **body):
    print(json.dumps({"type": kind, **body}), flush=True)


def spec():
    text = {"type": "string"}
    secret = {"type": "string", "airbyte_secret": True}
    say("SPEC", spec={"connectionSpecification": {"type": "object", "properties": {
        "report": text, "fails": {"type": "boolean"}, "password": secret, "nested": {
            "type": "object", "properties": {"token": secret}}, "key": secret, "header": secret}}})


def main():
    arguments = sys.argv[1:]
    if arguments[0] == "spec":
        return spec()
    path = arguments[arguments.index("--config") + 1]
    config = json.load(open(path))
    secrets = [config["password"], config["nested"]["token"], config["key"], config["header"]]
    parent = open(f"/proc/{os.getppid()}/cmdline").read().replace("\0", " ")
    mode = stat.S_IMODE(os.stat(path).st_mode)
    folder = stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode)
    with open(config["report"], "a") as report:
        report.write(json.dumps({
            "argv": sys.argv, "parent": parent, "mode": oct(mode), "folder": oct(folder),
            "knows": [len(s) for s in secrets]}) + "\n")
    leak = " and ".join(secrets)
    print(f"to standard error: {leak}", file=sys.stderr, flush=True)
    print(f"no message at all: {leak}", flush=True)
    say("LOG", log={"level": "WARN", "message": f"logging in with {leak}",
                    "stack_trace": f"at login({leak})"})
    if arguments[0] == "check":
        say("CONNECTION_STATUS", connectionStatus={"status": "FAILED", "message": f"bad: {leak}"})
    elif arguments[0] == "discover":
        say("CATALOG", catalog={"streams": [{
            "name": "a", "json_schema": {"type": "object", "properties": {"n": {"type": "integer"}}},
            "supported_sync_modes": ["full_refresh", "incremental"],
            "source_defined_cursor": True}]})
    elif arguments[0] == "read":
        say("RECORD", record={"stream": "a", "data": {"n": 1}, "emitted_at": 1})
        say("STATE", state={"type": "STREAM", "stream": {
            "stream_descriptor": {"name": "a"}, "stream_state": {"n": 1}}})
        if config.get("fails"):
            say("TRACE", trace={"type": "ERROR", "emitted_at": 1, "error": {
                "message": f"refused {leak}", "internal_message": leak, "stack_trace": leak,
                "failure_type": "system_error"}})
            sys.exit(1)
    elif arguments[0] == "write":
        for line in sys.stdin:
            message = json.loads(line)
            if message["type"] == "STATE":
                print(line, end="", flush=True)


main()
