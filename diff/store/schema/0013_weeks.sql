-- Sessions and discrepancies in weeks instead of months. A partition that is one part is read without merging versions;
-- the newest one never is while a fleet is live, and merging a month of a large fleet took half of every page's time.
--
-- Every statement can be repeated, wherever the one before it was cut off: what an earlier attempt left in `…_monthly`
-- is brought home first. Rows that are written meanwhile are copied by the last INSERT of each table.

CREATE TABLE IF NOT EXISTS sessions_monthly AS sessions;

INSERT INTO sessions SELECT * FROM sessions_monthly;

DROP TABLE sessions_monthly;

CREATE TABLE IF NOT EXISTS sessions_weekly AS sessions
ENGINE = ReplacingMergeTree(version)
PARTITION BY toMonday(first_received_at)
ORDER BY (charger_id, judging_run, session_id)
TTL ingested_at + INTERVAL 396 DAY
SETTINGS min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1;

INSERT INTO sessions_weekly SELECT * FROM sessions;

RENAME TABLE sessions TO sessions_monthly, sessions_weekly TO sessions;

INSERT INTO sessions SELECT * FROM sessions_monthly WHERE ingested_at >= now() - INTERVAL 1 DAY;

DROP TABLE sessions_monthly;

CREATE TABLE IF NOT EXISTS discrepancies_monthly AS discrepancies;

INSERT INTO discrepancies SELECT * FROM discrepancies_monthly;

DROP TABLE discrepancies_monthly;

CREATE TABLE IF NOT EXISTS discrepancies_weekly AS discrepancies
ENGINE = ReplacingMergeTree(version)
PARTITION BY toMonday(first_received_at)
ORDER BY (charger_id, code, judging_run, id)
TTL ingested_at + INTERVAL 396 DAY
SETTINGS min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1;

INSERT INTO discrepancies_weekly SELECT * FROM discrepancies;

DROP VIEW IF EXISTS fingerprints_of_discrepancies;

-- Of a later migration, where this one is carried out again.
DROP VIEW IF EXISTS discrepancy_writes_of_discrepancies;

RENAME TABLE discrepancies TO discrepancies_monthly, discrepancies_weekly TO discrepancies;

CREATE MATERIALIZED VIEW IF NOT EXISTS fingerprints_of_discrepancies TO fingerprints AS
SELECT sipHash64(fingerprint) AS fingerprint_key, fingerprint, any(title) AS title,
    max(ingested_at) AS ingested_at
FROM discrepancies GROUP BY fingerprint_key, fingerprint;

INSERT INTO discrepancies SELECT * FROM discrepancies_monthly WHERE ingested_at >= now() - INTERVAL 1 DAY;

DROP TABLE discrepancies_monthly;
