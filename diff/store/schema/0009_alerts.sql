-- Alerts that were said, and what the watch remembers between two looks. The rules of 0001_evidence.sql hold.

-- A row for each word: that an alert is open, and that it is closed.
CREATE TABLE IF NOT EXISTS alerts
(
    id String,
    kind LowCardinality(String),
    state LowCardinality(String),
    severity LowCardinality(String),
    -- Empty where it is about no single charging station.
    charger_id String,
    subject String,
    title String CODEC(ZSTD(1)),
    detail String CODEC(ZSTD(1)),
    opened_at DateTime64(6, 'UTC'),
    at DateTime64(6, 'UTC'),
    link String CODEC(ZSTD(1)),
    held_back UInt64,
    ingested_at DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree(at)
PARTITION BY toYYYYMM(opened_at)
ORDER BY (id, state)
TTL ingested_at + INTERVAL 396 DAY;

-- One row a watch, the newest counts. No partitions and no end: `at` moves with every look, and a watch that was
-- stopped for long has to know what it had said.
CREATE TABLE IF NOT EXISTS alert_watches
(
    name String,
    at DateTime64(6, 'UTC'),
    -- JSON: what stands, and which words were not delivered yet.
    state String CODEC(ZSTD(3)),
    ingested_at DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree(at)
ORDER BY name;
