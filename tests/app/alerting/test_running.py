"""The watch as a process: beside the embedded runtime, and until it is told to stop."""

from collections.abc import Mapping
from pathlib import Path
from threading import Event

import pytest
from pydantic import SecretStr

from app import embedded
from app.alerting import process, watching
from app.alerting.watching import Watch, follow
from app.embedded import Embedded
from app.settings import Settings
from diff.store.errors import StoreRefusedError

SECRETS = ("SHADOW_ALERT_WEBHOOK_URL", "SHADOW_ALERT_WEBHOOK_SECRET")


def test_only_the_watch_knows_the_webhook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the judge nor the pages get its address, which is a secret."""
    started: dict[str, Mapping[str, str]] = {}

    def start(module: str, _: object, variables: Mapping[str, str], *, quiet: bool = False) -> None:
        started[module] = variables

    monkeypatch.setattr(embedded, "start_child", start)
    hook, key = SecretStr("https://h/s3cret"), SecretStr("k")
    settings = Settings(
        data_dir=tmp_path, upstream="ws://127.0.0.1:1", alert_webhook_url=hook, alert_webhook_secret=key
    )
    runtime = Embedded(settings, dashboard=True)
    runtime._start_worker()
    runtime._start_page()
    runtime._start_alerts()
    assert started["app.alerting.process"][SECRETS[0]] == "https://h/s3cret"
    assert not set(SECRETS) & (started["app.worker"].keys() | started["app.page"].keys())


def test_it_looks_again_after_a_failure_and_stops_when_told() -> None:
    """A store that refuses is said as the failure; the next look goes on."""
    stopped = Event()

    class Looking:
        looks = 0
        failure = ""

        def look(self, _: int) -> None:
            self.looks += 1
            if self.looks == 1:
                raise StoreRefusedError("no such table")
            stopped.set()

    watch = Looking()
    follow(watch, 0.0, stopped)  # type: ignore[arg-type]
    assert (watch.looks, watch.failure) == (2, "no such table")


def test_the_process_watches_the_store_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its settings come from the environment; without a usable one it ends with 2."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SHADOW_{name.upper()}", raising=False)
    monkeypatch.setenv("SHADOW_STORE_URL", "clickhouse://shadow:pw@127.0.0.1:1/shadow")
    monkeypatch.setenv(SECRETS[0], "https://h/s3cret")
    monkeypatch.setattr(process.logs, "begin", lambda *_: None)
    monkeypatch.setattr(process.signal, "signal", lambda *_: None)
    seen: list[tuple[str, bool]] = []

    def once(watch: Watch, seconds: float, _: Event) -> None:
        assert seconds == 60
        seen.append((repr(watch._store.address), watch.has_webhook))

    monkeypatch.setattr(process, "follow", once)
    assert process.main([]) == 0
    assert seen == [("clickhouse://shadow@127.0.0.1:1/shadow", True)]
    monkeypatch.setenv("SHADOW_ALERT_SECONDS", "0")
    assert process.main([]) == 2
    monkeypatch.delenv("SHADOW_ALERT_SECONDS")
    assert watching.limits_of(Settings(alerts_per_hour=7)).ceiling == 7
