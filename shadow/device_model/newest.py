"""Facts of one charging station, the newest of each name, and which of its configuration keys still hold. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ingest.frame import Micros
from shadow.device_model.fact import Fact, Source

__all__ = ["Facts"]

_Named = tuple[Source, int | None, str]


class Facts:
    """The newest fact of each source, connector and name; names are compared without case."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._newest: dict[_Named, Fact] = {}
        for fact in facts:
            self.add(fact)

    def add(self, fact: Fact) -> None:
        """Take a fact; one that is older than what is known brings nothing."""
        named = (fact.source, fact.connector_id, fact.name.lower())
        known = self._newest.get(named)
        if known is None or fact.at >= known.at:
            self._newest[named] = fact

    def of(self, source: Source) -> Iterator[Fact]:
        """Those of one source, by name and connector."""
        found = [fact for fact in self._newest.values() if fact.source is source]
        yield from sorted(
            found, key=lambda fact: (fact.name.lower(), -1 if fact.connector_id is None else fact.connector_id)
        )

    def get(self, source: Source, name: str, connector_id: int | None = None) -> Fact | None:
        """One fact."""
        return self._newest.get((source, connector_id, name.lower()))

    def value(self, source: Source, name: str) -> str:
        """Its value; empty where there is none."""
        fact = self.get(source, name)
        return "" if fact is None or fact.value is None else fact.value

    @property
    def latest(self) -> Micros:
        """When the newest of all was observed; 0 without any."""
        return max((fact.at for fact in self._newest.values()), default=0)

    def keys(self) -> Iterator[Fact]:
        """The configuration keys that hold: what an older answer told and the newest whole one has not is gone."""
        whole = self.get(Source.ANSWER, "GetConfiguration")
        since = 0 if whole is None else int(whole.detail.get("changed_at", "0"))
        for fact in self.of(Source.KEY):
            if fact.at >= since:
                yield fact
