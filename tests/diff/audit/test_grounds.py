"""What an audit stands on: facts become the device model, the registry what is required, globs choose the stations."""

from __future__ import annotations

from diff.audit.evidence import Evidence
from diff.audit.grounds import Cohort, Known, audited, device_model, required_variables
from diff.audit.required import State
from diff.audit.statements import Verdict
from shadow.device_model.fact import Fact, Source
from shadow.device_model.standard import STANDARD


def fact(name: str, value: str, source: Source = Source.KEY, **detail: str) -> Fact:
    """Something that was observed."""
    return Fact("CP1", source, name, None, value, 5, "f", detail)


def test_facts_become_statements_and_states() -> None:
    """A key of the profile list and one of a timeout decide a block and a required variable; the rest is missing."""
    facts = [fact("SupportedFeatureProfiles", "Core,Reservation"), fact("ConnectionTimeOut", "60")]
    found = audited(Known("CP1", "Alder", "Curb 11", "1.0"), facts, Evidence(charger_id="CP1", messages=1))
    blocks = {one.letter: one.verdict for one in found.blocks}
    assert (blocks["H"], blocks["K"]) == (Verdict.DERIVABLE, Verdict.MISSING)
    required = {one.name: one for one in found.required}
    assert required["TxCtrlr/EVConnectionTimeOut"].state is State.OBSERVED
    assert required["TxCtrlr/EVConnectionTimeOut"].value == "60"
    assert required["TxCtrlr/TxStartPoint"].state is State.ASSUMED
    assert required["OCPPCommCtrlr/OfflineThreshold"].state is State.MISSING
    assert (found.vendor, found.firmware) == ("Alder", "1.0")
    assert {key.name for key in found.keys} >= {"SupportedFeatureProfiles", "ConnectionTimeOut"}


def test_what_a_boot_said_outweighs_what_was_known() -> None:
    """The newest fact names the firmware; the store's row fills what no fact says."""
    boot = [fact("firmwareVersion", "2.0", Source.BOOT)]
    built = device_model(Known("CP1", "Alder", "Curb 11", "1.0"), boot)
    assert (built.vendor, built.firmware) == ("Alder", "2.0")


def test_every_required_row_of_the_registry_is_looked_for() -> None:
    """Those that any document requires, each once; where documents disagree the row names those that require it."""
    rows = required_variables()
    assert len(rows) == sum(bool(one.required_by()) for one in STANDARD.values())
    assert len({(row.component, row.variable, row.instance) for row in rows}) == len(rows)
    by_name = {(row.component, row.variable): row for row in rows}
    assert by_name["OCPPCommCtrlr", "WebSocketPingInterval"].documents == ("part4",)
    assert by_name["TxCtrlr", "EVConnectionTimeOut"].documents == ()
    assert by_name["EVSE", "Power"].condition


def test_globs_choose_a_cohort() -> None:
    """Ids are alternatives, everything else has to fit; the title says what was asked for."""
    one = Known("SITE-A-7", "Alder", "Curb 11", "4.2")
    assert Cohort().holds(one)
    assert Cohort(("X", "SITE-A-*"), vendor="Al*", firmware="4.?").holds(one)
    assert not Cohort(("X",)).holds(one)
    assert not Cohort(model="curb*").holds(one)
    assert Cohort(("X",), model="C*").title == "X, model C*"
    assert Cohort().title == "all charging stations"
