"""What the health page asks and reads: monitors as tap, worker and sink serve them."""

from __future__ import annotations

from app.watch.health import judged
from app.watch.metrics import Exposition, Sample
from app.watch.monitor import Monitor
from dashboard.settings import WATCH
from dashboard.watched import Standing, addresses, look


def test_a_monitor_is_asked_for_its_state_and_its_figures() -> None:
    """A degraded tap is shown with its reason, and with what it counts, labels added up."""
    samples = [
        Sample("shadow_tap_connections", 12),
        Sample("shadow_tap_dropped_total", 3, ("spool",)),
        Sample("shadow_tap_dropped_total", 4, ("fault",)),
    ]
    health = judged(degraded=("Kafka takes nothing",))
    with Monitor("127.0.0.1", 0, Exposition("tap", lambda: samples), lambda: health) as monitor:
        (part,) = look(7, {WATCH: f"http://127.0.0.1:{monitor.port}/"})
    assert (part.name, part.standing, part.reasons) == ("tap", Standing.DEGRADED, ("Kafka takes nothing",))
    assert dict(part.figures) == {"connections": "12", "copies dropped": "7"}


def test_an_unhealthy_process_answers_with_its_reason() -> None:
    """The monitor says 503 then, which is an answer and no failure to answer."""
    with Monitor("127.0.0.1", 0, Exposition("sink", list), lambda: judged(("it stands",))) as monitor:
        (part,) = look(7, {WATCH: f"http://127.0.0.1:{monitor.port}"})
    assert (part.name, part.standing, part.reasons) == ("sink", Standing.UNHEALTHY, ("it stands",))


def test_only_web_addresses_are_asked() -> None:
    """A file or another scheme in the setting is passed over: the page reads no files by it."""
    assert addresses({WATCH: "file:///etc/passwd, http://tap:9464/,https://sink"}) == (
        "http://tap:9464",
        "https://sink",
    )
