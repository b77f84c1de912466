"""What redaction costs per mirrored message: `python -m bench.redaction`."""

from __future__ import annotations

import json
import timeit
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle
from typing import Any, Final

from ingest.field_policy import parse_field_policy
from ingest.field_redaction import FieldRedactor
from ingest.pseudonym import TokenCipher
from ingest.redaction import Redactor

_KEY: Final = bytes(range(32))
_POLICY: Final = """
[[rule]]
vendor = "com.example"
path = "driver.name"
do = "drop"
reason = "names"
[[rule]]
member = "phone*"
do = "hash"
reason = "numbers"
[[rule]]
key = "Customer*"
do = "drop"
reason = "numbers"
"""


def _messages() -> Iterator[tuple[str, str]]:
    status = {
        "connectorId": 1,
        "errorCode": "NoError",
        "info": "cable locked, contactor closed, residual current monitor in order",
        "status": "Charging",
        "timestamp": "2030-01-01T11:00:00.000Z",
        "vendorId": "com.example.charger",
        "vendorErrorCode": "0",
    }
    yield "StatusNotification", _call("StatusNotification", status)
    samples = [
        {
            "value": "230.1",
            "context": "Sample.Periodic",
            "format": "Raw",
            "measurand": measurand,
            "phase": phase,
            "location": "Outlet",
            "unit": "Wh",
        }
        for measurand in ("Energy.Active.Import.Register", "Voltage", "Current.Import", "Power.Active.Import")
        for phase in ("L1", "L2", "L3")
    ]
    meter: dict[str, Any] = {"meterValue": [{"timestamp": "2030-01-01T11:00:00Z", "sampledValue": samples}]}
    yield "MeterValues", _call("MeterValues", {"connectorId": 1, "transactionId": 55, **meter})
    start = {"connectorId": 1, "idTag": "04A1B2C3D4E5F6", "meterStart": 1, "timestamp": "2030-01-01T10:00:00Z"}
    yield "StartTransaction", _call("StartTransaction", start)
    token = {"idToken": "04A1B2C3D4E5F6", "type": "ISO14443"}
    yield "TransactionEvent with idToken", _call("TransactionEvent", {"seqNo": 3, "idToken": token, **meter})
    entries = [{"idTag": f"04A1B2C3{number:06X}", "idTagInfo": {"status": "Accepted"}} for number in range(100)]
    yield "SendLocalList, 100 tokens", _call("SendLocalList", {"listVersion": 1, "localAuthorizationList": entries})
    secret = {"key": "AuthorizationKey", "value": "0123456789ABCDEF"}
    yield "ChangeConfiguration, secret", _call("ChangeConfiguration", secret)
    data = json.dumps({"driver": {"name": "Max Power", "phone": "0123456789"}, "state": "charging"})
    yield "DataTransfer", _call("DataTransfer", {"vendorId": "com.example", "messageId": "Driver", "data": data})
    yield "no JSON", _call("MeterValues", meter)[:-1]


def _call(action: str, payload: dict[str, Any]) -> str:
    return json.dumps([2, "8f14e45f-ceea-467a-9575-f1d2a4c5e6b7", action, payload], separators=(",", ":"))


def _micros(run: Callable[[], object]) -> float:
    """Best of five measurements of at least 0.2 s each."""
    timer = timeit.Timer(run)
    number, _ = timer.autorange()
    return min(timer.repeat(5, number)) / number * 1e6


def _next_token(cipher: TokenCipher, tokens: Iterator[str]) -> str:
    return cipher.token(next(tokens))


def main() -> None:
    """Print the cost of each kind of message, and of a pseudonym that is not remembered yet."""
    redactor = Redactor(_KEY, "bench")
    ruled = FieldRedactor(_KEY, "bench", parse_field_policy(_POLICY))
    print(f"{'message':<32}{'characters':>12}{'µs':>10}{'with rules':>12}")
    for name, text in _messages():
        plain, with_rules = (_micros(partial(one.redact, text)) for one in (redactor, ruled))
        print(f"{name:<32}{len(text):>12}{plain:>10.1f}{with_rules:>12.1f}")
    cipher = TokenCipher(_KEY)
    print(f"\n{'new pseudonym':<32}{'characters':>12}{'µs':>10}")
    for form in ("{:014X}", "{:08d}", "TAG{:017d}", "{:04x}", "{:03d}", "Z{:01d}"):
        tokens = cycle([form.format(number) for number in range(10)])
        token = next(tokens)
        cost = _micros(partial(_next_token, cipher, tokens))
        print(f"{token:<32}{len(token):>12}{cost:>10.1f}")


if __name__ == "__main__":
    main()
