"""Signing in, from an address opened signed-out to the way out, in a browser and with a provider that is strict."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dashboard.serve import Served, environment
from dashboard.settings import ROLES_FILE, SECRETS_FILE
from dashboard.words import SEVERITY_NAMES
from demo.stored import fill
from demo.traffic import frames
from diff.store import queries
from diff.store.changing import say
from diff.store.client import Store
from diff.store.engine import EmbeddedEngine
from diff.store.queries import Filter, Group
from diff.store.queries.acknowledgements import acknowledgements
from diff.store.queries.changes import changes
from ingest.control import Acknowledgement
from tests.browser.browsing import LAPTOP, Browser, free_port
from tests.browser.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider

pytestmark = pytest.mark.browser

PEOPLE = {
    "anna": {"sub": "u-1", "email": "anna@example.com", "email_verified": True, "name": "Anna"},
    "ben": {"sub": "u-2", "email": "ben@example.com", "email_verified": True, "name": "anna@example.com"},
    "eve": {"sub": "u-3", "email": "eve@elsewhere.example", "email_verified": True},
    "mallory": {"sub": "u-4", "email": "anna@example.com", "email_verified": False},
    "gus": {"sub": "u-5", "email": "anna@example.com", "email_verified": False, "groups": ["ocpp-approvers"]},
}
ROLES = """
approvers = ["anna@example.com"]
viewers = ["*@example.com"]
claim = "groups"
approver_values = ["ocpp-approvers"]
"""
SECRETS = """
[auth]
redirect_uri = "{redirect_uri}"
cookie_secret = "of this test, and long enough to hold"
client_id = "{client_id}"
client_secret = "{client_secret}"
server_metadata_url = "{discovery}"
"""


@pytest.fixture(scope="module")
def seeded(chromium: Any, engine: EmbeddedEngine) -> Iterator[Store]:
    """A store of eight simulated chargers with faults."""
    with Store.connect(engine.url("sign_in")) as store:
        store.migrate()
        fill(store, frames(seed=1, chargers=8, sessions_per_charger=3))
        yield store


@pytest.fixture(scope="module")
def port() -> int:
    """The port of the pages, which the provider has to know before they start."""
    return free_port()


@pytest.fixture(scope="module")
def running(port: int) -> Iterator[Provider]:
    """One provider for all."""
    with Provider(f"http://127.0.0.1:{port}/oauth2callback", PEOPLE) as provider:
        yield provider


@pytest.fixture
def provider(running: Provider) -> Provider:
    """The provider, telling the truth."""
    running.lie = running.away = ""
    running.refused.clear()
    running.signed_out.clear()
    return running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where roles and secrets are."""
    return tmp_path_factory.mktemp("sign-in")


@pytest.fixture(scope="module")
def pages(seeded: Store, engine: EmbeddedEngine, port: int, running: Provider, folder: Path) -> Iterator[Served]:
    """The pages as `dashboard_secrets_file` and `dashboard_roles_file` have them served."""
    (folder / "secrets.toml").write_text(
        SECRETS.format(
            redirect_uri=running.redirect_uri,
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            discovery=running.discovery,
        )
    )
    files = {ROLES_FILE: str(folder / "roles.toml"), SECRETS_FILE: str(folder / "secrets.toml")}
    with Served(port, environment(engine.url("sign_in"), "0.39", "EUR") | files) as served:
        yield served


class Visit(Browser):
    """A browser of somebody who has not been here before."""

    def ask(self, address: str) -> None:
        """Open an address signed-out."""
        self.page.goto(self.base + address)
        self.sign_in().wait_for(timeout=60_000)

    def sign_in(self) -> Any:
        """The button."""
        return self.page.get_by_role("button", name="Sign in")

    def as_(self, who: str, answer: str = "Continue") -> None:
        """Go to the provider, and come back."""
        self.sign_in().click()
        self.answer(who, answer)

    def answer(self, who: str, answer: str = "Continue") -> None:
        """Fill in the provider's form."""
        self.page.get_by_label("Who").fill(who)
        self.page.get_by_role("button", name=answer).click()

    def read(self, words: str) -> str:
        """All that can be read, once the words are there."""
        self.page.get_by_text(words).first.wait_for(timeout=60_000)
        return str(self.page.locator("body").inner_text())

    def begin(self) -> Callable[[str], None]:
        """Go to the provider by the button; what comes back goes to it again, as somebody, without the page before."""
        with self.page.expect_request("**/auth/login*") as begun:
            self.sign_in().click()
        address = begun.value.url

        def again(who: str) -> None:
            self.page.goto(address)
            self.answer(who)

        return again

    def signed_in(self) -> bool:
        """Whether there is a cookie that says who."""
        return any(one["name"] == "_streamlit_user" for one in self.page.context.cookies())


@pytest.fixture(scope="module")
def context(chromium: Any) -> Iterator[Any]:
    """One browser for all; it need not load what is drawn with again."""
    context = chromium.new_context(viewport=LAPTOP)
    yield context
    context.close()


@pytest.fixture
def visit(context: Any, pages: Served, provider: Provider, folder: Path) -> Iterator[Visit]:
    """A page of a browser without cookies. No stack trace is written, and the provider had nothing to refuse."""
    (folder / "roles.toml").write_text(ROLES)
    context.clear_cookies()
    page = context.new_page()
    page.set_default_timeout(60_000)
    found = Visit(page, pages.url)
    yield found
    page.close()
    told = [one for one in found.wrong if "the server responded with a status of" not in one]
    assert told == []
    assert provider.refused == []
    assert "Traceback" not in pages.said()


def in_sessions(store: Store) -> list[Group]:
    """The groups that concern a session, the worst first."""
    return [group for group in queries.groups(store, Filter(status="open")) if group.sessions]


def heading(group: Group) -> str:
    """The heading of its page."""
    return f"{SEVERITY_NAMES[group.severity]} {group.code}"


def test_an_approver_gets_where_the_link_led_and_owns_what_is_said(
    seeded: Store, visit: Visit, provider: Provider
) -> None:
    """A link opened signed-out is open after the sign-in; what is acknowledged there is the signer's; out is out."""
    group, *_ = in_sessions(seeded)
    visit.ask(f"fingerprint?fp={group.fingerprint}&tz=Asia/Tokyo")
    visit.as_("anna")
    visit.page.get_by_role("heading", name=heading(group)).wait_for(timeout=60_000)
    assert visit.parameters() == {"fp": [group.fingerprint], "tz": ["Asia/Tokyo"]}
    assert "anna@example.com · approver" in visit.read("anna@example.com")
    status = visit.page.get_by_text("☑ acknowledged", exact=True)
    assert status.count() == 0
    visit.page.get_by_text("Acknowledge it").click()
    visit.page.get_by_role("textbox", name="Reason: why may it be so").fill("a fault that was planted")
    visit.page.get_by_role("button", name="Acknowledge", exact=True).click()
    visit.read("acknowledged, holds")
    status.wait_for(timeout=60_000)
    (held,) = [one for one in acknowledgements(seeded) if one.fingerprint == group.fingerprint]
    assert (held.owner, held.by) == ("anna@example.com", "anna@example.com")
    (change,) = changes(seeded, group.fingerprint)
    assert (change.said_by, change.role, change.way) == ("anna@example.com", "approver", "page")
    visit.page.get_by_role("button", name="Sign out").click()
    visit.read("Please sign in")
    assert not visit.signed_in()
    assert provider.signed_out[0]["client_id"] == CLIENT_ID
    assert provider.signed_out[0]["id_token_hint"]


def test_a_viewer_finds_nothing_that_changes_anything(seeded: Store, visit: Visit) -> None:
    """The pages are there with the reason why, and without a form; a claim `name` makes nobody somebody else."""
    _, group, *_ = in_sessions(seeded)
    now = time.time_ns() // 1000
    known = Acknowledgement(group.fingerprint, "planted", "the field team", now + 3_600_000_000, by="anna", at=now)
    say(seeded, [known], role="approver", way="cli")
    visit.ask(f"fingerprint?fp={group.fingerprint}")
    visit.as_("ben")
    assert "ben@example.com · viewer" in visit.read("What was changed, by whom (1 change)")
    assert "acknowledged, holds" in visit.read("by the field team")
    visit.page.get_by_text("Acknowledge it").click()
    visit.read("Acknowledging needs the role approver")
    line = queries.latest_sessions(seeded, limit=1)[0]
    visit.page.goto(f"{visit.base}charger?id={line.charger_id}&part=enrolment")
    visit.read("Enrolment needs the role approver")
    assert visit.page.locator("[data-testid=stMain]").get_by_role("textbox").count() == 0
    for name in ("Acknowledge", "Revoke", "Tell the taps"):
        assert visit.page.get_by_role("button", name=name, exact=True).count() == 0


def test_without_a_role_there_is_a_plain_page(visit: Visit, folder: Path) -> None:
    """Who is on no list, or only by an address that the provider calls unverified, may sign out, and that is all.

    Who approves by a claim acts under the subject then, not under that address. Out of the file, the open page closes.
    """
    visit.ask("rollout")
    again = visit.begin()
    for who, name in (("eve", "eve@elsewhere.example"), ("mallory", "u-4")):
        again(who)
        visit.page.get_by_role("button", name="Sign out").wait_for(timeout=60_000)
        told = visit.read("not among those who may look")
        assert f"You are {name} there" in told
        assert "Gates" not in told
        assert visit.page.locator("[data-testid=stMain]").get_by_role("button").all_inner_texts() == ["Sign out"]
    again("gus")
    assert "anna@example.com" not in visit.read("u-5 · approver")
    visit.read("Newest frame")
    (folder / "roles.toml").write_text('viewers = ["*@example.com"]')
    visit.read("not among those who may look")  # by itself: what tells the age of the page asks again


def test_a_token_that_cannot_be_trusted_signs_nobody_in(visit: Visit, provider: Provider, pages: Served) -> None:
    """There is a sentence and no cookie, the log has the reason in a line, and the way back still knows the view."""
    visit.ask("fleet?tz=Asia/Tokyo")
    provider.lie = "issuer"
    again = visit.begin()
    visit.answer("anna")
    visit.read("cannot be trusted")
    assert not visit.signed_in()
    assert visit.page.get_by_role("link", name="Back to the page").get_attribute("href") == "/fleet?tz=Asia%2FTokyo"
    for lie, reason in (("audience", "azp"), ("signature", "signature"), ("nonce", "nonce"), ("expired", "expired")):
        provider.lie = lie
        before = len(pages.said())
        again("anna")
        visit.read("cannot be trusted")
        assert not visit.signed_in()
        (line,) = [one for one in pages.said()[before:].splitlines() if "sign-in:" in one]
        assert reason in line
    provider.lie = "authorized party"  # Authlib lets it pass
    again("anna")
    assert "approver" not in visit.read("made for another application")


def test_a_provider_that_is_away_is_a_sentence(visit: Visit, provider: Provider, pages: Served) -> None:
    """Wherever on the way it goes, nobody is signed in, and nobody is shown a stack."""
    visit.ask("fleet")
    provider.away = "/token"
    again = visit.begin()
    visit.answer("anna")
    visit.read("does not answer as it should")
    provider.away = "/jwks"
    again("anna")
    visit.read("does not answer as it should")
    assert not visit.signed_in()
    visit.page.get_by_role("link", name="Back to the page").click()
    provider.away = "/.well-known/openid-configuration"
    visit.sign_in().click()
    visit.read("does not answer as it should")
    assert pages.said().count("RemoteProtocolError") >= 3


def test_who_is_refused_by_the_provider_is_told_so(visit: Visit) -> None:
    """The provider's own error is named, without the words that it adds; an answer that nobody asked for is none."""
    visit.ask("fleet")
    visit.as_("anna", answer="Cancel")
    assert "not today" not in visit.read("refused the sign-in: access_denied")
    visit.page.goto(f"{visit.base}oauth2callback?code=stolen&state=guessed")
    visit.read("was not begun here")
    assert not visit.signed_in()
