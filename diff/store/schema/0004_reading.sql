-- What makes reading fast at ten million discrepancies and a hundred million frames (docs/sizing.md has the figures).

-- Frames per connection and day of storing. Every part of it is a set or a maximum, so that a frame that is written
-- again changes nothing: a sum would count it twice. The bitmaps hold numbers of frames, which stand close together. A day goes as a whole,
-- up to a day before the last of its frames.
CREATE TABLE IF NOT EXISTS frame_counts
(
    charger_id String,
    connection_id String,
    ingested_at Date,
    seqs AggregateFunction(groupBitmap, UInt32),
    gaps AggregateFunction(groupBitmap, UInt32),
    last_received_at SimpleAggregateFunction(max, DateTime64(6, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (charger_id, connection_id, ingested_at)
TTL ingested_at + INTERVAL 30 DAY;

CREATE MATERIALIZED VIEW IF NOT EXISTS frame_counts_of_frames TO frame_counts AS
SELECT charger_id, connection_id, toDate(ingested_at) AS ingested_at,
    groupBitmapState(toUInt32(seq)) AS seqs,
    groupBitmapStateIf(toUInt32(seq), kind = 'gap') AS gaps,
    max(received_at) AS last_received_at
FROM frames GROUP BY charger_id, connection_id, ingested_at;

-- Messages per charging station, run, and the month that they were sent in, which a message never changes. They are
-- numbered in the order of sending; a state that was lost begins its numbers anew, hence the month.
CREATE TABLE IF NOT EXISTS message_counts
(
    charger_id String,
    judging_run LowCardinality(String),
    month UInt32,
    ingested_at Date,
    numbers AggregateFunction(groupBitmap, UInt32)
)
ENGINE = AggregatingMergeTree
ORDER BY (judging_run, charger_id, month, ingested_at)
TTL ingested_at + INTERVAL 30 DAY;

CREATE MATERIALIZED VIEW IF NOT EXISTS message_counts_of_messages TO message_counts AS
SELECT charger_id, judging_run, toYYYYMM(at) AS month, toDate(ingested_at) AS ingested_at,
    groupBitmapState(toUInt32(number)) AS numbers
FROM messages GROUP BY charger_id, judging_run, month, ingested_at;

-- The title of a fingerprint follows from the fingerprint: kept once, not read from each of its discrepancies.
CREATE TABLE IF NOT EXISTS fingerprints
(
    fingerprint_key UInt64,
    fingerprint String,
    title String CODEC(ZSTD(1)),
    ingested_at DateTime('UTC')
)
ENGINE = ReplacingMergeTree(ingested_at)
ORDER BY (fingerprint_key, fingerprint)
TTL ingested_at + INTERVAL 396 DAY;

CREATE MATERIALIZED VIEW IF NOT EXISTS fingerprints_of_discrepancies TO fingerprints AS
SELECT sipHash64(fingerprint) AS fingerprint_key, fingerprint, any(title) AS title,
    max(ingested_at) AS ingested_at
FROM discrepancies GROUP BY fingerprint_key, fingerprint;

-- Numbers in the place of texts: counting distinct ones is most of what the pages ask for, and four times as fast.
ALTER TABLE discrepancies ADD COLUMN IF NOT EXISTS charger_key UInt64 MATERIALIZED sipHash64(charger_id);

ALTER TABLE discrepancies ADD COLUMN IF NOT EXISTS fingerprint_key UInt64 MATERIALIZED sipHash64(fingerprint);

-- 0 where there is no session.
ALTER TABLE discrepancies ADD COLUMN IF NOT EXISTS session_key UInt64
    MATERIALIZED if(session_id IS NULL, 0, sipHash64(assumeNotNull(session_id)));

ALTER TABLE sessions ADD INDEX IF NOT EXISTS by_session session_id TYPE bloom_filter GRANULARITY 1;

-- A month that nothing was written to for an hour is merged into one part, which FINAL then need not merge.
ALTER TABLE discrepancies MODIFY SETTING min_age_to_force_merge_seconds = 3600,
    min_age_to_force_merge_on_partition_only = 1;

ALTER TABLE sessions MODIFY SETTING min_age_to_force_merge_seconds = 3600,
    min_age_to_force_merge_on_partition_only = 1;

-- What is stored already. All of it may be repeated, for the reason above.
INSERT INTO frame_counts
SELECT charger_id, connection_id, toDate(ingested_at) AS ingested_at,
    groupBitmapState(toUInt32(seq)) AS seqs,
    groupBitmapStateIf(toUInt32(seq), kind = 'gap') AS gaps,
    max(received_at) AS last_received_at
FROM frames GROUP BY charger_id, connection_id, ingested_at;

INSERT INTO message_counts
SELECT charger_id, judging_run, toYYYYMM(at) AS month, toDate(ingested_at) AS ingested_at,
    groupBitmapState(toUInt32(number)) AS numbers
FROM messages GROUP BY charger_id, judging_run, month, ingested_at;

INSERT INTO fingerprints
SELECT sipHash64(fingerprint) AS fingerprint_key, fingerprint, any(title) AS title,
    max(ingested_at) AS ingested_at
FROM discrepancies GROUP BY fingerprint_key, fingerprint;

ALTER TABLE discrepancies MATERIALIZE COLUMN charger_key;

ALTER TABLE discrepancies MATERIALIZE COLUMN fingerprint_key;

ALTER TABLE discrepancies MATERIALIZE COLUMN session_key;

ALTER TABLE sessions MATERIALIZE INDEX by_session;
