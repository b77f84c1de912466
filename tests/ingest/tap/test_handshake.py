"""Reading the WebSocket upgrade."""

import pytest

from ingest.tap.handshake import MAX_HEAD, Deflate, HeadReader, Request, Response, facts, read_request, read_response


def _request(target: str, *lines: str) -> Request:
    found = read_request("\r\n".join([f"GET {target} HTTP/1.1", *lines]).encode())
    assert isinstance(found, Request)
    return found


def _response(*lines: str) -> Response:
    found = read_response("\r\n".join(lines).encode())
    assert isinstance(found, Response)
    return found


@pytest.mark.parametrize(
    ("target", "charger_id"),
    [
        ("/ocpp/CP1", "CP1"),
        ("//ocpp//CP1", "CP1"),
        ("/CP1/", "CP1"),
        ("/ocpp/RDAM%7C123", "RDAM|123"),
        ("/ocpp/a%2Fb?token=x", "a/b"),
        ("ws://csms.example/ocpp/CP1", "CP1"),
        ("/ocpp/user:secret@CP1", "CP1"),
        ("/", ""),
        ("*", "*"),
        ("/" + "x" * 256, ""),
    ],
)
def test_charger_id_is_the_decoded_last_segment(target: str, charger_id: str) -> None:
    """The identity is the percent-decoded last path segment, without credentials and within its bound."""
    assert _request(target).charger_id == charger_id


def test_identities_that_are_not_utf8_stay_apart() -> None:
    """Two chargers with different broken escapes do not fall together."""
    assert _request("/a%ff").charger_id != _request("/a%fe").charger_id


def test_secrets_do_not_pass() -> None:
    """Of credentials only the presence and the length are kept."""
    request = _request("ws://bob:hunter2@h/ocpp/CP1?token=abcd", "Authorization: Basic Ym9iOmh1bnRlcjI=", "Host: h")
    kept = repr(facts(request, None, "127.0.0.1:1"))
    assert request.basic_auth
    assert not any(secret in kept for secret in ("hunter2", "abcd", "Ym9i", "bob"))
    assert "?token=****" in kept


def test_facts_join_both_halves() -> None:
    """Subprotocols, status and compression come out as they were agreed."""
    request = _request(
        "/CP1", "sec-websocket-protocol: ocpp2.0.1, ocpp1.6", "Sec-WebSocket-Protocol: x", "Upgrade: WebSocket"
    )
    response = _response(
        "HTTP/1.1 101 Switching Protocols",
        "Sec-WebSocket-Protocol: ocpp1.6",
        "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; server_max_window_bits=10",
    )
    assert request.upgrade
    assert request.offered == ("ocpp2.0.1", "ocpp1.6", "x")
    assert response.deflate == Deflate(charger_takeover=False, csms_window_bits=10)
    shake = facts(request, response, "10.0.0.1:5")
    assert (shake.subprotocol, shake.status, shake.compression, shake.peer) == ("ocpp1.6", 101, True, "10.0.0.1:5")


@pytest.mark.parametrize(
    "extension",
    [
        "x-webkit-deflate-frame",
        "permessage-deflate, permessage-deflate",
        "permessage-deflate; server_max_window_bits=99",
        "permessage-deflate; what",
        "permessage-deflate; client_no_context_takeover=1",
        "permessage-deflate;;",
    ],
)
def test_extensions_that_cannot_be_followed_are_a_flaw(extension: str) -> None:
    """An extension or parameter that is not known is named, not guessed at."""
    response = _response("HTTP/1.1 101 Switching Protocols", f"Sec-WebSocket-Extensions: {extension}")
    assert response.flaw
    assert response.deflate is None


@pytest.mark.parametrize("head", [b"", b"\x16\x03\x01\x02\x00", b"GET /", b"get / HTTP/1.1", b"GET / HTTP/2", b"\xff"])
def test_what_is_no_http_is_named(head: bytes) -> None:
    """A TLS hello or any other bytes give a reason with its rule, and no exception."""
    assert "RFC 6455" in str(read_request(head))
    assert "RFC 6455" in str(read_response(head))


def test_a_401_is_an_answer() -> None:
    """A refused upgrade is read like any other."""
    assert _response("HTTP/1.1 401 Unauthorized", "WWW-Authenticate: Basic").status == 401


def test_head_reader_finds_the_end_in_any_chunking() -> None:
    """The head ends at the empty line wherever the chunks are cut, and what follows is given back."""
    whole = b"GET / HTTP/1.1\r\nA: b\r\n\r\nrest"
    for cut in range(1, len(whole)):
        reader = HeadReader()
        found = reader.feed(whole[:cut])
        tail = b""
        if found is None:
            found = reader.feed(whole[cut:])
        else:
            tail = whole[cut:]
        assert found is not None
        assert (found[0], found[1] + tail) == (b"GET / HTTP/1.1\r\nA: b", b"rest")


def test_head_reader_is_bounded() -> None:
    """A head without an end is given up at its limit and not kept."""
    reader = HeadReader()
    for _ in range(MAX_HEAD // 1024 + 1):
        assert reader.feed(b"x" * 1024) is None
    assert reader.too_long
    assert reader.feed(b"\r\n\r\n") is None
