"""The state of required variables, over tiers, and whether they apply."""

from __future__ import annotations

import pytest

from diff.audit.evidence import ActionCount, Evidence
from diff.audit.required import Applies, Requirement, State, requirements
from diff.audit.statements import statements
from diff.audit.tiers import ComponentCount, tiers
from ingest.frame import Direction
from shadow.device_model.model import DeviceModel
from tests.diff.audit.models import ASSUMED, DERIVED, OBSERVED, Wanted, entry, key, model


def one(device: DeviceModel, wanted: Wanted, *rows: ActionCount) -> Requirement:
    """The state of one required variable."""
    said = statements(device, Evidence(charger_id="CP1", messages=1, actions=rows))
    (found,) = requirements(device, [wanted], said)
    return found


@pytest.mark.parametrize(
    ("certainty", "state"), [(OBSERVED, State.OBSERVED), (DERIVED, State.DERIVED), (ASSUMED, State.ASSUMED)]
)
def test_a_state_is_how_sure_the_value_is(certainty, state: State) -> None:
    """Observed, derived and assumed stand with their value and what said it; names are compared without case."""
    device = model([entry("txctrlr/evconnectiontimeout", "60", certainty, origin="key ConnectionTimeOut")])
    found = one(device, Wanted("TxCtrlr", "EVConnectionTimeOut"))
    assert (found.state, found.value, found.origin) == (state, "60", "key ConnectionTimeOut")
    assert (found.block, found.applies, found.there, found.places) == ("E", Applies.YES, 1, 1)


def test_an_instance_is_part_of_the_name() -> None:
    """MessageTimeout[Default] is not had by a station with another instance of it."""
    device = model([entry("OCPPCommCtrlr/MessageTimeout[Other]", "30")])
    assert one(device, Wanted("OCPPCommCtrlr", "MessageTimeout", "Default")).state is State.MISSING
    assert one(device, Wanted("OCPPCommCtrlr", "MessageTimeout", "OTHER")).state is State.OBSERVED


def test_the_worst_evse_counts() -> None:
    """Of two EVSEs one has Power, so Power is missing, in one of two places."""
    device = model(
        [entry("EVSE@1/Power", "22000"), entry("EVSE@2/Available", "true"), entry("EVSE@1/Available", "true")]
    )
    found = one(device, Wanted("EVSE", "Power"))
    assert (found.state, found.there, found.places, found.name) == (State.MISSING, 1, 2, "EVSE/Power")
    assert one(device, Wanted("EVSE", "Available")).state is State.OBSERVED


def test_a_limit_alone_follows_from_what_was_observed() -> None:
    """EVSE.Power of which only maxLimit is known is derived, and says so; without a limit it is missing."""
    found = one(model([entry("EVSE@1/Power", None, max_limit="22000")]), Wanted("EVSE", "Power"))
    assert (found.state, found.origin) == (State.DERIVED, "only its limit, by key Limit")
    assert one(model([entry("EVSE@1/Power", None)]), Wanted("EVSE", "Power")).state is State.MISSING


def test_a_value_that_the_standard_forbids_is_named() -> None:
    """The flaw of an entry stands beside its state."""
    found = one(
        model([entry("SecurityCtrlr/SecurityProfile", "7", flaws=("none of 1, 2, 3",))]),
        Wanted("SecurityCtrlr", "SecurityProfile"),
    )
    assert (found.state, found.flaws) == (State.OBSERVED, ("none of 1, 2, 3",))


def test_a_variable_applies_where_its_block_is_there() -> None:
    """Reservation's and smart charging's apply by their block's statement; an unknown component applies always."""
    refused = ActionCount("ocpp1.6", Direction.CS_TO_CP, "SetChargingProfile", 1, not_supported=1)
    wanted = Wanted("SmartChargingCtrlr", "RateUnit", condition="only with smart charging")
    assert one(model(), wanted, refused).applies is Applies.NO
    assert one(model(), wanted).applies is Applies.UNKNOWN
    listed = model(keys=[key("SupportedFeatureProfiles", "Core,SmartCharging")])
    assert one(listed, wanted).applies is Applies.YES
    assert one(listed, wanted).condition == "only with smart charging"
    assert one(model(), Wanted("OddCtrlr", "Odd")).applies is Applies.YES
    # Monitoring is not Core, although block N is, and logs do not show it.
    monitored = Wanted("MonitoringCtrlr", "ItemsPerMessage", "SetVariableMonitoring")
    for action, applies in (("GetDiagnostics", Applies.UNKNOWN), ("SetVariableMonitoring", Applies.YES)):
        assert one(model(), monitored, ActionCount("", Direction.CS_TO_CP, action, 1, accepted=1)).applies is applies
    assert one(model([entry("MonitoringCtrlr/Available", "false")]), monitored).applies is Applies.NO
    assert (
        one(model(), Wanted("MonitoringCtrlr", "ItemsPerMessage", "SetVariableMonitoring")).applies is Applies.UNKNOWN
    )


def test_tiers_hold_each_variable_once_and_what_is_missing_where_it_ought_to_be() -> None:
    """Counts of all components and tiers add up to the entries, and a missing variable is counted at its EVSE."""
    device = model(
        [
            entry("TxCtrlr/A"), entry("TxCtrlr/B", certainty=DERIVED), entry("TxCtrlr/C", certainty=ASSUMED),
            entry("TxCtrlr/D", None, max_limit="1"), entry("FiscalMetering[main]/Model", flaws=("odd",)),
            entry("EVSE@2/Available"), entry("EVSE@1/Available"), entry("EVSE@1/Power"),
            entry("Connector@1.2/Available"),
        ]
    )  # fmt: skip
    wanted = [Wanted("EVSE", "Power"), Wanted("ClockCtrlr", "DateTime"), Wanted("LocalAuthListCtrlr", "Entries")]
    said = statements(device, Evidence(charger_id="CP1"))
    found = tiers(device, requirements(device, wanted, said))
    assert found.components == (
        ComponentCount("ClockCtrlr", missing=1),
        ComponentCount("FiscalMetering[main]", observed=1, flawed=1),
        ComponentCount("TxCtrlr", observed=1, derived=1, assumed=1, unset=1),
    )
    assert [evse.evse_id for evse in found.evses] == [1, 2]
    assert found.evses[0].components == (ComponentCount("EVSE", observed=2),)
    assert found.evses[1].components == (ComponentCount("EVSE", observed=1, missing=1),)
    (connector,) = found.evses[0].connectors
    assert (connector.connector_id, connector.components) == (2, (ComponentCount("Connector", observed=1),))
