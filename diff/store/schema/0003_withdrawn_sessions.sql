-- A session that judging again in canonical order does not know is withdrawn, as a discrepancy is: a newer version of
-- its row says so, and queries pass over it.

ALTER TABLE sessions ADD COLUMN IF NOT EXISTS status LowCardinality(String) DEFAULT 'open';
