"""What the stack understands of a compose file, and what it says where it does not."""

import sys

import pytest

from app.stack.compose import COMPLETED, HEALTHY, ComposeError, Port, chosen, read

WHOLE = """
x-base: &base
  image: ours:1.2.3
  environment: &variables
    GIVEN: "1"
services:
  store:
    image: store:4.5.6
    healthcheck: {test: [CMD, ask, it]}
  once:
    <<: *base
    command: "make --name 'two words'"
    depends_on: {store: {condition: service_healthy}}
  main:
    <<: *base
    command: [run, --port, "80"]
    environment:
      <<: *variables
      NUMBER: 7
      PASSED:
      FILLED: ${WHO:-nobody}
    ports: ["127.0.0.1:8080:80"]
    volumes: ["kept:/data", "./conf:/etc/conf:ro"]
    depends_on: {once: {condition: service_completed_successfully}}
  extra:
    <<: *base
    profiles: [more]
    depends_on: [main]
"""


def _one(entry: str, **variables: str) -> dict[str, str]:
    return read(f"services:\n  a:\n    environment:\n      V: '{entry}'\n", variables)["a"].environment


def test_a_service_is_read_with_everything_filled_in() -> None:
    """Merge keys, numbers, words in one string, passed-on variables, ports, volumes and conditions."""
    services = read(WHOLE, {"PASSED": "x"})
    main = services["main"]

    assert main.image == "ours:1.2.3"
    assert main.environment == {"GIVEN": "1", "NUMBER": "7", "PASSED": "x", "FILLED": "nobody"}
    assert main.ports == (Port("127.0.0.1", 8080, 80),)
    assert main.volumes == {"/data": "kept", "/etc/conf": "./conf"}
    assert main.after == {"once": COMPLETED}
    assert services["once"].command == ("make", "--name", "two words")
    assert services["once"].after == {"store": HEALTHY}
    assert services["store"].probe == ("ask", "it")


@pytest.mark.parametrize(
    ("entry", "variables", "value"),
    [
        ("${A}", {"A": "1"}, "1"),
        ("$A-$B", {"A": "1", "B": "2"}, "1-2"),
        ("${A}", {}, ""),
        ("${A:-other}", {"A": ""}, "other"),
        ("${A-other}", {"A": ""}, ""),
        ("${A:-}", {}, ""),
        ("${A:-ws://h:1/x}", {}, "ws://h:1/x"),
        ("${A:?}", {"A": "1"}, "1"),
        ("$$A", {"A": "1"}, "$A"),
    ],
)
def test_variables_are_filled_in_as_the_specification_says(entry: str, variables: dict[str, str], value: str) -> None:
    """With and without a colon, with defaults, and a doubled dollar for a dollar."""
    assert _one(entry, **variables) == {"V": value}


def test_a_variable_that_must_be_given_is_asked_for() -> None:
    """`${VAR:?message}` without the variable ends with the name and the message."""
    with pytest.raises(ComposeError, match="PASSWORD has to be set: choose one"):
        _one("${PASSWORD:?choose one}")


def test_a_variable_without_a_value_is_absent_where_nobody_has_one() -> None:
    """It is not handed on as an empty one, which would be another setting."""
    assert "PASSED" not in read(WHOLE, {})["main"].environment


def test_services_come_behind_what_they_depend_on() -> None:
    """Order of the file otherwise; a profile adds its own."""
    turned = WHOLE.replace("  store:", "  last:\n    image: l:1.1.1\n  store:")
    services = read(turned, {})

    assert [one.name for one in chosen(services, frozenset())] == ["last", "store", "once", "main"]
    assert [one.name for one in chosen(services, frozenset({"more"}))][-1] == "extra"


def test_services_can_be_named() -> None:
    """They come with what they depend on and nothing else, whatever their profile; a wrong name is told."""
    services = read(WHOLE, {})

    assert [one.name for one in chosen(services, frozenset(), ["once"])] == ["store", "once"]
    assert [one.name for one in chosen(services, frozenset(), ["extra"])] == ["store", "once", "main", "extra"]
    with pytest.raises(ComposeError, match="there is no service ones; there are store, once, main, extra"):
        chosen(services, frozenset(), ["ones"])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("services: {a: {depends_on: [b]}, b: {depends_on: [a]}}", "a can never start: it depends on b"),
        ("services: {a: {depends_on: [nowhere]}}", "a can never start: it depends on nowhere"),
        ("services: {a: {depends_on: [b]}, b: {profiles: [p]}}", "a can never start: it depends on b"),
    ],
)
def test_what_can_never_start_is_named(text: str, problem: str) -> None:
    """A circle, a service that does not exist, one of a profile that was not asked for."""
    with pytest.raises(ComposeError, match=problem):
        chosen(read(text, {}), frozenset())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("services: {a: {ports: ['80:80']}}", "a: the port 80:80 names no address"),
        ("services: {a: {volumes: ['/data']}}", "a: the volume /data has no name"),
        ("services: {a: {environment: {V: yes}}}", "V is a truth value in YAML: write it in quotes"),
        ("services: [", "cannot be read as a compose file"),
        ("[]", "cannot be read as a compose file"),
        ("volumes: {}", "cannot be read as a compose file: KeyError: 'services'"),
    ],
)
def test_what_it_does_not_understand_is_an_error(text: str, problem: str) -> None:
    """Nothing is passed over in silence that would start another system than the one written."""
    with pytest.raises(ComposeError, match=problem):
        read(text, {})


def test_without_pyyaml_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runtime's packages alone have no YAML reader."""
    monkeypatch.setitem(sys.modules, "yaml", None)

    with pytest.raises(ComposeError, match="PyYAML is not installed"):
        read("services: {}", {})
