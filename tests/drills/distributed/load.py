"""Charging stations and their primary CSMS, at work in a thread of this process until they are told that it is enough.

In waves: each is a fleet of the demo with sessions of a few seconds, so that there is always a session open somewhere.
What both ends of the wire said and heard is kept.
"""

import asyncio
import itertools
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import msgspec
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from demo.faults import FAULTS
from demo.fleet import Fleet, FleetConfig, FleetReport
from demo.ocpp16 import SUBPROTOCOL
from demo.outage import Outage, Outpost, OutpostPlan
from demo.plan import Pace
from demo.primary import Primary, PrimaryConfig
from demo.socket_link import SocketLink
from demo.witness import Witness, Word, delays

QUICK_FAULTS = tuple(fault for fault in FAULTS if not fault.name.startswith("primary-s"))
"""A primary that is silent or slow holds a charging station up for longer than a whole drill takes."""
PACE = Pace(
    session=(2_500_000, 4_000_000),
    sample=400_000,
    gap=(100_000, 400_000),
    handling=100_000,
    stagger=500_000,
)
LONGEST_DELAY = 5.0
"""Seconds there and back at most: less than any outage of the drills. Processes start beside it."""
USUAL_DELAY = 0.5
"""Seconds that nine of ten take at most. A tap that waited for Kafka in pulses of 1.2 s would hold up most."""
_WAVES = 120
_LONG = 50_000


@dataclass(frozen=True)
class Wire:
    """What chargers and primary said and heard of each other."""

    failures: dict[str, str]
    """By charging station: why it lost its connection."""
    changed: list[str]
    """Charging stations where what one end heard is not what the other one said."""
    texts: int
    """Said by charging stations or primary."""
    calls: int
    """Calls of charging stations that were answered."""
    delays: list[float]
    """Seconds that the way there and back took for each of them, sorted."""
    waves: int

    def delay(self, share: float) -> float:
        """A percentile."""
        return self.delays[min(len(self.delays) - 1, int(len(self.delays) * share))]

    def check(self, messages: int) -> None:
        """No charging station had its connection cut, a text changed or an answer held up, and the tap saw every text.

        `messages`: how many the tap has recorded.
        """
        assert (self.failures, self.changed) == ({}, [])
        assert self.calls > 200
        assert self.delay(0.9) < USUAL_DELAY, self.line
        assert self.delays[-1] < LONGEST_DELAY, self.line
        assert messages == self.texts

    @property
    def line(self) -> str:
        return (
            f"{self.waves} waves, {self.texts} texts, {len(self.changed)} changed, {len(self.failures)} chargers cut; "
            f"there and back p50 {self.delay(0.5) * 1000:.1f} ms, p99 {self.delay(0.99) * 1000:.0f} ms, "
            f"longest {self.delays[-1] * 1000:.0f} ms"
        )


class Load:
    """Use it as a context manager; the primary listens from then on."""

    def __init__(self, *, chargers: int = 14, seed: int = 1, outposts: Sequence[OutpostPlan] = ()) -> None:
        self._fleets = [
            FleetConfig(
                chargers=chargers,
                seed=seed * 100 + wave,
                fault_share=0.4,
                faults=QUICK_FAULTS,
                duration_seconds=4,
                pace=PACE,
                prefix=f"W{wave:02d}",
            )
            for wave in range(_WAVES)
        ]
        self.plans = tuple(outposts)
        self.outposts: list[Outpost] = []
        self.reports: list[FleetReport] = []
        self._outside, self._inside = Witness(), Witness()
        behaviours = {name: what for fleet in self._fleets for name, what in fleet.behaviours().items()}
        self._primary = Primary(PrimaryConfig(behaviours=behaviours), self._inside)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="load")
        self._enough = threading.Event()
        self._work: list[Any] = []
        self._floods = itertools.count()

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._primary.__aenter__())
        self.network = self._call(_made(Outage))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._enough.set()
        for work in self._work:
            work.cancel()
        self._call(self._primary.__aexit__(None, None, None))
        self._call(_rest())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def upstream(self) -> str:
        return f"ws://127.0.0.1:{self._primary.port}"

    @property
    def billed(self) -> list[Any]:
        """Transactions of the primary."""
        return self._primary.ledger

    def begin(self, tap_port: int, *, waves: bool = True) -> None:
        """Connect to the tap and work."""
        url = f"ws://127.0.0.1:{tap_port}/ocpp"
        if waves:
            self._work.append(self._start(self._waves(url)))
        if self.plans:
            self._work.append(self._start(self._outposts(url)))

    def enough(self, seconds: float = 60) -> Wire:
        """The wave that is on its way is the last one; waits for it and for all outposts."""
        self._enough.set()
        for work in self._work:
            work.result(seconds)
        failures = {name: why for report in self.reports for name, why in report.failures.items()}
        found = delays(self._outside, self._inside)
        texts = self._outside.words
        return Wire(failures, self._changed(), texts, len(found), found, len(self.reports))

    def flood(self, tap_port: int, size: int) -> None:
        """One charging station says about so many bytes, in calls that are answered."""
        self._call(self._flood(f"ws://127.0.0.1:{tap_port}/ocpp", size))

    def poison(self, tap_port: int, texts: Sequence[str]) -> None:
        """One charging station says these texts, one connection long."""
        self._call(self._poison(f"ws://127.0.0.1:{tap_port}/ocpp", texts))

    def broken_utf8(self, tap_port: int, times: int) -> list[int | None]:
        """So often a charging station sends a text message that is no UTF-8; gives the close codes that it got."""
        return [self._call(_broken(f"ws://127.0.0.1:{tap_port}/ocpp/BROKEN")) for _ in range(times)]

    def black_out(self) -> None:
        """All outposts lose their connection, and get none."""
        self._call(self.network.begin())

    def light_up(self) -> None:
        """Outposts may connect again."""
        self._loop.call_soon_threadsafe(self.network.end)

    def _changed(self) -> list[str]:
        outside, inside = self._outside, self._inside
        return [
            name
            for name in outside.said
            if _texts(outside.said[name]) != _texts(inside.heard.get(name, []))
            or _texts(inside.said.get(name, [])) != _texts(outside.heard[name])
        ]

    async def _waves(self, url: str) -> None:
        for config in self._fleets:
            self.reports.append(await Fleet(msgspec.structs.replace(config, url=url), self._outside).run())
            if self._enough.is_set():
                return
        raise AssertionError(f"{_WAVES} waves were not enough")

    async def _outposts(self, url: str) -> None:
        self.outposts = [Outpost(plan, url, self.network, self._outside) for plan in self.plans]
        await asyncio.gather(*(outpost.run() for outpost in self.outposts))

    async def _flood(self, url: str, size: int) -> None:
        link = SocketLink(url, "FLOOD", compression=False, seed=next(self._floods), witness=self._outside)
        await link.connect()
        for _ in range(max(1, size // _LONG)):
            await link.call("DataTransfer", {"vendorId": "drill", "data": "x" * _LONG})
        await link.close()

    async def _poison(self, url: str, texts: Sequence[str]) -> None:
        link = SocketLink(url, "POISON", compression=False, seed=1, witness=self._outside)
        await link.connect()
        for text in texts:
            await link.send_raw(text)
        await link.call_raw(('[2,"last","Heartbeat",{}]',), "last")
        await link.close()

    def _start(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _call(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._start(work).result(20)


async def _broken(url: str) -> int | None:
    async with connect(url, subprotocols=[Subprotocol(SUBPROTOCOL)], compression=None, proxy=None) as socket:
        await socket.send(b'[2,"\xc3\x28","Heartbeat",{}]', text=True)
        await socket.wait_closed()
        return socket.close_code


async def _made(kind: type[Any]) -> Any:
    return kind()


async def _rest() -> None:
    """Let what was cancelled end."""
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _texts(words: Sequence[Word]) -> list[str]:
    return [word.text for word in words]


def outposts(count: int, *, seed: int = 7, **plan: Any) -> list[OutpostPlan]:
    """Charging stations that queue; every third has a clock that is wrong, by hours or by half a century."""
    wrong = itertools.cycle((0, 0, -3 * 3_600_000_000, 0, 0, -55 * 365 * 86_400_000_000, 0, 0, 26 * 3_600_000_000))
    return [
        OutpostPlan(charger_id=f"OUT-{number:03d}", seed=seed + number, clock_off=next(wrong), **plan)
        for number in range(1, count + 1)
    ]
