"""Facts of the socket, and who is believed."""

import pytest

from ingest.tap.forwarded import Forwarded, add_forwarded_for, read_forwarded, told
from ingest.tap.wire import Networks, Wire, certificate_facts, distinguished_name


def test_networks_hold_addresses_of_both_families() -> None:
    """Also one that a dual-stack socket shows as mapped; what is no address is in none."""
    networks = Networks("10.0.0.0/8, fd00::/8,192.0.2.1")
    for host in ("10.9.9.9", "fd00::1", "192.0.2.1", "::ffff:10.1.1.1"):
        assert host in networks
    for host in ("11.0.0.1", "192.0.2.2", "localhost", ""):
        assert host not in networks
    assert not Networks("")
    with pytest.raises(ValueError, match="is no address and no network"):
        Networks("10.0.0.1,10.0.0.0/40")


def test_a_certificate_is_recorded_by_its_names() -> None:
    """Subject (RFC 4514), serial number and fingerprint; nothing where there is no certificate."""
    facts = certificate_facts({"subject": ((("organizationName", "A,B"),), (("commonName", "CP\n1"),)),
                               "serialNumber": "0AF1"}, b"der")  # fmt: skip
    assert (facts["certificate_subject"], facts["certificate_serial"]) == ("CN=CP?1,O=A\\,B", "0af1")
    assert len(facts["certificate_fingerprint"]) == 64
    assert certificate_facts({}, None) == {}
    assert len(distinguished_name(((("commonName", "x" * 9_999),),))) == 500


def test_headers_of_a_terminator_are_read() -> None:
    """The last address counts, which the terminator itself has added; TLS without a version is TLS."""
    head = b"GET /CP1 HTTP/1.1\r\nX-Forwarded-For: 6.6.6.6, 192.0.2.7\r\nX-Forwarded-Proto: wss\r\nX-Client: CN=CP1"
    found = read_forwarded(head, "x-client")
    assert found == Forwarded("192.0.2.7", tls=True, certificate_subject="CN=CP1")
    assert told(Wire(), found) == Wire(tls_version="TLS", certificate_subject="CN=CP1")
    assert told(Wire(tls_version="TLSv1.3"), None).tls_version == "TLSv1.3"


def test_a_line_is_added_and_nothing_else() -> None:
    """Lines that stand there stay as they are."""
    head = b"GET / HTTP/1.1\r\nX-Forwarded-For: 1\r\n\r\n"
    assert add_forwarded_for(head, "2") == head[:-2] + b"X-Forwarded-For: 2\r\n\r\n"
