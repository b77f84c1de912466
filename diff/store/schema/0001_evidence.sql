-- What was seen on the wire, and what the shadow made of it. Kept for a short time: it is large and it is about people.
--
-- All tables, here and in the next file:
--   * ReplacingMergeTree, read with FINAL: a row that is written twice, by a retry or a replay, is one row.
--     The deterministic id stands last in ORDER BY, and nothing that a later version may change stands there,
--     because rows that differ in ORDER BY both live on.
--   * Partitions are months of the tap's clock, of a column that no later version changes (versions in different
--     partitions never merge). Never a charging station's clock: a station in 1970 would make its own partition.
--   * TTL counts from ingested_at, not from the tap's clock: a recording of last year, replayed today, is kept as long
--     as today's traffic. The intervals are defaults; Retention (diff/store/migrations.py) changes them.

CREATE TABLE IF NOT EXISTS frames
(
    charger_id String,
    connection_id String,
    seq UInt64,
    frame_id String,
    received_at DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    kind LowCardinality(String),
    direction LowCardinality(String),
    -- Empty where there is none: a ping, a text that is no message, an answer that no call asked for.
    action LowCardinality(String),
    -- call, result, error, malformed; empty for what is no message.
    message_type LowCardinality(String),
    message_id String CODEC(ZSTD(1)),
    -- As received, less redactions. Level 3 because it is most of the volume and is read by a few rows at a time.
    text String CODEC(ZSTD(3)),
    -- JSON: handshake facts, the gap, the close code, the judged connectors.
    detail String CODEC(ZSTD(3)),
    ingested_at DateTime('UTC') DEFAULT now() CODEC(Delta(4), ZSTD(1)),
    -- Evidence is looked up by id from a discrepancy that knows its charger, and by time on the session page.
    INDEX by_time received_at TYPE minmax GRANULARITY 1,
    INDEX by_action action TYPE set(64) GRANULARITY 4
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (charger_id, connection_id, seq)
TTL ingested_at + INTERVAL 30 DAY;

CREATE TABLE IF NOT EXISTS messages
(
    charger_id String,
    -- Two runs of the judge over the same frames number their messages differently: they must not mix.
    judging_run LowCardinality(String),
    message_id String,
    -- Per charger, in the order of sending; ids do not sort in that order.
    number UInt64 CODEC(Delta(8), ZSTD(1)),
    at DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    action LowCardinality(String),
    type LowCardinality(String),
    direction LowCardinality(String),
    -- JSON text, numbers with all their digits.
    payload String CODEC(ZSTD(3)),
    caused_by Array(String) CODEC(ZSTD(1)),
    -- Path to derived, synthesised or configured; what is not listed was observed.
    provenance Map(LowCardinality(String), LowCardinality(String)),
    -- transactionInfo.transactionId or transactionId of the payload, empty where there is none.
    transaction_id String CODEC(ZSTD(1)),
    evse_id Nullable(Int32),
    ingested_at DateTime('UTC') DEFAULT now() CODEC(Delta(4), ZSTD(1)),
    INDEX by_time at TYPE minmax GRANULARITY 1,
    INDEX by_transaction transaction_id TYPE bloom_filter GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (charger_id, judging_run, message_id)
TTL ingested_at + INTERVAL 30 DAY;

-- What could not be read or mapped. Never the text itself: its size and a masked shape.
CREATE TABLE IF NOT EXISTS dead_letters
(
    charger_id String,
    id String,
    received_at DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    -- tap, recording, writer ...
    source LowCardinality(String),
    -- Where in the source: a line number, a frame id, an offset.
    position String,
    reason String CODEC(ZSTD(1)),
    size UInt64,
    shape String CODEC(ZSTD(1)),
    ingested_at DateTime('UTC') DEFAULT now() CODEC(Delta(4), ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (charger_id, id)
TTL ingested_at + INTERVAL 396 DAY;
