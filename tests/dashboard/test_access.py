"""Who may look, and who may change what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.config import get_option, set_option
from streamlit.runtime.secrets import secrets_singleton
from streamlit.testing.v1 import AppTest

from dashboard import access, acting, data
from dashboard.roles import NOBODY, Role, parse_roles
from diff.document import DocumentError
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from diff.store.queries.acknowledgements import acknowledgements
from diff.store.queries.changes import changes
from ingest.control import EnrolmentSwitch, Message
from ingest.topic_admin import TopicError
from tests.diff.store.generated import AT, a_fault, add, generate

Open = Callable[..., AppTest]
Texts = Callable[[AppTest], str]
ROLES = """
approvers = ["Anna@example.com", "*@rollout.example.com"]
viewers = ["*@example.com"]
claim = "groups"
approver_values = ["ocpp-approvers"]
"""
AUTH = {
    "redirect_uri": "https://shadow.example.com/oauth2callback",
    "cookie_secret": "0123456789abcdef0123456789abcdef",
    "client_id": "shadow",
    "client_secret": "s",
    "server_metadata_url": "https://sso.example.com/.well-known/openid-configuration",
}
_VERIFIED = {"email_verified": True}
ANNA = {"is_logged_in": True, "aud": "shadow", "email": "anna@example.com", "email_verified": True, "exp": 4e9}
BEN = ANNA | {**_VERIFIED, "email": "ben@example.com"}


@pytest.fixture
def fault(store: Store, monkeypatch: pytest.MonkeyPatch) -> str:
    """The fingerprint of a discrepancy that is seen now."""
    monkeypatch.setattr(data, "now", lambda: AT + 1)
    generate(store, 30)
    found = a_fault("session.energy", AT - 3_600_000_000)
    add(store, found)
    return found.fingerprint


@pytest.fixture
def engine_url(store: Store, engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch) -> str:
    """The store's URL, told to the pages."""
    url = engine.url(store.address.database)
    monkeypatch.setenv("SHADOW_STORE_URL", url)
    return url


@pytest.fixture
def sign_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[dict[str, object]], None]:
    """Somebody who signed in with these claims; none of them is nobody."""
    (tmp_path / "roles.toml").write_text(ROLES)
    monkeypatch.setenv("SHADOW_DASHBOARD_ROLES_FILE", str(tmp_path / "roles.toml"))
    monkeypatch.setattr(access, "_auth", lambda: AUTH)

    def sign(claims: dict[str, object]) -> None:
        monkeypatch.setattr(access, "_claims", lambda: claims)

    return sign


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({**_VERIFIED, "email": "ANNA@example.com"}, Role.APPROVER),
        ({**_VERIFIED, "email": "x@rollout.example.com"}, Role.APPROVER),
        ({"email": "anna@example.com", "email_verified": False}, None),
        ({"email": "anna@example.com"}, None),
        ({**_VERIFIED, "email": "ben@example.com"}, Role.VIEWER),
        ({**_VERIFIED, "email": "ben@example.com", "groups": ["a", "ocpp-approvers"]}, Role.APPROVER),
        ({**_VERIFIED, "email": "ben@example.com", "groups": "ocpp-approvers"}, Role.APPROVER),
        ({**_VERIFIED, "email": "eve@elsewhere.example"}, None),
        ({"sub": "123"}, None),
    ],
)
def test_roles_follow_addresses_and_claims(claims: dict[str, object], role: Role | None) -> None:
    """Addresses are globs without case, a claim may hold one value or several, an unverified address is none."""
    assert parse_roles(ROLES).role_of(claims) is role


def test_an_address_that_nobody_verified_counts_only_where_the_provider_is_vouched_for() -> None:
    """`vouched` is about what is not said; what the provider calls unverified stays that."""
    roles = parse_roles(f"{ROLES}\nvouched = true")
    assert roles.role_of({"email": "anna@example.com"}) is Role.APPROVER
    assert roles.role_of({"email": "anna@example.com", "email_verified": False}) is None


def test_without_a_roles_file_everybody_looks_and_nobody_approves() -> None:
    """Signing in alone gives nobody the right to change anything."""
    assert NOBODY.role_of({"email": "anna@example.com"}) is Role.VIEWER
    assert NOBODY.without_login is Role.VIEWER


def test_a_broken_roles_file_is_named_with_its_line(
    store: Store, open_page: Open, texts: Texts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be followed gives nobody a role that changes something, and the page says which line is wrong."""
    with pytest.raises(DocumentError, match="line 1"):
        parse_roles('aprovers = ["a"]')
    (tmp_path / "roles.toml").write_text('aprovers = ["a"]')
    monkeypatch.setenv("SHADOW_DASHBOARD_ROLES_FILE", str(tmp_path / "roles.toml"))
    page = open_page("rollout")
    assert "nobody may change anything" in page.sidebar.warning[0].value
    assert "viewer" in page.sidebar.caption[0].value


def test_a_broken_roles_file_lets_nobody_look_who_signs_in(
    fault: str, open_page: Open, texts: Texts, tmp_path: Path, sign_in: Callable[[dict[str, object]], None]
) -> None:
    """The list of those who may look may stand in the very file that cannot be read."""
    sign_in(ANNA)
    (tmp_path / "roles.toml").write_text("approvers = [\n")
    page = open_page("fingerprint", fp=fault)
    assert "nobody may look" in texts(page)
    assert [one.label for one in page.button] == ["Sign out"]


@pytest.mark.parametrize("text", [None, "[auth\n", "[other]\n", '[auth]\ncookie_secret = "short"\n'])
def test_a_sign_in_that_cannot_hold_lets_nobody_in(
    fault: str, open_page: Open, texts: Texts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    """A secrets file that is named and is absent, broken or lacking is told; it is not taken for none."""
    path = tmp_path / "secrets.toml"
    if text is not None:
        path.write_text(text)
    monkeypatch.setenv("SHADOW_DASHBOARD_SECRETS_FILE", str(path))
    monkeypatch.setattr(access, "_at_this_machine", lambda: True)
    before = get_option("secrets.files")
    set_option("secrets.files", [str(path)])
    try:
        page = open_page("fingerprint", fp=fault)
        assert access.visitor().role is Role.VIEWER
    finally:
        set_option("secrets.files", before)
        secrets_singleton._reset()
    assert "not set up so that it can hold" in texts(page)
    assert not page.button
    assert not page.dataframe


def test_an_open_page_is_closed_when_the_sign_in_ends(
    sign_in: Callable[[dict[str, object]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What redraws itself asks who looks, every few seconds, and has the whole page drawn where that changed."""
    again: list[bool] = []
    monkeypatch.setattr("dashboard.access.st.rerun", lambda: again.append(True))
    sign_in(ANNA)
    access.again()
    assert again == []
    sign_in(ANNA | {"exp": 1})
    access.again()
    assert again == [True]


def test_at_this_machine_one_approves_and_types_the_owner(
    fault: str, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On loopback without sign-in the local user is approver; a missing owner is told, and nothing is stored."""
    monkeypatch.setattr(access, "_at_this_machine", lambda: True)
    page = open_page("fingerprint", fp=fault)
    page.text_area(key="ack-reason").set_value("known")
    page.button(key="ack-submit").click().run()
    assert "an owner is missing" in page.error[0].value


@pytest.mark.parametrize("headers", [{"X-Forwarded-For": "10.0.0.1"}, {"Forwarded": "for=10.0.0.1"}])
def test_behind_a_proxy_nobody_is_at_this_machine(headers: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that forwards to loopback brings everybody, so whoever comes through it is not the local user."""

    class Context:
        def __init__(self, headers: dict[str, str]) -> None:
            self.headers = headers

    monkeypatch.setattr("dashboard.access.st.get_option", lambda _: "127.0.0.1")
    monkeypatch.setattr("dashboard.access.st.context", Context({}))
    assert access._at_this_machine()
    monkeypatch.setattr("dashboard.access.st.context", Context(headers))
    assert not access._at_this_machine()


@pytest.mark.parametrize("address", ["0.0.0.0", "10.0.0.5", "::", "dashboard.example"])
def test_another_address_than_loopback_is_not_this_machine(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who listens for others does not take them for the local user."""
    monkeypatch.setattr("dashboard.access.st.get_option", lambda _: address)
    assert not access._at_this_machine()


def test_who_has_to_sign_in_sees_nothing_before(
    fault: str, open_page: Open, sign_in: Callable[[dict[str, object]], None]
) -> None:
    """Without a sign-in, or with one that has expired, the page has a button and no figure."""
    for claims, word in (({}, "Please sign in"), (ANNA | {"exp": 1}, "expired")):
        sign_in(claims)
        page = open_page("fingerprint", fp=fault)
        assert word in page.markdown[0].value
        assert [one.label for one in page.button] == ["Sign in"]
        assert not page.dataframe


def test_who_is_on_no_list_sees_nothing(
    fault: str, open_page: Open, sign_in: Callable[[dict[str, object]], None]
) -> None:
    """Somebody whom the roles file does not know may sign out, and that is all."""
    sign_in(ANNA | {**_VERIFIED, "email": "eve@elsewhere.example"})
    page = open_page("fingerprint", fp=fault)
    assert "not among those who may look" in page.warning[0].value
    assert not page.dataframe


def test_a_viewer_sees_everything_and_cannot_acknowledge(
    fault: str, open_page: Open, texts: Texts, sign_in: Callable[[dict[str, object]], None]
) -> None:
    """There is no form for a viewer, but the sentence that says why."""
    sign_in(BEN)
    page = open_page("fingerprint", fp=fault)
    assert "Acknowledging needs the role approver" in texts(page)
    assert page.dataframe
    assert not page.text_area


def test_an_approver_owns_what_is_said(
    store: Store, fault: str, open_page: Open, sign_in: Callable[[dict[str, object]], None]
) -> None:
    """The sign-in is the owner, in the store and in the trail; the scope can be one charging station."""
    sign_in(ANNA)
    page = open_page("fingerprint", fp=fault)
    assert page.text_input(key="ack-owner").disabled
    page.text_area(key="ack-reason").set_value("known")
    page.selectbox(key="ack-scope").set_value("CP-1")
    page.button(key="ack-submit").click().run()
    assert not page.exception
    (held,) = acknowledgements(store)
    assert (held.owner, held.by, held.charger) == ("anna@example.com", "anna@example.com", "CP-1")
    (change,) = changes(store, fault)
    assert (change.said_by, change.role, change.action, change.way) == (
        "anna@example.com",
        "approver",
        "acknowledge",
        "page",
    )


def test_who_may_not_is_refused_although_the_action_is_called(
    store: Store, fault: str, engine_url: str, sign_in: Callable[[dict[str, object]], None]
) -> None:
    """Past every form a viewer, an expired approver and one of another application are refused; nothing is stored."""
    for claims in (BEN, ANNA | {"exp": 1}, ANNA | {"aud": "another"}, {}):
        sign_in(claims)
        page = AppTest.from_function(forge, args=(fault,), default_timeout=30).run()
        assert not page.exception
        assert "This needs the role approver" in page.info[0].value
    assert acknowledgements(store) == []
    assert changes(store) == []


def test_nobody_says_it_in_the_name_of_another(
    store: Store, fault: str, engine_url: str, sign_in: Callable[[dict[str, object]], None]
) -> None:
    """Whatever a record claims to be said by, it is said by who signed in."""
    sign_in(ANNA)
    page = AppTest.from_function(forge, args=(fault,), default_timeout=30).run()
    assert [one.value for one in page.error] == []
    (held,) = acknowledgements(store)
    assert held.by == "anna@example.com"
    (change,) = changes(store, fault)
    assert change.said_by == "anna@example.com"


def forge(fault: str) -> None:
    """What no page does: say something without having asked who is there."""
    from dashboard import acting
    from ingest.control import Acknowledgement

    acting.tell(Acknowledgement(fault, "forged", "eve", 1_000_000, by="eve", at=1), "done")


def test_a_topic_that_is_away_leaves_nothing_said(
    store: Store, fault: str, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Kafka is named and away the page says so, and the store has neither acknowledgement nor change."""

    def away(_: object) -> None:
        raise TopicError("Kafka at nowhere: away")

    monkeypatch.setattr(access, "_at_this_machine", lambda: True)
    monkeypatch.setattr(acting._Control, "speaker", staticmethod(away))
    monkeypatch.setattr(acting._Control, "failures", (TopicError,))
    page = open_page("fingerprint", fp=fault)
    page.text_area(key="ack-reason").set_value("known")
    page.text_input(key="ack-owner").set_value("me")
    page.button(key="ack-submit").click().run()
    assert "Kafka at nowhere: away" in page.error[0].value.replace("\\", "")
    assert acknowledgements(store) == []
    assert changes(store) == []


def test_what_is_said_goes_to_the_topic_too(
    store: Store, fault: str, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is a control topic it gets the record that `ack add` would write, and the store has it at once."""
    told: list[Message] = []
    monkeypatch.setattr(access, "_at_this_machine", lambda: True)
    monkeypatch.setattr(acting._Control, "speaker", staticmethod(told.extend))
    page = open_page("fingerprint", fp=fault)
    page.text_area(key="ack-reason").set_value("known")
    page.text_input(key="ack-owner").set_value("me")
    page.button(key="ack-submit").click().run()
    (held,) = acknowledgements(store)
    assert [one.key for one in told] == [f"/acknowledgement/{held.id}".encode()]


def test_a_switch_needs_a_control_topic() -> None:
    """Without one the pages know that no tap would hear."""
    assert not acting.reaches_taps()
    assert EnrolmentSwitch(enabled=False).enabled is False
