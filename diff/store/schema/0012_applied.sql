-- What was published to Kafka and what was lived by a worker, of each connection: the steps of completeness between the
-- tap's frames and the stored ones.

-- By the tap's account. NULL where nothing is published (embedded runtime), and where an older tap gave the account.
ALTER TABLE connections ADD COLUMN IF NOT EXISTS frames_published Nullable(UInt64);

-- Ranges of numbers as workers tell them. They are counted below and kept nowhere: a range that is written again
-- changes nothing there.
CREATE TABLE IF NOT EXISTS applied
(
    charger_id String,
    connection_id String,
    first_seq UInt32,
    last_seq UInt32,
    at DateTime64(6, 'UTC')
)
ENGINE = Null;

-- As frame_counts counts what is stored: sets, minima and maxima, which no repeat changes.
CREATE TABLE IF NOT EXISTS applied_counts
(
    charger_id String,
    connection_id String,
    ingested_at Date,
    seqs AggregateFunction(groupBitmap, UInt32),
    first_seq SimpleAggregateFunction(min, UInt32),
    last_seq SimpleAggregateFunction(max, UInt32),
    last_received_at SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    -- The earliest of all says since when workers tell what they have lived: before, nothing is known of a connection.
    first_told_at SimpleAggregateFunction(min, DateTime('UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (charger_id, connection_id, ingested_at)
TTL ingested_at + INTERVAL 30 DAY;

CREATE MATERIALIZED VIEW IF NOT EXISTS applied_counts_of_applied TO applied_counts AS
SELECT charger_id, connection_id, toDate(now('UTC')) AS ingested_at,
    groupBitmapState(seq) AS seqs,
    min(seq) AS first_seq,
    max(seq) AS last_seq,
    max(at) AS last_received_at,
    now('UTC') AS first_told_at
FROM (SELECT charger_id, connection_id, at, arrayJoin(range(first_seq, toUInt32(last_seq + 1))) AS seq FROM applied)
GROUP BY charger_id, connection_id;
