-- The billing record of a session, and what the session costs for either side under the record's tariff. Rows from
-- before have none.

ALTER TABLE sessions ADD COLUMN IF NOT EXISTS record_id Nullable(String) CODEC(ZSTD(1));
ALTER TABLE sessions ADD COLUMN IF NOT EXISTS record_energy_wh Nullable(Decimal(38, 6));
-- With VAT where the record says it, else without; `record_currency` is that of all three amounts.
ALTER TABLE sessions ADD COLUMN IF NOT EXISTS record_amount Nullable(Decimal(38, 6));
ALTER TABLE sessions ADD COLUMN IF NOT EXISTS record_currency LowCardinality(Nullable(String));
ALTER TABLE sessions ADD COLUMN IF NOT EXISTS shadow_amount Nullable(Decimal(38, 6));
-- shadow_amount less what the record's own energy and times cost under the same tariff.
ALTER TABLE sessions ADD COLUMN IF NOT EXISTS amount_delta Nullable(Decimal(38, 6));
