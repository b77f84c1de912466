"""Addresses without their credentials."""

import pytest

from ingest.urls import addresses, mask_url


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ftp://user:pw@host/fw.bin?sig=abc&v=2", "ftp://****:**@host/fw.bin?sig=***&v=*"),
        ("https://host:8443/fw.bin", "https://host:8443/fw.bin"),
        ("wss://[2001:db8::1]:443/ocpp/CP1", "wss://[2001:db8::1]:443/ocpp/CP1"),
        ("/ocpp/CP1?token=abc", "/ocpp/CP1?token=***"),
        ("/ocpp/CP1?abc", "/ocpp/CP1?***"),
        ("/ocpp/CP1?a=b=c&&d", "/ocpp/CP1?a=***&&*"),
        ("/ocpp/CP1#access_token=abc", "/ocpp/CP1#access_token=***"),
        ("//CP1", "//CP1"),
        ("/steve/websocket/CentralSystemService/CP%201", "/steve/websocket/CentralSystemService/CP%201"),
        ("/ocpp/user:pw@CP1", "/ocpp/****:**@CP1"),
        ("/ocpp/password=abc/CP1", "/ocpp/password=***/CP1"),
        ("ftp://user:p/w@host/x", "ftp://****:***@host/x"),
        ("ftp://user:p#w?@host/x", "ftp://****:****@host/x"),
        ("user:pw@host/x", "****:**@host/x"),
        ("http://host:80/a@b/c", "http://****:****@b/c"),
        ("http://host/a@b/c", "http://host/a@b/c"),
        ("http://[::1]/a@b/c", "http://[::1]/a@b/c"),
        ("http://tok@host/", "http://***@host/"),
        ("/password=u:pw@x/CP1", "/***************/CP1"),
        ("", ""),
    ],
)
def test_credentials_become_asterisks_of_the_same_length(text, expected):
    """User information, query values and named secrets in paths are masked; everything else stays."""
    assert mask_url(text) == expected


def test_addresses_inside_a_text_are_found():
    """In running text an address ends at a space, and each of several is masked."""
    text = "from ftp://u:p@h/a to sftp://x:y@h/b?k=v done"
    found = addresses(text, whole=False)
    assert [text[start:end] for (start, end), _ in found] == ["://u:p@h/a", "://x:y@h/b?k=v"]
    assert [text[start:end] for _, spans in found for start, end in spans] == ["u", "p", "x", "y", "v"]


def test_a_text_without_address_is_left_alone():
    """What merely has a colon, an at sign or a question mark is no address."""
    assert addresses("who? me@home, 12:30", whole=False) == []


@pytest.mark.parametrize("text", ["a" * 300_000, "a:" * 150_000, "/a" * 150_000, "://" * 100_000, "=;" * 150_000])
@pytest.mark.timeout(20)
def test_a_hostile_text_costs_linear_time(text):
    """No pattern backtracks: hundreds of thousands of characters pass within seconds."""
    assert len(mask_url(text)) == len(text)
    addresses(text, whole=False)
