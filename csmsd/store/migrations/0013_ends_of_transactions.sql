-- `named`: the charge point has used the transaction's id in MeterValues, so it knows it. `revision`: how often it has
-- been booked; one that was given up, and ended after all, had been booked before.
ALTER TABLE transactions ADD COLUMN named INTEGER NOT NULL DEFAULT 0;
ALTER TABLE transactions ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
UPDATE transactions SET revision = 1 WHERE state <> 'active';
UPDATE transactions SET revision = 2
WHERE state IN ('stopped', 'closed')
    AND EXISTS (
        SELECT 1 FROM json_each(flags) WHERE value LIKE 'abandoned\_for:%' ESCAPE '\' OR value = 'charge_point_removed'
    );

-- What could not be booked stays on the list until somebody has seen to it.
ALTER TABLE quarantine ADD COLUMN settled_at INTEGER;
ALTER TABLE quarantine ADD COLUMN settlement TEXT;

-- Readings that are sent again are found by their time, whether they belong to a transaction or not.
DROP INDEX meter_value_of_transaction;
CREATE INDEX meter_value_by_time ON meter_value (transaction_id, time);
