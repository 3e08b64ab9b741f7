#!/usr/bin/env python3
"""A processor that follows the published "Connector Protocol (stdin/stdout)" page literally, and nothing but that page.

Usage: processor.py SPEC.json. Members of SPEC, all but one of source and sink optional:
  source, sink     {"command": [...], "type": "...", "config": {...}}, the source also "options": {...}
  limit            sent in each read (absent: no limit sent); size of the writes from the messages file (100)
  max_empty_reads  end after this many empty reads in a row (1)
  checkpoint_file  holds the last checkpoint whose messages the sink has acknowledged; handed back at the next start
  stop_after       end after this many messages (to the message when there is a limit, else after that read)
  messages         without source: a JSON lines file of messages to write. Without sink, messages are printed.
Prints {"read","written","checkpoints","features": extra members of `ready` by role}, or status 1, the reason on stderr.
"""
import contextlib, itertools, json, queue, re, subprocess, sys, threading
from pathlib import Path

ANSWER_TIMEOUT, EXIT_TIMEOUT = 60, 10  # seconds
RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
FINAL = {"init": "ready", "connect": "ready", "read": "done", "write": "done", "close": "done"}
FIELDS = {"message": {"data": str, "metadata": dict, "timestamp": str}, "error": {"message": str, "code": str},
          "checkpoint": {"data": str}}  # the first of each is required


class Violation(Exception):
    """The reason to end with status 1."""


def is_well_formed(answer):
    fields = FIELDS.get(answer["type"], {})
    typed = all(isinstance(answer[name], kind) for name, kind in fields.items() if name in answer)
    dated = answer["type"] != "message" or "timestamp" not in answer or RFC3339.fullmatch(answer["timestamp"])
    return typed and dated and all(name in answer for name in list(fields)[:1])


class Connector:
    def __init__(self, role, command):
        self.role, self.announced, self.received, self.checkpoints = role, {}, 0, []
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.lines = queue.Queue()
        threading.Thread(target=self.pump, daemon=True).start()

    def pump(self):
        for line in itertools.chain(self.process.stdout, [None]):
            self.lines.put(line)

    def answer(self, cmd):
        try:
            line = self.lines.get(timeout=ANSWER_TIMEOUT)
        except queue.Empty:
            raise Violation(f"{self.role}: no answer to {cmd} in {ANSWER_TIMEOUT} s")
        if line is None:
            raise Violation(f"{self.role}: ended with status {self.process.wait(EXIT_TIMEOUT)} during {cmd}")
        try:
            answer = json.loads(line.decode("utf-8"))
            if is_well_formed(answer):
                return answer
        except (ValueError, TypeError, KeyError):
            pass
        raise Violation(f"{self.role}: not a line of the protocol, in answer to {cmd}: {line[:300]!r}")

    def ask(self, cmd, **fields):
        """Send one command, take all lines up to the final one, and return the messages among them."""
        with contextlib.suppress(BrokenPipeError):  # answer() finds out why
            self.process.stdin.write(json.dumps({"cmd": cmd, **fields}).encode() + b"\n")
            self.process.stdin.flush()
        messages = []
        while True:
            answer = self.answer(cmd)
            kind = answer.pop("type")
            if kind == FINAL[cmd]:
                self.announced.update(answer if kind == "ready" else {})
                return messages
            if kind == "message" and cmd == "read":
                messages.append({name: answer[name] for name in FIELDS["message"] if name in answer})
                self.received += 1
            elif kind == "checkpoint" and self.role == "source" and cmd in ("read", "close"):
                self.checkpoints.append((self.received, answer["data"]))
            else:
                raise Violation(f"{self.role}: {kind!r} in answer to {cmd}: {json.dumps(answer)}")

    def finish(self):
        self.ask("close")
        self.process.stdin.close()
        if self.process.wait(EXIT_TIMEOUT) != 0 or self.lines.get(timeout=EXIT_TIMEOUT) is not None:
            raise Violation(f"{self.role}: status {self.process.returncode}, or more output, after close")


class Run:
    def __init__(self, spec):
        self.spec, self.connectors, self.read, self.written, self.stored = spec, {}, 0, 0, None
        self.path = Path(spec["checkpoint_file"]) if "checkpoint_file" in spec else None

    def persist(self):
        """Store the last checkpoint before which every message has been written."""
        received = self.connectors["source"].checkpoints if "source" in self.connectors else []
        data = next((data for position, data in reversed(received) if position <= self.written), self.stored)
        if self.path and data != self.stored:
            self.path.with_suffix(".new").write_bytes(data.encode())
            self.path.with_suffix(".new").replace(self.path)
            self.stored = data

    def start(self, role, spec):
        fields = {"options": dict(spec.get("options", {}))} if role == "source" else {}
        if role == "source" and self.path and self.path.exists():
            fields["options"]["checkpoint"] = self.path.read_bytes().decode()
        connector = self.connectors[role] = Connector(role, spec["command"])
        connector.ask("init", role=role, type=spec["type"], config=spec.get("config", {}), **fields)
        connector.ask("connect")

    def batches(self):
        limit, stop, empty = self.spec.get("limit"), self.spec.get("stop_after", float("inf")), 0
        if "source" not in self.spec:
            messages = [json.loads(line) for line in Path(self.spec["messages"]).read_bytes().splitlines()]
            yield from (messages[i:i + (limit or 100)] for i in range(0, len(messages), limit or 100))
        while "source" in self.spec and self.read < stop and empty < self.spec.get("max_empty_reads", 1):
            fields = {"limit": min(limit, stop - self.read)} if limit else {}
            messages = self.connectors["source"].ask("read", **fields)
            if len(messages) > fields.get("limit", float("inf")):
                raise Violation(f"source: {len(messages)} messages, more than the limit of the read")
            self.persist()  # a checkpoint that followed the `done` of the read before
            empty = 0 if messages else empty + 1
            yield messages

    def main(self):
        for role in [role for role in ("source", "sink") if role in self.spec]:
            self.start(role, self.spec[role])
        for messages in self.batches():
            self.read += len(messages)
            if "sink" not in self.spec:
                print("".join(json.dumps(message) + "\n" for message in messages), end="", flush=True)
            elif messages:
                self.connectors["sink"].ask("write", messages=messages)
            self.written += len(messages)
            self.persist()
        for connector in self.connectors.values():
            connector.finish()
        features = {role: it.announced for role, it in self.connectors.items() if it.announced} or None
        checkpoints = sum(len(it.checkpoints) for it in self.connectors.values())
        print(json.dumps(dict(read=self.read, written=self.written, checkpoints=checkpoints, features=features)))


if __name__ == "__main__":
    run = Run(json.loads(Path(sys.argv[1]).read_bytes()))
    try:
        run.main()
    except (Violation, OSError, subprocess.TimeoutExpired) as err:
        sys.exit(f"processor: {err}")
    finally:
        run.persist()
        for process in [one.process for one in run.connectors.values() if one.process.poll() is None]:
            process.kill()
