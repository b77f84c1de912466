"""The local authorization list: full tokens, removals, versions, and an answer that 2.0.1 does not have."""

from typing import Any

import pytest

from demo.lived import Lived
from demo.script import Script
from shadow.message import MessageType, Provenance

FULL = {"status": "Accepted", "expiryDate": "2031-01-01T01:00:00+01:00", "parentIdTag": "GROUP"}


def _sent(status: str = "Accepted", **payload: Any) -> Lived:
    script = Script().boot().remote("SendLocalList", {"listVersion": 3, "updateType": "Full", **payload}, status)
    lived = Lived().feed(script.frames)
    assert "schema.v201" not in lived.codes()
    return lived


def test_tokens_are_whole_d01() -> None:
    """IdTag → idToken with its type, idTagInfo → idTokenInfo with group (Central, C09.FR.13) and expiry in UTC."""
    lived = _sent(localAuthorizationList=[{"idTag": "04A1B2C3", "idTagInfo": FULL}])
    assert lived.requests("SendLocalList") == [
        {
            "versionNumber": 3,
            "updateType": "Full",
            "localAuthorizationList": [
                {
                    "idToken": {"idToken": "04A1B2C3", "type": "ISO14443"},
                    "idTokenInfo": {
                        "status": "Accepted",
                        "cacheExpiryDateTime": "2031-01-01T00:00:00Z",
                        "groupIdToken": {"idToken": "GROUP", "type": "Central"},
                    },
                }
            ],
        }
    ]
    (message,) = [one for one in lived.messages if one.action == "SendLocalList" and one.type is MessageType.REQUEST]
    assert message.provenance == {
        "localAuthorizationList.idToken.type": Provenance.SYNTHESISED,
        "localAuthorizationList.idTokenInfo.groupIdToken.type": Provenance.SYNTHESISED,
    }


def test_an_entry_without_info_is_a_removal_in_both_versions() -> None:
    """Differential: idTag alone removes it (1.6 §6.16; D01.FR.16)."""
    entries = [{"idTag": "AA"}, {"idTag": "BB", "idTagInfo": {"status": "Blocked"}}]
    (request,) = _sent(updateType="Differential", localAuthorizationList=entries).requests("SendLocalList")
    assert [entry.get("idTokenInfo") for entry in request["localAuthorizationList"]] == [None, {"status": "Blocked"}]
    assert request["updateType"] == "Differential"


@pytest.mark.parametrize("payload", [{}, {"localAuthorizationList": []}])
def test_a_full_list_without_entries_empties_it(payload: dict[str, Any]) -> None:
    """2.0.1 has no empty list (minItems 1): none at all says the same."""
    assert _sent(**payload).requests("SendLocalList") == [{"versionNumber": 3, "updateType": "Full"}]


@pytest.mark.parametrize("status", ["Accepted", "Failed", "VersionMismatch"])
def test_three_answers_have_the_same_name(status: str) -> None:
    """SendLocalListStatusEnumType."""
    lived = _sent(status)
    assert lived.responses("SendLocalList") == [{"status": status}]
    assert lived.losses() == set()


def test_not_supported_is_an_error_in_2_0_1() -> None:
    """No status says it: a station without a local list answers with a CALLERROR, and the loss is named."""
    lived = _sent("NotSupported")
    assert lived.responses("SendLocalList") == []
    (error,) = [one for one in lived.messages if one.type is MessageType.ERROR]
    assert (error.action, error.payload["errorCode"]) == ("SendLocalList", "NotSupported")
    (row,) = lived.rows("message.no-answer")
    assert (row.path, row.primary) == ("SendLocalList.conf.status=NotSupported", "NotSupported")


@pytest.mark.parametrize(("version", "said", "lost"), [(7, 7, False), (0, 0, False), (-1, 0, True)])
def test_a_list_that_is_not_supported_has_version_0_d02(version: int, said: int, *, lost: bool) -> None:
    """-1 means that there is no such list in 1.6; 2.0.1 says 0 and cannot tell it from an empty one."""
    script = Script().boot().command("GetLocalListVersion", {}).answer({"listVersion": version})
    lived = Lived().feed(script.frames)
    assert lived.requests("GetLocalListVersion") == [{}]
    assert lived.responses("GetLocalListVersion") == [{"versionNumber": said}]
    assert [row.primary for row in lived.rows("message.field-lost")] == (["-1"] if lost else [])
