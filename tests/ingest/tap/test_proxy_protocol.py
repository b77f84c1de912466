"""The PROXY protocol, both versions."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.tap.proxy_protocol import MAX_HEADER, ProxyError, read, write_v1, write_v2

ADDRESS = st.tuples(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str), st.integers(0, 65_535))
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


@given(source=ADDRESS, destination=ADDRESS, rest=st.binary(max_size=50), version=st.sampled_from([1, 2]))
def test_what_is_written_is_read(
    source: tuple[str, int], destination: tuple[str, int], rest: bytes, version: int
) -> None:
    """Both versions come back with both addresses; what follows is left alone; every beginning asks for more."""
    data = (write_v1 if version == 1 else write_v2)(source, destination)
    header = read(data + rest)
    assert header is not None
    assert header.source is not None
    assert header.size == len(data)
    assert header.source[1] == source[1]
    mixed = (":" in source[0]) != (":" in destination[0])
    assert mixed or (header.source, header.destination) == (source, destination)
    for cut in range(len(data)):
        assert read(data[:cut]) is None


@given(data=st.binary(max_size=300))
def test_reading_is_total(data: bytes) -> None:
    """Whatever stands there is a header, the beginning of one, or refused with a reason."""
    for begin in (b"", b"PROXY TCP4 ", SIGNATURE + b"\x21\x11"):
        with suppress(ProxyError):
            header = read(begin + data)
            assert header is None or 0 < header.size <= MAX_HEADER


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GET / HTTP/1.1\r\n", "does not begin with"),
        (b"PROXY TCP4 1.2.3.4\r\n", "not TCP4, TCP6 or UNKNOWN"),
        (b"PROXY TCP4 ::1 ::1 1 2\r\n", "are not TCP4"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.5 1 65536\r\n", "address or port"),
        (b"PROXY TCP4 " + b"1" * 100, "more than 107 bytes"),
        (SIGNATURE + b"\x31\x11\x00\x0c", "version 3"),
        (SIGNATURE + b"\x21\x11\xff\xff", f"at most {MAX_HEADER}"),
        (SIGNATURE + b"\x21\x11\x00\x04abcd", "too short"),
    ],
)
def test_what_is_no_header_says_why(data: bytes, reason: str) -> None:
    """Each flaw is named."""
    with pytest.raises(ProxyError, match=reason):
        read(data)


def test_a_health_check_names_nobody() -> None:
    """LOCAL and UNKNOWN leave the socket's own address standing (§2.1, §2.2)."""
    for data in (write_v1(None, None), write_v2(None, None)):
        header = read(data)
        assert header is not None
        assert header.source is None


def test_tls_that_the_proxy_terminated_is_read() -> None:
    """The TLV of TLS gives version, cipher and the name in the client's certificate (§2.2.6)."""
    inner = b"\x21\x00\x07TLSv1.3\x22\x00\x03CP1\x23\x00\x03AES"
    ssl_tlv = b"\x20" + (5 + len(inner)).to_bytes(2, "big") + b"\x07\x00\x00\x00\x00" + inner
    body = bytes([10, 0, 0, 1, 10, 0, 0, 2, 0, 1, 0, 2]) + ssl_tlv
    header = read(SIGNATURE + b"\x21\x11" + len(body).to_bytes(2, "big") + body)
    assert header is not None
    assert (header.tls_version, header.common_name, header.tls_cipher) == ("TLSv1.3", "CP1", "AES")
