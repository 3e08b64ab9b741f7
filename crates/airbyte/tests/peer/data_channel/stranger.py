#!/usr/bin/env python3
"""Both ends of Airbyte's data channel over sockets, from its description alone; shares nothing with what it tests.

  stranger.py encode VERSION CATALOG    messages as JSON lines on stdin -> frames on stdout
  stranger.py decode VERSION CATALOG    frames on stdin -> messages as JSON lines on stdout
  stranger.py read  --config C --catalog F    a source: sends the lines of the file config.messages
  stranger.py write --config C --catalog F    a destination: adds what comes to the file config.out, in one line each

VERSION is 0.0.1 or 0.0.2 (config.version). Sockets and form come from DATA_CHANNEL_SOCKET_PATHS and
DATA_CHANNEL_FORMAT.
"""
import json
import os
import socket
import sys
import threading
import time

from frames import Channel


def send(message):
    sys.stdout.write(message + "\n")
    sys.stdout.flush()


class Wire:
    """Frames of one form through a pair of functions of bytes."""

    def __init__(self, channel, form):
        self.channel, self.lines = channel, form == "JSONL"

    def pack(self, line):
        return line.strip().encode() + b"\n" if self.lines else self.channel.encode(line)

    def unpack(self, stream):
        """The messages of a stream until its end; blank lines and probes are none."""
        if self.lines:
            yield from (line.decode() for line in stream if line.strip())
            return
        while first := stream.read(1):
            length, shift = first[0] & 127, 7
            while first[0] > 127:
                first = stream.read(1)
                length, shift = length | (first[0] & 127) << shift, shift + 7
            frame = stream.read(length)
            if len(frame) < length:
                raise EOFError("the stream ends in the middle of a frame")
            if (message := self.channel.decode(frame)) is not None:
                yield message


def source(config, wire, paths):
    """Listens on every path, takes one connection on each, and sends. A partition keeps to its socket."""
    listeners = []
    for path in paths:
        if os.path.exists(path):
            os.unlink(path)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(1)
        listeners.append(listener)
    sockets, of_partition = [listener.accept()[0] for listener in listeners], {}
    for number, line in enumerate(open(config["messages"], encoding="utf-8")):
        message = json.loads(line)
        if message["type"] == "RECORD":
            partition = message["record"]["partition_id"]
            sockets[of_partition.setdefault(partition, len(of_partition) % len(sockets))].sendall(wire.pack(line))
            continue
        if message["type"] in ("STATE", "TRACE"):
            sockets[number % len(sockets)].sendall(wire.pack(line))
        send(line.strip())
        if number % 3 == 0:
            sockets[0].sendall(b"\n" if wire.lines else wire.pack('{"probe":true}'))
    for connection in sockets:
        connection.close()


class Destination:
    """Counts what comes for each partition, and returns each state once all that it covers is there, in order."""

    def __init__(self, out):
        self.out, self.lock, self.counts, self.states, self.next, self.total = open(out, "a"), threading.Lock(), {}, {}, {}, {}

    def take(self, line):
        with self.lock:
            self.out.write(line.strip() + "\n")
            self.out.flush()
            message = json.loads(line)
            if message["type"] == "RECORD":
                partition = message["record"]["partition_id"]
                self.counts[partition] = self.counts.get(partition, 0) + 1
            elif message["type"] == "STATE":
                state = message["state"]
                of = state["stream"]["stream_descriptor"] if state.get("type") == "STREAM" else {}
                self.states.setdefault((of.get("namespace"), of.get("name")), {})[state["id"]] = message
            self.release()

    def release(self):
        for stream, waiting in self.states.items():
            while message := waiting.get(self.next.get(stream, 1)):
                state = message["state"]
                partitions = [state["partition_id"]] if "partition_id" in state else [
                    entry["partition_id"] for entry in state["global"]["stream_states"] if "partition_id" in entry]
                count = sum(self.counts.get(partition, 0) for partition in partitions)
                if count < state["sourceStats"]["recordCount"]:
                    break
                self.total[stream] = self.total.get(stream, 0) + count
                state["destinationStats"] = {"recordCount": float(count)}
                state.update(committedRecordsCount=self.total[stream], rejectedRecordsCount=0)
                send(json.dumps(message))
                del waiting[state["id"]]
                self.next[stream] = state["id"] + 1

    def read(self, wire, path):
        connection, deadline = socket.socket(socket.AF_UNIX), time.monotonic() + 15 * 60
        while connection.connect_ex(path):  # It appears when the source is ready.
            if time.monotonic() > deadline:
                raise TimeoutError(path)
            time.sleep(0.05)
        for line in wire.unpack(connection.makefile("rb", 16 << 10)):
            self.take(line)


def destination(config, wire, paths):
    own = Destination(config["out"])
    failures = []
    def read(path):
        try:
            own.read(wire, path)
        except Exception as failure:
            failures.append(failure)
    threads = [threading.Thread(target=read, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures or any(own.states.values()):
        raise SystemExit(f"failed: {failures}, states not returned: {own.states}")


def main(words):
    load = lambda path: json.load(open(path, encoding="utf-8"))
    if words[0] in ("encode", "decode"):
        channel = Channel(words[1], load(words[2]))
        if words[0] == "encode":
            for line in sys.stdin:
                sys.stdout.buffer.write(channel.encode(line))
        else:
            for line in Wire(channel, "PROTOBUF").unpack(sys.stdin.buffer):
                send(line)
        return
    options = dict(zip(words[1::2], words[2::2]))
    config = load(options["--config"])
    channel = Channel(config.get("version", "0.0.2"), load(options["--catalog"]))
    wire = Wire(channel, os.environ["DATA_CHANNEL_FORMAT"])
    run = source if words[0] == "read" else destination
    run(config, wire, os.environ["DATA_CHANNEL_SOCKET_PATHS"].split(","))


if __name__ == "__main__":
    main(sys.argv[1:])
