"""The AsyncAPI 3.0 document of the topics, and the files of all contracts.

`python -m app.contracts.asyncapi DOCS` writes asyncapi.json, schemas/*.json and topics.md anew into a folder; a test
fails where one of them is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from app.contracts.schemas import CONTROL, FRAME_HEADERS, FRAME_VALUE, RECORD_HEADERS, schemas
from diff.alerts.alert import Alert
from diff.applied import AppliedFrames
from diff.discrepancy import Discrepancy, JudgedSession
from diff.published import TYPES
from diff.rejudge import RejudgeRequest
from diff.store.tables import ChargerFacts, ConnectionAccount, DeadLetter
from ingest.topics import Topic, Topics
from shadow.device_model.fact import Fact
from shadow.message import ShadowMessage

__all__ = ["Channel", "asyncapi", "channels", "files"]

_JSON: Final = "application/json"
_KAFKA: Final = "0.5.0"
"""The version of AsyncAPI's Kafka binding."""
_FRAME: Final = "ocpp.frame.v1"


class Channel(msgspec.Struct, frozen=True):
    """A topic as others meet it."""

    topic: Topic
    key: str
    """What the key is."""
    messages: tuple[str, ...]
    """Names of what stands in it; empty where it is internal, or declared for later."""
    written_by: str
    read_by: str


def channels(topics: Topics) -> dict[str, Channel]:
    """Every topic of an installation, by its name in `Topics`."""
    known = {topic.name: topic for topic in topics.all()}
    charger = "the charging station's id"

    def of(name: str, kinds: tuple[type[Any] | str, ...], by: str, to: str, key: str = charger) -> tuple[str, Channel]:
        names = tuple(kind if isinstance(kind, str) else TYPES[kind] for kind in kinds)
        return name, Channel(known.pop(getattr(topics, name)), key, names, by, to)

    frame_key = "the charging station's id; empty for a tick, which every partition gets"
    record_key = "the charging station's id, or empty: then the EVSE map says it"
    alert_key = "the charging station's id; empty where it is about no single one"
    rule_key = "the charging station's id or glob; for everything else `/KIND` and what it names"
    found = dict(
        (
            of("frames", (_FRAME,), "taps", "workers, sinks", frame_key),
            of("messages", (ShadowMessage,), "workers", "sinks"),
            of("sessions", (JudgedSession,), "workers", "sinks"),
            of("discrepancies", (Discrepancy,), "workers", "sinks"),
            of("chargers", (ChargerFacts,), "workers", "sinks"),
            of("applied", (AppliedFrames,), "workers", "sinks"),
            of("device_facts", (Fact,), "workers", "sinks"),
            of("connections", (ConnectionAccount,), "taps", "sinks"),
            of("dead_letters", (DeadLetter,), "workers", "sinks, `deadletter`"),
            of("rejudge", (RejudgeRequest,), "workers", "`rejudge`"),
            of("control", tuple(CONTROL), "`enrol`, `ack`", "taps, sinks, `enrol`", rule_key),
            of("alerts", (Alert,), "`alerts watch`, `run`", "whoever is on call", alert_key),
            of("primary_records", (), "others: OCPI JSON", "`records follow`", record_key),
            of("state", (), "workers", "workers only"),
        )
    )
    assert not known, f"topics without a channel: {sorted(known)}"
    return found


def asyncapi(topics: Topics | None = None) -> dict[str, Any]:
    """The document, of an installation without a prefix where none is given."""
    found = channels(topics or Topics())
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "shadow-csms",
            "version": "1",
            "description": "What shadow-csms publishes to Kafka and reads from it. Records are CloudEvents 1.0 in the"
            " binary mode of the Kafka binding. A setting may put a prefix before every address. What may change within"
            " a version: topics.md.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": _JSON,
        "servers": {
            "local": {
                "host": "127.0.0.1:9092",
                "protocol": "kafka",
                "description": "The setting kafka_bootstrap names another one.",
            }
        },
        "channels": {name: _channel(channel) for name, channel in found.items()},
        "operations": _operations(found),
        "components": {"messages": _messages(found), "schemas": _components(schemas())},
    }


def _channel(channel: Channel) -> dict[str, Any]:
    topic = channel.topic
    config: dict[str, Any] = {"cleanup.policy": [topic.config["cleanup.policy"]]}
    config |= {name: int(topic.config[name]) for name in ("retention.ms", "max.message.bytes") if name in topic.config}
    return {
        "address": topic.name,
        "description": f"{topic.purpose}. Written by {channel.written_by}, read by {channel.read_by}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in channel.messages},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": config,
                "bindingVersion": _KAFKA,
            }
        },
    }


def _operations(found: Mapping[str, Channel]) -> dict[str, Any]:
    """Sending is what the product publishes, receiving what it follows."""
    operations: dict[str, Any] = {}
    for name, channel in found.items():
        if not channel.messages:
            continue
        follows = name == "control"
        operations[f"{'follow' if follows else 'publish'}-{name}"] = {
            "action": "receive" if follows else "send",
            "channel": {"$ref": f"#/channels/{name}"},
            "summary": channel.topic.purpose,
            "messages": [{"$ref": f"#/channels/{name}/messages/{one}"} for one in channel.messages],
        }
    return operations


def _messages(found: Mapping[str, Channel]) -> dict[str, Any]:
    messages: dict[str, Any] = {}
    for channel in found.values():
        for name in channel.messages:
            frame = name == _FRAME
            messages[name] = {
                "name": name,
                "title": name,
                "contentType": "text/plain; charset=utf-8" if frame else _JSON,
                "headers": {"$ref": f"#/components/schemas/{FRAME_HEADERS if frame else RECORD_HEADERS}"},
                "payload": {"$ref": f"#/components/schemas/{FRAME_VALUE if frame else name}"},
                "bindings": {
                    "kafka": {"key": {"type": "string", "description": channel.key}, "bindingVersion": _KAFKA}
                },
            }
    return dict(sorted(messages.items()))


def _components(found: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The schemas for within the document: their parts stand beside them, since every reference begins at its root."""
    whole: dict[str, Any] = {}
    for name, schema in found.items():
        body = _rooted(schema)
        for part, meaning in body.pop("$defs", {}).items():
            assert whole.setdefault(part, meaning) == meaning, f"two kinds of {part}"
        whole[name] = {word: value for word, value in body.items() if word not in ("$schema", "$id")}
    return dict(sorted(whole.items()))


def _rooted(node: Any) -> Any:
    if isinstance(node, list):
        return [_rooted(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        word: value.replace("#/$defs/", "#/components/schemas/") if word == "$ref" else _rooted(value)
        for word, value in node.items()
    }


def files() -> dict[str, str]:
    """Every generated file by its path in the folder of documents."""
    from app.pages.topics import page

    found = {f"schemas/{name}.json": _pretty(schema) for name, schema in schemas().items()}
    return {"asyncapi.json": _pretty(asyncapi()), **found, "topics.md": page()}


def _pretty(document: dict[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def main(arguments: list[str]) -> int:
    """Write all files anew; schemas of types that are no more are removed."""
    folder = Path(*arguments)
    (folder / "schemas").mkdir(parents=True, exist_ok=True)
    for stale in (folder / "schemas").glob("*.json"):
        stale.unlink()
    for name, text in files().items():
        (folder / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
