-- What people say about what was found, and what the gates said of a cohort. The rules of 0001_evidence.sql hold.

-- Every version is a row of its own, the newest of an id counts: who acknowledged what, who renewed and who revoked it
-- can be told afterwards, and a verdict about an earlier time is given with what was acknowledged then. Never deleted.
CREATE TABLE IF NOT EXISTS acknowledgements
(
    -- Of the scope: what is said again of the same scope has the same id.
    id String,
    at DateTime64(6, 'UTC'),
    fingerprint String,
    -- Empty means any.
    vendor String,
    model String,
    firmware String,
    charger String,
    reason String CODEC(ZSTD(1)),
    owner String,
    expires DateTime64(6, 'UTC'),
    said_by String,
    revoked Bool,
    ingested_at DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (id, at);

-- The same frames lived again: what the noise gate reads.
CREATE TABLE IF NOT EXISTS noise_runs
(
    id String,
    at DateTime64(6, 'UTC'),
    mapper_version LowCardinality(String),
    policy_version LowCardinality(String),
    schema_version LowCardinality(String),
    source String CODEC(ZSTD(1)),
    frames UInt64,
    chargers UInt64,
    sessions UInt64,
    discrepancies UInt64,
    differences UInt64,
    -- The first difference in words, with ids and names of fields and without values.
    first String CODEC(ZSTD(1)),
    ingested_at DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY id
TTL ingested_at + INTERVAL 396 DAY;

-- Verdicts by cohort and the time that they are about. Asked again about the same time, the later answer counts.
CREATE TABLE IF NOT EXISTS verdicts
(
    cohort String,
    at DateTime64(6, 'UTC'),
    outcome LowCardinality(String),
    -- The first gate that says so, empty beside GO.
    first LowCardinality(String),
    because String CODEC(ZSTD(1)),
    change String CODEC(ZSTD(1)),
    chargers UInt64,
    sessions UInt64,
    mapper_version LowCardinality(String),
    thresholds_version LowCardinality(String),
    -- JSON: the thresholds as they were in force. They stay in force where the file is broken the next time.
    thresholds String CODEC(ZSTD(3)),
    -- JSON: every gate with its numbers, and the trend.
    detail String CODEC(ZSTD(3)),
    decided_at DateTime64(6, 'UTC'),
    ingested_at DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree(decided_at)
PARTITION BY toYYYYMM(at)
ORDER BY (cohort, at)
TTL ingested_at + INTERVAL 396 DAY;
