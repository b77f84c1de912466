"""Each functional block gets the statement that its evidence allows, and no better one."""

from __future__ import annotations

import pytest

from diff.audit.blocks import BLOCKS, COMPONENTS
from diff.audit.evidence import ActionCount, Connections, Evidence, Transfer
from diff.audit.statements import Statement, Verdict, statements
from ingest.frame import Direction
from shadow import schema
from shadow.device_model.model import DeviceModel
from shadow.mapping.coverage import directions201
from shadow.mapping.registry import TABLES
from tests.diff.audit.models import ASSUMED, OBSERVED, entry, key, model

STATION, CSMS = Direction.CP_TO_CS, Direction.CS_TO_CP
PROFILES = "SupportedFeatureProfiles"


def said(letter: str, device: DeviceModel, *rows: ActionCount, **more: object) -> Statement:
    """The statement of one block."""
    evidence = Evidence(charger_id="CP1", messages=9, actions=rows, **more)  # type: ignore[arg-type]
    return next(one for one in statements(device, evidence) if one.letter == letter)


def command(action: str, **numbers: int) -> ActionCount:
    """One command of the CSMS and how it fared."""
    return ActionCount("ocpp1.6", CSMS, action, sum(numbers.values()), **numbers)


def test_the_table_holds_each_action_of_both_versions_once() -> None:
    """Every action of 1.6 and 2.0.1 belongs to one block, with its sender, and no block names another one."""
    for version, sides in ((schema.V16, _sides16), (schema.V201, directions201)):
        for action in schema.actions(version):
            for side in sides(action):
                names = [b.letter for b in BLOCKS if action in (b.station if side is STATION else b.csms)]
                assert len(names) == 1, (version, action, side, names)
    known = {*schema.actions(schema.V16), *schema.actions(schema.V201)}
    assert {name for block in BLOCKS for name in (*block.station, *block.csms, *block.decisive)} <= known
    assert [block.letter for block in BLOCKS] == list("ABCDEFGHIJKLMNOP")
    assert len(COMPONENTS) == sum(len(block.components) for block in BLOCKS)
    assert all(set(block.decisive) <= set(block.csms) for block in BLOCKS)


def _sides16(action: str) -> tuple[Direction, ...]:
    return tuple(TABLES[action, "request"].directions)


def test_an_accepted_command_is_evidence_with_its_counts() -> None:
    """Accepted once of three times is evidenced, and the counts say so."""
    one = said("H", model(), command("ReserveNow", accepted=1, refused=2), command("CancelReservation", refused=1))
    assert (one.verdict, one.calls, one.accepted) == (Verdict.EVIDENCED, 4, 1)
    assert one.reason == "accepted: ReserveNow 1 of 3, CancelReservation 0 of 1"
    assert one.profiles == ("Reservation",)


def test_what_a_station_sends_is_evidence() -> None:
    """A StartTransaction that was answered shows the block; one whose answer nobody saw does not."""
    sent = ActionCount("ocpp1.6", STATION, "StartTransaction", 2, accepted=1)
    assert said("E", model(), sent).verdict is Verdict.EVIDENCED
    unanswered = ActionCount("ocpp1.6", STATION, "StartTransaction", 2)
    one = said("E", model(), unanswered)
    assert (one.verdict, one.reason) == (Verdict.UNKNOWN, "never accepted: StartTransaction 0 of 2")


def test_not_supported_outweighs_what_the_station_says_of_itself() -> None:
    """The profile list names smart charging, the station refuses it as unsupported: missing, both named."""
    device = model(keys=[key(PROFILES, "Core, SmartCharging")])
    one = said("K", device, command("SetChargingProfile", not_supported=2))
    assert one.verdict is Verdict.MISSING
    assert one.reason == (
        "answered as not supported: SetChargingProfile 2 of 2, although SupportedFeatureProfiles lists SmartCharging"
    )
    assert one.lacking == ("SetChargingProfile",)


def test_one_missing_command_does_not_miss_the_block() -> None:
    """UnlockConnector of a fixed cable is named as lacking, and remote control stays what else says."""
    device = model(keys=[key(PROFILES, "Core")])
    one = said("F", device, command("UnlockConnector", not_supported=1))
    assert (one.verdict, one.lacking) == (Verdict.DERIVABLE, ("UnlockConnector",))
    assert "it does not have UnlockConnector" in one.reason
    started = said("F", device, command("UnlockConnector", not_supported=1), command("TriggerMessage", accepted=1))
    assert started.verdict is Verdict.EVIDENCED
    mended = said("F", device, command("UnlockConnector", not_supported=1, accepted=1))
    assert mended.lacking == ()


@pytest.mark.parametrize(
    ("keys", "verdict", "reason"),
    [
        ([key(PROFILES, "core,RESERVATION")], Verdict.DERIVABLE, "lists Reservation"),
        ([key(PROFILES, "Core")], Verdict.MISSING, "does not list Reservation"),
        ([key(PROFILES, "")], Verdict.UNKNOWN, "none of its messages in 9 seen"),
        ([key("reserveconnectorzerosupported")], Verdict.DERIVABLE, "has the configuration key Reserve"),
        ([key("ReserveConnectorZeroSupported", known=False)], Verdict.UNKNOWN, "none of its messages in 9 seen"),
        ([], Verdict.UNKNOWN, "none of its messages in 9 seen"),
    ],
)
def test_the_configuration_says_what_nothing_shows(keys: list, verdict: Verdict, reason: str) -> None:
    """A profile list that names it, one that leaves it out, an empty one, a key, an unknown key, and nothing."""
    one = said("H", model(keys=keys))
    assert one.verdict is verdict
    assert reason in one.reason


def test_a_switch_says_by_its_value() -> None:
    """CustomDisplayCostAndPrice true is derivable, false is missing, absent is unknown."""
    verdicts = [
        said("I", model(keys=keys)).verdict
        for keys in ([key("CustomDisplayCostAndPrice", "True")], [key("CustomDisplayCostAndPrice", "false")], [])
    ]
    assert verdicts == [Verdict.DERIVABLE, Verdict.MISSING, Verdict.UNKNOWN]


def test_an_extension_inside_data_transfer_is_evidence_of_its_block() -> None:
    """Plug & Charge and California pricing travel in DataTransfer; a refused one shows nothing."""
    carried = (Transfer(STATION, "org.openchargealliance.iso15118pnc", "Authorize", 2, 1, 2),)
    one = said("M", model(), transfers=carried)
    assert (one.verdict, one.reason) == (
        Verdict.EVIDENCED,
        "accepted: DataTransfer org.openchargealliance.iso15118pnc Authorize 1 of 2",
    )
    refused = (Transfer(CSMS, "org.openchargealliance.costmsg", "SetUserPrice", 2, 0, 2),)
    assert said("I", model(), transfers=refused).verdict is Verdict.UNKNOWN


def test_a_controller_says_whether_it_is_available() -> None:
    """Available of a native station decides; what this product assumed does not."""
    for value, verdict in (("true", Verdict.DERIVABLE), ("false", Verdict.MISSING)):
        device = model([entry("ReservationCtrlr/Available", value, OBSERVED)], native=True)
        one = said("H", device)
        assert (one.verdict, one.needs) == (verdict, "")
    assumed = model([entry("ReservationCtrlr/Available", "false", ASSUMED)])
    assert said("H", assumed).verdict is Verdict.UNKNOWN
    # Available of a connector says that there is one, not that a block is there.
    assert said("G", model([entry("Connector@1.1/Available", "false", OBSERVED)])).verdict is Verdict.UNKNOWN


def test_authentication_in_the_handshake_speaks_for_security() -> None:
    """Basic authentication or a certificate makes block A derivable, and nothing else."""
    one = said("A", model(), connections=Connections(opened=2, basic_auth=2))
    assert (one.verdict, one.reason) == (
        Verdict.DERIVABLE,
        "it authenticates itself: basic authentication in 2 of 2 handshakes",
    )
    assert said("B", model(), connections=Connections(opened=2, basic_auth=2)).verdict is Verdict.UNKNOWN


def test_nothing_seen_is_unknown_and_never_missing() -> None:
    """Without a message and without configuration all sixteen blocks are unknown, and say that nobody looked."""
    found = statements(model(asked_all=False), Evidence(charger_id="CP1"))
    assert {one.verdict for one in found} == {Verdict.UNKNOWN}
    assert {one.reason for one in found} == {"no message of the station was seen"}
    asked = said("H", model(asked_all=False))
    assert "nobody asked for all of its configuration keys" in asked.reason
