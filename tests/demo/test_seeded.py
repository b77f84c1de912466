"""A seeded fleet over days: everything that can be planted is found, nothing else is, and money is exact."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from demo.dialogues import DIALOGUES
from demo.faults import FAULTS
from demo.seeded import command
from demo.seeded.account import Account
from demo.seeded.member import live, members, plants
from demo.seeded.outcome import Money, Outcome, Row
from diff.catalogue import CATALOGUE


@pytest.fixture(scope="module")
def account() -> Account:
    """A hundred stations for a day: one for each fault of the wire, and all faults of bills."""
    account = Account()
    for outcome in command.run(members(seed=7, chargers=100, days=1, faults=1)):
        account.take(outcome)
    return account


def test_every_code_of_the_catalogue_is_planted_and_found(account: Account) -> None:
    """No code is left out, none is missed, and nothing is found that was not planted."""
    assert set(account.planted) == set(CATALOGUE)
    assert account.missed.total() == account.false.total() == 0, account.remarks
    assert account.failures == []


def test_every_amount_is_found_to_the_cent(account: Account) -> None:
    """Wrong energies, wrong amounts and bills of nobody are each weighed, and each right bill weighs nothing."""
    assert set(account.money) == {"wrong-energy", "wrong-amount", "no-session"}
    assert all(planted == found for _, planted, found, _ in account.money.values())
    assert all(planted < 0 for _, planted, _, _ in account.money.values())


def test_the_seed_decides_what_is_planted_and_where() -> None:
    """A fleet of one seed is the same fleet again, and another one's faults stand in another order."""
    one = members(seed=1, chargers=40, days=1, faults=0.5)
    assert one == members(seed=1, chargers=40, days=1, faults=0.5)
    assert [plant.name for plant in plants(1)] != [plant.name for plant in plants(2)]
    assert {plant.name for plant in plants(1)} == {plant.name for plant in (*FAULTS, *DIALOGUES)}
    assert sum(member.bills for member in one) == 10
    assert sum(member.plant is not None for member in one) == 15


def test_a_member_is_the_same_whatever_runs_beside_it() -> None:
    """Station 8 of eight stations is station 8 of eighty."""
    few, many = (members(seed=3, chargers=count, days=2, faults=0.5)[7] for count in (8, 80))
    assert live(few) == live(many)


def test_names_of_faults_are_unique() -> None:
    """An account names what it missed by them."""
    names = [plant.name for plant in (*FAULTS, *DIALOGUES)]
    assert len(names) == len(set(names))


def test_an_account_fails_on_what_it_must() -> None:
    """One miss in a hundred and one false alarm in a thousand pass; more does not, and neither does a cent."""
    account = Account()
    rows = [Row("F1", "x", "session.zero")] * 100
    account.take(Outcome(1, 1000, rows, rows[:1], rows[:1]))
    assert account.failures == []
    account.take(Outcome(1, 0, [], rows[:1], rows[:1], [Money("F1", "wrong-energy", Decimal(-1), Decimal("-1.01"))]))
    assert [failure.partition(" ")[0] for failure in account.failures] == ["recall", "0.00200", "an"]


def test_the_command_prints_its_account(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Exit code 0, a table or one document, both also as files; what was not planted is named."""
    given = ["--chargers", "8", "--days", "1", "--seed", "2", "--processes", "1", "--out", str(tmp_path)]
    assert command.main([*given, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["recall"] == "1.0000"
    assert document["not_planted"]["profile.schedule"]
    assert json.loads((tmp_path / "account.json").read_text(encoding="utf-8")) == document
    assert "false alarms per session 0.000000" in (tmp_path / "account.txt").read_text(encoding="utf-8")


def test_a_missed_target_is_exit_code_1(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """And standard error says which."""
    monkeypatch.setattr("demo.seeded.account.RECALL", Decimal(2))
    assert command.main(["--chargers", "4", "--days", "1", "--processes", "1"]) == 1
    assert "missed: recall" in capsys.readouterr().err
