"""Authorize, what an idTagInfo says in 2.0.1 terms, and the form of a token."""

from typing import Any

import pytest

from demo.lived import Lived
from demo.script import Script
from shadow.config import ShadowConfig
from shadow.station.fields import id_token


@pytest.mark.parametrize("status", ["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"])
def test_authorize_and_its_answer_c01(status: str) -> None:
    """Each AuthorizationStatus of 1.6 has the same name in 2.0.1 (§3.3)."""
    lived = Lived().feed(Script().boot().authorize("04A1B2C3", status).frames)
    assert lived.requests("Authorize") == [{"idToken": {"idToken": "04A1B2C3", "type": "ISO14443"}}]
    assert lived.responses("Authorize") == [{"idTokenInfo": {"status": status}}]


def test_expiry_and_group_c09_fr_13() -> None:
    """ExpiryDate → cacheExpiryDateTime in UTC, parentIdTag → groupIdToken of type Central."""
    info = {"status": "Accepted", "expiryDate": "2031-01-01T01:00:00+01:00", "parentIdTag": "GROUP"}
    script = Script().boot().call("Authorize", {"idTag": "AA"}).answer({"idTagInfo": info})
    (response,) = Lived().feed(script.frames).responses("Authorize")
    assert response["idTokenInfo"] == {
        "status": "Accepted",
        "cacheExpiryDateTime": "2031-01-01T00:00:00Z",
        "groupIdToken": {"idToken": "GROUP", "type": "Central"},
    }


@pytest.mark.parametrize("info", [None, "Accepted", {}, {"status": "Maybe"}, {"status": 1}, []])
def test_an_answer_without_a_status_gives_no_response(info: Any) -> None:
    """Nothing is made up of it."""
    lived = Lived().feed(Script().boot().call("Authorize", {"idTag": "AA"}).answer({"idTagInfo": info}).frames)
    assert lived.responses("Authorize") == []
    assert "schema.v16" in lived.codes()


@pytest.mark.parametrize(
    ("tag", "kind"),
    [
        ("04A1B2C3", "ISO14443"),
        ("04a1b2c3d4e5f6", "ISO14443"),
        ("04A1B2C3D4E5F60718AA", "ISO14443"),
        ("E0040100123456AB", "ISO15693"),
        ("DE-ABC-C12345678-X", "eMAID"),
        ("DEXYZC12345678", "eMAID"),
        ("", "NoAuthorization"),
        ("NoAuthorization", "NoAuthorization"),
        ("driver-42", "Central"),
        ("HardReset", "Central"),
        ("04A1B2", "Central"),
    ],
)
def test_the_type_of_a_token_is_guessed_by_its_form(tag: str, kind: str) -> None:
    """IdTokenEnumType §3.43; a NoAuthorization token is empty."""
    expected = "" if kind == "NoAuthorization" else tag
    assert id_token(tag, "guess") == {"idToken": expected, "type": kind}


@pytest.mark.parametrize("tag", ["0016E5A1B2C3", "0016e5a1b2c3"])
def test_twelve_digits_are_a_car_only_under_autocharge(tag: str) -> None:
    """Six bytes may be anything; a fleet that uses Autocharge knows that they are the car's MAC address."""
    assert id_token(tag, "guess")["type"] == "Central"
    script = Script().boot().authorize(tag).start(1, tag, 0, transaction=7).wait(60).stop(7, 10, idTag=tag)
    script.remote("RemoteStartTransaction", {"idTag": tag})
    lived = Lived(ShadowConfig(autocharge=True)).feed(script.wait(60).tick().frames)
    tokens = [*lived.requests("Authorize"), *lived.requests("RequestStartTransaction")]
    tokens += [event for event in lived.events if "idToken" in event]
    assert [one["idToken"]["type"] for one in tokens] == ["MacAddress"] * 4
    fixed = Lived(ShadowConfig(autocharge=True, id_token_type="Central")).feed(script.frames)
    assert fixed.requests("Authorize")[0]["idToken"]["type"] == "Central"


def test_the_type_is_the_same_wherever_the_token_stands_c01_fr_25() -> None:
    """Two tokens are equal only if idToken and type match: Authorize, Started and Ended agree."""
    script = Script().boot().authorize("E0040100123456AB").start(1, "E0040100123456AB", 0, transaction=7).wait(60)
    lived = Lived().feed(script.stop(7, 10, idTag="E0040100123456AB").frames)
    tokens = [*lived.requests("Authorize"), *(event for event in lived.events if "idToken" in event)]
    assert [one["idToken"] for one in tokens] == [{"idToken": "E0040100123456AB", "type": "ISO15693"}] * 3


def test_the_type_may_be_configured() -> None:
    """Public implementations disagree, so that a fleet may say what its tokens are."""
    lived = Lived(ShadowConfig(id_token_type="ISO14443")).feed(Script().boot().authorize("driver-42").frames)
    assert lived.requests("Authorize")[0]["idToken"]["type"] == "ISO14443"
    assert lived.codes() == set()


def test_no_authorization_is_the_same_token_on_both_sides() -> None:
    """Wallbox writes NoAuthorization where 2.0.1 leaves the token empty: that is no session.token."""
    script = Script().boot().start(1, "NoAuthorization", 0, transaction=7).wait(60).stop(7, 10)
    lived = Lived().feed(script.frames).settle()
    assert lived.compared == 1
    assert lived.codes() == set()
