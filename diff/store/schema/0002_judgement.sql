-- What was judged, and what the tap can vouch for. The rules of 0001_evidence.sql hold here too.
--
-- Wh and money-relevant differences are Decimal(38, 6), never Float64: 0.1 kWh must be 100 Wh in every sum. A value
-- that does not fit is NULL here, with its text in `detail`; a finer one is rounded, with its text in `detail`.

CREATE TABLE IF NOT EXISTS sessions
(
    charger_id String,
    judging_run LowCardinality(String),
    session_id String,
    connector_id Nullable(Int32),
    evse_id Nullable(Int32),
    -- The primary's transaction id is evidence, not identity: stations and backends reuse it.
    primary_transaction_id Nullable(String),
    shadow_transaction_id Nullable(String),
    id_token Nullable(String),
    started_at Nullable(DateTime64(6, 'UTC')),
    stopped_at Nullable(DateTime64(6, 'UTC')),
    stop_reason LowCardinality(Nullable(String)),
    primary_energy_wh Nullable(Decimal(38, 6)),
    shadow_energy_wh Nullable(Decimal(38, 6)),
    complete Bool,
    compared Bool,
    judged Bool,
    first_received_at DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    last_received_at DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    vendor LowCardinality(String),
    model LowCardinality(String),
    firmware LowCardinality(String),
    detail String CODEC(ZSTD(1)),
    version UInt64,
    ingested_at DateTime('UTC') DEFAULT now() CODEC(Delta(4), ZSTD(1)),
    INDEX by_time first_received_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(first_received_at)
ORDER BY (charger_id, judging_run, session_id)
TTL ingested_at + INTERVAL 396 DAY;

CREATE TABLE IF NOT EXISTS discrepancies
(
    charger_id String,
    code LowCardinality(String),
    judging_run LowCardinality(String),
    id String,
    class LowCardinality(String),
    severity LowCardinality(String),
    evse_id Nullable(Int32),
    connector_id Nullable(Int32),
    session_id Nullable(String),
    path String CODEC(ZSTD(1)),
    primary Nullable(String) CODEC(ZSTD(1)),
    shadow Nullable(String) CODEC(ZSTD(1)),
    delta Nullable(Decimal(38, 6)),
    unit LowCardinality(Nullable(String)),
    frames Array(String) CODEC(ZSTD(1)),
    occurrences UInt64,
    -- The charging station's own clock: shown, never ordered or partitioned by.
    occurred_at Nullable(DateTime64(6, 'UTC')),
    observed_at DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    first_received_at DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    fingerprint String CODEC(ZSTD(1)),
    title String CODEC(ZSTD(1)),
    detail String CODEC(ZSTD(1)),
    -- A discrepancy that later evidence takes back stays, as a newer version that says withdrawn.
    status LowCardinality(String),
    version UInt64,
    vendor LowCardinality(String),
    model LowCardinality(String),
    firmware LowCardinality(String),
    mapper_version LowCardinality(String),
    policy_version LowCardinality(String),
    schema_version LowCardinality(String),
    ingested_at DateTime('UTC') DEFAULT now() CODEC(Delta(4), ZSTD(1)),
    INDEX by_time observed_at TYPE minmax GRANULARITY 1,
    INDEX by_fingerprint fingerprint TYPE bloom_filter GRANULARITY 1,
    INDEX by_session session_id TYPE bloom_filter GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(first_received_at)
ORDER BY (charger_id, code, judging_run, id)
TTL ingested_at + INTERVAL 396 DAY;

-- The tap's accounts, a snapshot per connection, the newest wins: forwarded against mirrored against parsed.
CREATE TABLE IF NOT EXISTS connections
(
    charger_id String,
    connection_id String,
    state LowCardinality(String),
    subprotocol LowCardinality(String),
    compression Bool,
    opened_at DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    closed_at Nullable(DateTime64(6, 'UTC')),
    last_frame_at Nullable(DateTime64(6, 'UTC')),
    bytes_forwarded UInt64,
    bytes_mirrored UInt64,
    bytes_parsed UInt64,
    frames UInt64,
    gaps UInt64,
    -- When the snapshot was taken; it is the version.
    at DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    ingested_at DateTime('UTC') DEFAULT now() CODEC(Delta(4), ZSTD(1))
)
ENGINE = ReplacingMergeTree(at)
PARTITION BY toYYYYMM(opened_at)
ORDER BY (charger_id, connection_id)
TTL ingested_at + INTERVAL 396 DAY;

-- Newest facts per charging station, and how often it was compared: the denominator of every rate.
-- No partitions: first_seen moves back when an older recording is replayed, and the table is as small as the fleet.
CREATE TABLE IF NOT EXISTS chargers
(
    charger_id String,
    judging_run LowCardinality(String),
    vendor LowCardinality(String),
    model LowCardinality(String),
    firmware LowCardinality(String),
    first_seen DateTime64(6, 'UTC'),
    last_seen DateTime64(6, 'UTC'),
    -- Comparisons that were made and judged, with or without a difference.
    comparisons UInt64,
    version UInt64,
    ingested_at DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (charger_id, judging_run);
