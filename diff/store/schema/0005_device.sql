-- What was observed of the charging stations' device models: of each name the newest, by the tap's clock.
--
-- No partitions, as of `chargers`: `at` is the version and moves with every fact, and versions in different partitions
-- never merge. Nothing expires: a fact is written when it changes, so that a key that stays as it is for years would be
-- gone while the station still has it. The table is as small as the fleet times what a station has to say.
CREATE TABLE IF NOT EXISTS device_facts
(
    charger_id String,
    -- What it is taken from, and so what the name is: key, boot, variable ...
    source LowCardinality(String),
    -- The 1.6 connector; -1 where it is about none, because a key does better without NULL.
    connector_id Int32,
    name String CODEC(ZSTD(1)),
    -- NULL where it is not known, or a secret.
    value Nullable(String) CODEC(ZSTD(1)),
    at DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    frame_id String CODEC(ZSTD(1)),
    detail Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ingested_at DateTime('UTC') DEFAULT now() CODEC(Delta(4), ZSTD(1))
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (charger_id, source, connector_id, name);
