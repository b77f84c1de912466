"""Print new critical discrepancies as they are found, and say when later evidence takes one back.

    pip install kafka-python
    python consume_discrepancies.py [BROKERS] [TOPIC]

A discrepancy comes again with each change, under the same id and with a higher version: the highest version counts, and
`status` says whether it still holds. Delivery is at least once, so a version may come twice. Fields and values that
this program does not know are left alone: within `.v1` some may be added, none is taken away.
"""

import json
import sys
from decimal import Decimal

from kafka import KafkaConsumer

BROKERS = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:9092"
TOPIC = sys.argv[2] if len(sys.argv) > 2 else "ocpp.discrepancies.v1"


def say(word: str, row: dict) -> None:
    """Print one discrepancy."""
    # An exact decimal in a string, so that no reader makes a float of money.
    delta = "" if row["delta"] is None else f" by {Decimal(row['delta']).normalize():f} {row['unit']}"
    evidence = ", ".join(row["frames"][:2])
    print(f"{word} {row['code']}{delta} on {row['charger_id']}: {row['title']} [{evidence}]", flush=True)


consumer = KafkaConsumer(
    TOPIC, bootstrap_servers=BROKERS, group_id="example-critical-discrepancies", auto_offset_reset="earliest"
)
known = {}  # id -> (version, whether it was said and holds); a real consumer bounds this, or keeps it in a database
try:
    for record in consumer:
        headers = dict(record.headers)
        if headers.get("ce_type") != b"ocpp.discrepancy.v1":
            continue
        row = json.loads(record.value)
        version, said = known.get(row["id"], (0, False))
        if row["version"] <= version:
            continue  # delivered twice, or overtaken
        holds = row["status"] == "open" and row["severity"] == "critical"
        known[row["id"]] = (row["version"], holds)
        if holds and not said:
            say("NEW      ", row)
        elif said and not holds:
            say("WITHDRAWN", row)
except KeyboardInterrupt:
    consumer.close(timeout_ms=5_000)  # the farewell waits behind others that join just now; else up to half a minute
