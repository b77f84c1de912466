-- Frames judged anew under another policy, mapper or configuration: runs beside the live one. The judged rows of all of
-- them stand in `sessions` and `discrepancies`, told apart by judging_run, and which of them counts is said here.
-- Two tables as small as what people have said; nothing of them expires.

CREATE TABLE IF NOT EXISTS judging_runs
(
    name String,
    -- What was judged: rows whose first evidence came in [since, until).
    since DateTime64(6, 'UTC'),
    until DateTime64(6, 'UTC'),
    -- Empty: all charging stations.
    only Array(String),
    policy_version String,
    mapper_version String,
    schema_version String,
    -- Of everything else that decides what the shadow believes.
    config_digest String,
    -- The newest frame that was lived.
    lived_until DateTime64(6, 'UTC'),
    chargers UInt64,
    frames UInt64,
    sessions UInt64,
    discrepancies UInt64,
    faults UInt64,
    finished Bool,
    dropped Bool,
    said_by String,
    -- When it was judged last; it is the version.
    at DateTime64(6, 'UTC'),
    ingested_at DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree(at)
ORDER BY name;

-- Which run is current, as people decided it: of decisions about the same time the latest counts, and where nobody
-- decided it is the live one. Never deleted: what counted when can be told afterwards.
CREATE TABLE IF NOT EXISTS current_runs
(
    at DateTime64(6, 'UTC'),
    run String,
    since DateTime64(6, 'UTC'),
    until DateTime64(6, 'UTC'),
    said_by String,
    ingested_at DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree
ORDER BY (at, run, since, until);
