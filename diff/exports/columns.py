"""The tables that are exported, and what each of their columns means: data that page, query and file follow. Pure.

Within one version of the product a column is added at the end of its table at most; none changes its meaning.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

__all__ = ["DATASETS", "Column", "Dataset", "Form", "Kind"]


class Kind(StrEnum):
    """What the values of a column are. None stands for nothing known in each of them."""

    TEXT = "text"
    TEXTS = "list of texts"
    WHOLE = "whole number"
    DECIMAL = "exact decimal, 38 digits, 6 of them behind the point"
    TIME = "time in UTC, to the microsecond"
    FLAG = "true or false"


class Form(StrEnum):
    """How a table is written."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


class Column(msgspec.Struct, frozen=True):
    """One column."""

    name: str
    kind: Kind
    meaning: str


class Dataset(msgspec.Struct, frozen=True):
    """One table of the exports."""

    name: str
    """As the command is given it."""
    row: str
    """What one row is."""
    filters: tuple[str, ...]
    """Fields of `diff.exports.selection.Selection` that narrow it."""
    columns: tuple[Column, ...]


_KINDS: Final = {
    "text": Kind.TEXT,
    "texts": Kind.TEXTS,
    "whole": Kind.WHOLE,
    "decimal": Kind.DECIMAL,
    "time": Kind.TIME,
    "flag": Kind.FLAG,
}
_WHO: Final = ("vendors", "models", "firmwares")
_RANGE: Final = ("since", "until")


def _dataset(name: str, row: str, filters: tuple[str, ...], table: str) -> Dataset:
    columns = []
    for line in table.strip().splitlines():
        column, kind, meaning = line.split(maxsplit=2)
        columns.append(Column(column, _KINDS[kind], meaning))
    return Dataset(name, row, filters, tuple(columns))


DATASETS: Final = {
    one.name: one
    for one in (
        _dataset(
            "discrepancies",
            "a discrepancy in its newest version, open or withdrawn",
            (
                "run",
                "charger",
                *_WHO,
                *_RANGE,
                "severities",
                "codes",
                "classes",
                "status",
                "fingerprint",
                "session_id",
                "faults",
            ),
            """
charger_id         text     The charging station.
code               text     Code of the catalogue (discrepancies.md).
id                 text     Identity: the same over later versions and better mappers.
class              text     `mismatch`, `expected-loss` or `quality`.
severity           text     `critical`, `major`, `minor` or `info`.
status             text     `open`, or `withdrawn` where later evidence took it back.
evse_id            whole    The EVSE in 2.0.1's numbering.
connector_id       whole    The connector in 1.6's numbering.
session_id         text     The session that it is about; see `sessions`.
path               text     The field or rule that it is about.
primary            text     What the primary's side holds; a token is a pseudonym.
shadow             text     What the shadow's side holds.
delta              decimal  Shadow less primary, in `unit`.
unit               text     Unit of `delta`: Wh, s, a currency.
occurrences        whole    How often it was seen under this id.
frames             texts    Ids of the frames that prove it, at most eight; never their text.
occurred_at        time     The charging station's own time of it, where it gave one.
observed_at        time     Tap clock: when this version came to be known.
first_received_at  time     Tap clock: when the first evidence came.
fingerprint        text     The group of one cause; see `fingerprints`.
title              text     The fingerprint in words.
detail             text     What a column could not hold, and why.
vendor             text     Of the charging station, when it was seen.
model              text     Of the charging station, when it was seen.
firmware           text     Of the charging station, when it was seen.
mapper_version     text     Version of the mapping 1.6 → 2.0.1 that it comes from.
policy_version     text     Version of the policy: what counts as equal or missing.
schema_version     text     Version of the official schemas.
version            whole    Rises with each change of this id, from 1.
judging_run        text     `live`, or the name of a run that judged stored frames anew.
""",
        ),
        _dataset(
            "sessions",
            "a session with both its sides in its newest version",
            ("run", "charger", *_WHO, *_RANGE, "status", "session_id"),
            """
charger_id              text     The charging station.
session_id              text     Identity of the session: of the charging station and what opened it.
status                  text     `open`, or `withdrawn` where judging again does not know it.
connector_id            whole    The connector in 1.6's numbering.
evse_id                 whole    The EVSE in 2.0.1's numbering.
primary_transaction_id  text     transactionId of 1.6: evidence, never identity; it is reused.
shadow_transaction_id   text     transactionId of 2.0.1, as the shadow's station gave it.
id_token                text     Pseudonym of the token that started it.
key_version             text     The key that it is a pseudonym under: never compare pseudonyms of two versions.
started_at              time     The charging station's own clock.
stopped_at              time     The charging station's own clock.
stop_reason             text     Reason of 1.6 in the words of 2.0.1.
primary_energy_wh       decimal  meterStop less meterStart: what the primary bills, in Wh.
shadow_energy_wh        decimal  Last less first reading of the TransactionEvents, in Wh.
complete                flag     Both sides have ended and the shadow lacks nothing.
compared                flag     Both sides have ended and were compared.
judged                  flag     Its connector is enrolled for judgement.
record_id               text     Of the billing record (CDR) that bills it.
record_energy_wh        decimal  Energy billed by that record, in Wh.
record_amount           decimal  Amount billed by that record: with VAT where it says it, else without.
record_currency         text     Of all amounts here (ISO 4217).
shadow_amount           decimal  What the shadow's session costs under the tariff of the record.
amount_delta            decimal  `shadow_amount` less what the record's own energy and times cost under the same tariff.
first_received_at       time     Tap clock: its first frame.
last_received_at        time     Tap clock: its last frame.
vendor                  text     Of the charging station, when it was seen.
model                   text     Of the charging station, when it was seen.
firmware                text     Of the charging station, when it was seen.
detail                  text     What a column could not hold, and why.
version                 whole    Rises with each change, from 1.
judging_run             text     `live`, or the name of a run that judged stored frames anew.
""",
        ),
        _dataset(
            "fingerprints",
            "a cause with open discrepancies: code, rule and kind of charging station, values generalised",
            ("run", "charger", *_WHO, "severities", "codes"),
            """
fingerprint   text     Identity of the cause.
title         text     The cause in words.
code          text     Code of the catalogue (discrepancies.md).
class         text     `mismatch` or `quality`.
severity      text     `critical`, `major`, `minor` or `info`.
path          text     The field or rule that it is about.
vendor        text     Of its charging stations.
model         text     Of its charging stations.
firmware      text     Of its charging stations.
chargers      whole    Charging stations with one.
sessions      whole    Sessions with one.
open          whole    Open discrepancies.
occurrences   whole    How often it was seen, over all of them.
first_seen    time     Tap clock.
last_seen     time     Tap clock.
wh            decimal  Sum of the differences in Wh, without their signs; empty where it is about no energy.
comparisons   whole    Fields compared on its kind of charging station: what `open` is to be divided by.
state         text     `new`, `regressed`, `ongoing`, `gone` or `quiet` (gates.md).
because       text     Why it is called so, in words.
acknowledged  flag     An acknowledgement in force is about it, if only for a part of its charging stations.
""",
        ),
        _dataset(
            "acknowledgements",
            "an acknowledgement in its newest version, and where it stands now",
            (),
            """
id              text   Identity: of its scope.
fingerprint     text   What is acknowledged.
title           text   The fingerprint in words, where discrepancies of it are stored.
vendor          text   Scope; empty is any.
model           text   Scope; empty is any.
firmware        text   Scope; empty is any.
charger         text   Scope; empty is any.
reason          text   Why it may be so.
owner           text   Who answers for it.
said_by         text   Who said it.
said_at         time   When it was said.
expires         time   When it ends.
standing        text   `holds`, `expired`, `stopped-occurring` or `revoked`.
because         text   Why it stands so, with the numbers.
open            whole  Open discrepancies that it covers.
chargers        whole  Charging stations with one.
first_seen      time   Tap clock; of those that it covers.
last_seen       time   Tap clock; of those that it covers.
compared_since  whole  Sessions compared since it was last seen.
""",
        ),
        _dataset(
            "verdicts",
            "a verdict on a cohort, as it was given",
            ("cohort", *_RANGE),
            """
cohort              text   Its name, or the selection that it is.
at                  time   What time it is about.
outcome             text   `GO`, `HOLD` or `INCONCLUSIVE`.
first               text   The first gate that says so; empty beside GO.
because             text   Why, in a sentence.
change              text   What would change it, with numbers; empty beside GO.
chargers            whole  Charging stations of the cohort.
sessions            whole  Sessions compared: the denominator.
mapper_version      text   Of the program that gave it.
thresholds_version  text   Of the thresholds in force.
decided_at          time   When it was given.
detail              text   JSON: every gate with value, bound and n, and the trend.
thresholds          text   JSON: the thresholds as they were in force.
""",
        ),
        _dataset(
            "chargers",
            "a charging station that was lived",
            ("run", "charger", *_WHO),
            """
charger_id   text   The charging station.
vendor       text   What it last said of itself.
model        text   What it last said of itself.
firmware     text   What it last said of itself.
first_seen   time   Tap clock.
last_seen    time   Tap clock.
comparisons  whole  Judged comparisons made, with or without a difference.
judging_run  text   `live`, or the name of a run that judged stored frames anew.
""",
        ),
        _dataset(
            "connections",
            "a connection by the tap's newest account: the denominator of every statement about completeness",
            ("charger", *_RANGE),
            """
charger_id       text   The charging station.
connection_id    text   The connection.
state            text   `mirrored`, `pending`, `unparsable`, `closed` …, as the tap names it.
subprotocol      text   What was agreed in the handshake.
compression      flag   permessage-deflate was agreed.
opened_at        time   Tap clock.
closed_at        time   Tap clock; empty while it is open.
last_frame_at    time   Tap clock.
bytes_forwarded  whole  Both directions.
bytes_mirrored   whole  Of them, copied.
bytes_parsed     whole  Of them, read as WebSocket messages.
frames           whole  Frames that the tap wrote.
gaps             whole  Places where the copy was cut.
at               time   When the account was given.
frames_published whole  Of the frames, those that Kafka has; empty where nothing is published, and of older taps.
frames_applied   whole  Of the frames, those that a worker has lived; empty where none told, and after 29 days.
frames_stored    whole  Of the frames, those that the store holds; empty after 29 days.
""",
        ),
    )
}
"""By name, in the order of the page."""
