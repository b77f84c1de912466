-- What pages ask of all discrepancies, summed up by week: ten million rows are a few ten thousand here.
--
-- A summary counts while nothing was written to its week since it was made (`discrepancy_writes` tells); the other weeks
-- are read row by row. So it is never wrong, only sometimes absent. Of a large week that is being written to there is
-- one, too, which counts for a moment, where a page asks that may be so old.

-- How often each week was written to. A sum that moves, nothing else: a repeated row moves it, too.
CREATE TABLE IF NOT EXISTS discrepancy_writes
(
    week Date,
    written SimpleAggregateFunction(sum, UInt64),
    last SimpleAggregateFunction(max, DateTime('UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY week;

CREATE MATERIALIZED VIEW IF NOT EXISTS discrepancy_writes_of_discrepancies TO discrepancy_writes AS
SELECT toMonday(first_received_at) AS week, count() AS written, max(now('UTC')) AS last
FROM discrepancies GROUP BY week;

INSERT INTO discrepancy_writes
SELECT toMonday(first_received_at) AS week, count() AS written, max(ingested_at) AS last
FROM discrepancies GROUP BY week;

-- The newest versions of a week's rows, by what they are grouped and filtered by. Sets are exact.
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
    chargers AggregateFunction(uniqExact, UInt64),
    -- With 0 where a row belongs to no session: `sessionless` says whether it is among them.
    sessions AggregateFunction(uniqExact, UInt64),
    sessionless Bool,
    ingested_at DateTime('UTC') DEFAULT now()
)
ENGINE = MergeTree
PARTITION BY week
ORDER BY (week, made, judging_run, fingerprint_key, status)
TTL ingested_at + INTERVAL 396 DAY;

-- Open faults by charging station and severity, likewise.
CREATE TABLE IF NOT EXISTS charger_weeks
(
    judging_run LowCardinality(String),
    week Date,
    made UInt64,
    charger_id String,
    critical UInt64,
    major UInt64,
    minor UInt64,
    info UInt64,
    ingested_at DateTime('UTC') DEFAULT now()
)
ENGINE = MergeTree
PARTITION BY week
ORDER BY (week, made, judging_run, charger_id)
TTL ingested_at + INTERVAL 396 DAY;

-- Which summary of a week is the last one, and what `discrepancy_writes` said before it was begun.
CREATE TABLE IF NOT EXISTS summarised_weeks
(
    week Date,
    made UInt64,
    written UInt64,
    -- When the last evidence of its discrepancies came.
    observed UInt64,
    -- Nothing was being written to it; otherwise the count of writes proves nothing.
    quiet Bool
)
ENGINE = ReplacingMergeTree(made)
ORDER BY week;

-- Nobody asks any more how many messages there are: counting them was most of what a page took.
DROP VIEW IF EXISTS message_counts_of_messages;

DROP TABLE IF EXISTS message_counts;
