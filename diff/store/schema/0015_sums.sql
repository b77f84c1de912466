-- How new the judged tables are and how often they were written to, by run. Every open page asks for it every few seconds,
-- and reading ten million rows for it took a quarter of a second of the engine each time.
--
-- `written` is a figure that moves, as in `discrepancy_writes`: rows with their repeats, and those that were removed since.
CREATE TABLE IF NOT EXISTS judged_writes
(
    source LowCardinality(String),
    judging_run LowCardinality(String),
    -- False: what 2.0.1 cannot say, which no page counts.
    counts Bool,
    written SimpleAggregateFunction(sum, UInt64),
    newest SimpleAggregateFunction(max, DateTime64(6, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (source, judging_run, counts);

CREATE MATERIALIZED VIEW IF NOT EXISTS judged_writes_of_discrepancies TO judged_writes AS
SELECT 'discrepancies' AS source, judging_run, class != 'expected-loss' AS counts,
    count() AS written, max(observed_at) AS newest
FROM discrepancies GROUP BY judging_run, counts;

CREATE MATERIALIZED VIEW IF NOT EXISTS judged_writes_of_sessions TO judged_writes AS
SELECT 'sessions' AS source, judging_run, true AS counts, count() AS written, max(last_received_at) AS newest
FROM sessions GROUP BY judging_run;

INSERT INTO judged_writes
SELECT 'discrepancies' AS source, judging_run, class != 'expected-loss' AS counts,
    count() AS written, max(observed_at) AS newest
FROM discrepancies GROUP BY judging_run, counts;

INSERT INTO judged_writes
SELECT 'sessions' AS source, judging_run, true AS counts, count() AS written, max(last_received_at) AS newest
FROM sessions GROUP BY judging_run;

-- Sums of discrepancies anew, with how many began on each day of their week, and in granules so small that one fingerprint
-- can be read without the sets of all others (two kilobytes a row). They are made again by themselves.
DROP TABLE IF EXISTS discrepancy_weeks;

CREATE TABLE IF NOT EXISTS discrepancy_weeks
(
    judging_run LowCardinality(String),
    week Date,
    made UInt64,
    fingerprint_key UInt64,
    status LowCardinality(String),
    severity LowCardinality(String),
    class LowCardinality(String),
    fingerprint String CODEC(ZSTD(1)),
    title String CODEC(ZSTD(1)),
    code LowCardinality(String),
    path String CODEC(ZSTD(1)),
    vendor LowCardinality(String),
    model LowCardinality(String),
    firmware LowCardinality(String),
    unit LowCardinality(Nullable(String)),
    row_count UInt64,
    occurrences UInt64,
    first_received_at DateTime64(6, 'UTC'),
    observed_at DateTime64(6, 'UTC'),
    -- Sums over the rows that have a difference; NULL where none has. `magnitude`: without the signs, in Wh alone.
    delta Nullable(Decimal(38, 6)),
    magnitude Nullable(Decimal(38, 6)),
    more Nullable(Decimal(38, 6)),
    less Nullable(Decimal(38, 6)),
    largest Nullable(Decimal(38, 6)),
    unknown UInt64,
    -- Days since 1970 on which it was first or last seen.
    days Array(UInt32),
    -- How many were first seen on Monday, Tuesday, …: always seven numbers.
    begun Array(UInt64),
    chargers AggregateFunction(uniqExact, UInt64),
    -- With 0 where a row belongs to no session: `sessionless` says whether it is among them.
    sessions AggregateFunction(uniqExact, UInt64),
    sessionless Bool,
    ingested_at DateTime('UTC') DEFAULT now()
)
ENGINE = MergeTree
PARTITION BY week
ORDER BY (week, made, judging_run, fingerprint_key, status)
TTL ingested_at + INTERVAL 396 DAY
SETTINGS index_granularity = 512;

TRUNCATE TABLE IF EXISTS summarised_weeks;

-- The same for sessions: how many of each kind of charging station ended on each day, the denominators of every rate.
CREATE TABLE IF NOT EXISTS session_writes
(
    week Date,
    written SimpleAggregateFunction(sum, UInt64),
    last SimpleAggregateFunction(max, DateTime('UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY week;

CREATE MATERIALIZED VIEW IF NOT EXISTS session_writes_of_sessions TO session_writes AS
SELECT toMonday(first_received_at) AS week, count() AS written, max(now('UTC')) AS last
FROM sessions GROUP BY week;

INSERT INTO session_writes
SELECT toMonday(first_received_at) AS week, count() AS written, max(ingested_at) AS last
FROM sessions GROUP BY week;

CREATE TABLE IF NOT EXISTS session_weeks
(
    judging_run LowCardinality(String),
    week Date,
    made UInt64,
    vendor LowCardinality(String),
    model LowCardinality(String),
    firmware LowCardinality(String),
    -- Days since 1970 by their newest evidence.
    day UInt32,
    -- Of those that hold: all, the judged ones, and of these the compared and the complete ones.
    total UInt64,
    judged_count UInt64,
    compared_count UInt64,
    complete_count UInt64,
    ingested_at DateTime('UTC') DEFAULT now()
)
ENGINE = MergeTree
PARTITION BY week
ORDER BY (week, made, judging_run, vendor, model, firmware, day)
TTL ingested_at + INTERVAL 396 DAY;

CREATE TABLE IF NOT EXISTS summarised_session_weeks
(
    week Date,
    made UInt64,
    written UInt64,
    -- When the last evidence of its sessions came.
    observed UInt64,
    quiet Bool
)
ENGINE = ReplacingMergeTree(made)
ORDER BY week;
