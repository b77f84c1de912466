"""Lines of a log, or records of a topic, into frames by a mapping. Pure and total.

What cannot be read is named with its place and kept as evidence: its length, a keyed hash and a masked shape (law 8).
Where its charging station is known a gap stands in its place, so that whoever judges knows that something is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from ingest.frame import UNKNOWN_TIME, Direction, Frame, FrameKind, Gap, Handshake, Micros
from ingest.logs.direction import DirectionFinder
from ingest.logs.mapping import LogMapping, Rule, What
from ingest.logs.narrator import Narrator
from ingest.ocppj import MAX_TEXT, Call, parse
from ingest.timestamps import Flaw, parse_stamp

__all__ = ["Broken", "Counts", "LogReader"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MINUTE: Final[Micros] = 60_000_000
"""Lines of one log may stand so far out of order."""
_MAX_ID: Final = 255
_SHOWN: Final = 40
_KINDS: Final[dict[What, FrameKind]] = {
    "message": FrameKind.MESSAGE, "open": FrameKind.OPENED, "close": FrameKind.CLOSED, "ping": FrameKind.PING,
    "pong": FrameKind.PONG,
}  # fmt: skip
_decode: Final = msgspec.json.Decoder(float_hook=Decimal).decode
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode
_CODE: Final = re.compile(r"[1-4]\d{3}", re.ASCII)


class Broken(msgspec.Struct, frozen=True):
    """What holds no frame."""

    place: str
    reason: str
    """Without what stood there, which may be a secret."""
    evidence: str
    """Length, keyed hash and masked shape."""
    size: int
    """Bytes."""
    charger_id: str = ""


class Counts(msgspec.Struct):
    """What was read."""

    read: int = 0
    frames: int = 0
    broken: int = 0
    passed_over: int = 0
    """Of no interest: other lines of the same log."""


class _Entry(msgspec.Struct):
    charger: str
    what: What
    text: str = ""
    time: Any = None
    direction: Direction | None = None
    connection: str = ""
    code: str = ""
    subprotocol: str = ""


class LogReader:
    """Reads one log or topic, in order."""

    def __init__(
        self, mapping: LogMapping, redact: Callable[[str], str], state: bytes = b"", key_version: str = ""
    ) -> None:
        """`state`: of the narrator, where reading goes on. Raises `msgspec.MsgspecError` where it is none.

        `key_version`: of the key that `redact` works with.
        """
        self.counts = Counts()
        self.narrator = Narrator(mapping.name, state)
        self._mapping = mapping
        self._redact, self._key_version = redact, key_version
        self._finder = DirectionFinder()
        self._places: dict[str, str] = {} if mapping.record is None else mapping.record.model_dump()
        self._points = any(place.startswith("/") for place in self._places.values())
        self._zone = ZoneInfo(mapping.time_zone) if mapping.time_zone else None
        self.now: Micros = UNKNOWN_TIME
        """The time of the latest entry."""
        self._zoneless = False

    def line(self, raw: bytes, place: str) -> list[Frame | Broken]:
        """Read a line; none of interest gives nothing."""
        self.counts.read += 1
        text = raw.decode(errors="replace").strip()
        if not text or (self._mapping.relevant is not None and self._mapping.relevant.search(text) is None):
            self.counts.passed_over += 1
            return []
        if len(raw) > MAX_TEXT:
            return self._broken(place, f"a line of more than {MAX_TEXT} bytes", text)
        try:
            if self._mapping.record is not None:
                entry = self._placed({"value": text, "document": _document(text)})
            else:
                entry = self._matched(text)
        except _BrokenError as error:
            return self._broken(place, str(error), text, error.charger)
        return self._told(entry, place, text)

    def record(
        self, key: bytes | None, value: bytes | None, headers: Mapping[str, bytes], timestamp: int, place: str
    ) -> list[Frame | Broken]:
        """Read a Kafka record; `timestamp` in milliseconds."""
        self.counts.read += 1
        text = (value or b"").decode(errors="replace")
        if len(value or b"") > MAX_TEXT:
            return self._broken(place, f"a value of more than {MAX_TEXT} bytes", text)
        given: dict[str, Any] = {
            f"header:{name}": content.decode(errors="replace") for name, content in headers.items()
        }
        given |= {"key": (key or b"").decode(errors="replace"), "value": text, "timestamp": Decimal(timestamp)}
        try:
            if self._points:
                given["document"] = _document(text)
            entry = self._placed(given)
        except _BrokenError as error:
            return self._broken(place, str(error), text, error.charger)
        return self._told(entry, place, text)

    def _matched(self, text: str) -> _Entry | None:
        for rule in self._mapping.line:
            found = rule.pattern.search(text)
            if found is not None:
                return self._of_groups(rule, {name: value for name, value in found.groupdict().items() if value})
        raise _BrokenError("no rule of the mapping fits")

    def _of_groups(self, rule: Rule, groups: dict[str, str]) -> _Entry | None:
        if rule.what == "ignore":
            return None
        direction = self._direction(groups.get("direction", ""), groups.get("charger", "")) or rule.direction
        return _Entry(
            groups.get("charger", ""), rule.what, groups.get("text", ""), groups.get("time"), direction,
            groups.get("connection", ""), groups.get("code", ""), groups.get("subprotocol", ""),
        )  # fmt: skip

    def _placed(self, given: dict[str, Any]) -> _Entry | None:
        values = {name: _at(place, given) for name, place in self._places.items() if place}
        what: What = self._mapping.events.get(_word(values.get("what")), "message")
        if what == "ignore":
            return None
        charger, text = _word(values.get("charger")), values.get("text")
        if not isinstance(text, str):
            text = "" if text is None else _encode(text).decode()
        return _Entry(
            charger, what, text, values.get("time"), self._direction(_word(values.get("direction")), charger),
            _word(values.get("connection")), _word(values.get("code")), _word(values.get("subprotocol")),
        )  # fmt: skip

    def _direction(self, word: str, charger: str) -> Direction | None:
        if not word:
            return None
        direction = self._mapping.directions.get(word)
        if direction is None and word in (Direction.CP_TO_CS.value, Direction.CS_TO_CP.value):
            direction = Direction(word)
        if direction is None:
            raise _BrokenError(f"a direction of {len(word)} characters that [directions] does not name", charger)
        return direction

    def _told(self, entry: _Entry | None, place: str, source: str) -> list[Frame | Broken]:
        if entry is None:
            self.counts.passed_over += 1
            return []
        charger = entry.charger
        if not charger or len(charger) > _MAX_ID:
            return self._broken(place, f"a charger id of {len(charger)} characters, 1 to {_MAX_ID} can be", source)
        try:
            self.now = self._time(entry.time)
            rest = self._rest(entry)
        except _BrokenError as error:
            return self._broken(place, str(error), source, charger, entry.connection)
        kind = _KINDS[entry.what]
        self.counts.frames += 1
        return [self.narrator.frame(charger, entry.connection, self.now, kind, zoneless=self._zoneless, **rest)]

    def _rest(self, entry: _Entry) -> dict[str, Any]:
        match entry.what:
            case "open":
                agreed = entry.subprotocol or None
                return {"handshake": Handshake(subprotocol=agreed, status=101, key_version=self._key_version)}
            case "close":
                return {"close_code": int(entry.code) if _CODE.fullmatch(entry.code) else None}
            case "message":
                if not entry.text:
                    raise _BrokenError("no text")
                return {"direction": self._sent(entry), "text": self._redact(entry.text)}
            case _:
                return {"direction": entry.direction}

    def _sent(self, entry: _Entry) -> Direction:
        key = self.narrator.key(entry.charger, entry.connection)
        if entry.direction is not None:
            if self._mapping.infer_direction and isinstance(message := parse(entry.text), Call):
                self._finder.learn(key, message.message_id, entry.direction)
            return entry.direction
        if not self._mapping.infer_direction:
            raise _BrokenError("nothing says who sent it (infer_direction = true lets its action say it)")
        found = self._finder.find(key, entry.text)
        if isinstance(found, Direction):
            return found
        raise _BrokenError(found)

    def _time(self, raw: Any) -> Micros:
        """The time; that of the line before where there is none (never invented)."""
        if raw is None or raw == "":
            return self.now
        form = self._mapping.time_format or ("unix-ms" if isinstance(raw, int | Decimal) else "")
        if form in ("unix", "unix-ms"):
            try:
                self._zoneless = False
                at = int(Decimal(str(raw)) * (1_000_000 if form == "unix" else 1000))
            except (InvalidOperation, ValueError, OverflowError):
                raise _BrokenError("a time that is no number") from None
            if not 0 <= at < 2**57:
                raise _BrokenError("a time that no clock shows")
            return at
        if form:
            try:
                moment = datetime.strptime(str(raw), form)  # noqa: DTZ007 - the zone is given just below
            except ValueError:
                raise _BrokenError("a time that is not of the mapping's time_format") from None
            if moment.tzinfo is None:
                return self._local(moment)
            self._zoneless = False
            return (moment - _EPOCH) // _MICROSECOND
        stamp = parse_stamp(str(raw)[:64])
        if stamp.at is None:
            raise _BrokenError(f"a time that is none: {stamp.detail}; name time_format in the mapping")
        if stamp.flaw is Flaw.NO_ZONE and "no zone" in stamp.detail:
            return self._local((_EPOCH + timedelta(microseconds=stamp.at)).replace(tzinfo=None))
        self._zoneless = False
        return stamp.at

    def _local(self, moment: datetime) -> Micros:
        """A time of the mapping's zone. The hour that comes twice in autumn is the second one behind the first."""
        self._zoneless = self._zone is None
        zone = self._zone or UTC
        first, second = ((moment.replace(tzinfo=zone, fold=fold) - _EPOCH) // _MICROSECOND for fold in (0, 1))
        return second if second > first and first < self.now - _MINUTE else first

    def _broken(
        self, place: str, reason: str, source: str, charger: str = "", connection: str = ""
    ) -> list[Frame | Broken]:
        self.counts.broken += 1
        size = len(source.encode("utf-8", "surrogatepass"))
        evidence = self._redact("\0" + source)  # no JSON, so that its shape is all that is left of it
        out: list[Frame | Broken] = [Broken(place, reason, evidence, size, charger)]
        if charger:
            gap = Gap(size, self.now, "log-line-broken", until_reconnect=False)
            out.append(self.narrator.frame(charger, connection, self.now, FrameKind.GAP, gap=gap))
            self.counts.frames += 1
        return out


class _BrokenError(Exception):
    def __init__(self, reason: str, charger: str = "") -> None:
        super().__init__(reason)
        self.charger = charger if len(charger) <= _MAX_ID else ""


def _document(text: str) -> Any:
    try:
        return _decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ArithmeticError):
        raise _BrokenError("no JSON, and the mapping points into it") from None


def _at(place: str, given: dict[str, Any]) -> Any:
    """What stands at a place; None where nothing does."""
    if not place.startswith("/"):
        return given.get(place)
    value = given.get("document")
    for part in place[1:].split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and int(name[:9]) < len(value):
            value = value[int(name[:9])]
        else:
            return None
    return value


def _word(value: Any) -> str:
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else ""
