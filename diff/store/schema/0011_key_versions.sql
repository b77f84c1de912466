-- The redaction key that a session's token is a pseudonym under: tokens of two versions are never compared. Empty of
-- rows from before.

ALTER TABLE sessions ADD COLUMN IF NOT EXISTS key_version LowCardinality(String);
