-- What people changed, and who: the audit trail of the pages. The rules of 0001_evidence.sql hold. Never deleted.

CREATE TABLE IF NOT EXISTS changes
(
    id String,
    at DateTime64(6, 'UTC'),
    said_by String,
    -- What the one who said it was allowed to: approver.
    role LowCardinality(String),
    -- acknowledge, renew, revoke, enrol, remove, switch off, switch on.
    action LowCardinality(String),
    -- The fingerprint, the charging station or glob, or what else was changed.
    subject String,
    -- JSON of what held before, empty where nothing did, and of what was said.
    before String CODEC(ZSTD(1)),
    after String CODEC(ZSTD(1)),
    reason String CODEC(ZSTD(1)),
    -- Where it was said: page, command line.
    way LowCardinality(String),
    ingested_at DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (id, at);
