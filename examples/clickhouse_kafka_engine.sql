-- Discrepancies and frames in tables of your own, read by ClickHouse itself (tried with 26.9) through its Kafka engine.
--
-- Put your brokers in the place of 127.0.0.1:9092, and the setting kafka_topic_prefix before the topics. A secured
-- Kafka is named in the server's configuration (<kafka>), not here. Record types: docs/schemas, rules: docs/topics.md.

CREATE DATABASE IF NOT EXISTS ocpp_shadow;

-- Discrepancies ------------------------------------------------------------------------------------------------------

-- What the topic holds. Times are microseconds, differences are exact decimals in strings; fields that a later release
-- adds are passed over. Records that cannot be read go to the table of errors below and hold nothing up.
CREATE TABLE ocpp_shadow.discrepancies_queue
(
    id String,
    code String,
    class String,
    severity String,
    charger_id String,
    evse_id Nullable(Int32),
    connector_id Nullable(Int32),
    session_id Nullable(String),
    path String,
    primary Nullable(String),
    shadow Nullable(String),
    delta Nullable(String),
    unit Nullable(String),
    frames Array(String),
    occurrences UInt64,
    observed_at Int64,
    first_received_at Int64,
    fingerprint String,
    title String,
    detail String,
    status String,
    version UInt64,
    judging_run String
)
ENGINE = Kafka
SETTINGS
    kafka_broker_list = '127.0.0.1:9092',
    kafka_topic_list = 'ocpp.discrepancies.v1',
    kafka_group_name = 'clickhouse-discrepancies',
    kafka_format = 'JSONEachRow',
    kafka_handle_error_mode = 'stream';

-- A discrepancy comes again with each change: the highest version counts, and FINAL shows only that one. Nothing that a
-- later version may change stands in ORDER BY or PARTITION BY.
CREATE TABLE ocpp_shadow.discrepancies
(
    id String,
    code LowCardinality(String),
    class LowCardinality(String),
    severity LowCardinality(String),
    charger_id String,
    evse_id Nullable(Int32),
    connector_id Nullable(Int32),
    session_id Nullable(String),
    path String,
    primary Nullable(String),
    shadow Nullable(String),
    delta Nullable(Decimal(38, 6)),
    unit Nullable(String),
    frames Array(String),
    occurrences UInt64,
    observed_at DateTime64(6, 'UTC'),
    first_received_at DateTime64(6, 'UTC'),
    fingerprint String,
    title String,
    detail String,
    status LowCardinality(String),
    version UInt64,
    judging_run LowCardinality(String)
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(first_received_at)
ORDER BY (charger_id, code, judging_run, id);

CREATE MATERIALIZED VIEW ocpp_shadow.discrepancies_feed TO ocpp_shadow.discrepancies AS
SELECT
    * EXCEPT (delta, observed_at, first_received_at),
    toDecimal128OrNull(delta, 6) AS delta,
    fromUnixTimestamp64Micro(observed_at, 'UTC') AS observed_at,
    fromUnixTimestamp64Micro(first_received_at, 'UTC') AS first_received_at
FROM ocpp_shadow.discrepancies_queue
WHERE _error = '';

-- Frames -------------------------------------------------------------------------------------------------------------

-- The value is the text as mirrored; who sent it, when and on which connection stands in the headers. Only messages
-- have a text and are taken here. Where the other frames matter (opened, closed, gaps), read the table `frames` that
-- `shadow-csms sink` fills.
CREATE TABLE ocpp_shadow.frames_queue
(
    text String
)
ENGINE = Kafka
SETTINGS
    kafka_broker_list = '127.0.0.1:9092',
    kafka_topic_list = 'ocpp.frames.v1',
    kafka_group_name = 'clickhouse-frames',
    kafka_format = 'RawBLOB',
    kafka_handle_error_mode = 'stream';

-- Delivery is at least once: a frame that comes twice is one row under FINAL.
CREATE TABLE ocpp_shadow.frames
(
    charger_id String,
    connection_id String,
    seq UInt64,
    received_at DateTime64(6, 'UTC'),
    direction LowCardinality(String),
    text String,
    -- What is kept for 30 days counts from here: a recording of last year, replayed today, is not gone at once.
    ingested_at DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (charger_id, connection_id, seq)
TTL ingested_at + INTERVAL 30 DAY;

CREATE MATERIALIZED VIEW ocpp_shadow.frames_feed TO ocpp_shadow.frames AS
WITH mapFromArrays(`_headers.name`, `_headers.value`) AS headers
SELECT
    _key AS charger_id,
    headers['ce_connection'] AS connection_id,
    toUInt64OrZero(headers['ce_sequence']) AS seq,
    parseDateTime64BestEffort(headers['ce_time'], 6, 'UTC') AS received_at,
    headers['ce_direction'] AS direction,
    text
FROM ocpp_shadow.frames_queue
WHERE _error = '' AND headers['ce_type'] = 'ocpp.frame.message.v1';

-- Errors -------------------------------------------------------------------------------------------------------------

-- What could not be read, and where it lies: `shadow-csms deadletter replay TOPIC/PARTITION/OFFSET` takes such a place.
CREATE TABLE ocpp_shadow.errors
(
    at DateTime('UTC') DEFAULT now(),
    topic LowCardinality(String),
    partition UInt64,
    offset UInt64,
    error String,
    size UInt64
)
ENGINE = MergeTree
ORDER BY (topic, partition, offset)
TTL at + INTERVAL 30 DAY;

CREATE MATERIALIZED VIEW ocpp_shadow.discrepancies_errors TO ocpp_shadow.errors AS
SELECT _topic AS topic, _partition AS partition, _offset AS offset, _error AS error, length(_raw_message) AS size
FROM ocpp_shadow.discrepancies_queue
WHERE _error != '';

CREATE MATERIALIZED VIEW ocpp_shadow.frames_errors TO ocpp_shadow.errors AS
SELECT _topic AS topic, _partition AS partition, _offset AS offset, _error AS error, length(_raw_message) AS size
FROM ocpp_shadow.frames_queue
WHERE _error != '' AND length(_raw_message) > 0;

-- And then, for example: SELECT code, count() FROM ocpp_shadow.discrepancies FINAL WHERE status = 'open' GROUP BY code;
