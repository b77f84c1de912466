"""The field policy: files that can be followed, and what their rules mean."""

import pytest

from ingest.field_policy import Do, FieldPolicyError, parse_field_policy, within


def _rules(text: str) -> list[tuple[int, Do]]:
    return [(rule.number, rule.do) for rule in parse_field_policy(text).rules]


def _rule(**fields: str) -> str:
    written = {"do": "drop", "reason": "r", **fields}
    return "[[rule]]\n" + "".join(f'{name} = "{value}"\n' for name, value in written.items())


def test_rules_in_order() -> None:
    """All three kinds, numbered as they stand in the file; an empty file has none."""
    text = _rule(vendor="V*", message="M", path="a.b") + _rule(key="K*", do="hash") + _rule(member="m", do="keep")
    assert _rules(text) == [(1, Do.DROP), (2, Do.HASH), (3, Do.KEEP)]
    assert _rules("") == []
    first = parse_field_policy(text).rules[0]
    assert (first.vendor, first.path, first.reason) == ("v*", ("a", "b"), "r")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("rule = 1", r"write \[\[rule\]\]"),
        ("[[rules]]", "holds .*rule.* tables"),
        ("[[rule", "no TOML"),
        (_rule(member="m") + _rule(member="m", do="burn"), "number 2: .*drop, hash or keep"),
        ('[[rule]]\nmember = "m"\ndo = "drop"', "number 1: .*reason"),
        (_rule(member="m", reason=" "), "a reason of 1 to 500"),
        (_rule(), "of nothing what to do"),
        (_rule(name="m"), "has a field 'name'; it takes vendor, message"),
        (_rule(member=""), "member has 1 to 255"),
        (_rule(path="a"), 'add one, vendor = "\\*"'),
        (_rule(key="a", member="b"), "key stands alone, a configuration key has no member"),
        (_rule(vendor="v", path="a", member="b"), "choose one"),
        (_rule(vendor="v", path="a..b"), "single dots"),
        (_rule(member="*", do="keep"), "keep needs a name"),
        (_rule(vendor="v", do="keep"), "keep needs a name"),
        (_rule(key="Authorization*Key", do="keep"), "secret, which is never kept"),
        (_rule(vendor="v", path="a.password", do="keep"), "password is the name of a secret"),
        (_rule(member="wifi_psk*", do="keep"), "never kept"),
    ],
)
def test_what_cannot_be_followed_is_named(text: str, reason: str) -> None:
    """The rule's number, what is wrong with it, and what to write."""
    with pytest.raises(FieldPolicyError, match=reason):
        parse_field_policy(text)


def test_how_rules_are_found() -> None:
    """Globs without case; of an answer, which names no vendor, all that hide something."""
    policy = parse_field_policy(
        _rule(vendor="com.Example.*", message="Driver?")
        + _rule(vendor="*", path="uid", do="keep")
        + _rule(member="PHONE*")
        + _rule(key="Customer[0-9]")
    )

    def found(vendor: str | None, message: str) -> list[int]:
        return [rule.number for rule in policy.of_vendor(vendor, message)]

    assert found("COM.example.x", "driver1") == [1, 2]
    assert found("com.example.x", "driver12") == [2]
    assert found(None, "") == [1]
    member, key = policy.of_member("phonenumber"), policy.of_key("CUSTOMER7")
    assert member is not None
    assert key is not None
    assert (member.number, key.number) == (3, 4)
    assert policy.of_member("telephone") is policy.of_key("Customer") is None


def test_paths_mean_all_below_them() -> None:
    """A path from the root of the data, a member at any depth, nothing else."""
    by_path, by_member, whole = parse_field_policy(
        _rule(vendor="v", path="driver.na*") + _rule(vendor="v", member="name") + _rule(vendor="v")
    ).rules
    paths = (("driver", "name"), ("driver", "name", "first"), ("driver",), ("x", "driver", "name"), ())
    assert [within(by_path, path) for path in paths] == [True, True, False, False, False]
    assert [within(by_member, path) for path in paths] == [True, True, False, True, False]
    assert all(within(whole, path) for path in paths)
