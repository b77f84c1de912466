"""Every code of the catalogue, once from frames that must raise it and once from frames that must not.

Those about billing records stand in tests/diff/billing/test_auditor.py. A code of the catalogue that stands in no row
fails `test_every_code_of_the_catalogue_has_a_positive_and_a_negative_test`.
"""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from demo.lived import Lived
from demo.native import NativeScript
from demo.script import Script
from diff.catalogue import CATALOGUE
from diff.discrepancy import Status
from diff.policy import SECOND
from ingest.frame import Handshake
from shadow.config import ShadowConfig
from tests.diff.billing.test_auditor import ROWS as OF_RECORDS

TAG = "04A1B2C3"
AT_THE_CABLE = ShadowConfig(tx_stop_points=frozenset({"EVConnected"}))


def _begun(**more: Any) -> Script:
    return Script().boot().status(1, "Available").status(1, "Preparing").start(1, TAG, 1000, transaction=7, **more)


def _running() -> Script:
    return _begun().status(1, "Charging").wait(600)


def _native(**more: Any) -> NativeScript:
    """A session of a charging station that speaks 2.0.1 itself."""
    return NativeScript().boot().status(1, "Occupied").started("tx-1", **more).wait(600).ended("tx-1")


def _pinged(pong_after: float | None) -> Script:
    script = Script().boot().ping()
    return script if pong_after is None else script.wait(pong_after).pong()


def _beating(heartbeats: int) -> Script:
    """A station that keeps the interval of 300 s which its BootNotification brought."""
    script = Script().boot()
    for _ in range(heartbeats):
        script.wait(299).call("Heartbeat", {}).answer({"currentTime": script.now})
    return script


def _reconnecting(times: int, seconds: float) -> Script:
    script = Script().boot()
    for _ in range(times - 1):
        script.close(1000).wait(seconds).open()
    return script


def _speaking(subprotocol: str | None) -> Script:
    return Script(connected=False).open(subprotocol).boot()


def _clean() -> Script:
    """A session that nobody could complain about."""
    script = _running().meter(1, 7, 2000).wait(600)
    return script.meter(1, 7, 3000, "Transaction.End").stop(7, 3000, idTag=TAG).status(1, "Finishing")


def _unanswered_start(answer_after: float | None) -> Script:
    script = Script().boot()
    payload = {"connectorId": 1, "idTag": TAG, "meterStart": 1000, "timestamp": script.now}
    script.call("StartTransaction", payload, message_id="s")
    if answer_after is not None:
        script.wait(answer_after).answer({"transactionId": 7, "idTagInfo": {"status": "Accepted"}}, message_id="s")
    return script


def _corrected_clock(first: str) -> Script:
    """A start that is never answered, then the same one again, with the true time and another message id."""
    script = Script().boot()
    payload = {"connectorId": 1, "idTag": TAG, "meterStart": 1000, "timestamp": first}
    script.call("StartTransaction", payload).wait(60).close().open()
    script.start(1, TAG, 1000, transaction=7).wait(600)
    return script.stop(7, 2000)


def _retried(second: int, *, stops: tuple[int, ...]) -> Script:
    script = Script().boot()
    at = script.now
    script.start(1, TAG, 1000, transaction=7, at=at).wait(21).start(1, TAG, 1000, transaction=second, at=at).wait(600)
    for transaction in stops:
        script.stop(transaction, 3000)
    return script


def _colliding(second: int) -> Script:
    script = Script().boot().start(1, TAG, 1000, transaction=1).start(2, "BB", 90_000, transaction=second).wait(600)
    return script.stop(1, 1500).stop(second, 90_500)


def _closing(stop: int, sample: str, unit: str = "Wh") -> Script:
    return _running().meter(1, 7, sample, "Transaction.End", unit=unit).stop(7, stop)


def _rebooted(*, resumes: bool) -> Script:
    script = _running().close().wait(30).open().boot().status(1, "Charging")
    return script.wait(60).meter(1, 7, 1500).wait(600).stop(7, 2000) if resumes else script.wait(700).tick()


def _queue(*, offline: bool) -> Script:
    script = _running().close().wait(300)
    stopped = script.ago(100 if offline else 0)
    script.open()
    return script.stop(7, 2000, at=stopped if offline else script.now)


def _skewed(seconds: float) -> Script:
    script = Script().boot()
    for status in ("Available", "Preparing", "Available", "Preparing"):
        script.wait(10).status(1, status, at=script.ago(-seconds))
    return script


def _boot_later() -> Script:
    return Script().status(1, "Available").boot()


def _stamped(stamp: str | None) -> Script:
    return Script().boot().status(1, "Available", at=stamp)


def _answered_after(seconds: float | None) -> Script:
    script = Script().boot().call("Heartbeat", {})
    return script if seconds is None else script.wait(seconds).answer({"currentTime": "2030-01-01T12:00:00Z"})


def _sample(value: str, unit: str | None = "Wh", **more: Any) -> Script:
    return _running().meter(1, 7, value, unit=unit, **more)


def _bare() -> Script:
    return _running().meter_values(1, 7, [{"timestamp": "2030-01-01T12:10:05Z", "sampledValue": [{"value": "1100"}]}])


def _data(vendor: str) -> Script:
    return Script().boot().call("DataTransfer", {"vendorId": vendor}).answer({"status": "Accepted"})


def _plug_and_charge(data: str | None) -> Script:
    """Plug & Charge inside DataTransfer, answered with a message inside, or with none."""
    asked = {"vendorId": "org.openchargealliance.iso15118pnc", "messageId": "SignCertificate", "data": '{"csr": "C"}'}
    script = Script().boot().call("DataTransfer", asked)
    return script.answer({"status": "UnknownMessageId"} if data is None else {"status": "Accepted", "data": data})


def _diagnostics(location: str) -> Script:
    return Script().boot().command("GetDiagnostics", {"location": location}).answer({"fileName": "log.zip"})


def _long_tag(length: int) -> Script:
    tag = "T" * length
    return Script().boot().start(1, tag, 1000, transaction=7).wait(60).stop(7, 2000)


def _twice(message_id: str) -> Script:
    script = Script().boot().call("DataTransfer", {"vendorId": "A"}, message_id="1").answer({"status": "Accepted"})
    return script.call("DataTransfer", {"vendorId": "B"}, message_id=message_id).answer({"status": "Accepted"})


def _profiles(*ids: int, status: str = "Accepted") -> Script:
    """TxDefaultProfiles of one stack level on connector 1."""
    script = Script().boot()
    schedule = {
        "chargingRateUnit": "A",
        "startSchedule": "2030-01-01T00:00:00Z",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}],
    }
    for number in ids:
        profile = {
            "chargingProfileId": number,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": schedule,
        }
        script.remote("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile}, status)
    return script


def _unlocked(number: int) -> Script:
    script = Script().boot().command("GetConfiguration", {"key": ["NumberOfConnectors"]})
    script.answer({"configurationKey": [{"key": "NumberOfConnectors", "readonly": True, "value": "2"}]})
    return script.remote("UnlockConnector", {"connectorId": number}, "UnlockFailed")


def _chosen(status: str) -> Script:
    """An authorization makes both connectors Preparing; connector 1 is used, and the other one becomes this."""
    script = Script().boot().authorize(TAG).status(1, "Preparing").status(2, "Preparing")
    return script.start(1, TAG, 0, transaction=7).status(2, status)


_LIST = {"listVersion": 1, "updateType": "Full"}


def _keys(**values: str) -> Script:
    told = [{"key": key, "readonly": False, "value": value} for key, value in values.items()]
    return Script().boot().command("GetConfiguration", {}).answer({"configurationKey": told})


def _transfer(vendor: str) -> Script:
    return Script().boot().call("DataTransfer", {"vendorId": vendor, "data": "1"}).answer({"status": "Accepted"})


def _shaken(**shake: Any) -> Script:
    script = Script(connected=False).open()
    script.frames[-1] = replace(script.frames[-1], handshake=Handshake(path="/CP1", subprotocol="ocpp1.6", **shake))
    return script.boot()


_Told = Callable[[], Script]
ROWS: list[tuple[str, _Told, _Told, ShadowConfig]] = [
    (code, positive, negative, config[0] if config else ShadowConfig())
    for code, positive, negative, *config in [
        ("profile.unmappable", lambda: _profiles(1, status="NotSupported"), lambda: _profiles(1, status="Rejected")),
        ("profile.conflict", lambda: _profiles(1, 2), lambda: _profiles(1, 1)),
        ("topology.unknown-connector", lambda: _unlocked(3), lambda: _unlocked(2)),
        (
            "topology.unknown-connector",
            lambda: Script().boot().status(-1, "Available"),
            lambda: Script().boot().status(0, "Available"),
        ),
        ("topology.ambiguous", lambda: _chosen("Unavailable"), lambda: _chosen("Available")),
        (
            "status.illegal-transition",
            lambda: Script().boot().status(1, "Finishing").status(1, "Charging"),
            lambda: Script().boot().status(1, "Finishing").boot().status(1, "Charging"),
        ),
        (
            "status.contradicts-session",
            lambda: Script().boot().status(1, "Available").status(1, "Charging"),
            lambda: Script().boot().status(1, "Charging"),
        ),
        (
            "status.contradicts-session",
            lambda: _running().status(1, "Available"),
            lambda: _running().status(1, "Available").wait(200).stop(7, 2000),
        ),
        (
            "status.unmappable",
            lambda: Script().boot().status(0, "Charging"),
            lambda: Script().boot().status(0, "Faulted"),
        ),
        (
            "status.detail-lost",
            lambda: Script().boot().status(1, "Finishing"),
            lambda: Script().boot().status(1, "Faulted"),
        ),
        (
            "status.detail-lost",
            lambda: Script().boot().status(1, "Faulted", errorCode="HighTemperature"),
            lambda: Script().boot().status(1, "Available"),
        ),
        (
            "message.no-answer",
            lambda: Script().boot().remote("SendLocalList", _LIST, "NotSupported"),
            lambda: Script().boot().remote("SendLocalList", _LIST, "Failed"),
        ),
        ("message.field-lost", lambda: _diagnostics("ftp://" + "a" * 600), lambda: _diagnostics("ftp://a")),
        (
            "message.no-answer",
            lambda: _plug_and_charge(None),
            lambda: _plug_and_charge('{"status": "Accepted"}'),
        ),
        # The finest reading is the truth of 2.0.1: a meterStop that says otherwise would be billed otherwise.
        ("session.energy", lambda: _closing(3000, "2500.5"), lambda: _closing(3000, "2999.6")),
        ("session.energy", lambda: _closing(3000, "2.5004", "kWh"), lambda: _closing(3009, "3.00", "kWh")),
        (
            "session.start-time",
            lambda: _corrected_clock("1970-01-01T00:01:00Z"),
            _clean,
        ),
        (
            "session.stop-time",
            lambda: _running().stop(7, 2000, "Local").wait(300).status(1, "Available"),
            lambda: _running().stop(7, 2000, "Local").status(1, "Available"),
            AT_THE_CABLE,
        ),
        ("session.missing-in-primary", lambda: _unanswered_start(None), lambda: _unanswered_start(800)),
        (
            "session.missing-in-shadow",
            lambda: Script().boot().start(0, TAG, 1000, transaction=7).wait(60).stop(7, 2000),
            _clean,
        ),
        ("session.missing-in-shadow", lambda: _retried(8, stops=(7, 8)), lambda: _retried(7, stops=(7,))),
        ("session.misattributed", lambda: _colliding(1), lambda: _colliding(2)),
        (
            "session.misattributed",
            lambda: _running().stop(-1, 2000, idTag=TAG),
            lambda: _running().stop(-1, 2000, idTag=TAG).wait(60).stop(7, 2000),
        ),
        ("session.token", lambda: _long_tag(37), lambda: _long_tag(36)),
        (
            "session.authorization",
            lambda: Script().boot().authorize(TAG).start(1, TAG, 0, transaction=7, status="Blocked"),
            lambda: Script().boot().authorize(TAG).start(1, TAG, 0, transaction=7),
        ),
        (
            "session.stop-reason",
            lambda: _running().stop(-1, 2000, "Local", idTag=TAG).stop(7, 2000, "Remote"),
            lambda: _running().stop(7, 2000, "Remote"),
        ),
        ("session.duplicate-start", lambda: _retried(8, stops=(8,)), _clean),
        ("session.orphan-stop", lambda: Script().boot().stop(-1, 2000), _clean),
        (
            "session.orphan-meter-values",
            lambda: Script().boot().status(1, "Available").wait(1).meter(1, 99, 2000),
            lambda: Script().boot().status(1, "Available").wait(1).meter(1, None, 2000),
        ),
        (
            "session.overlap",
            lambda: _running().start(1, "BB", 2000, transaction=8),
            lambda: _running().stop(7, 2000).start(1, "BB", 2000, transaction=8),
        ),
        ("session.never-ended", lambda: _rebooted(resumes=False), lambda: _rebooted(resumes=True)),
        ("session.never-ended", _running, _clean),
        (
            "session.never-ended",
            lambda: _rebooted(resumes=False).start(1, "BB", 2000, transaction=8).wait(60).stop(8, 2500),
            lambda: _rebooted(resumes=True).start(1, "BB", 2000, transaction=8).wait(60).stop(8, 2500),
        ),
        (
            "session.after-end",
            lambda: _clean().meter(1, 7, 3000, "Transaction.End"),
            lambda: _clean().meter(1, None, 3000),
        ),
        ("session.offline-replay", lambda: _queue(offline=True), lambda: _queue(offline=False)),
        (
            "session.out-of-order",
            lambda: _running().meter(1, 7, 1500).wait(3).meter(1, 7, 1400, at="2030-01-01T12:05:00Z"),
            lambda: _running().meter(1, 7, 1500).wait(1).meter(1, 7, 1600),
        ),
        ("session.zero", lambda: _begun().wait(600).stop(7, 1000), _clean),
        ("session.zero", lambda: _begun().wait(0.5).stop(7, 1001), _clean),
        ("meter.register-vs-samples", lambda: _closing(3, "3000"), lambda: _closing(3000, "3000")),
        (
            "meter.regression",
            lambda: _running().meter(1, 7, 2000).wait(60).meter(1, 7, 1500),
            lambda: _running().meter(1, 7, 2000).wait(60).meter(1, 7, 1999),
        ),
        ("meter.placeholder", lambda: _running().stop(7, 2147483647), lambda: _running().stop(7, 2000)),
        ("meter.unparseable", lambda: _sample("VV:1230"), lambda: _sample("1230")),
        ("meter.unit-unknown", lambda: _sample("1230", "Hz"), lambda: _sample("1.23", "kWh")),
        ("meter.unit-assumed", _bare, lambda: _sample("1230", None)),
        (
            "meter.implausible",
            lambda: _sample("99000000", "W", measurand="Power.Active.Import"),
            lambda: _sample("150", "kW", measurand="Power.Active.Import"),
        ),
        ("clock.no-zone", lambda: _stamped("2030-01-01T12:00:00"), lambda: _stamped("2030-01-01T12:00:00+00:00")),
        ("clock.unparseable", lambda: _stamped("0000-00-00T00:00:00Z"), lambda: _stamped(None)),
        ("clock.epoch", lambda: _stamped("1970-01-01T00:00:01Z"), lambda: _stamped("2015-10-16T00:00:00Z")),
        ("clock.skew", lambda: _skewed(420), lambda: _skewed(29)),
        (
            "clock.backwards",
            lambda: _running().meter(1, 7, 2000, "Transaction.End").stop(7, 2000, at="2030-01-01T12:09:50Z"),
            lambda: _running().meter(1, 7, 2000, "Transaction.End").stop(7, 2000),
        ),
        ("schema.v16", lambda: Script().boot().status(1, "Occupied"), lambda: Script().boot().status(1, "Charging")),
        # No 1.6 frame leads to a 2.0.1 message that breaks its schema; a token type that 2.0.1 does not know does.
        ("schema.v201", lambda: Script().boot().authorize(TAG), lambda: _data("V"), ShadowConfig(id_token_type="RFID")),
        ("rpc.malformed", lambda: Script().boot().text('[2,"a","Heartbeat"'), _clean),
        ("rpc.duplicate-id", lambda: _twice("1"), lambda: _twice("2")),
        ("rpc.orphan-answer", lambda: Script().boot().text('[3,"x",{}]'), _clean),
        ("rpc.unanswered", lambda: _answered_after(None), lambda: _answered_after(59)),
        ("rpc.call-error", lambda: Script().boot().call("Heartbeat", {}).refuse("InternalError"), _clean),
        ("rpc.slow-answer", lambda: _answered_after(11), lambda: _answered_after(9)),
        ("rpc.before-boot", _boot_later, lambda: Script().boot().status(1, "Available")),
        ("keepalive.missed", lambda: _pinged(None), lambda: _pinged(30)),
        ("keepalive.missed", lambda: _beating(3).wait(900).close(1000), lambda: _beating(3).wait(590).close(1000)),
        ("keepalive.missed", lambda: _reconnecting(5, 100), lambda: _reconnecting(5, 200)),
        ("tap.gap", lambda: Script().boot().skip().status(1, "Available"), _clean),
        ("tap.gap", lambda: Script().boot().cut(), _clean),
        ("rpc.subprotocol", lambda: _speaking("ocpp2.0"), lambda: _speaking("ocpp2.0.1")),
        ("rpc.subprotocol", lambda: _speaking("ocpp2.1"), lambda: _speaking("ocpp1.6")),
        ("rpc.subprotocol", lambda: _speaking("SOAP"), lambda: _speaking(None)),
        ("rule.v201", lambda: _native(evse=None), _native),
        ("rollout.fell-back", lambda: _native().close().open("ocpp1.6"), lambda: _native().close().open("ocpp2.0.1")),
        ("rollout.fell-back", lambda: _native().close().open("ocpp1.6"), lambda: _speaking("ocpp1.6")),
        ("device.unmapped-key", lambda: _keys(AlderLight="on"), lambda: _keys(HeartbeatInterval="300")),
        ("device.lossy-key", lambda: _keys(GetConfigurationMaxKeys="50"), lambda: _keys(HeartbeatInterval="300")),
        ("device.no-equivalent", lambda: _keys(BlinkRepeat="3"), lambda: _keys(HeartbeatInterval="300")),
        ("device.missing-variable", lambda: _keys(HeartbeatInterval="300"), lambda: Script().boot()),
        ("device.invalid-value", lambda: _keys(ResetRetries="often"), lambda: _keys(ResetRetries="2")),
        (
            "device.readonly",
            lambda: Script().boot().remote("ChangeConfiguration", {"key": "SecurityProfile", "value": "2"}),
            lambda: Script().boot().remote("ChangeConfiguration", {"key": "ResetRetries", "value": "2"}),
        ),
        ("vendor.data-transfer", lambda: _transfer("com.alder"), lambda: _plug_and_charge('{"status": "Accepted"}')),
        ("security.secret-exposed", lambda: _keys(AuthorizationKey="****"), lambda: _keys(AuthorizationKey="")),
        ("security.profile", _shaken, lambda: _shaken(basic_auth=True), ShadowConfig(security_profile=1)),
        ("security.tls", lambda: _shaken(tls_version="TLSv1.1"), lambda: _shaken(tls_version="TLSv1.2")),
    ]
]
_IDS = [f"{row[0]}-{number}" for number, row in enumerate(ROWS)]


@pytest.mark.parametrize(("code", "positive", "_negative", "config"), ROWS, ids=_IDS)
def test_frames_that_must_raise_a_code(code: str, positive: _Told, _negative: _Told, config: ShadowConfig) -> None:
    """It stands after everything has settled, with class, severity and unit of the catalogue, and with evidence."""
    script = positive()
    lived = Lived(config).feed(script.frames).settle()
    rows = [row for row in lived.rows(code) if row.status is Status.OPEN]
    assert rows, sorted(lived.codes())
    entry = CATALOGUE[code]
    frames = {frame.frame_id for frame in script.frames}
    for row in rows:
        assert (row.class_, row.severity, row.unit) == (entry.class_, entry.severity, entry.unit)
        assert row.frames
        assert set(row.frames) <= frames


@pytest.mark.parametrize(("code", "_positive", "negative", "config"), ROWS, ids=_IDS)
def test_frames_that_must_not_raise_a_code(code: str, _positive: _Told, negative: _Told, config: ShadowConfig) -> None:
    """Nearly the same frames, on the right side of the rule."""
    rows = Lived(config).feed(negative().frames).settle().rows(code)
    assert [row for row in rows if row.status is Status.OPEN] == []


def test_every_code_of_the_catalogue_has_a_positive_and_a_negative_test() -> None:
    """Frames that must raise it and frames that must not, here or where the records are; and no code is made up."""
    rows = [(code, positive, negative) for code, positive, negative, _ in ROWS]
    rows += [(code, positive, negative) for code, _, positive, negative in OF_RECORDS]
    assert {code for code, *_ in rows} == set(CATALOGUE)
    assert all(positive is not negative for _, positive, negative in rows)


def test_a_clean_session_gives_nothing() -> None:
    """Compared, complete, equal energies on both sides, and not one word but what 2.0.1 cannot say of any session."""
    lived = Lived().feed(_clean().frames).settle()
    assert lived.codes() == set()
    (session,) = lived.sessions.values()
    assert session.complete
    assert session.compared
    assert session.primary_energy_wh == session.shadow_energy_wh == 2000
    assert lived.compared == 1


_MAY_LACK = {
    # Codes whose values depend on the case: what is named may fit no session, a true reading may not be known …
    "session.orphan-stop", "session.orphan-meter-values", "session.missing-in-primary", "session.missing-in-shadow",
    "meter.placeholder", "schema.v16", "schema.v201", "rpc.malformed", "vendor.data-transfer",
}  # fmt: skip


@pytest.mark.parametrize(("code", "positive", "_negative", "config"), ROWS, ids=_IDS)
def test_rows_carry_the_values_that_the_catalogue_names(
    code: str, positive: _Told, _negative: _Told, config: ShadowConfig
) -> None:
    """Both values where two are named, and a delta exactly where one is named."""
    says = CATALOGUE[code].values
    for row in Lived(config).feed(positive().frames).settle().rows(code):
        if says.primary and code not in _MAY_LACK:
            assert row.primary
        if says.shadow and code not in _MAY_LACK:
            assert row.shadow
        assert (row.delta is not None) is bool(says.delta)


# -- settling and second thoughts -------------------------------------------------------------------------------------


def _history(lived: Lived, code: str) -> list[tuple[str, int]]:
    return [(row.status.value, row.occurrences) for row in lived.versions if row.code == code]


def test_a_session_missing_in_the_primary_is_withdrawn_by_a_late_answer() -> None:
    """Judged after fifteen minutes, taken back when the answer comes after twenty."""
    lived = Lived().feed(_unanswered_start(1200).frames)
    assert _history(lived, "session.missing-in-primary") == [("open", 1), ("withdrawn", 0)]


def test_a_session_never_ended_is_withdrawn_by_a_later_stop() -> None:
    """The charger was silent for a day and then delivers its stop."""
    lived = Lived().feed(_running().wait(90_000).stop(7, 3000).frames).settle()
    assert _history(lived, "session.never-ended") == [("open", 1), ("withdrawn", 0)]
    assert lived.compared == 1


def test_a_session_overtaken_after_a_reboot_is_withdrawn_by_its_late_stop() -> None:
    """The stop of the overtaken session comes at last: the primary has its end."""
    script = _rebooted(resumes=False).start(1, "BB", 2000, transaction=8).wait(900).stop(7, 1800).stop(8, 2500)
    lived = Lived().feed(script.frames).settle()
    assert _history(lived, "session.never-ended") == [("open", 1), ("withdrawn", 0)]
    assert "session.overlap" in lived.codes()


def test_a_misattributed_stop_is_withdrawn_when_the_primary_ends_it_too() -> None:
    """-1 ended it here and nothing there; half an hour later the true stop comes."""
    lived = Lived().feed(_running().stop(-1, 2000, idTag=TAG).wait(1800).stop(7, 2000).frames).settle()
    assert _history(lived, "session.misattributed") == [("open", 1), ("withdrawn", 0)]


def test_verdicts_carry_the_time_of_their_deadline() -> None:
    """Whichever frame or tick reveals them, and however late."""
    script = _unanswered_start(None)
    called_at = script.at
    for wait in (901, 5000, 90_000):
        lived = Lived().feed(_unanswered_start(None).wait(wait).tick().frames)
        assert [row.observed_at for row in lived.rows("session.missing-in-primary")] == [called_at + 900 * SECOND]


def test_after_a_gap_nothing_that_is_lacking_is_judged() -> None:
    """Zero because blind is not zero because clean: the session is left open, tap.gap says why."""
    lived = Lived().feed(_running().cut().wait(10).close().open().boot().frames).settle()
    assert lived.codes() == {"tap.gap"}


def test_an_end_that_was_made_up_is_not_compared() -> None:
    """The first session was overtaken: its end is synthetic, and overlap says all of it."""
    script = _running().start(1, "BB", 2000, transaction=8).wait(60).stop(7, 2100).stop(8, 2500)
    codes = Lived().feed(script.frames).settle().codes()
    assert codes == {"session.overlap", "session.after-end"}


def test_a_start_with_a_corrected_clock_is_one_session_on_both_sides() -> None:
    """Another message id and the true time: paired, and neither side is said to lack it."""
    lived = Lived().feed(_corrected_clock("1970-01-01T00:01:00Z").frames).settle()
    assert len(lived.sessions) == 1
    assert not {"session.missing-in-shadow", "session.missing-in-primary"} & lived.codes()


def test_a_repeated_verdict_is_one_row() -> None:
    """What is either so or not so is stated once; what happens again counts its occurrences."""
    again = Script().boot().text("x").text("y").frames
    assert [row.occurrences for row in Lived().feed(again).rows("rpc.malformed")] == [2]
    lost = Lived().feed(Script().boot(meterType="M").boot(meterType="M").frames).rows("message.field-lost")
    assert {row.occurrences for row in lost} <= {1}


def test_versions_rise() -> None:
    """Each newer version of a row has a larger number, so that a store keeps the last."""
    lived = Lived().feed(_unanswered_start(1200).frames)
    versions = [row.version for row in lived.versions if row.code == "session.missing-in-primary"]
    assert versions == sorted(set(versions))


# -- enrolment --------------------------------------------------------------------------------------------------------


def _two_connectors(connectors: tuple[int, ...] | None) -> Script:
    script = Script()
    script.connectors = connectors
    script.boot().start(1, TAG, 1000, transaction=7).start(2, "BB", 1000, transaction=8).wait(600)
    return script.stop(7, -1).stop(8, -1)


def test_connectors_that_are_not_enrolled_are_lived_and_not_judged() -> None:
    """Both sessions have their 2.0.1 messages and their rows; discrepancies are raised on connector 1 only."""
    lived = Lived().feed(_two_connectors((1,)).frames).settle()
    assert [course[0] for course in lived.course] == ["Started", "Started", "Ended", "Ended"]
    assert {session.connector_id: session.judged for session in lived.sessions.values()} == {1: True, 2: False}
    assert {row.connector_id for row in lived.rows("meter.placeholder")} == {1}
    assert lived.compared == 1


def test_all_connectors_are_judged_unless_told_otherwise() -> None:
    """None means the whole charger."""
    lived = Lived().feed(_two_connectors(None).frames).settle()
    assert {row.connector_id for row in lived.rows("meter.placeholder")} == {1, 2}
    assert lived.compared == 2


def test_what_concerns_the_whole_charger_is_judged_with_any_connector() -> None:
    """Framing belongs to the connection, connector 0 to the station."""
    script = Script()
    script.connectors = (2,)
    lived = Lived().feed(script.boot().text("x").status(0, "Available", at="yesterday").frames)
    assert {"rpc.malformed", "clock.unparseable"} <= lived.codes()


@pytest.mark.parametrize(("energy", "named"), [(0, False), (500, True)])
def test_a_refused_start_is_owed_only_where_energy_flowed(energy: int, *, named: bool) -> None:
    """The primary refuses and opens nothing; 2.0.1 has a transaction all the same."""
    script = Script().boot().start(1, TAG, 1000, transaction=0, status="ConcurrentTx").wait(2)
    lived = Lived().feed(script.stop(-1, 1000 + energy, "DeAuthorized", idTag=TAG).frames).settle()
    assert ("session.missing-in-primary" in lived.codes()) is named


def test_a_transaction_that_only_named_itself_is_not_missing() -> None:
    """MeterValues without a sample: the primary's books adopt it, and the shadow has nothing to say of it yet."""
    script = Script(connected=False).meter_values(1, 7, [{"timestamp": "2030-01-01T12:00:00Z", "sampledValue": []}])
    assert "session.missing-in-shadow" not in Lived().feed(script.frames).settle().codes()
    lived = Lived().feed(script.wait(600).stop(7, 2000).frames).settle()
    assert [session.complete for session in lived.sessions.values()] == [False]
    assert "session.missing-in-shadow" not in lived.codes()
