"""The security profile by the wire and by the station's word, and what the next one needs."""

from __future__ import annotations

import pytest

from diff.audit.evidence import ActionCount, Connections, Count, Evidence
from diff.audit.security import Have, Need, Security, old_tls, security
from ingest.frame import Direction
from shadow.device_model.model import DeviceModel, KeyFate
from tests.diff.audit.models import entry, key, model

TLS = (Count("TLSv1.2", 4),)


def standing(line: Connections, device: DeviceModel | None = None, *rows: ActionCount) -> Security:
    """Where a station with these handshakes stands."""
    return security(device or model(), Evidence(charger_id="CP1", connections=line, actions=rows))


@pytest.mark.parametrize(
    ("line", "wire", "now", "target"),
    [
        (Connections(), (), None, None),
        (Connections(opened=4), (0, 3), None, 1),
        (Connections(opened=4, basic_auth=4), (1, 2), None, 2),
        (Connections(opened=4, basic_auth=4, tls=TLS), (2,), 2, 3),
        (Connections(opened=4, tls=TLS), (0,), 0, 1),
        (Connections(opened=4, tls=TLS, client_certificates=4), (3,), 3, None),
        (Connections(opened=4, basic_auth=3), (0,), 0, 1),
        (Connections(opened=5, basic_auth=5, tls=TLS), (1, 2), None, 2),
    ],
)
def test_the_handshakes_fit_some_profiles(line: Connections, wire: tuple, now: int | None, target: int | None) -> None:
    """One profile where they are clear, two where TLS may end before the tap, none where none was seen."""
    found = standing(line)
    assert (found.wire, found.now, found.next, found.conflict) == (wire, now, target, "")
    assert found.wire_reason


def test_the_stations_word_settles_what_the_wire_leaves_open() -> None:
    """Basic authentication and no TLS at the tap: profile 1 or 2, and the key says 2."""
    found = standing(Connections(opened=4, basic_auth=4), model(keys=[key("securityProfile", "2")]))
    assert (found.said, found.now, found.next, found.conflict) == (2, 2, 3, "")
    only_said = standing(Connections(), model([entry("SecurityCtrlr/SecurityProfile", "1")]))
    assert (only_said.now, only_said.next) == (1, 2)
    assert standing(Connections(), model(keys=[key("SecurityProfile", "high")])).said is None


def test_a_disagreement_is_named_and_the_weaker_side_believed() -> None:
    """The key says 3, the handshakes show basic authentication: nobody is called safer than the wire shows."""
    found = standing(Connections(opened=4, basic_auth=4), model(keys=[key("SecurityProfile", "3")]))
    assert found.conflict == "the station says security profile 3, its handshakes are those of 1 or 2"
    assert found.now == 1
    weaker = standing(Connections(opened=4, basic_auth=4, tls=TLS), model(keys=[key("SecurityProfile", "0")]))
    assert (weaker.now, weaker.next) == (0, 1)


def needs(found: Security) -> dict[str, Need]:
    """By requirement."""
    return {need.rule: need for need in found.needs}


def test_profile_two_needs_a_new_password_and_a_root_certificate() -> None:
    """Basic authentication is there, old TLS is missing, the password is never known, the root was installed."""
    installed = ActionCount("ocpp1.6", Direction.CS_TO_CP, "InstallCertificate", 2, accepted=1)
    device = model(keys=[key("SecurityProfile", "1"), key("AuthorizationKey", None, KeyFate.SECRET)])
    line = Connections(opened=4, basic_auth=4, tls=(Count("TLSv1.1", 1),))
    found = needs(standing(line, device, installed))
    assert found["A00.FR.301, A00.FR.302"].have is Have.THERE
    assert found["A00.FR.313"].have is Have.MISSING
    assert (found["A00.FR.304"].have, "AuthorizationKey" in found["A00.FR.304"].reason) == (Have.UNKNOWN, True)
    assert found["A00.FR.308"].have is Have.THERE
    blind = needs(standing(Connections(opened=4, basic_auth=4), model(keys=[key("SecurityProfile", "1")])))
    assert (blind["A00.FR.313"].have, blind["A00.FR.308"].have) == (Have.UNKNOWN, Have.UNKNOWN)


def test_profile_three_needs_a_certificate_and_the_operators_name() -> None:
    """A missing certificate is missing; CpoName is missing only where the whole configuration was asked for."""
    line = Connections(opened=4, basic_auth=4, tls=TLS)
    signed = ActionCount("ocpp1.6", Direction.CS_TO_CP, "CertificateSigned", 1, accepted=1)
    found = needs(standing(line, model(), signed))
    assert found["A00.FR.401, A00.FR.402"].have is Have.MISSING
    assert (found["A02"].have, found["A00.FR.404"].have) == (Have.THERE, Have.MISSING)
    unasked = needs(standing(line, model(asked_all=False)))
    assert (unasked["A02"].have, unasked["A00.FR.404"].have) == (Have.UNKNOWN, Have.UNKNOWN)
    named = needs(standing(line, model(keys=[key("CpoName", "Alder Grid")])))
    assert named["A00.FR.404"].have is Have.THERE


def test_only_known_versions_are_called_old() -> None:
    """TLS 1.1 and SSL are old, 1.2 and 1.3 are not, and a name that nobody knows is not judged."""
    assert [old_tls(name) for name in ("SSLv3", "TLSv1.1", "TLSv1.2", "TLSv1.3", "TLSv9")] == [
        True,
        True,
        False,
        False,
        False,
    ]
