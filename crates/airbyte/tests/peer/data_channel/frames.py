"""The frames of Airbyte's data channel and the messages in them, from their description alone: a second
implementation, to compare with. Needs the package `protobuf`, no compiler of it."""
import json
import re
from datetime import date
from decimal import Decimal

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

EPOCH = date(1970, 1, 1).toordinal()
TYPES = {"bool": 8, "string": 9, "sint64": 18, "sint32": 17, "uint64": 4, "uint32": 13, "double": 1, "bytes": 12, "int64": 3}
REASONS = [f"{side}_{what}" for what in ("RECORD_SIZE_LIMITATION", "FIELD_SIZE_LIMITATION", "SERIALIZATION_ERROR")
           for side in ("SOURCE", "DESTINATION", "PLATFORM")] + ["SOURCE_RETRIEVAL_ERROR", "DESTINATION_TYPECAST_ERROR"]
TIMES = ["date", "time_tz", "time", "timestamp_tz", "timestamp"]


def messages(version):
    """The classes of the protocol's messages; `?` is a member of the message's oneof, `*` is repeated."""
    old = version == "0.0.1"
    times = ["string"] * 5 if old else ["sint64", "OffsetTime", "uint64", "OffsetDateTime", "LocalDateTime"]
    layout = {
        "Message": "record?Record airbyte_protocol_message?string probe?Probe", "Probe": "",
        "Record": "stream_namespace?string stream_name:string emitted_at_ms:uint64 partition_id:string data*Value meta:Meta",
        "Value": f"boolean?bool string?string integer?{'int64' if old else 'sint64'} big_integer?string number?double "
                 "big_decimal?string " + " ".join(map("?".join, zip(TIMES, times))) + " json?bytes is_null:bool",
        "OffsetTime": "nanos:uint64 offset:sint32", "OffsetDateTime": "seconds:sint64 nanos:uint32 offset:sint32",
        "LocalDateTime": "days:sint64 nanos:uint64", "Meta": "changes*Change",
        "Change": "field:string change:uint32 reason:uint32"}  # On the wire an enum is as good as its number.
    file = descriptor_pb2.FileDescriptorProto(name="channel.proto", package="channel", syntax="proto3")
    for name, fields in layout.items():
        message = file.message_type.add(name=name)
        for number, field in enumerate(fields.split(), 1):
            mark = next(mark for mark in field if mark in "?*:")
            field_name, kind = field.split(mark)
            added = message.field.add(name=field_name, number=number, label=3 if mark == "*" else 1, type=TYPES.get(kind, 11))
            if added.type == 11:
                added.type_name = f".channel.{kind}"
            if mark == "?":
                if not message.oneof_decl:
                    message.oneof_decl.add(name="case")
                added.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"channel.{name}")) for name in layout}


def kind(schema):
    """The case of the values of a property (the table of types)."""
    types = schema.get("type")
    types = [t for t in (types if isinstance(types, list) else [types]) if t not in (None, "null")]
    form, own = schema.get("format"), schema.get("airbyte_type", "")
    if types == ["string"] and not schema.get("contentEncoding"):
        zone = "" if own.endswith("without_timezone") else "_tz"
        return {"date": "date", "time": "time" + zone, "date-time": "timestamp" + zone}.get(form, "string")
    return {"boolean": "boolean", "integer": "integer", "number": "number"}.get(types[0], "json") if len(types) == 1 else "json"


def clock(text):
    """Nanoseconds since midnight, and seconds east of UTC."""
    zone = text.endswith("Z") and "Z" or (text[-6:] if len(text) > 8 and text[-6] in "+-" else "")
    base, _, fraction = text[:len(text) - len(zone)].partition(".")
    hour, minute, second = map(int, base.split(":"))
    offset = 0 if zone in ("", "Z") else int(zone[0] + "1") * (int(zone[1:3]) * 3600 + int(zone[4:]) * 60)
    return (hour * 3600 + minute * 60 + second) * 10**9 + int(fraction.ljust(9, "0") or 0), offset


def clock_text(nanos, offset=None):
    text = f"{nanos // 3600_000_000_000:02}:{nanos // 60_000_000_000 % 60:02}:{nanos // 10**9 % 60:02}"
    if fraction := nanos % 10**9:
        digits = f"{fraction:09}"
        text += "." + digits[:3 if digits.endswith("000000") else 6 if digits.endswith("000") else 9]
    if offset is None:
        return text
    return text + ("Z" if not offset else f"{'-' if offset < 0 else '+'}{abs(offset) // 3600:02}:{abs(offset) // 60 % 60:02}")


def printed(message):
    """JSON text, in which numbers that were given as digits keep them."""
    return re.sub(r'"\\u0000([-+.0-9eE]+)"', r"\1", json.dumps(message, ensure_ascii=False))


class Channel:
    def __init__(self, version, catalog):
        self.old, self.classes = version == "0.0.1", messages(version)
        self.fields = {}
        for entry in catalog["streams"]:
            stream = entry["stream"]
            properties = stream["json_schema"].get("properties", {})
            # As a Java or Kotlin program sorts them.
            names = sorted(properties, key=lambda name: name.encode("utf-16-be"))
            self.fields[stream.get("namespace"), stream["name"]] = [(n, kind(properties[n])) for n in names]

    def value(self, case, value):
        out = self.classes["Value"]()
        if value is None:
            out.is_null = True
        elif case in TIMES and not self.old:
            day, _, rest = value.partition("T") if "-" in value[:5] else ("", "", value)
            days = date.fromisoformat(day).toordinal() - EPOCH if day else 0
            nanos, offset = clock(rest) if rest else (0, 0)
            if case == "timestamp_tz":
                seconds, fraction = days * 86400 + nanos // 10**9 - offset, nanos % 10**9
                out.timestamp_tz.CopyFrom(self.classes["OffsetDateTime"](seconds=seconds, nanos=fraction, offset=offset))
            elif case == "timestamp":
                out.timestamp.CopyFrom(self.classes["LocalDateTime"](days=days, nanos=nanos))
            elif case == "time_tz":
                out.time_tz.CopyFrom(self.classes["OffsetTime"](nanos=nanos, offset=offset))
            else:
                setattr(out, case, days if case == "date" else nanos)
        elif case == "integer" and not -(2**63) <= value < 2**63:
            out.big_integer = str(value)
        elif case == "number" and Decimal(repr(float(value))) != value:
            out.big_decimal = str(value)
        else:
            out_value = json.dumps(value, default=float, separators=(",", ":"), ensure_ascii=False).encode() if case == "json" else value
            setattr(out, case, float(value) if case == "number" else out_value)
        return out

    def plain(self, value):
        case = value.WhichOneof("case")
        if value.is_null or case is None:
            return None
        found = getattr(value, case)
        if case in ("big_integer", "big_decimal"):
            return "\0" + found  # The digits, see `printed`.
        if case == "json":
            return json.loads(found)
        if case not in TIMES or self.old:
            return found
        day = lambda days: date.fromordinal(days + EPOCH).isoformat()
        if case == "timestamp_tz":
            days, seconds = divmod(found.seconds + found.offset, 86400)
            return f"{day(days)}T{clock_text(seconds * 10**9 + found.nanos, found.offset)}"
        if case == "timestamp":
            return f"{day(found.days)}T{clock_text(found.nanos)}"
        if case == "time_tz":
            return clock_text(found.nanos, found.offset)
        return day(found) if case == "date" else clock_text(found)

    def encode(self, line):
        """A frame for one message, given as the line of the other form."""
        message = json.loads(line, parse_float=Decimal)
        out = self.classes["Message"]()
        if message.get("probe"):
            out.probe.SetInParent()
        elif message["type"] != "RECORD":
            out.airbyte_protocol_message = line.strip()
        else:
            record, sent = message["record"], out.record
            if record.get("namespace") is not None:
                sent.stream_namespace = record["namespace"]
            sent.stream_name, sent.emitted_at_ms = record["stream"], record["emitted_at"]
            sent.partition_id = record.get("partition_id", "")
            for name, case in self.fields[record.get("namespace"), record["stream"]]:
                sent.data.append(self.value(case, record["data"].get(name)))
            for change in record.get("meta", {}).get("changes", []):
                what = ["NULLED", "TRUNCATED"].index(change["change"])
                sent.meta.changes.add(field=change["field"], change=what, reason=REASONS.index(change["reason"]))
        body = out.SerializeToString()
        length, prefix = len(body), b""
        while length > 127:
            prefix, length = prefix + bytes([length & 127 | 128]), length >> 7
        return prefix + bytes([length]) + body

    def decode(self, frame):
        """The message of a frame as a line of the other form; probes are None."""
        message = self.classes["Message"].FromString(frame)
        if message.WhichOneof("case") != "record":
            return message.airbyte_protocol_message or None
        sent = message.record
        record = {"stream": sent.stream_name, "emitted_at": sent.emitted_at_ms, "partition_id": sent.partition_id}
        if sent.HasField("stream_namespace"):
            record["namespace"] = sent.stream_namespace
        fields = self.fields[record.get("namespace"), sent.stream_name]
        record["data"] = {n: self.plain(v) for (n, _), v in zip(fields, list(sent.data) + [self.classes["Value"]()] * len(fields))}
        if sent.meta.changes:
            record["meta"] = {"changes": [{"field": c.field, "change": ["NULLED", "TRUNCATED"][c.change], "reason": REASONS[c.reason]}
                                          for c in sent.meta.changes]}
        return printed({"type": "RECORD", "record": record})
