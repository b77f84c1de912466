"""Routing by host, path and subprotocol."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.tap.routes import Asked, RoutesError, asked_of, parse_routes

TABLE = parse_routes("""
[[routes]]
subprotocols = ["ocpp2.0.1"]
path = "/v2/*"
upstream = "wss://new:1"
[[routes]]
host = "*.Lab.example"
upstream = "ws://lab:2, ws://lab2:2"
[[routes]]
subprotocols = ["ocpp1.6"]
upstream = "ws://old:3"
""")


@pytest.mark.parametrize(
    ("asked", "host"),
    [
        (Asked("a.lab.example", "/v2/CP1", ("ocpp2.0.1", "ocpp1.6")), "new"),
        (Asked("a.lab.example", "/CP1", ("ocpp2.0.1",)), "lab"),
        (Asked("b", "/v2/CP1", ("ocpp1.6",)), "old"),
        (Asked("b", "/CP1", ("ocpp2.0.1",)), None),
    ],
)
def test_the_first_route_that_matches_counts(asked: Asked, host: str | None) -> None:
    """All that a route says has to match; what none matches has no route."""
    found = TABLE.upstream(asked)
    assert (None if found is None else found[0].host) == host


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[routes]", "no TOML"),
        ('[[routes]]\nupstream = "ws://a"', "route 1: a route needs"),
        ('[[routes]]\npath = "/"\nupstream = "http://a"', "route 1.upstream: upstream 'http://a'"),
        ('[[routes]]\npath = "/"\nupstream = "ws://a"\ncolour = 1', "route 1.colour"),
        ("other = 1", "routes: Field required"),
    ],
)
def test_a_file_that_cannot_be_followed_says_where(text: str, reason: str) -> None:
    """The route and its field are named."""
    with pytest.raises(RoutesError, match=reason):
        parse_routes(text)


def test_what_a_request_asks_for() -> None:
    """Host without port, path without query and with its escapes, subprotocols of all lines in lower case."""
    head = (
        b"GET /ocpp//CP%201?token=x HTTP/1.1\r\nHost: CSMS.example:9000\r\n"
        b"Sec-WebSocket-Protocol: OCPP2.0.1\r\nSec-WebSocket-Protocol: ocpp1.6, x"
    )
    assert asked_of(head) == Asked("csms.example", "/ocpp//CP%201", ("ocpp2.0.1", "ocpp1.6", "x"))
    assert asked_of(b"GET ws://a:1/CP HTTP/1.1\r\nHost: b") == Asked("a", "/CP", ())
    assert asked_of(b"GET /CP HTTP/1.1\r\nHost: [::1]:9") == Asked("[::1]", "/CP", ())
    assert asked_of(b"\x16\x03\x01") is None


@given(head=st.binary(max_size=300))
def test_reading_a_head_is_total(head: bytes) -> None:
    """Whatever is no request is None, never an error."""
    asked_of(head)
    asked_of(b"GET /" + head + b" HTTP/1.1\r\n" + head)
