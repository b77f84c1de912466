"""The contracts: documents are those that the code makes, and records that are really published keep to them."""

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from app.contracts.asyncapi import asyncapi, channels, files
from app.contracts.schemas import CONTROL, FRAME_HEADERS, FRAME_VALUE, RECORD_HEADERS, schemas
from app.distributed.accounts import accounts_of
from app.distributed.living import Arrival, Living
from demo.traffic import Traffic
from diff.alerts.alert import Alert, AlertKind, AlertState
from diff.discrepancy import Severity
from diff.published import TYPES, decode, encode
from diff.rejudge import RejudgeRequest
from diff.store.tables import DeadLetter
from ingest import cloudevents
from ingest.cloudevents import Record
from ingest.control import Acknowledgement, EnrolmentRule, EnrolmentSwitch
from ingest.control import encode as encode_control
from ingest.frame import Frame, FrameKind, Gap
from ingest.recording import Reader
from ingest.tap.status import ConnectionStatus, JournalStatus, TapStatus
from ingest.topics import Topics

DOCS = Path(__file__).resolve().parents[3] / "docs"
RECORDINGS = Path(__file__).resolve().parents[3] / "../shared/recordings"
SCHEMAS = schemas()
VALIDATORS = {name: jsonschema_rs.Draft202012Validator(schema) for name, schema in SCHEMAS.items()}
ACCOUNT = ConnectionStatus(
    charger_id="CP",
    connection_id="c",
    state="closed",
    reason="",
    subprotocol=None,
    compression=True,
    opened_at=1,
    closed_at=2,
    last_frame_at=None,
    bytes_forwarded=3,
    bytes_mirrored=3,
    bytes_parsed=3,
    frames=4,
    gaps=0,
)
JOURNAL = JournalStatus(0, 0, settled=True, accepted=0, acknowledged=0, torn_bytes=0, error="")
RARE = (
    DeadLetter("CP", 1, "worker", "ocpp.frames.v1/0/7", "no frame", 12),
    RejudgeRequest("CP", 1, 2, 3, "c/4"),
    Alert("a1", AlertKind.BLIND_TAP, AlertState.OPEN, Severity.MAJOR, "CP", "CP", "title", "detail", 1, 2),
    *accounts_of(TapStatus(5, "run", {}, {}, JOURNAL, "", 0, (ACCOUNT,))),
)


def test_the_files_are_what_the_code_makes() -> None:
    """`make docs` writes them; none is stale, none is missing, none is left over."""
    expected = files()
    found = {name: (DOCS / name).read_text() for name in expected if (DOCS / name).exists()}
    assert sorted(found) == sorted(expected)
    assert [name for name in expected if found[name] != expected[name]] == []
    assert {f"schemas/{path.name}" for path in (DOCS / "schemas").iterdir()} <= set(expected)


def test_schemas_are_schemas() -> None:
    """Of the draft that they name, and each with a name of its own."""
    for name, schema in SCHEMAS.items():
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["$id"] == f"urn:shadow-csms:{name}"
        jsonschema_rs.meta.validate(schema)


def test_every_topic_has_a_channel() -> None:
    """Every constant of `Topics` that is a topic, with its address, and prefixes reach it."""
    topics = Topics(prefix="lab.", partitions=7)
    document = asyncapi(topics)
    addresses = {channel["address"] for channel in document["channels"].values()}
    assert addresses == {topic.name for topic in topics.all()}
    assert {getattr(topics, name) for name in document["channels"]} == addresses
    assert {one["bindings"]["kafka"]["partitions"] for one in document["channels"].values()} == {7}


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for word, value in node.items():
            if word == "$ref":
                yield value
            else:
                yield from _references(value)
    elif isinstance(node, list):
        for one in node:
            yield from _references(one)


def _resolve(document: dict[str, Any], reference: str) -> Any:
    assert reference.startswith("#/")
    found: Any = document
    for step in reference[2:].split("/"):
        found = found[step]
    return found


def test_the_document_is_asyncapi() -> None:
    """The parts that 3.0.0 asks for, operations over channels and messages, and references that lead somewhere."""
    document = asyncapi()
    assert document["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(document["info"])
    assert all({"host", "protocol"} <= set(server) for server in document["servers"].values())
    references = list(_references(document))
    assert len(references) > 50
    for reference in references:
        assert _resolve(document, reference)
    for operation in document["operations"].values():
        assert operation["action"] in ("send", "receive")
        channel = operation["channel"]["$ref"]
        assert channel in {f"#/channels/{name}" for name in document["channels"]}
        # 3.0.0: the messages of an operation are a subset of its channel's, and refer to them there.
        assert all(one["$ref"].startswith(f"{channel}/messages/") for one in operation["messages"])
    for message in document["components"]["messages"].values():
        assert {"name", "contentType", "payload", "headers", "bindings"} <= set(message)


def test_every_published_kind_is_a_message() -> None:
    """And each stands in a channel that somebody writes to."""
    document = asyncapi()
    assert set(document["components"]["messages"]) == {*TYPES.values(), *CONTROL, "ocpp.frame.v1"}
    used = {name for channel in channels(Topics()).values() for name in channel.messages}
    assert used == set(document["components"]["messages"])


def _check(record: Record, seen: Counter[str]) -> None:
    headers = {name: value.decode() for name, value in record.headers}
    name = headers["ce_type"]
    seen[name] += 1
    if name.startswith("ocpp.frame."):
        VALIDATORS[FRAME_HEADERS].validate(headers)
        VALIDATORS[FRAME_VALUE].validate(record.value.decode())
        for header in ("ce_handshake", "ce_gap", "ce_connectors"):
            if header in headers:
                content = SCHEMAS[FRAME_HEADERS]["properties"][header]["contentSchema"]
                jsonschema_rs.Draft202012Validator(content).validate(json.loads(headers[header]))
    else:
        VALIDATORS[RECORD_HEADERS].validate(headers)
        value = json.loads(record.value)
        VALIDATORS[name].validate(value)
        # Nothing unnamed, and nothing left out: what is written is the whole record.
        assert set(value) == set(SCHEMAS[name]["properties"])
    if "ce_subject" in headers:
        assert headers["ce_subject"] == record.key.decode()


def _published(frames: list[Frame]) -> Iterator[Record]:
    """Everything that taps and workers publish of these frames."""
    topics, states = Topics(partitions=1), dict[str, bytes]()
    living = Living(topics, lambda _, charger: states.get(charger))
    for number, frame in enumerate(frames):
        yield cloudevents.encode(frame)
        batch = living.live([Arrival(0, number, frame)])
        states.update((charger, data) for (_, charger), data in batch.states.items())
        yield from itertools.chain.from_iterable(batch.outputs.values())


def test_what_the_runtime_publishes_keeps_to_its_schema() -> None:
    """A fleet with planted faults, gaps, ticks and all: every record, its headers and its value."""
    frames = list(Traffic(seed=11, chargers=8, sessions_per_charger=3, fault_share=1.0))
    last = frames[-1]
    frames += [
        Frame(last.charger_id, "cut", 0, last.received_at, FrameKind.GAP, gap=Gap(9, last.received_at, "cut")),
        Frame(last.charger_id, "cut", 1, last.received_at, FrameKind.CLOSED, close_code=1006, judged_connectors=(1,)),
        Frame("", "tick", 0, last.received_at + 3 * 86_400_000_000, FrameKind.TICK),
    ]
    seen: Counter[str] = Counter()
    for record in _published(frames):
        _check(record, seen)

    wanted = {"ocpp.shadow-message.v1", "ocpp.session.v1", "ocpp.discrepancy.v1", "ocpp.charger.v1"}
    wanted |= {f"ocpp.frame.{kind}.v1" for kind in ("message", "opened", "closed", "gap", "tick")}
    assert wanted <= set(seen)
    assert min(seen[name] for name in wanted if not name.startswith("ocpp.frame.")) > 10


def test_what_recordings_bring_keeps_to_its_schema() -> None:
    """Traffic of real charging stations, with all that is odd about it."""
    paths = sorted(RECORDINGS.glob("*.jsonl"))
    if not paths:
        pytest.skip("no recordings here: put the shared recordings beside the checkout (../shared/recordings)")
    seen: Counter[str] = Counter()
    for path in paths:
        frames = [one for one in Reader().read(path.read_bytes().splitlines(keepends=True)) if isinstance(one, Frame)]
        for record in _published(frames):
            _check(record, seen)
    assert seen["ocpp.frame.message.v1"] > 250
    assert seen["ocpp.session.v1"] > 5


def test_rarer_records_keep_to_their_schemas() -> None:
    """Letters, alerts, requests to judge again, accounts of connections, and what is said through the control topic."""
    seen: Counter[str] = Counter()
    for item in RARE:
        _check(encode(item), seen)
    known = Acknowledgement("0123456789abcdef", "known", "ann", 2_000_000, charger="CP", by="ann@ops", at=1_000_000)
    for said in (EnrolmentRule("CP", enrolled=True, connectors=(1,)), EnrolmentSwitch(enabled=False), known):
        _, value, headers = encode_control(said)
        assert value is not None
        VALIDATORS[RECORD_HEADERS].validate({name: one.decode() for name, one in headers})
        name = dict(headers)["ce_type"].decode()
        VALIDATORS[name].validate(json.loads(value))
        seen[name] += 1
    assert set(seen) == {"ocpp.alert.v1", "ocpp.deadletter.v1", "ocpp.rejudge.v1", "ocpp.connection.v1", *CONTROL}


def test_decimals_are_strings_and_numbers_are_refused() -> None:
    """The schema says what the encoder does: exact text, never a JSON number."""
    value = _a_discrepancy()
    VALIDATORS["ocpp.discrepancy.v1"].validate({**value, "delta": "-12.50"})
    for wrong in (12.5, "12,5", "NaN", "", "0x1"):
        assert not VALIDATORS["ocpp.discrepancy.v1"].is_valid({**value, "delta": wrong})


def _a_discrepancy() -> dict[str, Any]:
    frames = list(Traffic(seed=11, chargers=8, sessions_per_charger=3, fault_share=1.0))
    for record in _published(frames):
        if dict(record.headers)["ce_type"] == b"ocpp.discrepancy.v1":
            found: dict[str, Any] = json.loads(record.value)
            return found
    raise AssertionError("the fleet brought no discrepancy")


@pytest.mark.parametrize("kind", TYPES, ids=TYPES.values())
def test_a_field_that_a_later_version_adds_is_passed_over(kind: type[Any]) -> None:
    """A reader of today decodes it, and the schema of today takes it."""
    examples = {
        dict(record.headers)["ce_type"].decode(): record.value
        for record in _published(list(Traffic(seed=11, chargers=4, sessions_per_charger=2, fault_share=1.0)))
    }
    examples |= {TYPES[type(item)]: encode(item).value for item in RARE}
    value = examples[TYPES[kind]]
    more = msgspec.json.encode({**json.loads(value), "added_later": {"a": [1, None]}})

    VALIDATORS[TYPES[kind]].validate(json.loads(more))
    assert decode(more, kind) == decode(value, kind)
