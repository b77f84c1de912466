"""Which rule a vendor's key or DataTransfer has: tables, globs, and the order of the file."""

import pytest

from shadow.config import ShadowConfig
from shadow.device_model.address import Address
from shadow.device_model.vendor import DEFAULT, KeyRule, StationRules, TransferRule, VendorMapping
from shadow.topology import Place


def _rule(key: str, variable: str = "A/B") -> KeyRule:
    return KeyRule(key=key, variable=variable)


MAPPING = VendorMapping(
    (
        StationRules(vendor="Keba*", model="P3?", keys=(_rule("Max*", "A/One"), _rule("MaxCurrent", "A/Two"))),
        StationRules(charger="CP[12]", keys=(_rule("MaxPower", "A/Three"), _rule("Min*", "A/Four"))),
        StationRules(keys=(_rule("maxpower", "A/Five"), _rule("Phase.{connector}", "EVSE@{evse}/Six"))),
    )
)


@pytest.mark.parametrize(
    ("vendor", "model", "charger", "name", "variable"),
    [
        ("Keba AG", "P30", "X", "MaxCurrent", "A/One"),
        ("Keba AG", "P30", "CP1", "maxPOWER", "A/One"),
        ("keba AG", "P30", "CP1", "MaxPower", "A/Three"),
        ("Keba AG", "P300", "CP3", "MaxPower", "A/Five"),
        ("", "", "CP2", "Minimum", "A/Four"),
        ("", "", "CP3", "PHASE.12", "EVSE@{evse}/Six"),
        ("", "", "CP3", "Phase.x", None),
        ("", "", "CP3", "Minimum", None),
    ],
)
def test_the_first_rule_of_all_tables_that_fit_counts(
    vendor: str, model: str, charger: str, name: str, variable: str | None
) -> None:
    """Stations by globs with case, keys without; a later table is asked where an earlier one says nothing."""
    rule = MAPPING.key(vendor, model, charger, name)
    assert (None if rule is None else rule.variable) == variable


def test_a_name_before_a_glob_counts_and_behind_it_does_not() -> None:
    """The order of the file decides, not how exact a rule is."""
    glob, exact = _rule("A*", "A/Glob"), _rule("AB", "A/Exact")
    for first, second in ((glob, exact), (exact, glob)):
        assert VendorMapping((StationRules(keys=(first, second)),)).key("", "", "", "ab") is first


def test_a_transfer_fits_by_direction_vendor_and_message() -> None:
    """Ids without case; a glob fits a DataTransfer without messageId too, a name does not."""
    named = TransferRule(vendor_id="com.Alder", message_id="Climate")
    other = TransferRule(vendor_id="com.*", message_id="*", direction="cs>cp")
    mapping = VendorMapping((StationRules(transfers=(named, other)),))
    assert mapping.transfer("V", "M", "CP1", "cp>cs", "COM.alder", "climate") is named
    assert mapping.transfer("V", "M", "CP1", "cp>cs", "com.alder", None) is None
    assert mapping.transfer("V", "M", "CP1", "cs>cp", "com.alder", None) is other
    assert DEFAULT.transfer("V", "M", "CP1", "cs>cp", "com.alder", None) is None


def test_a_key_with_a_number_is_a_variable_of_its_connector() -> None:
    """The number is of the 1.6 connector; the topology says which EVSE that is."""
    rule = _rule("Max.{connector}", "Connector@{evse}.{connector}/ACCurrent")
    assert rule.connector("MAX.12") == 12
    assert rule.address(Place(3, 2)) == Address("Connector", "ACCurrent", None, 3, 2)
    assert rule.address() is None
    assert _rule("Max").connector("Max") is None
    assert _rule("Max", "EVSE@1/Power").address() == Address("EVSE", "Power", None, 1)


def test_settings_with_a_mapping_are_compared_and_used_as_keys() -> None:
    """Equal files are equal settings."""
    again = VendorMapping(tuple(MAPPING.stations))
    assert len({ShadowConfig(vendor_mapping=MAPPING), ShadowConfig(vendor_mapping=again), ShadowConfig()}) == 2
    assert (len(MAPPING), len(DEFAULT)) == (6, 0)
