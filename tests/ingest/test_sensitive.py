"""The quick look that lets everyday messages pass."""

import pytest

from ingest.sensitive import _SIGNS, may_hold

EVERYDAY = '[2,"8f14e45f","MeterValues",{"connectorId":1,"meterValue":[{"sampledValue":[{"value":"1","unit":"Wh"}]}]}]'


@pytest.mark.parametrize("sign", _SIGNS)
def test_every_sign_is_seen_in_any_case_and_at_any_place(sign: str) -> None:
    """Beginning, middle and end of a text, among letters of any alphabet."""
    for form in (sign, sign.upper(), sign.title()):
        for text in (form, f"é{form}", f"{form}é", f"a{form}b", EVERYDAY + form):
            assert may_hold(text), text


def test_a_letter_that_becomes_a_sign_in_lower_case_is_seen() -> None:
    """The Kelvin sign is a `k` in lower case."""
    assert may_hold("\u212aey")


def test_everyday_messages_pass() -> None:
    """Or the look would save nothing."""
    assert not may_hold(EVERYDAY)
    assert not may_hold("")


def test_what_is_no_text_of_a_wire_may_hold_anything() -> None:
    """Half a surrogate pair cannot be looked at, and is not let pass."""
    assert may_hold("\ud800")
