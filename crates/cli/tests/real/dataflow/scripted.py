"""A connector that says what its configuration says, for every rule and every breach of one.

Configuration: `log`, a file that gets each command as it came; `answers`, for each command a list of answers, one
for each time that it comes (the last again and again). An answer is a list of steps: an object is printed as a line
of JSON, a text is printed as it stands, `["exit", N]` ends the process, `["wait", N]` waits N ms, `["stderr", TEXT]`
writes to stderr, `["closed"]` waits for the end of stdin, `["refuse", TEXT, …]` answers a write by an error that
names the messages with one of these texts, if there are any. Without an answer, it does what the page has.
"""
import json
import sys
import time

PAGE = {"init": {"type": "ready"}, "connect": {"type": "ready"}, "read": {"type": "done"}, "write": {"type": "done"},
        "close": {"type": "done"}, "ping": {"type": "pong"}}
config, times = {}, {}


def say(step, command):
    if isinstance(step, list):
        what, more = step[0], step[1:]
        if what == "exit":
            sys.exit(more[0])
        if what == "wait":
            time.sleep(more[0] / 1000)
        if what == "stderr":
            print(more[0], file=sys.stderr, flush=True)
        if what == "closed":
            sys.stdin.read()
        if what == "refuse":
            found = [at for at, message in enumerate(command["messages"]) if any(t in message["data"] for t in more)]
            error = {"type": "error", "message": "too odd", "code": "invalid_data", "failed": found}
            say(error if found else PAGE["write"], command)
        return
    text = step if isinstance(step, str) else json.dumps(step, separators=(",", ":")) + "\n"
    sys.stdout.write(text)
    sys.stdout.flush()


for line in sys.stdin:
    command = json.loads(line)
    name = command["cmd"]
    if name == "init":
        config = command["config"]
    if "log" in config:
        with open(config["log"], "a") as log:
            log.write(line)
    answers = config.get("answers", {}).get(name)
    time_of = times[name] = times.get(name, -1) + 1
    if answers is None:
        if name in PAGE:
            say(PAGE[name], command)
    else:
        for step in answers[min(time_of, len(answers) - 1)]:
            say(step, command)
    if name == "close":
        break
